import type { ItemStory } from "./item-story.ts";
import type { Step } from "./step.ts";
import { startOf, type TurnStory } from "./turn-story.ts";

/**
 * Those of some items that waited at a step for certain: they had been accepted, no turn held them, and a turn of the same
 * keeper was opened with them afterwards. None where a store lost answers: it may have opened a turn that nobody knows.
 */
export function waitedAt(items: readonly ItemStory[], { order, life }: Step): readonly ItemStory[] {
  if (life.storeFailures.length > 0) return [];
  return items.filter(({ accepted, held, takenBy, isTangled }) => {
    if (isTangled || accepted === undefined || accepted.step.order > order || takenBy.length > 0)
      return false;
    const next = held.findIndex((turn) => startOf(turn).order > order);
    const opened = held[next]?.firstOpened?.from.step;
    if (opened === undefined || opened.order < order || opened.life !== life) return false;
    const before = held[next - 1];
    return before === undefined || (givenBackAt(before) ?? Infinity) < order;
  });
}

/** When a turn was told to have given back what it held. */
function givenBackAt({ retried, failed, cancelled, handedBack }: TurnStory): number | undefined {
  return [...retried, ...failed, ...cancelled, ...handedBack][0]?.step.order;
}
