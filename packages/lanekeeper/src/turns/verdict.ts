import { attemptsOf } from "../store/attempts.ts";
import type { AbortReason, Conclusion } from "@lanekeeper/machines";
import { isPermanent, messageOf } from "../keeper/errors.ts";
import type { LaneOptions } from "../lanes/lane-options.ts";
import type { Outcome } from "./outcome.ts";
import type { Disposition, Settlement, StoredItem } from "../store/store.ts";

/**
 * What becomes of a turn's work, by how the turn ended (B28, B30, B31, B31a, B58).
 *
 * I1. Every item gets exactly one disposition.
 * I2. Every retry is counted against a bound.
 * I3. Steering that the turn has taken shares its end (B19).
 */

/** A turn that ended. */
export interface EndedTurn {
  readonly turnId: string;
  readonly cause: "message" | "event" | "wake" | "heartbeat";
  /** What it held, steering that it has taken included. */
  readonly items: readonly StoredItem[];
  readonly conclusion: Conclusion;
  readonly abort: AbortReason | null;
  readonly reply: unknown;
  readonly error: Error | undefined;
}

/** What time and chance say. */
export interface VerdictContext {
  readonly settings: Pick<LaneOptions, "retry" | "maxReclaims" | "maxCrashes">;
  /** Epoch milliseconds. */
  readonly now: number;
  readonly random: () => number;
  readonly createId: () => string;
}

/** What becomes of a turn's work. */
export interface Verdict {
  readonly dispositions: readonly Disposition[];
  /** When failed work may be tried again (epoch milliseconds). */
  readonly retryAt: number | undefined;
  /** Whether the steering that nobody took is for the turn that tries this one's work again. */
  readonly steering: Settlement["steering"];
}

/** Judges a turn that ended. */
export function judge(turn: EndedTurn, context: VerdictContext): Verdict {
  const { items, turnId, conclusion } = turn;
  if (conclusion === "completed") {
    return {
      dispositions: items.map((item) => ({
        seq: item.seq,
        fate: "finish",
        outcome: { status: "completed", turnId, reply: turn.reply, attempts: attemptsOf(item) + 1 },
      })),
      retryAt: undefined,
      steering: "released",
    };
  }
  const isForGood = isPermanent(turn.error);
  const own = items.filter(({ steers }) => steers === undefined);
  const message = own.find((item) => item.type === "message");
  const messages = own.filter(({ type }) => type === "message").map(({ seq }) => seq);
  const isRetried =
    conclusion === "failed" && !isForGood && message !== undefined && canFailAgain(message, context);
  // Events of a message or heartbeat turn wait for no backoff of their own: the message's, if it is tried again, or none.
  const needsBackoff =
    conclusion === "failed" && (message === undefined ? !isForGood && turn.cause !== "heartbeat" : isRetried);
  const failures = Math.max(0, ...own.map((item) => item.failures));
  const retryAt = needsBackoff
    ? context.now + backoffMs(message?.failures ?? failures, context.settings.retry, context.random)
    : undefined;
  const ofOwn = own.map((item) =>
    item.type === "message"
      ? judgeMessage(item, turn, isRetried ? retryAt : undefined, context)
      : judgeEvent(item, turn, { retryAt: message === undefined ? retryAt : undefined, messages }, context),
  );
  // The turn is tried again if its message is, or where it has none any of its events that starts a turn by itself.
  const again = ofOwn.find((disposition, index) =>
    message === undefined ? own[index]!.wakes && isReturn(disposition) : own[index] === message,
  );
  const steering =
    conclusion !== "cancelled" && again !== undefined && isReturn(again) ? "stays" : "released";
  const taken = items.filter(({ steers }) => steers !== undefined);
  const dispositions = [
    ...ofOwn,
    ...taken.map((item) => judgeTaken(item, turn, steering === "stays" ? again : undefined, context)),
  ];
  return { dispositions, retryAt: ofOwn.some(isReturn) ? retryAt : undefined, steering };
}

function isReturn({ fate }: Disposition): boolean {
  return fate === "return";
}

/** Steering goes where the work goes that it steered: to its next try, or to its end. */
function judgeTaken(
  item: StoredItem,
  turn: EndedTurn,
  again: Disposition | undefined,
  context: VerdictContext,
): Disposition {
  if (again?.fate === "return") return { ...again, seq: item.seq };
  if (turn.conclusion === "cancelled") return { seq: item.seq, fate: "finish", outcome: cancelled(turn) };
  return giveUp(item, turn, context);
}

/** Doublings after which every backoff is at its ceiling; beyond some thousand a power of two is no number. */
const mostDoublings = 64;

