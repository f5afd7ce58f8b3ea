import { createInterface } from "node:readline";
import { redisLeases } from "@lanekeeper/redis";
import { sqliteLeases } from "@lanekeeper/sqlite";
import { createLanekeeper, type LeaseStore } from "lanekeeper";

// Takes a lock on the leases at a place, says "held <token>", and then does what each line of its input says: "write" (says
// "wrote <token>" if the lock is believed in, else "lost"), "block <milliseconds>" (lets nothing run for so long, then
// writes), "end". Says "aborted" when the lock's signal aborts.

const [place = "", ttlMs = ""] = process.argv.slice(2);

function openLeases(): LeaseStore {
  return place.startsWith("redis:") ? redisLeases({ url: place }) : sqliteLeases(place);
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const keeper = await createLanekeeper({
  leases: openLeases(),
  turn: () => undefined,
  logger: { debug() {}, info() {}, warn() {}, error() {} },
});
const lock = await keeper.locks.acquire("shared", { ttlMs: Number(ttlMs), waitMs: 60_000 });
lock.signal.addEventListener("abort", () => say("aborted"));
say(`held ${lock.fencingToken}`);

function write(): void {
  try {
    lock.assertHeld();
    say(`wrote ${lock.fencingToken}`);
  } catch {
    say("lost");
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  const [order, ms] = line.split(" ");
  if (order === "end") break;
  if (order === "block") Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(ms));
  write();
}
process.stdin.destroy();
await keeper.close();
