import { provideRedis } from "./redis-server.ts";

/** Before the tests of Redis, once: what they need is there, or they fail by this. */
export function setup(): void {
  provideRedis();
}
