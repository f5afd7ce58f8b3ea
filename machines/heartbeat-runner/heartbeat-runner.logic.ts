import { type Draft, Immer } from "immer";
import {
  type HeartbeatSchedule,
  isMinuteFull,
  isWithinSpacing,
  maxRetries,
  maxStartsPerMinute,
  nextTime,
  phaseOf,
  retryTime,
} from "./heartbeat-schedule.ts";

/**
 * The pure half of the heartbeat runner: what each event does to its context.
 *
 * Owns: the shape of a runner's context and every update of it.
 * Must not know: clocks (every event says when), the lane, the host's values.
 * I1. The context is JSON and of bounded size.
 * I2. Whatever happened, `nextAt` afterwards lies on the schedule: a time that passed meanwhile is merged (B41, B46).
 * I3. Every function returns a new context or the same one; none changes its argument.
 */

const { produce } = new Immer({ autoFreeze: false });

/** Why a heartbeat that was due did not start and will not for that time. */
export type SkipReason = "disabled" | "quiet-hours" | "too-soon" | "flood" | "paused" | "draining";

/** What a heartbeat whose session is free waits for: a slot at all, or room in its group. */
export type CapacityReason = "capacity-full" | "group-full";
/** What a heartbeat waits for: its own session, or capacity that all share (B42). */
export type DeferReason = "session-busy" | CapacityReason;

/** Why the lane told a heartbeat's turn to stop. */
export type HeartbeatAbort =
  | "preempted"
  | "interrupted"
  | "aborted"
  | "reset"
  | "stalled"
  | "timeout"
  | "closed"
  | "lost";

/** What last became of a heartbeat. `at` and `retryAt` are epoch milliseconds, `error` is a code or a message. */
export type HeartbeatRecord =
  | { readonly status: "ran"; readonly at: number; readonly durationMs: number }
  | { readonly status: "deferred"; readonly at: number; readonly reason: DeferReason }
  | { readonly status: "skipped"; readonly at: number; readonly reason: SkipReason }
  | {
      readonly status: "failed";
      readonly at: number;
      readonly error: string;
      readonly retryAt: number | null;
    }
  | { readonly status: "preempted"; readonly at: number };

/** The context of a heartbeat runner; instants are epoch milliseconds. */
export interface HeartbeatContext {
  readonly agent: string;
  readonly sessionKey: string;
  readonly schedule: HeartbeatSchedule;
  /** The next time of the schedule; none: heartbeats are turned off. */
  readonly nextAt: number | null;
  /** When a failed heartbeat is tried again, and how often one was since the last time of the schedule. */
  readonly retryAt: number | null;
  readonly retries: number;
  /** Somebody asked by hand, and no turn has started since. */
  readonly requested: boolean;
  /** The latest starts, oldest first, at most five. */
  readonly starts: readonly number[];
  /** The latest instant an event told. */
  readonly lookedAt: number;
  readonly abort: HeartbeatAbort | null;
  readonly last: HeartbeatRecord | null;
}

/** What a runner is started with: its options and what the store kept of its past (B56). */
export interface HeartbeatInput {
  readonly agent: string;
  readonly sessionKey: string;
  readonly everyMs: number;
  readonly minSpacingMs: number;
  readonly enabled: boolean;
  readonly starts: readonly number[];
  /** Now. */
  readonly at: number;
}

/** The context of a runner that has just been started: its first time lies within `everyMs`. */
export function createHeartbeatContext(input: HeartbeatInput): HeartbeatContext {
  const { agent, sessionKey, everyMs, minSpacingMs, at } = input;
  const schedule = { everyMs, phaseMs: phaseOf(agent, everyMs), minSpacingMs };
  return {
    agent,
    sessionKey,
    schedule,
    nextAt: input.enabled ? nextTime(schedule, at) : null,
    retryAt: null,
    retries: 0,
    requested: false,
    starts: input.starts.slice(-maxStartsPerMinute).map((start) => Math.min(start, at)),
    lookedAt: at,
    abort: null,
    last: null,
  };
}

/** Turns the schedule on; a schedule that is on stays as it is. */
export function recordEnabled(context: HeartbeatContext, params: { readonly at: number }): HeartbeatContext {
  if (context.nextAt !== null) return context;
  return produce(context, (draft) => {
    draft.nextAt = nextTime(context.schedule, params.at);
  });
}

