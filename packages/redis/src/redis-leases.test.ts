import { ConnectionTimeoutError } from "@redis/client";
import type { Clock } from "lanekeeper/ports";
import { inspect } from "node:util";
import { expect, it } from "vitest";
import { NoAnswer, stepFailure } from "./redis-failure.ts";
import type { RedisClientLike } from "./redis-connection.ts";
import { redisLeases, type RedisLeasesOptions } from "./redis-leases.ts";

const settings = { RESP: 3, commandOptions: { timeout: 0 } } as const;
const url = "redis://127.0.0.1:1";
const client: RedisClientLike = {
  duplicate: () => ({
    connect: () => expect.fail("a connection was opened"),
    sendCommand: async () => undefined,
    subscribe: async () => {},
    unsubscribe: async () => {},
    on: () => undefined,
    destroy: () => {},
  }),
};

/** What a call throws. */
function expectRefusal(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return expect.fail("nothing was refused");
}

it.for<[string, RedisLeasesOptions]>([
  ["url", {}],
  ["url", { url, client }],
  ["url", { url: "http://localhost" }],
  ["url", { url: "nonsense" }],
  ["prefix", { url, prefix: 7 as unknown as string }],
  ["timeoutMs", { url, timeoutMs: 0 }],
  ["clock", { url, clock: { now: () => 1 } as unknown as Clock }],
  ["random", { url, random: 1 as unknown as () => number }],
  ["timeoutMs", { url, timeoutMs: 2 ** 31 }],
  ["timeoutMs", { url, timeoutMs: Number.NaN }],
  ["url", { url: "" }],
  ["url", { url: null as unknown as string }],
  ["url", { url: 7 as unknown as string }],
  ["client", { client: {} as RedisClientLike }],
  ["client", { client: null as unknown as RedisClientLike }],
  ["client", { client: 7 as unknown as RedisClientLike }],
  ["client", { client: { duplicate: () => ({}) } as unknown as RedisClientLike }],
  ["client", { client: { duplicate: () => null } as unknown as RedisClientLike }],
  [
    "client",
    { client: { ...client, duplicate: () => ({ ...client.duplicate(settings), destroy: 1 }) } as never },
  ],
  [
    "client",
    {
      client: {
        duplicate: () => {
          throw new Error("secret");
        },
      },
    },
  ],
  ["uri", { url, uri: url } as RedisLeasesOptions],
  ["options", undefined as unknown as RedisLeasesOptions],
])("refuses what cannot be: %s in %o", ([option, options]) => {
  expect(() => redisLeases(options)).toThrow(
    expect.objectContaining({ code: "INVALID_OPTION", details: expect.objectContaining({ option }) }),
  );
});

it.for([
  { url: "http://:secret@localhost" },
  { url: "redis://:se cret@local host:x" },
  { url: "secret" },
  { uri: "redis://:secret@localhost" },
  { client: { options: { password: "secret" } } },
])("shows no password in what it refuses: %o", (options) => {
  const refused = expectRefusal(() => redisLeases(options as unknown as RedisLeasesOptions));
  expect(inspect(refused, { depth: 9 })).not.toContain("cret");
});

it("names an unknown option, and those that are known", () => {
  expect(() => redisLeases({ url, timeout: 5 } as RedisLeasesOptions)).toThrow(
    "Unknown option timeout of redisLeases. Known: url, client, prefix, timeoutMs, clock, random. Remove it",
  );
});

it.for([
  [new Error("OOM command not allowed."), "OOM command not allowed. The server is out of memory: raise"],
  [
    new Error("LOADING Redis is loading"),
    "LOADING Redis is loading. Look into the server's log, and try again.",
  ],
  [new NoAnswer(50), "no answer within 50 ms. See whether the server is overloaded"],
  [
    new Error("ERR DB index is out of range"),
    "ERR DB index is out of range. Give the number of a database that the server has at the end of the url",
  ],
  [Object.assign(new Error(), { code: "ECONNREFUSED" }), "ECONNREFUSED. See that the server runs"],
] as const)("says what failed and what to do: %s", ([cause, message]) => {
  expect(stepFailure("acquire a lease", cause).message).toContain(
    `Redis could not acquire a lease: ${message}`,
  );
});

it("says what a url and a client are to be", () => {
  expect(() => redisLeases({ url: "" })).toThrow(
    'The option url of redisLeases must be redis[s]://[[user][:password]@][host][:port][/database]; got "".',
  );
  expect(() => redisLeases({ client: null as unknown as RedisClientLike })).toThrow(
    "The option client of redisLeases must be a client of node-redis, which has duplicate(); got null.",
  );
});

it("says of a server that does not answer the first connection that TLS may be why", () => {
  for (const cause of [new NoAnswer(50), new ConnectionTimeoutError()]) {
    const { message, details } = stepFailure("acquire a lease", cause, { isConnecting: true });
    expect(message).toContain("rediss:// is for servers with TLS only");
    expect(details).toMatchObject({ reason: "timeout" });
  }
});

it("opens no connection before it is asked, and none to close", async () => {
  await expect(redisLeases({ client }).close()).resolves.toBeUndefined();
});
