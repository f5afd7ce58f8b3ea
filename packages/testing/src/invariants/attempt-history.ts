import type { ItemStory } from "./item-story.ts";
import { isMessage, outcomeOf } from "./item-story.ts";
import type { RecordingView } from "./recording-view.ts";
import { startOf, type TurnStory } from "./turn-story.ts";

/** How a turn ended for what it held; `unknown` where the recording does not say. */
export type TurnEnding =
  | "completed"
  | "failed"
  | "reclaimed"
  | "aborted"
  /** By an interrupt, a preemption or a reset: they count for nothing. */
  | "cancelled"
  | "handed-back"
  | "crashed"
  | "unknown";

/** How a turn ended. */
export function endingOf(view: RecordingView, turn: TurnStory): TurnEnding {
  const { completed, failed, cancelled, handedBack, reclaimed, crashed, aborts, ended, life } = turn;
  if (completed.length > 0) return "completed";
  if (failed.length > 0) return "failed";
  const [told] = cancelled;
  if (told !== undefined) return told.event.reason === "aborted" ? "aborted" : "cancelled";
  if (handedBack.length > 0) return "handed-back";
  if (crashed !== undefined) return "crashed";
  const reason = reclaimed?.event.reason;
  // It is told before it is recorded, and its keeper may not have come to that.
  if (reason !== undefined && !isSettled(view, turn)) return "unknown";
  if (reason === "stalled" || reason === "timeout") return "reclaimed";
  if (reason === "lost") return "crashed";
  const isDead = life.closed === undefined && life.number < view.lives.length - 1;
  // Its end may have been recorded, and nobody was told: its keeper died then.
  return isDead && aborts.length === 0 && ended === undefined ? "crashed" : "unknown";
}

/** Whether the store is known to have what a turn came to: that is told, or another of its session has started since. */
function isSettled(view: RecordingView, turn: TurnStory): boolean {
  if (turn.retried.length > 0) return true;
  const hasEnded = (item: ItemStory): boolean => {
    const outcome = outcomeOf(item)?.outcome;
    return outcome !== undefined && "turnId" in outcome && outcome.turnId === turn.id;
  };
  if (turn.messages.some(hasEnded) || turn.events.some(hasEnded)) return true;
  const [next] = view.turnsFrom(turn.sessionKey, { order: startOf(turn).order + 1 });
  return next !== undefined && next.life === turn.life;
}

/** What an item's earlier turns count for, before one of them (B30, B31a). */
export interface Attempts {
  readonly failures: number;
  readonly reclaims: number;
  readonly crashes: number;
  /** Whether all of them are known: its acceptance and every turn since were seen. */
  readonly isKnown: boolean;
}

/** Counts the attempts of an item before a turn; all of them without one. */
export function attemptsBefore(view: RecordingView, item: ItemStory, turn?: TurnStory): Attempts {
  const end = turn === undefined ? item.held.length : item.held.indexOf(turn);
  const before = item.held.slice(0, end === -1 ? item.held.length : end);
  const endings = before.map((one) => endingOf(view, one));
  const count = (...kinds: readonly TurnEnding[]): number =>
    endings.filter((ending) => kinds.includes(ending)).length;
  const isEvent = isMessage(item) === false;
  return {
    failures: isEvent ? count("failed", "reclaimed", "aborted") : count("failed"),
    reclaims: isEvent ? 0 : count("reclaimed"),
    crashes: count("crashed"),
    isKnown: isTold(view, item, turn) && !endings.includes("unknown"),
  };
}

/**
 * Whether no turn of an item can have gone untold: all was told by one keeper, whose store lost no answers. A keeper that died
 * may have started one.
 */
function isTold({ lives }: RecordingView, item: ItemStory, turn?: TurnStory): boolean {
  if (
    item.accepted === undefined ||
    item.isTangled ||
    item.takenBy.length > 0 ||
    isMessage(item) === undefined
  )
    return false;
  const first = item.life.number;
  const last = turn?.life.number ?? item.held.at(-1)?.life.number ?? first;
  for (let number = first; number <= last; number++) {
    const { life } = lives[number]!;
    if (life.storeFailures.length > 0) return false;
    if (number < last && life.closed === undefined) return false;
  }
  return item.held.every(({ started }) => started !== undefined);
}
