import { redisLeases } from "@lanekeeper/redis";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type RedisServer, startRedis } from "./redis-server.ts";

const ttlMs = 60_000;
let server: RedisServer;
let leases: ReturnType<typeof redisLeases>;

beforeEach(async () => {
  server = await startRedis();
  leases = redisLeases({ url: server.url, prefix: "p:" });
});
afterEach(async () => {
  await leases.close();
  await server.stop();
});

async function take(owner: string): Promise<bigint> {
  const answer = await leases.acquire("lock", owner, ttlMs);
  expect(answer).toMatchObject({ acquired: true });
  return (answer as { token: bigint }).token;
}

/** What the key of a name says: until when it is held (0: it is free), and its last token. */
async function read(key: string): Promise<unknown> {
  const script =
    "local _, ends, token = struct.unpack('>c4dd', redis.call('GET', KEYS[1])) return {ends, token}";
  return server.command("EVAL", script, "1", key);
}

it("B52 gives a larger token after FLUSHALL, and after the key is gone", async () => {
  const tokens = [await take("one")];
  await server.command("FLUSHALL");
  tokens.push(await take("two"));
  await server.command("DEL", "p:lock");
  tokens.push(await take("three"));
  expect(tokens).toEqual([...new Set(tokens)].toSorted((a, b) => (a < b ? -1 : 1)));
});

it("B52 gives a larger token where the server came back without what it did last", async () => {
  await take("one");
  await leases.release("lock", "one");
  await server.command("SAVE");
  const lost = await take("two");
  await leases.release("lock", "two");
  const lostToo = await take("three");
  expect(lostToo).toBeGreaterThan(lost);
  await server.kill();
  await server.restart();
  expect(await leases.renew("lock", "three", lostToo, ttlMs)).toBe(false);
  expect(await take("four")).toBeGreaterThan(lostToo);
});

it("B52 counts on from the last token where the server's clock was set back", async () => {
  const ahead = 8_000_000_000_000_000n;
  const script = "redis.call('SET', KEYS[1], struct.pack('>c4dd', 'LKL1', 0, tonumber(ARGV[1])))";
  await server.command("EVAL", script, "1", "p:lock", String(ahead));
  expect(await take("one")).toBe(ahead + 1n);
  await leases.release("lock", "one");
  expect(await take("two")).toBe(ahead + 2n);
});

it("keeps a name's last token for a month after its lease, and nothing for ever", async () => {
  const token = await take("one");
  await leases.release("lock", "one", token);
  expect(await read("p:lock")).toEqual([0, Number(token)]);
  expect(await server.command("GET", "p:lock")).toMatch(/^LKL1/);
  const days = Number(await server.command("PTTL", "p:lock")) / 86_400_000;
  expect(Math.round(days)).toBe(30);
});
