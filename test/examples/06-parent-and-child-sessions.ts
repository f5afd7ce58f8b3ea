/**
 * 06 Parent and child sessions. A turn asks another session and awaits its answer.
 *
 * `reply()` inside a turn lends that turn's slot to the session it waits for, so parents waiting for children cannot fill
 * the capacity and wait for ever (B10a). Sessions that would wait for each other in a circle are told at once, with
 * `SELF_DEADLOCK`; the work stays accepted (B10). `outcome` lends and checks nothing: inside a turn await `reply()`.
 */
import assert from "node:assert/strict";
import { createLanekeeper, LanekeeperError, ofType, type Receipt } from "lanekeeper";

const parent = "agent:main:alice";
const child = "agent:researcher:alice";
const order: string[] = [];
let question: Receipt<string> | undefined;

const keeper = await createLanekeeper<string, string>({
  capacity: { turns: 1 }, // one slot for everybody: without the loan the parent would hold it, and no child could run
  turn: async (turn): Promise<string> => {
    const text = turn.messages.map(({ body }) => body).join();
    order.push(text);
    switch (text) {
      case "plan a trip": {
        const trains = await keeper.send(child, "find trains");
        const rooms = await keeper.send("agent:booker:alice", "find rooms");
        const found = await Promise.all([trains.reply(), rooms.reply()]); // they share the one slot, one after the other
        turn.assertCurrent(); // time has passed: does this turn still count?
        return `a plan with ${found.join(" and ")}`;
      }
      case "let the child decide":
        return (await keeper.send(child, "ask your parent")).reply();
      case "ask your parent": {
        question = await keeper.send(parent, "which budget?");
        try {
          return await question.reply();
        } catch (error) {
          if (!(error instanceof LanekeeperError) || error.code !== "SELF_DEADLOCK") throw error;
          // The parent waits for this very turn. Return; the question runs once the parent is free.
          return "I asked, and will tell you later";
        }
      }
      default:
        return `done: ${text}`;
    }
  },
});

// One slot, three sessions, and the parent holds its turn all the while.
const plan = await keeper.send(parent, "plan a trip");
assert.equal(await plan.reply(), "a plan with done: find trains and done: find rooms");
assert.deepEqual(order, ["plan a trip", "find trains", "find rooms"]);

// While it waits for a reply a turn is not stalled, however long that takes, and the session says what it waits for.
const waited = new Promise<string>((resolve) => {
  keeper.events$.pipe(ofType("turn.waiting")).subscribe(({ reason }) => resolve(reason));
});
const decision = await keeper.send(parent, "let the child decide");
assert.equal(await waited, `the reply of ${child}`);

// The child could not await its parent, and was told so instead of waiting for ever.
assert.equal(await decision.reply(), "I asked, and will tell you later");
assert.equal(await question?.reply(), "done: which budget?");

// Outside of a turn there is no circle to close: a host may await whatever it likes.
assert.equal(await (await keeper.send(child, "find ferries")).reply(), "done: find ferries");

await keeper.close();
