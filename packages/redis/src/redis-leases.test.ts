import { inspect } from "node:util";
import { expect, it } from "vitest";
import { NoAnswer, stepFailure } from "./redis-failure.ts";
import { redisLeases, type RedisLeasesOptions } from "./redis-leases.ts";

const url = "redis://127.0.0.1:1";
const client = { duplicate: () => expect.fail("a connection was opened") };

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
  ["timeoutMs", { url, timeoutMs: 2 ** 31 }],
  ["timeoutMs", { url, timeoutMs: Number.NaN }],
  ["client", { client: {} as typeof client }],
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
  [Object.assign(new Error(), { code: "ECONNREFUSED" }), "ECONNREFUSED. See that the server runs"],
] as const)("says what failed and what to do: %s", ([cause, message]) => {
  expect(stepFailure("acquire a lease", cause).message).toContain(
    `Redis could not acquire a lease: ${message}`,
  );
});

it("opens no connection before it is asked, and none to close", async () => {
  await expect(redisLeases({ client }).close()).resolves.toBeUndefined();
});
