/**
 * 13 What a turn sees when it loses its lock. The lease store is not reachable for a minute while a turn works under
 * `turn.locks`: the lock is at risk, then lost, before anybody else can have it (B49, B50); the turn is told by
 * `lock.signal` and by `assertHeld()`, and decides itself what to do. Nothing else of the host stops (B54).
 *
 * A lock of a turn also ends with the turn (B54a): the last part shows one that hangs, and the next that gets the lock.
 */
import assert from "node:assert/strict";
import { createLanekeeper, LanekeeperError, ofType } from "lanekeeper";
import { type LeaseStore, memoryLeases } from "lanekeeper/ports";
import { createSimulatedClock } from "lanekeeper/simulated-clock";

const clock = createSimulatedClock();
let isReachable = true;
const memory = memoryLeases(() => clock);
const leases: LeaseStore = {
  ...memory,
  renew: async (...command) => {
    if (!isReachable) throw new Error("ECONNREFUSED");
    return memory.renew(...command);
  },
};
const seen: string[] = [];

const keeper = await createLanekeeper<string, string>({
  clock,
  leases,
  logger: { debug() {}, info() {}, warn() {}, error() {} },
  lane: { stallAfterMs: 120_000, reclaimAfterMs: 180_000, abortGraceMs: 5_000 },
  turn: async (turn) => {
    if (turn.messages[0]?.body === "hang") {
      await turn.locks.acquire("index");
      return new Promise<never>(() => {});
    }
    const lock = await turn.locks.acquire("index", { waitMs: 120_000 });
    if (turn.messages[0]?.body === "after") return `got it with token ${lock.fencingToken}`;
    await new Promise((resolve) => lock.signal.addEventListener("abort", resolve)); // works until it is told
    seen.push(`signal: ${(lock.signal.reason as LanekeeperError).code}`);
    try {
      lock.assertHeld();
    } catch (error) {
      if (error instanceof LanekeeperError) seen.push(`assertHeld: ${error.code}`);
    }
    return "stopped writing, kept what was written before";
  },
});
keeper.events$.pipe(ofType("lock.atRisk", "lock.lost")).subscribe((event) => {
  seen.push(`${event.type}: ${event.reason} after ${clock.monotonic() / 1_000} s`);
});

const working = await keeper.send("agent:main:alice", "index everything");
await clock.advance(10_000);
isReachable = false;
await clock.advance(60_000);
assert.equal(await working.reply(), "stopped writing, kept what was written before");
assert.deepEqual(seen, [
  "lock.atRisk: renewal-failed after 20 s", // the first renewal, a third of 60 s in
  "lock.lost: expired after 54 s", // a tenth of 60 s before another could have it
  "signal: LOCK_LOST",
  "assertHeld: LOCK_LOST",
]);
isReachable = true;

// A turn that hangs holding the lock: it is reclaimed, its lock is renewed no more, and the next one gets it within a TTL.
const hung = await keeper.send("agent:main:bob", "hang");
const after = await keeper.send("agent:main:bob", "after");
await clock.advance(185_000);
assert.equal((await hung.outcome).status, "reclaimed");
assert.equal(keeper.locks.holders()[0]?.state, "reclaimed"); // its lease still has to run out
await clock.advance(60_000);
assert.match(await after.reply(), /^got it with token/);
await keeper.close();
