import { expect, it } from "vitest";
import { redisLeases, type RedisLeasesOptions } from "./redis-leases.ts";

const url = "redis://127.0.0.1:1";
const client = { duplicate: () => expect.fail("a connection was opened") };

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
])("refuses what cannot be: %s in %o", ([option, options]) => {
  expect(() => redisLeases(options)).toThrow(
    expect.objectContaining({ code: "INVALID_OPTION", details: expect.objectContaining({ option }) }),
  );
});

it("shows no password in what it refuses", () => {
  expect(() => redisLeases({ url: "http://:secret@localhost" })).toThrow(
    expect.objectContaining({ message: expect.not.stringContaining("secret") }),
  );
});

it("opens no connection before it is asked, and none to close", async () => {
  await expect(redisLeases({ client }).close()).resolves.toBeUndefined();
});
