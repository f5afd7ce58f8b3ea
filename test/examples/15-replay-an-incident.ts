/**
 * 15 From an incident to a test. A gateway records itself into a file; in it a turn hangs and everybody waits. Afterwards,
 * on another machine and without any code of the gateway, the file is played back through a real keeper on simulated time:
 * `explain` says at any moment of it why nothing happened, and the keeper must do what it did then, step by step.
 */
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLanekeeper, LanekeeperError } from "lanekeeper";
import { readRecording, recordToFile, replayRecording } from "lanekeeper/recording";
import { createSimulatedClock } from "lanekeeper/simulated-clock";

const folder = await mkdtemp(join(tmpdir(), "incident-"));
const clock = createSimulatedClock(); // your gateway has the machine's own
const recorder = recordToFile(join(folder, "gateway.jsonl.gz"), { hideContents: true });

// In production: the gateway with the option `recorder`, and one slot too few.
const keeper = await createLanekeeper<string, string>({
  recorder,
  clock,
  capacity: { turns: 1 },
  lane: { stallAfterMs: 30_000, reclaimAfterMs: 60_000, abortGraceMs: 5_000 },
  logger: { debug() {}, info() {}, warn() {}, error() {} },
  turn: async (turn) => (turn.messages[0]?.body === "dinner?" ? new Promise<string>(() => {}) : "done"),
});
await keeper.send("agent:main:alice", "dinner?");
const bob = await keeper.send("agent:main:bob", "are you there?");
await clock.advance(120_000);
assert.equal(await bob.reply(), "done"); // after more than a minute: why?
await keeper.close();

// At your desk: what the file says of it.
const recording = await readRecording(recorder.path!);
const told: string[] = [];
const result = await replayRecording(recording, {
  onStep({ next, keeper: then }) {
    const { blockedBy } = then.explain("agent:main:bob");
    if (blockedBy === null || told.at(-1)?.endsWith(blockedBy) === true) return;
    told.push(`${next.at / 1_000} s: ${blockedBy}`);
  },
});
assert.deepEqual(told, [
  "0 s: nothing-to-do",
  "0 s: capacity", // alice's turn has the only slot, and hangs
  "65 s: running", // it was reclaimed
  "65 s: nothing-to-do",
  "120 s: closed",
]);
assert.deepEqual([result.turns, result.sessions, result.isWhole], [2, 2, true]);
const [sent] = recording.entries.filter((entry) => entry.type === "call" && entry.method === "send");
assert.deepEqual(sent?.type === "call" && sent.args, ["agent:main:alice", "xxxxxxx"]); // "dinner?" is nobody's business

// As a test of the keeper: one that does anything else is told where. Here it is one with two slots.
const { header, entries } = recording;
const wider = { header: { ...header, options: { ...header.options, capacity: { turns: 2 } } }, entries };
await assert.rejects(
  replayRecording(wider),
  (error) => error instanceof LanekeeperError && error.code === "RECORDING_DIVERGED",
);
await rm(folder, { recursive: true });