/** `min(maxMs, baseMs · 2^n)` with full jitter. `random` is taken into [0, 1) whatever it returns. */
export function backoffMs(
  failures: number,
  retry: Pick<LaneOptions["retry"], "baseMs" | "maxMs">,
  random: () => number,
): number {
  const ceiling = Math.min(retry.maxMs, retry.baseMs * 2 ** Math.min(failures, mostDoublings));
  const chance = random();
  return Math.round(ceiling * (chance >= 0 && chance < 1 ? chance : 1));
}

function canFailAgain(item: StoredItem, { settings }: VerdictContext): boolean {
  return item.failures + 1 < settings.retry.attempts;
}

function judgeMessage(
  item: StoredItem,
  turn: EndedTurn,
  retryAt: number | undefined,
  context: VerdictContext,
): Disposition {
  const { seq } = item;
  switch (turn.conclusion) {
    case "cancelled":
      return { seq, fate: "finish", outcome: cancelled(turn) };
    case "handed-back":
      return { seq, fate: "return", retryAt: undefined, counts: "nothing" };
    case "reclaimed":
      return item.reclaims < context.settings.maxReclaims
        ? { seq, fate: "return", retryAt: undefined, counts: "reclaim" }
        : giveUp(item, turn, context);
    case "crashed":
      return judgeCrash(item, turn, context);
    case "completed":
    case "failed":
      return retryAt === undefined
        ? giveUp(item, turn, context)
        : { seq, fate: "return", retryAt, counts: "failure" };
  }
}

function judgeEvent(
  item: StoredItem,
  turn: EndedTurn,
  { retryAt, messages }: { readonly retryAt: number | undefined; readonly messages: readonly number[] },
  context: VerdictContext,
): Disposition {
  const { seq } = item;
  if (turn.conclusion === "handed-back" || (turn.conclusion === "cancelled" && turn.abort !== "aborted")) {
    return { seq, fate: "return", retryAt: undefined, counts: "nothing" };
  }
  if (turn.conclusion === "crashed") return judgeCrash(item, turn, context);
  // What merely rode along is not to blame.
  const isRider = turn.cause === "message" || turn.cause === "heartbeat";
  const isRefused = turn.conclusion === "failed" && !isRider && isPermanent(turn.error);
  return !isRefused && canFailAgain(item, context)
    ? { seq, fate: "return", retryAt, counts: "failure", failedWith: messages }
    : giveUp(item, turn, context);
}

function judgeCrash(item: StoredItem, turn: EndedTurn, context: VerdictContext): Disposition {
  return item.crashes < context.settings.maxCrashes
    ? { seq: item.seq, fate: "return", retryAt: undefined, counts: "crash" }
    : giveUp(item, turn, context);
}

function giveUp(item: StoredItem, turn: EndedTurn, context: VerdictContext): Disposition {
  const deadLetterId = context.createId();
  return {
    seq: item.seq,
    fate: "dead-letter",
    deadLetterId,
    reason: reasonOf(turn),
    outcome: outcomeOf(item, turn, deadLetterId),
  };
}

function reasonOf(turn: EndedTurn): string {
  switch (turn.conclusion) {
    case "cancelled":
      return "aborted";
    case "reclaimed":
      return turn.abort === "timeout" ? "timeout" : "stalled";
    case "crashed":
      return "crashed";
    case "completed":
    case "failed":
    case "handed-back":
      return turn.error === undefined ? "failed" : messageOf(turn.error);
  }
}

function outcomeOf(item: StoredItem, turn: EndedTurn, deadLetterId: string): Outcome {
  const { turnId } = turn;
  switch (turn.conclusion) {
    case "cancelled":
      return cancelled(turn);
    case "reclaimed":
      return {
        status: "reclaimed",
        turnId,
        reason: turn.abort === "timeout" ? "timeout" : "stalled",
        deadLetterId,
      };
    case "crashed":
      return { status: "reclaimed", turnId, reason: "crashed", deadLetterId };
    case "completed":
    case "failed":
    case "handed-back":
      return {
        status: "failed",
        turnId,
        error: turn.error ?? new Error("The turn failed."),
        attempts: attemptsOf(item) + 1,
        deadLetterId,
      };
  }
}

function cancelled(turn: EndedTurn): Outcome {
  return { status: "cancelled", reason: cancelReason(turn.abort) };
}

function cancelReason(abort: AbortReason | null): "interrupted" | "reset" | "aborted" {
  return abort === "interrupted" || abort === "reset" ? abort : "aborted";
}
