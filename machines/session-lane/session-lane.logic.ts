import { Immer } from "immer";

/**
 * The pure half of the session lane: what each event does to its context.
 *
 * Owns: the shape of a lane's context and every update of it.
 * Must not know: clocks, stores, promises, the host's values.
 * I1. The context is JSON.
 * I2. A summary older than the one held is ignored, so answers may arrive out of order.
 * I3. Every function returns a new context or the same one; none changes its argument.
 * I4. What every turn passes (mailbox, turn, end, settled) copies by spread: immer's `produce` costs 1 to 2 µs a call,
 *     as much as half a turn. What is rare is written with immer.
 */

/** The lane's own producer: the host's immer settings are never touched, and contexts are not frozen. */
const { produce } = new Immer({ autoFreeze: false });

/** What the store last said of a session's mailbox. */
export interface MailboxSummary {
  /** Grows with every change of the mailbox. */
  readonly version: number;
  /** Messages that wait. */
  readonly messages: number;
  /** Waiting events that may start a turn. */
  readonly events: number;
  /** Waiting events that wait for another reason to run (`wake: false`). */
  readonly quiet: number;
  /** Messages that steer a turn, or its retry, and were not taken (B19). They start no turn while it may be tried again. */
  readonly steering: number;
  /** Failed work that may not be tried before `at` (epoch milliseconds). */
  readonly retry: { readonly holding: "message" | "event"; readonly at: number } | null;
  /** The `collect` messages at the head, none of which a turn has held: their turn waits for quiet (B18). */
  readonly batch: BatchSummary | null;
  /** Whether a message waits that interrupts what runs, and no turn has held it (B20). */
  readonly interrupt: boolean;
  /** Whether a message of priority foreground or normal waits: a heartbeat's turn gives way to it (B47). */
  readonly pressing: boolean;
  /** The highest of all that waits (B14). */
  readonly priority: "foreground" | "normal" | "background";
  /** Of the first item of the next turn (B12). */
  readonly group: string | null;
}

/** A batch that waits for quiet. Instants are monotonic milliseconds: a step of the wall clock changes no quiet. */
export interface BatchSummary {
  /** Of its first message. */
  readonly firstSeq: number;
  readonly firstMono: number;
  readonly lastMono: number;
  readonly count: number;
}

/** What a lane knows of the turn it runs. */
export interface LaneTurn {
  readonly id: string;
  readonly cause: "message" | "event" | "wake" | "heartbeat";
  readonly attempt: number;
  /** Of a heartbeat's turn: whether it gives way to a message. */
  readonly preemptible?: boolean;
  /** Epoch milliseconds. */
  readonly startedAt: number;
}

/** Why a turn was told to stop. */
export type AbortReason =
  | "stalled"
  | "timeout"
  | "aborted"
  | "interrupted"
  | "preempted"
  | "reset"
  | "closed"
  | "lost";

/** How a turn's code ended: it returned, it threw, or its grace expired first. */
export type TurnEnd = "returned" | "threw" | "expired";

/** What a turn's end means for the work it held (B28). */
export type Conclusion = "completed" | "failed" | "reclaimed" | "cancelled" | "handed-back" | "crashed";

/** The context of a session lane. */
export interface LaneContext {
  readonly sessionKey: string;
  /** Messages that may wait: as many in a batch end its waiting for quiet. */
  readonly cap: number;
  readonly mailbox: MailboxSummary;
  /** The backoff that is over: a summary still naming it holds nothing back. */
  readonly elapsedRetryAt: number | null;
  /** The batch whose quiet is over, by its first message. */
  readonly quietBatch: number | null;
  readonly wakeDue: boolean;
  /** Its agent's heartbeat asks for a turn: selected only when nothing else may start. */
  readonly heartbeatDue: boolean;
  /** The store failed to say whether it has opened a turn: it is asked again, whatever the mailbox says. */
  readonly isUnconfirmed: boolean;
  readonly pausedBy: { readonly session: boolean; readonly keeper: boolean };
  readonly turn: LaneTurn | null;
  readonly abort: AbortReason | null;
  readonly conclusion: Conclusion | null;
}

/** What a lane is started with: all of it read from the store. */
export interface LaneInput {
  readonly sessionKey: string;
  readonly cap: number;
  readonly mailbox: MailboxSummary;
  readonly wakeDue: boolean;
  readonly heartbeatDue?: boolean;
  /** Whether a lane that crashed left a turn of which it is not known whether the store has opened it. */
  readonly isUnconfirmed?: boolean;
  readonly pausedBy: { readonly session: boolean; readonly keeper: boolean };
}

