import { afterAll, beforeAll } from "vitest";
import { describeStoppedHolders } from "../leases/stopped-holder.ts";
import { type RedisServer, startRedis } from "./redis-server.ts";

let server: RedisServer;

beforeAll(async () => {
  server = await startRedis();
});
afterAll(() => server.stop());

describeStoppedHolders("a Redis server", () => server.url);
