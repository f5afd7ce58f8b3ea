/**
 * 07 Retries and dead letters. What fails is tried again a bounded number of times, then kept where you can read it.
 *
 * A turn that throws is tried again up to `retry.attempts` times with backoff, in its place: what came later waits (B3,
 * B31). `PermanentError` says that trying again is of no use. What is given up is a dead letter: `redrive` puts it back
 * at the end of its session's queue, `discard` forgets it (B31b).
 */
import assert from "node:assert/strict";
import { createLanekeeper, PermanentError } from "lanekeeper";
import { createSimulatedClock } from "lanekeeper/simulated-clock";

// Time that moves only when told to: minutes of backoff pass at once here. Leave `clock` out in a gateway.
const clock = createSimulatedClock();
const chat = "agent:main:alice";
const tried: string[] = [];
let isProviderUp = false;

const keeper = await createLanekeeper<string, string>({
  clock,
  lane: { retry: { attempts: 3, baseMs: 1_000, maxMs: 60_000 } },
  turn: async (turn) => {
    const text = turn.messages.map(({ body }) => body).join();
    tried.push(`${text} #${turn.attempt}`);
    if (text === "use the old key") throw new PermanentError("401: the key was revoked");
    if (text === "summarise" && !isProviderUp) throw new Error("503: try again later");
    return `done: ${text}`;
  },
  // Warnings and errors go to stderr as JSON lines by default; anything shaped like pino's logger will do.
  logger: { debug() {}, info() {}, warn() {}, error() {} },
});

// A failure that may pass: three attempts, and the next message waits its turn behind them.
const summary = await keeper.send(chat, "summarise");
const thanks = await keeper.send(chat, "thanks");
await clock.settle();
assert.deepEqual(tried, ["summarise #1"]);
assert.equal(keeper.explain(chat).blockedBy, "backoff");
await clock.advance(60_000);
assert.deepEqual(tried, ["summarise #1", "summarise #2", "summarise #3", "thanks #1"]);

const outcome = await summary.outcome;
assert.ok(outcome.status === "failed");
assert.equal(outcome.attempts, 3);
assert.equal(outcome.error.message, "503: try again later");
assert.equal(await thanks.reply(), "done: thanks");

// A failure that will not pass: one attempt. `reply()` rejects with the turn's own error.
const revoked = await keeper.send(chat, "use the old key");
await assert.rejects(revoked.reply(), PermanentError);
assert.equal(tried.at(-1), "use the old key #1");

// Both are kept, newest first, with the reason and what they were.
const letters = await keeper.deadLetters({ sessionKey: chat });
assert.deepEqual(
  letters.map(({ reason, attempts }) => ({ reason, attempts })),
  [
    { reason: "401: the key was revoked", attempts: 1 },
    { reason: "503: try again later", attempts: 3 },
  ],
);

// The provider is back: put the summary back. It has all its attempts before it again, and a receipt of its own.
isProviderUp = true;
const redriven = await keeper.redrive(outcome.deadLetterId);
assert.equal(await redriven.reply(), "done: summarise");
assert.equal(tried.at(-1), "summarise #1");
await assert.rejects(keeper.redrive(outcome.deadLetterId), { code: "NOT_FOUND" }); // it is no dead letter any more

// The other is of no use to anybody.
assert.equal(await keeper.discard(letters[0]!.id), true);
assert.deepEqual(await keeper.deadLetters(), []);

await keeper.close();
