import { randomUUID } from "node:crypto";
import { redisLeases } from "@lanekeeper/redis";
import { createClient } from "@redis/client";
import type { LeaseStore } from "lanekeeper/ports";
import { readOptions } from "../../.tools/read-options.ts";
import { collectGarbage } from "./garbage.ts";
import { provideRedis, startRedis } from "../redis/redis-server.ts";
import { median } from "./rounds.ts";

const help = `Usage: npm run bench:locks

What a lock costs on Redis beside the bare commands people write by hand, with the same client on the same server, and how
soon a waiter elsewhere hears of a release.

  --help  this text
`;
readOptions({}, help);

const ttlMs = 60_000;
const rounds = 30;
const pairs = 2_000;

/** Takes a lease and gives it back. */
type Pair = (name: string, owner: string) => Promise<void>;

const viaLeases =
  (leases: LeaseStore): Pair =>
  async (name, owner) => {
    const answer = await leases.acquire(name, owner, ttlMs);
    if (!answer.acquired) throw new Error(`${name} was not free`);
    await leases.release(name, owner, answer.token);
  };

/** Runs pairs, so many at once, each on a name of its own; microseconds a pair. */
async function time(pair: Pair, atOnce: number): Promise<number> {
  await collectGarbage();
  const begin = performance.now();
  const each = pairs / atOnce;
  const work = Array.from({ length: atOnce }, async (_, index) => {
    for (let count = 0; count < each; count++) await pair(`lock ${index}`, `owner ${count}`);
  });
  await Promise.all(work);
  return ((performance.now() - begin) * 1_000) / pairs;
}

async function compare(ours: Pair, bare: Pair, atOnce: number): Promise<string> {
  const timings = { ours: [] as number[], bare: [] as number[], ratios: [] as number[] };
  for (let round = -3; round < rounds; round++) {
    const before = round % 2 === 0 ? undefined : await time(bare, atOnce);
    const own = await time(ours, atOnce);
    const base = before ?? (await time(bare, atOnce));
    if (round < 0) continue;
    timings.ours.push(own);
    timings.bare.push(base);
    timings.ratios.push(own / base);
  }
  const [own, base, ratio] = [timings.ours, timings.bare, timings.ratios].map(median);
  return `${atOnce} at once: leases ${own!.toFixed(1)} µs, bare ${base!.toFixed(1)} µs a pair, ratio ${ratio!.toFixed(2)}`;
}

async function timeWaking(url: string): Promise<string> {
  const [holder, waiter] = [redisLeases({ url }), redisLeases({ url })];
  const delays: number[] = [];
  for (let round = 0; round < 500; round++) {
    let tell = (): void => {};
    const stop = waiter.watch("lock", () => tell());
    await holder.acquire("lock", "holder", ttlMs);
    // Answered after the subscription, which was sent before it on the same connection.
    await waiter.acquire("lock", "waiter", ttlMs);
    const heard = new Promise<number>((resolve) => {
      tell = () => resolve(performance.now());
    });
    const begin = performance.now();
    await holder.release("lock", "holder");
    delays.push((await heard) - begin);
    stop();
  }
  await Promise.all([holder.close(), waiter.close()]);
  const sorted = delays.toSorted((a, b) => a - b);
  const at = (share: number): string => sorted[Math.floor(share * (sorted.length - 1))]!.toFixed(2);
  return `a waiter hears of a release after ${at(0.5)} ms (median), ${at(0.99)} ms (99 %), ${at(1)} ms (most)`;
}

provideRedis();
const server = await startRedis();
const client = createClient({ url: server.url, RESP: 3 });
await client.connect();
const releaseText = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0`;
const sha = (await client.sendCommand(["SCRIPT", "LOAD", releaseText])) as unknown as string;
const bare: Pair = async (name, owner) => {
  await client.sendCommand(["SET", `bare:${name}`, owner, "NX", "PX", String(ttlMs)]);
  await client.sendCommand(["EVALSHA", sha, "1", `bare:${name}`, owner]);
};
const leases = redisLeases({ url: server.url, prefix: `bench:${randomUUID()}:` });
for (const atOnce of [1, 50]) console.log(await compare(viaLeases(leases), bare, atOnce));
console.log(await timeWaking(server.url));
await leases.close();
client.destroy();
await server.stop();