/** Turns the schedule off. What runs is not touched; what was asked for by hand and has not started is skipped. */
export function recordDisabled(context: HeartbeatContext, params: { readonly at: number }): HeartbeatContext {
  if (context.requested) return withdraw(context, params);
  return produce(context, (draft) => {
    draft.nextAt = null;
    draft.retryAt = null;
  });
}

/** Turns the schedule off and skips the heartbeat that is due. */
export function withdraw(context: HeartbeatContext, params: { readonly at: number }): HeartbeatContext {
  return produce(recordSkip(context, { at: params.at, reason: "disabled" }), (draft) => {
    draft.nextAt = null;
  });
}

/** Notes that somebody asked by hand. */
export function recordRequest(context: HeartbeatContext): HeartbeatContext {
  return produce(context, (draft) => {
    draft.requested = true;
  });
}

/** Begins a heartbeat that is due and may start. One the schedule asked for has all its retries. */
export function recordDue(context: HeartbeatContext, params: { readonly at: number }): HeartbeatContext {
  return produce(context, (draft) => {
    if (draft.retryAt === null && !draft.requested) draft.retries = 0;
    draft.retryAt = null;
    lookAt(draft, params.at);
  });
}

/** Puts a heartbeat off whose time has not come: the clock was stepped back, or the timer fired early. */
export function recordEarly(context: HeartbeatContext, params: { readonly at: number }): HeartbeatContext {
  return produce(context, (draft) => {
    lookAt(draft, params.at);
    if (draft.retryAt !== null && draft.nextAt !== null && draft.retryAt >= draft.nextAt)
      draft.retryAt = null;
  });
}

/** Notes that a heartbeat does not start this time, and why. */
export function recordSkip(
  context: HeartbeatContext,
  params: { readonly at: number; readonly reason: SkipReason },
): HeartbeatContext {
  return produce(context, (draft) => {
    lookAt(draft, params.at);
    draft.retryAt = null;
    draft.requested = false;
    draft.last = { status: "skipped", at: params.at, reason: params.reason };
  });
}

/** Notes that a heartbeat waits for its own session. */
export function deferToSession(context: HeartbeatContext, params: { readonly at: number }): HeartbeatContext {
  return produce(context, (draft) => {
    draft.last = { status: "deferred", at: params.at, reason: "session-busy" };
  });
}

/** Notes that a heartbeat waits for capacity. */
export function deferToCapacity(
  context: HeartbeatContext,
  params: { readonly at: number; readonly reason: CapacityReason },
): HeartbeatContext {
  return produce(context, (draft) => {
    draft.last = { status: "deferred", at: params.at, reason: params.reason };
  });
}

/** Notes a start: it answers every request before it. */
export function recordStart(context: HeartbeatContext, params: { readonly at: number }): HeartbeatContext {
  return produce(context, (draft) => {
    lookAt(draft, params.at);
    draft.starts = [...draft.starts, params.at].slice(-maxStartsPerMinute);
    draft.requested = false;
    draft.retryAt = null;
    draft.abort = null;
  });
}

/** Notes the start of a turn that a heartbeat's command caused: it counts for spacing like one of its own (B39, B45). */
export function recordInherited(
  context: HeartbeatContext,
  params: { readonly at: number },
): HeartbeatContext {
  return produce(context, (draft) => {
    draft.starts = [...draft.starts, params.at]
      .map((start) => Math.min(start, params.at))
      .slice(-maxStartsPerMinute);
  });
}

/** Notes that the turn was told to stop, and its result where the abort decides it (B28). */
export function recordAbort(
  context: HeartbeatContext,
  params: { readonly at: number; readonly reason: HeartbeatAbort },
): HeartbeatContext {
  const { at, reason } = params;
  return produce(context, (draft) => {
    draft.abort = reason;
    if (reason === "preempted") draft.last = { status: "preempted", at };
    else if (isDecidedBy(reason)) draft.last = { status: "failed", at, error: codeOf(reason), retryAt: null };
  });
}

/** Notes a heartbeat that ran. */
export function recordCompletion(
  context: HeartbeatContext,
  params: { readonly at: number; readonly durationMs: number },
): HeartbeatContext {
  return produce(context, (draft) => {
    lookAt(draft, params.at);
    draft.retries = 0;
    draft.abort = null;
    draft.last = { status: "ran", at: params.at, durationMs: params.durationMs };
  });
}