/** What the store said. */
export interface MailboxParams {
  readonly mailbox: MailboxSummary;
}
/** The turn that the store opened, and what it said besides. */
export interface TurnParams extends MailboxParams {
  readonly turn: LaneTurn;
}
/** Who pauses, or no longer does. */
export interface PauseParams {
  readonly scope: "session" | "keeper";
  readonly paused: boolean;
}

/** The context of a lane that has just been started. */
export function createLaneContext(input: LaneInput): LaneContext {
  return {
    sessionKey: input.sessionKey,
    cap: input.cap,
    mailbox: input.mailbox,
    elapsedRetryAt: null,
    quietBatch: null,
    wakeDue: input.wakeDue,
    heartbeatDue: input.heartbeatDue ?? false,
    isUnconfirmed: input.isUnconfirmed ?? false,
    pausedBy: input.pausedBy,
    turn: null,
    abort: null,
    conclusion: null,
  };
}

/** Takes over what the store said, unless something newer is known. */
export function recordMailbox(context: LaneContext, params: MailboxParams): LaneContext {
  if (params.mailbox.version <= context.mailbox.version) return context;
  return { ...context, mailbox: params.mailbox };
}

/** Notes that a wake came due. */
export function recordWake(context: LaneContext): LaneContext {
  return produce(context, (draft) => {
    draft.wakeDue = true;
  });
}

/** Notes that its agent's heartbeat asks for a turn. */
export function recordHeartbeat(context: LaneContext): LaneContext {
  return context.heartbeatDue ? context : { ...context, heartbeatDue: true };
}

/** Notes that no heartbeat asks any longer: it was withdrawn, or its lane is paused (B59a). */
export function forgetHeartbeat(context: LaneContext): LaneContext {
  return context.heartbeatDue ? { ...context, heartbeatDue: false } : context;
}

/** Notes who pauses this lane: its session, the whole keeper, both or nobody (B59a). */
export function recordPause(context: LaneContext, params: PauseParams): LaneContext {
  return produce(context, (draft) => {
    draft.pausedBy[params.scope] = params.paused;
  });
}

/** Notes that the backoff of the work at the head is over. */
export function endBackoff(context: LaneContext): LaneContext {
  return produce(context, (draft) => {
    draft.elapsedRetryAt = draft.mailbox.retry?.at ?? null;
  });
}

/** Notes that the batch at the head waits for quiet no longer. */
export function endDebounce(context: LaneContext): LaneContext {
  return produce(context, (draft) => {
    draft.quietBatch = draft.mailbox.batch?.firstSeq ?? null;
  });
}

/** Notes the turn that now runs. It satisfies every wake before it (B40), but the heartbeat only where it is its own. */
export function recordTurn(context: LaneContext, params: TurnParams): LaneContext {
  const { turn } = params;
  const mailbox = newer(context.mailbox, params.mailbox);
  const heartbeatDue = context.heartbeatDue && turn.cause !== "heartbeat";
  return { ...context, turn, wakeDue: false, heartbeatDue, isUnconfirmed: false, mailbox };
}

/** Notes that the store failed to say whether it has opened a turn. */
export function recordUnconfirmed(context: LaneContext): LaneContext {
  return context.isUnconfirmed ? context : { ...context, isUnconfirmed: true };
}

/** Notes that there was no turn to open, and none is open. */
export function recordWithheld(context: LaneContext, params: MailboxParams): LaneContext {
  return { ...context, isUnconfirmed: false, mailbox: newer(context.mailbox, params.mailbox) };
}

/** Notes that the turn was told to stop. A later reason replaces an earlier one only where the outcome is still open. */
export function recordAbort(context: LaneContext, params: { readonly reason: AbortReason }): LaneContext {
  return produce(context, (draft) => {
    draft.abort = params.reason;
  });
}

/** Notes that a message ends the turn: it preempts a heartbeat's that gives way, and interrupts any other. */
export function recordInterrupt(context: LaneContext): LaneContext {
  return recordAbort(context, { reason: isGivingWay(context) ? "preempted" : "interrupted" });
}

