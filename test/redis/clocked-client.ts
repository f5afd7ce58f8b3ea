import { createClient } from "@redis/client";
import type { RedisClientLike, RedisConnection } from "@lanekeeper/redis";
import type { SimulatedClock } from "lanekeeper/simulated-clock";

/**
 * A client whose scripts read a simulated clock where they ask the server for the time, and are otherwise what the server
 * runs for everybody.
 */
export function clockedClient(url: string, clock: SimulatedClock): RedisClientLike {
  const setTime = (script: string): string => {
    const micros = Math.round(clock.monotonic() * 1000);
    return script.replace("redis.call('TIME')", `{${Math.floor(micros / 1e6)}, ${micros % 1e6}}`);
  };
  return {
    duplicate(overrides) {
      const client: RedisConnection = createClient({ url, ...overrides });
      return {
        connect: () => client.connect(),
        subscribe: (channel, listener) => client.subscribe(channel, listener),
        unsubscribe: (channel, listener) => client.unsubscribe(channel, listener),
        on: (event, listener) => client.on(event, listener),
        destroy: () => client.destroy(),
        async sendCommand([command = "", script = "", ...rest]) {
          // No script is known by its digest: each is sent anew, with the time in it.
          if (command === "EVALSHA") throw new Error("NOSCRIPT No matching script.");
          return client.sendCommand([command, setTime(script), ...rest]);
        },
      };
    },
  };
}
