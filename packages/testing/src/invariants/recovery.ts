import { type Breach, invariant, type Invariant } from "./invariant.ts";
import { acceptanceOf, endOfItem, isOrdinary, type ItemStory } from "./item-story.ts";
import type { RecordingView } from "./recording-view.ts";
import { startOf, type TurnStory } from "./turn-story.ts";

/** Keepers that have one store after each other (B55, B58, B59). */
export const recoveryInvariants: readonly Invariant[] = [
  invariant(
    "B55",
    "A message that was accepted and not ended is run by a later keeper, or said to have ended.",
    function* (view) {
      for (const item of view.items) yield* lost(view, item);
    },
  ),
  invariant("B58", "What was suspended is known to the keeper after it.", function* (view) {
    for (const item of view.items) yield* forgotten(view, item);
  }),
];

/** Messages of an earlier keeper that a later one passed over: it runs what was accepted after them. */
function* lost(view: RecordingView, item: ItemStory): Iterable<Breach> {
  const { id, sessionKey, life } = item;
  if (!isOrdinary(item) || endOfItem(item) !== undefined || hasStartedAfter(item)) return;
  // A keeper that died may have withdrawn it, and told nobody.
  if (life.closed === undefined || life.storeFailures.length > 0) return;
  for (const turn of view.turnsOf(sessionKey)) {
    if (turn.life.number <= life.number || !isQuiet(view, item, turn)) continue;
    const [head] = turn.messages;
    if (head === undefined || !isOrdinary(head) || acceptanceOf(head)!.from < acceptanceOf(item)!.to)
      continue;
    yield {
      step: startOf(turn),
      sessionKey,
      sentence: `Turn ${turn.id} of ${sessionKey} started with ${head.id}, and nothing was heard of ${id}, which an earlier keeper had accepted.`,
    };
    return;
  }
}

/** Whether a turn has held it that may have ended it. */
function hasStartedAfter({ held, takenBy }: ItemStory): boolean {
  return held.length + takenBy.length > 0;
}

/** Whether all keepers from an item's to a turn's have told of all that they ended. */
function isQuiet({ lives }: RecordingView, { life }: ItemStory, turn: TurnStory): boolean {
  return lives
    .slice(life.number, turn.life.number + 1)
    .every((one) => one.life.storeFailures.length === 0 && one.life.closed !== undefined);
}

/** Work that was suspended by close, and that the next keeper said it did not know. */
function* forgotten({ lives }: RecordingView, item: ItemStory): Iterable<Breach> {
  const suspended = item.outcomes.find(({ entry }) => entry.outcome.status === "suspended");
  const next = lives[(suspended?.life.number ?? lives.length) + 1];
  if (suspended === undefined || next === undefined || suspended.life.storeFailures.length > 0) return;
  for (const { args, answer, step } of next.callsOf("attach")) {
    if (args[0] !== item.sessionKey || args[1] !== item.id || item.isCompletion) continue;
    if (answer === undefined || answer.entry.value !== undefined) continue;
    const end = endOfItem(item);
    if (end !== undefined && end.order < answer.order) continue;
    // What it has ended before anybody listened is remembered for a while, and it may be over by now.
    const wasHeld = item.held.some((turn) => turn.life === next.life && startOf(turn).order > step.order);
    if (!wasHeld) continue;
    yield {
      step: answer,
      sessionKey: item.sessionKey,
      sentence: `${item.id} of ${item.sessionKey} was suspended by close, and the next keeper did not know it.`,
    };
  }
}
