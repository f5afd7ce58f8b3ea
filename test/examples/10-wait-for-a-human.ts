/**
 * 10 Wait for a human's answer. The agent asks "may I?", and the person answers an hour later, or never.
 *
 * `turn.waiting` says that silence is no stall, until the given instant at the latest (B29). The answer arrives as
 * steering of the very turn that asked (B19). The turn's time limit does not stand still: choose `turnTimeoutMs` longer
 * than the longest wait. A waiting turn keeps its slot; for waits of days end the turn instead, and ask in the next one.
 */
import assert from "node:assert/strict";
import { createLanekeeper, ofSession, ofType, type Turn } from "lanekeeper";
import { createSimulatedClock } from "lanekeeper/simulated-clock";

// Time that moves only when told to: hours pass at once here. Leave `clock` out in a gateway.
const clock = createSimulatedClock();
const hour = 3_600_000;
const asked: string[] = [];

/** Asks in the chat, and gives what was steered into the turn, or undefined after `patienceMs`. */
async function ask(turn: Turn<string>, question: string, patienceMs: number): Promise<string | undefined> {
  asked.push(question); // your gateway posts it
  const { promise: settled, resolve } = Promise.withResolvers<void>();
  const timer = clock.setTimeout(resolve, patienceMs); // `setTimeout` in a gateway
  const accepted$ = keeper.events$.pipe(ofSession(turn.sessionKey), ofType("message.accepted"));
  const watching = accepted$.subscribe(({ isSteering }) => {
    if (isSteering) resolve();
  });
  try {
    // Rejects with `signal.reason` if the turn is told to stop meanwhile: an abort ends the wait too.
    await turn.waiting("a human's answer", clock.now() + patienceMs, settled);
    return turn.takeSteering()[0]?.body;
  } finally {
    watching.unsubscribe();
    clock.clearTimeout(timer);
  }
}

const keeper = await createLanekeeper<string, string>({
  clock,
  lane: { mode: "steer", stallAfterMs: 60_000, reclaimAfterMs: 300_000, turnTimeoutMs: 24 * hour },
  turn: async (turn) => {
    const answer = await ask(turn, "may I delete 3 files?", 4 * hour);
    turn.assertCurrent();
    if (answer === undefined) return "nobody answered: nothing was deleted";
    return answer === "yes" ? "deleted" : "kept";
  },
});
const chat = "agent:main:alice";

// Alice answers after three hours. Nothing was stalled or reclaimed meanwhile.
const cleaning = await keeper.send(chat, "clean up");
await clock.advance(3 * hour);
assert.deepEqual(asked, ["may I delete 3 files?"]);
const view = keeper.session(chat);
assert.equal(view?.state, "busy");
assert.equal(keeper.explain(chat).sentence, `Turn ${view.turn?.id} waits for a human's answer.`);
const answer = await keeper.send(chat, "yes"); // the lane's mode is `steer`: this goes to the turn that waits
assert.equal(await cleaning.reply(), "deleted");
assert.equal(await answer.reply(), "deleted"); // it shares the outcome of the turn that took it

// Bob never answers. The turn gives up by itself, in order, and the lane goes on.
const unanswered = await keeper.send("agent:main:bob", "clean up");
await clock.advance(4 * hour);
assert.equal(await unanswered.reply(), "nobody answered: nothing was deleted");
assert.equal(keeper.stats().reclaimed, 0);

await keeper.close();