/** Notes how the turn ended, and so what becomes of its work. */
export function recordEnd(context: LaneContext, params: { readonly end: TurnEnd }): LaneContext {
  return { ...context, conclusion: conclude(context.abort, params.end) };
}

/** Forgets the turn: the store has settled its work. */
export function recordSettled(context: LaneContext, params: MailboxParams): LaneContext {
  const mailbox = newer(context.mailbox, params.mailbox);
  return { ...context, turn: null, abort: null, conclusion: null, mailbox };
}

function newer(known: MailboxSummary, told: MailboxSummary): MailboxSummary {
  return told.version > known.version ? told : known;
}

/** What a turn that ended in this way, after this abort, means for its work (B28, B30, B58). */
export function conclude(abort: AbortReason | null, end: TurnEnd): Conclusion {
  switch (abort) {
    case null:
      return end === "returned" ? "completed" : "failed";
    case "stalled":
    case "timeout":
      return end === "returned" ? "completed" : "reclaimed";
    case "closed":
      return end === "returned" ? "completed" : "handed-back";
    case "aborted":
    case "interrupted":
    case "preempted":
    case "reset":
      return "cancelled";
    case "lost":
      return "crashed";
  }
}

/** Something here may start a turn: a message, an event that wakes, a wake that is due, or a heartbeat. */
export function hasWork(context: LaneContext): boolean {
  return hasOwnWork(context) || context.heartbeatDue;
}

/** Something here may start a turn that is no heartbeat: that comes first. */
export function hasOwnWork(context: LaneContext): boolean {
  return (
    context.mailbox.messages > 0 || context.mailbox.events > 0 || context.wakeDue || context.isUnconfirmed
  );
}

/** Its session or the whole keeper is paused. */
export function isPaused(context: LaneContext): boolean {
  return context.pausedBy.session || context.pausedBy.keeper;
}

/** The work at the head may not be tried yet. A message does not wait for events that back off (B31). */
export function isBackingOff(context: LaneContext): boolean {
  const { retry, messages } = context.mailbox;
  if (retry === null || retry.at === context.elapsedRetryAt) return false;
  return retry.holding === "message" || messages === 0;
}

/** The batch at the head waits for quiet, unless it is full (B18). */
export function isDebouncing(context: LaneContext): boolean {
  const { batch } = context.mailbox;
  return batch !== null && batch.firstSeq !== context.quietBatch && batch.count < context.cap;
}

/** Nothing may start now: no work, paused, backing off, or debouncing. */
export function isHeldBack(context: LaneContext): boolean {
  return !hasWork(context) || isPaused(context) || isBackingOff(context) || isDebouncing(context);
}

/** A message waits that ends the turn (B20, B47), and the turn's outcome is not decided yet. */
export function isInterrupted(context: LaneContext): boolean {
  const isEnded = context.mailbox.interrupt || (context.mailbox.pressing && isGivingWay(context));
  return isEnded && (context.abort === null || isOutcomeOpen(context));
}

/** The turn is a heartbeat's that gives way to messages. */
function isGivingWay({ turn }: LaneContext): boolean {
  return turn?.cause === "heartbeat" && turn.preemptible === true;
}

/** Nothing but a heartbeat that gives way to messages keeps it from being idle. */
export function isYielding(context: LaneContext): boolean {
  return !hasOwnWork(context) && (context.turn === null ? context.heartbeatDue : isGivingWay(context));
}

/** The running turn was told to stop, and what it returns still counts (B28). */
export function isOutcomeOpen(context: LaneContext): boolean {
  return context.abort === "stalled" || context.abort === "timeout" || context.abort === "closed";
}

/** A rejection now is the reclaim (B28). */
export function isReclaiming(context: LaneContext): boolean {
  return context.abort === "stalled" || context.abort === "timeout";
}

/** What an effect of a lane is told: whose it is. */
export interface EffectInput {
  readonly sessionKey: string;
}
/** What the effect that settles a turn's work is told besides. */
export interface SettlementInput extends EffectInput {
  readonly conclusion: Conclusion | null;
}

/** What an effect of the lane is told. */
export function toEffectInput({ context }: { readonly context: LaneContext }): EffectInput {
  return { sessionKey: context.sessionKey };
}

/** What the effect that settles a turn's work is told. */
export function toSettlementInput({ context }: { readonly context: LaneContext }): SettlementInput {
  return { sessionKey: context.sessionKey, conclusion: context.conclusion };
}