/**
 * Notes a failure and plans the retry, unless it is permanent or would not come before the next time.
 * What an abort decided stays the result.
 */
export function recordFailure(
  context: HeartbeatContext,
  params: { readonly at: number; readonly error: string; readonly permanent?: boolean },
): HeartbeatContext {
  const { at, error, permanent = false } = params;
  if (!isOutcomeOpen(context)) return recordEnd(context, params);
  return produce(context, (draft) => {
    lookAt(draft, at);
    const retryAt = retryTime(context.schedule, draft.starts, at, draft.retries);
    const mayRetry =
      !permanent && draft.retries < maxRetries && draft.nextAt !== null && retryAt < draft.nextAt;
    draft.retryAt = mayRetry ? retryAt : null;
    if (mayRetry) draft.retries += 1;
    draft.abort = null;
    draft.last = { status: "failed", at, error, retryAt: draft.retryAt };
  });
}

/** Notes that the turn could not be asked for: whoever asked by hand has that answer. */
export function recordBreak(
  context: HeartbeatContext,
  params: { readonly at: number; readonly error: string },
): HeartbeatContext {
  return produce(recordFailure(context, params), (draft) => {
    draft.requested = false;
  });
}

/**
 * Notes that the turn was reclaimed: it failed and is not tried again, for its schedule goes on (B1).
 * What an abort decided stays the result; what close ended has none, for a later keeper goes on.
 */
export function recordReclaim(context: HeartbeatContext, params: { readonly at: number }): HeartbeatContext {
  if (!isOutcomeOpen(context) || context.abort === "closed") return recordEnd(context, params);
  return produce(context, (draft) => {
    draft.last = { status: "failed", at: params.at, error: codeOf(context.abort), retryAt: null };
    draft.abort = null;
  });
}

/** Notes that a turn is over whose result is known already. */
export function recordEnd(context: HeartbeatContext, params: { readonly at: number }): HeartbeatContext {
  return produce(context, (draft) => {
    lookAt(draft, params.at);
    draft.abort = null;
  });
}

/** Heartbeats are turned off. */
export function isDisabled(context: HeartbeatContext): boolean {
  return context.nextAt === null;
}

/** A failed heartbeat is to be tried again. */
export function hasRetry(context: HeartbeatContext): boolean {
  return context.retryAt !== null;
}

/** The time that was waited for has not come. A request by hand is always in time. */
export function isEarly(context: HeartbeatContext, params: { readonly at: number }): boolean {
  const dueAt = context.retryAt ?? context.nextAt;
  return !context.requested && dueAt !== null && params.at < dueAt;
}

/** The last start is too close; a request by hand is exempt (B45). */
export function isTooSoon(context: HeartbeatContext, params: { readonly at: number }): boolean {
  return !context.requested && isWithinSpacing(context.schedule, context.starts, params.at);
}

/** The agent had its starts of this minute; a request by hand is exempt (B45). */
export function isFlooding(context: HeartbeatContext, params: { readonly at: number }): boolean {
  return !context.requested && isMinuteFull(context.starts, params.at);
}

/** Right after another start this one would be too close; a request by hand is exempt (B45). */
export function isSpaced(context: HeartbeatContext): boolean {
  return !context.requested && context.schedule.minSpacingMs > 0;
}

/** What the turn returns still counts. */
export function isOutcomeOpen(context: HeartbeatContext): boolean {
  return context.abort === null || !isDecidedBy(context.abort);
}

/** Every fact moves the schedule to its next time, and no start lies in the future of a clock that was stepped back. */
function lookAt(draft: Draft<HeartbeatContext>, at: number): void {
  draft.lookedAt = at;
  if (draft.nextAt !== null) draft.nextAt = nextTime(draft.schedule, at);
  draft.starts = draft.starts.map((start) => Math.min(start, at));
}

/** This abort decides the result at once; after a stall, a time-out or a close a reply still counts (B28). */
function isDecidedBy(reason: HeartbeatAbort): boolean {
  return reason !== "stalled" && reason !== "timeout" && reason !== "closed" && reason !== "lost";
}

function codeOf(abort: HeartbeatAbort | null): string {
  return abort === null || abort === "lost" ? "TURN_FENCED" : `TURN_${abort.toUpperCase()}`;
}
