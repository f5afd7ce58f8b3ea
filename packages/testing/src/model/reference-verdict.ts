import type { ModelItem, ModelSettings, ModelTurn } from "./model-state.ts";

/** How a turn ended. */
export type ModelConclusion = "completed" | "failed" | "reclaimed" | "cancelled" | "crashed" | "handed-back";

/** What becomes of a turn's work. */
export interface ModelVerdict {
  /** What is tried again. */
  readonly again: readonly ModelItem[];
  /** What goes to the dead letters. */
  readonly buried: readonly ModelItem[];
  /** How what is not tried again ends. */
  readonly outcome: string;
  /** Whose steering stays with it for its next turn; of no item, it is released. */
  readonly heir: ModelItem | undefined;
}

/** Backoff, where chance is one half. */
export function backoffMs({ lane: { retry } }: ModelSettings, failures: number): number {
  return Math.round(Math.min(retry.maxMs, retry.baseMs * 2 ** failures) / 2);
}

/** Judges a turn, and counts its attempts: B19, B28, B30 to B31a, B58. */
export function judge(
  turn: ModelTurn,
  conclusion: ModelConclusion,
  isPermanent: boolean,
  settings: ModelSettings,
): ModelVerdict {
  const { cause, held, abort } = turn;
  const { retry, maxReclaims, maxCrashes } = settings.lane;
  const taken = held.filter(({ steers }) => steers !== undefined && held.includes(steers));
  const own = held.filter((item) => !taken.includes(item));
  const first = own.find(({ isMessage }) => isMessage);
  const isForGood = isPermanent && conclusion === "failed";
  /** Ended by what is nobody's fault: events stay, and it counts for nothing. */
  const isFree = conclusion === "handed-back" || (conclusion === "cancelled" && abort !== "aborted");
  const canAgain = (item: ModelItem): boolean => {
    if (conclusion === "completed") return false;
    if (conclusion === "crashed") return item.crashes < maxCrashes;
    if (conclusion === "handed-back") return true;
    const isBlamed = isForGood && (cause === "event" || cause === "wake");
    if (!item.isMessage) return isFree || (item.failures + 1 < retry.attempts && !isBlamed);
    if (conclusion === "reclaimed") return item.reclaims < maxReclaims;
    return conclusion === "failed" && !isForGood && first!.failures + 1 < retry.attempts;
  };
  const againOfOwn = own.filter(canAgain);
  const isHeir = (item: ModelItem): boolean => (first === undefined ? item.wakes : item === first);
  const heir = conclusion === "cancelled" ? undefined : againOfOwn.find(isHeir);
  const again = [...againOfOwn, ...(heir === undefined ? [] : taken)];
  const failures = first?.failures ?? Math.max(0, ...own.map((item) => item.failures));
  const delayMs = backoffMs(settings, failures);
  for (const item of again) {
    const like = taken.includes(item) ? heir! : item;
    const isRider = first !== undefined || cause === "heartbeat";
    if (!isFree) count(item, like.isMessage || conclusion === "crashed" ? conclusion : "failed");
    const isBackingOff = conclusion === "failed" && (like.isMessage || !isRider);
    item.retryAt = isBackingOff ? delayMs : -Infinity;
    item.lastTurn = turn;
    if (isFree || conclusion === "crashed" || like.isMessage) continue;
    for (const other of own) if (other.isMessage) item.failedWith.add(other);
  }
  /** A message that was cancelled is nobody's to put back. */
  const isOver = ({ isMessage }: ModelItem): boolean =>
    conclusion === "completed" || (conclusion === "cancelled" && isMessage);
  const buried = held.filter((item) => !again.includes(item) && !isOver(item));
  return { again, buried, outcome: outcomeOf(conclusion, abort), heir };
}

function count(item: ModelItem, conclusion: ModelConclusion): void {
  if (conclusion === "reclaimed") item.reclaims++;
  else if (conclusion === "crashed") item.crashes++;
  else item.failures++;
}

function outcomeOf(conclusion: ModelConclusion, abort: string | undefined): string {
  if (conclusion === "cancelled" || conclusion === "reclaimed") return `${conclusion}:${abort}`;
  return conclusion === "crashed" ? "reclaimed:crashed" : conclusion;
}
