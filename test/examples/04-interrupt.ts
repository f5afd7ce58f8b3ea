/**
 * 04 Interrupt. "Stop, do this instead": the newest message ends the running turn and runs next.
 *
 * The running turn is told to stop by its `signal` and its message is `cancelled: interrupted` there and then; what
 * waited stays in order behind the new message (B20). From the abort on the old turn may start nothing (B28). Code that
 * does not listen is not waited for longer than `abortGraceMs` (B26).
 */
import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { createLanekeeper, LanekeeperError, type Turn } from "lanekeeper";

const chat = "agent:main:alice";
const posted: string[] = [];
const writing = Promise.withResolvers<void>();
const stopped = Promise.withResolvers<Turn<string>>();

/** A model call that would take an hour. Like `fetch`, it takes a signal and rejects when it aborts. */
async function callModel(prompt: string, signal: AbortSignal): Promise<string> {
  if (prompt === "write a long report") {
    writing.resolve();
    await delay(3_600_000, undefined, { signal });
  }
  return `done: ${prompt}`;
}

const keeper = await createLanekeeper<string, string>({
  lane: { abortGraceMs: 5_000 },
  turn: async (turn) => {
    const prompt = turn.messages.map(({ body }) => body).join();
    try {
      const text = await callModel(prompt, turn.signal);
      turn.assertCurrent(); // nothing is posted for a turn that no longer counts
      posted.push(text);
      return text;
    } catch (error) {
      // Clean up here, then let it go: what you throw or return decides nothing any more.
      if (turn.signal.aborted) stopped.resolve(turn);
      throw error;
    }
  },
});

const report = await keeper.send(chat, "write a long report");
const patient = await keeper.send(chat, "then mail it");
await writing.promise;
const urgent = await keeper.send(chat, "stop! what is on fire?", { mode: "interrupt" });

assert.deepEqual(await report.outcome, { status: "cancelled", reason: "interrupted" });
await assert.rejects(report.reply(), { code: "MESSAGE_CANCELLED" });
const old = await stopped.promise;
assert.ok(old.signal.reason instanceof LanekeeperError);
assert.equal(old.signal.reason.code, "TURN_INTERRUPTED");
assert.throws(() => old.assertCurrent(), { code: "TURN_FENCED" });

// The interrupt runs ahead of what waited, and what waited is not lost.
assert.equal(await urgent.reply(), "done: stop! what is on fire?");
assert.equal(await patient.reply(), "done: then mail it");
assert.deepEqual(posted, ["done: stop! what is on fire?", "done: then mail it"]);

// With nothing running, an interrupt is an ordinary message, and `abort` stops a turn with no message in its place.
assert.equal(await (await keeper.send(chat, "all good", { mode: "interrupt" })).reply(), "done: all good");
assert.equal(await keeper.abort(chat), false);

await keeper.close();
