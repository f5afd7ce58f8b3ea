import { endOf } from "./call-story.ts";
import { invariant, type Invariant } from "./invariant.ts";
import type { Life } from "./life.ts";

/** Promises that settle (B33). What is said here is of keepers that have closed: until then everything may still come. */
export const answerInvariants: readonly Invariant[] = [
  invariant(
    "B33",
    "Every call is answered, or refused, before its keeper has closed.",
    function* ({ lives }) {
      for (const { life, calls } of lives) {
        if (life.closed === undefined) continue;
        const working = workingIn(life);
        for (const call of calls.values()) {
          const { method, step, turnId } = call;
          if (endOf(call) !== undefined || silent.has(method) || step.order > life.closed.order) continue;
          // It waits for its work, whatever that does (B54).
          if (working.has(call.call)) continue;
          yield {
            step: life.closed,
            sentence: `${method}, called at ${step.at} ms${turnId === undefined ? "" : ` by turn ${turnId}`}, has no answer, and its keeper has closed.`,
          };
        }
      }
    },
  ),
  invariant("B33", "Every outcome settles before its keeper has closed.", function* (view) {
    for (const { life, calls } of view.lives) {
      if (life.closed === undefined) continue;
      const settled = new Set<number>();
      for (const { entry } of life.steps) if (entry.type === "outcome") settled.add(entry.call);
      for (const call of calls.values()) {
        const { method, answer } = call;
        if (!giving.has(method) || answer?.entry.value === undefined || settled.has(call.call)) continue;
        const item = view.itemOf(call);
        yield {
          step: life.closed,
          sessionKey: item?.sessionKey,
          sentence: `The receipt that ${method} gave at ${answer.at} ms${item === undefined ? "" : `, of ${item.id} of ${item.sessionKey},`} has no outcome, and its keeper has closed.`,
        };
      }
    }
  }),
];

/** Calls that give nothing at once, and whose answer is not noted then. */
const silent: ReadonlySet<string> = new Set(["turn.progress", "turn.emit", "turn.assertCurrent"]);
/** Calls that give a receipt. */
const giving: ReadonlySet<string> = new Set(["send", "notify", "attach", "redrive"]);

/** The calls of `locks.using` whose work has not ended. */
function workingIn({ steps }: Life): ReadonlySet<number> {
  const working = new Set<number>();
  for (const { entry } of steps) {
    if (entry.type === "work") working.add(entry.call);
    if (entry.type === "work.returned" || entry.type === "work.threw") working.delete(entry.call);
  }
  return working;
}
