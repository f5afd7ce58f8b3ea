/**
 * 12 A lock around a shared file. Two gateways, in two processes or two machines, write the same summary file; only one
 * may at a time, and one that dies in the middle is in the way for at most `ttlMs` (B49–B53).
 *
 * `keeper.locks.using` waits in order, runs the work, and releases. `lock.assertHeld()` before each outside effect throws if
 * the lock may be another's by now; `lock.fencingToken` lets what you write to refuse a former holder's late write.
 */
import assert from "node:assert/strict";
import { createLanekeeper, LanekeeperError } from "lanekeeper";
import { memoryLeases } from "lanekeeper/ports";
import { createSimulatedClock } from "lanekeeper/simulated-clock";

// Time that moves only when told to. In a gateway leave `clock` out, and give `leases` that all processes reach.
const clock = createSimulatedClock();
const leases = { ...memoryLeases(() => clock), close: async () => {} }; // shared: no keeper is to close it
const gateways = await Promise.all(
  [1, 2].map(() => createLanekeeper({ clock, leases, turn: () => undefined })),
);

/** The file, and the largest token that has written it: a column more in a database. */
const file = { text: "", token: 0n };
async function write(text: string, token: bigint): Promise<void> {
  if (token < file.token) throw new Error(`refused: ${token} is older than ${file.token}`);
  await Promise.resolve(); // the disk
  Object.assign(file, { text, token });
}

// Both add a line at once: read, think, write. Without the lock one line would be lost.
await Promise.all(
  gateways.map((keeper, index) =>
    keeper.locks.using("summary.md", async (lock) => {
      const before = file.text;
      await Promise.resolve(); // the model
      lock.assertHeld();
      await write(`${before}gateway ${index + 1}\n`, lock.fencingToken);
    }),
  ),
);
assert.deepEqual(file.text.split("\n").toSorted(), ["", "gateway 1", "gateway 2"]);

// A third process took the lock and was killed: it is replaced when its lease has run out, not hours later.
const dead = await leases.acquire("summary.md", "a process that was killed", 60_000);
assert.ok(dead.acquired);
const [keeper, other] = [gateways[0]!, gateways[1]!];
const impatient = other.locks.acquire("summary.md", { waitMs: 5_000 }).catch((error: unknown) => error);
const patient = keeper.locks.acquire("summary.md", { waitMs: 120_000, label: "nightly summary" });
await clock.advance(60_000);
const timedOut = await impatient;
assert.ok(timedOut instanceof LanekeeperError && timedOut.code === "LOCK_TIMEOUT");
const lock = await patient;
await write("rewritten", lock.fencingToken);
assert.equal(keeper.locks.holders()[0]?.label, "nightly summary");

// Had it only been slow, its late write would carry the smaller token.
await assert.rejects(write("late", dead.token), /refused/);
await lock.release();
assert.equal(lock.state, "idle");
await Promise.all(gateways.map((gateway) => gateway.close()));
