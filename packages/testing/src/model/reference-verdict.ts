import type { ModelItem, ModelSettings, ModelTurn } from "./model-state.ts";

/** How a turn's code ends. */
export type CodeEnd = "returned" | "threw" | "threw for good";
/** How a turn ends. */
export type TurnEnd = CodeEnd | "reclaimed" | "cancelled" | "crashed" | "handed back";

/** Backoff, where chance is one half. */
export function backoffMs({ lane: { retry } }: ModelSettings, failures: number): number {
  return Math.round(Math.min(retry.maxMs, retry.baseMs * 2 ** failures) / 2);
}

/** What becomes of a turn's work. */
export interface ModelVerdict {
  /** What is tried again. */
  readonly again: readonly ModelItem[];
  /** Whose steering stays with it for its next turn; of no item, it is released. */
  readonly heir: ModelItem | undefined;
}

/** Judges a turn, and counts it for what is tried again (B19, B28, B30 to B31a, B58). */
export function judge(turn: ModelTurn, end: TurnEnd, settings: ModelSettings, now: number): ModelVerdict {
  const { retry, maxReclaims, maxCrashes } = settings.lane;
  const limits = { failed: retry.attempts - 1, reclaimed: maxReclaims, crashed: maxCrashes };
  const own = turn.held.filter(({ steers }) => steers === undefined);
  const first = own.find(({ isMessage }) => isMessage);
  const isEventTurn = turn.cause === "event" || turn.cause === "wake";
  /** Ended by what is nobody's fault: it counts for nothing. */
  const isFree = end === "handed back" || (end === "cancelled" && turn.abort !== "aborted");
  /** As what its turn's end counts: an event's has failed, whatever ended it but the death of the process (B31a). */
  const faultOf = ({ isMessage }: ModelItem): keyof typeof limits => {
    if (end === "crashed") return "crashed";
    return end === "reclaimed" && isMessage ? "reclaimed" : "failed";
  };
  const isTriedAgain = (item: ModelItem): boolean => {
    if (end === "returned" || (item.isMessage && end === "cancelled")) return false;
    if (end === "threw for good" && (item.isMessage || isEventTurn)) return false;
    return isFree || item.counts[faultOf(item)] < limits[faultOf(item)];
  };

  const again = own.filter(isTriedAgain);
  const isHeir = (item: ModelItem): boolean => (first === undefined ? item.wakes : item === first);
  const heir = end === "cancelled" ? undefined : again.find(isHeir);
  if (heir !== undefined) again.push(...turn.held.filter(({ steers }) => steers !== undefined));
  const failures = (first === undefined ? own : [first]).map(({ counts }) => counts.failed);
  const retryAt = now + backoffMs(settings, Math.max(0, ...failures));
  for (const item of again) {
    // Taken steering fares as what it steered.
    const like = item.steers === undefined ? item : heir!;
    if (!isFree) item.counts[faultOf(like)]++;
    if (!isFree && end !== "crashed") item.failedWith.push(...own);
    item.retryAt = end === "threw" && (like.isMessage || isEventTurn) ? retryAt : -Infinity;
    item.lastTurn = turn;
  }
  return { again, heir };
}

/** The outcome of what a turn held and is not tried again. */
export function outcomeOf(end: TurnEnd, { abort }: ModelTurn): string {
  if (end === "cancelled" || end === "reclaimed") return `${end}:${abort}`;
  if (end === "crashed") return "reclaimed:crashed";
  return end === "returned" ? "completed" : "failed";
}
