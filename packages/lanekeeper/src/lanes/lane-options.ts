import * as v from "valibot";
import { LanekeeperError } from "../keeper/errors.ts";
import { callback, count, duration, members, oneOf, optional } from "../keeper/validation.ts";
import { type QueueMode, queueModes } from "./queue-mode.ts";
import { summarizeBody } from "./summary-line.ts";

/** The settings of a lane. */
export interface LaneOptions {
  /** How a message meets a session that is not idle, unless it says so itself. Default "followup". */
  readonly mode: QueueMode;
  /** Messages that may wait. Default 20. */
  readonly cap: number;
  /**
   * What happens beyond `cap` (B22): `reject` refuses the message with `LANE_FULL`; `drop-oldest` and `drop-newest` drop one
   * that never started; `summarize` drops the oldest and tells the next turn in a line. Default "reject".
   */
  readonly overflow: "reject" | "drop-oldest" | "drop-newest" | "summarize";
  /** One line for a dropped message's body, cut at 160 characters. Default: a text itself, its `text` member, else JSON. */
  readonly summarize: (message: unknown) => string;
  /** Events that may wait. Default 200. */
  readonly eventCap: number;
  /** Quiet time before a `collect` batch runs, in milliseconds. Default 500. */
  readonly debounceMs: number;
  /** Longest a `collect` batch waits, however busy the traffic, in milliseconds. At least `debounceMs`. Default 5,000. */
  readonly debounceMaxMs: number;
  /** No progress for this long while running, in milliseconds: the lane is stalled (warned, visible, still running). Default 120,000. */
  readonly stallAfterMs: number;
  /** No progress for this long while running: the turn is aborted and its slot taken back. Larger than `stallAfterMs`. Default 600,000. */
  readonly reclaimAfterMs: number;
  /** Longest a turn may run, however busy. At least `reclaimAfterMs`. Default 3,600,000. */
  readonly turnTimeoutMs: number;
  /** How long an aborted turn gets to return before it is fenced off and the lane goes on. Default 15,000. */
  readonly abortGraceMs: number;
  /** Tries of a failed turn, and the backoff between them: `min(maxMs, baseMs · 2^n)` with full jitter. Default { attempts: 3, baseMs: 1_000, maxMs: 60_000 }. */
  readonly retry: RetryOptions;
  /** Times work whose turn was reclaimed is tried again. Default 0: it is dead-lettered. */
  readonly maxReclaims: number;
  /** Times work whose turn died with its process, or with its lane, is tried again. Default 2. */
  readonly maxCrashes: number;
  /** How long after its outcome an id is still known. Default 300,000. */
  readonly dedupeMs: number;
  /** An idle lane's actor is stopped after this long; its session is still known. Default 60,000. */
  readonly passivateAfterMs: number;
}
/** Tries of a failed turn and the backoff between them. */
export interface RetryOptions {
  readonly attempts: number;
  readonly baseMs: number;
  readonly maxMs: number;
}

/** Lane options as hosts give them: every member may be left out. */
export type LaneSettings = {
  readonly [Key in Exclude<keyof LaneOptions, "retry">]?: LaneOptions[Key] | undefined;
} & {
  readonly retry?: { readonly [Key in keyof RetryOptions]?: RetryOptions[Key] | undefined } | undefined;
};

const defaults: LaneOptions = {
  mode: "followup",
  cap: 20,
  overflow: "reject",
  summarize: summarizeBody,
  eventCap: 200,
  debounceMs: 500,
  debounceMaxMs: 5_000,
  stallAfterMs: 120_000,
  reclaimAfterMs: 600_000,
  turnTimeoutMs: 3_600_000,
  abortGraceMs: 15_000,
  retry: { attempts: 3, baseMs: 1_000, maxMs: 60_000 },
  maxReclaims: 0,
  maxCrashes: 2,
  dedupeMs: 300_000,
  passivateAfterMs: 60_000,
};

const retrySchema = members({
  attempts: optional(count(1)),
  baseMs: optional(duration()),
  maxMs: optional(duration()),
});
/** What `lane` takes, and what `laneFor` may give. */
export const laneSchema: v.GenericSchema<unknown, LaneSettings> = members({
  mode: optional(oneOf(queueModes)),
  cap: optional(count(1)),
  overflow: optional(oneOf(["reject", "drop-oldest", "drop-newest", "summarize"])),
  summarize: optional(callback<(message: unknown) => string>()),
  eventCap: optional(count(1)),
  debounceMs: optional(duration()),
  debounceMaxMs: optional(duration()),
  stallAfterMs: optional(duration(1)),
  reclaimAfterMs: optional(duration(1)),
  turnTimeoutMs: optional(duration(1)),
  abortGraceMs: optional(duration()),
  retry: v.optional(retrySchema),
  maxReclaims: optional(count(0)),
  maxCrashes: optional(count(0)),
  dedupeMs: optional(duration()),
  passivateAfterMs: optional(duration()),
});

/** How many times longer than the stall deadline the reclaim deadline is by default. */
const reclaimPerStall = defaults.reclaimAfterMs / defaults.stallAfterMs;

/**
 * Completes lane settings with the defaults. `stallAfterMs < reclaimAfterMs ≤ turnTimeoutMs` and
 * `debounceMs ≤ debounceMaxMs` must hold: where only a default breaks them the default moves, else `INVALID_OPTION`.
 */
export function completeLaneOptions(settings: LaneSettings, path = "lane"): LaneOptions {
  const retry = { ...defaults.retry, ...withoutUndefined(settings.retry ?? {}) };
  if (settings.retry?.baseMs !== undefined && settings.retry.maxMs === undefined) {
    retry.maxMs = Math.max(retry.maxMs, retry.baseMs);
  } else if (settings.retry?.baseMs === undefined) {
    retry.baseMs = Math.min(retry.baseMs, retry.maxMs);
  }
  if (retry.baseMs > retry.maxMs) {
    throw broken(`${path}.retry.baseMs`, retry.baseMs, "≤", `${path}.retry.maxMs`, retry.maxMs);
  }
  return {
    ...defaults,
    ...withoutUndefined(settings),
    ...completeDebounce(settings, path),
    ...completeDeadlines(settings, path),
    retry,
  };
}

function completeDebounce(
  { debounceMs: quiet, debounceMaxMs: longest }: LaneSettings,
  path: string,
): Pick<LaneOptions, "debounceMs" | "debounceMaxMs"> {
  if (quiet !== undefined && longest !== undefined && quiet > longest) {
    throw broken(`${path}.debounceMs`, quiet, "≤", `${path}.debounceMaxMs`, longest);
  }
  return {
    debounceMs: quiet ?? Math.min(defaults.debounceMs, longest ?? Infinity),
    debounceMaxMs: longest ?? Math.max(defaults.debounceMaxMs, quiet ?? 0),
  };
}

function completeDeadlines(
  settings: LaneSettings,
  path: string,
): Pick<LaneOptions, "stallAfterMs" | "reclaimAfterMs" | "turnTimeoutMs"> {
  const { stallAfterMs: stall, reclaimAfterMs: reclaim, turnTimeoutMs: timeout } = settings;
  if (stall !== undefined && reclaim !== undefined && stall >= reclaim) {
    throw broken(`${path}.stallAfterMs`, stall, "<", `${path}.reclaimAfterMs`, reclaim);
  }
  if (reclaim !== undefined && timeout !== undefined && reclaim > timeout) {
    throw broken(`${path}.reclaimAfterMs`, reclaim, "≤", `${path}.turnTimeoutMs`, timeout);
  }
  if (stall !== undefined && timeout !== undefined && stall >= timeout) {
    throw broken(`${path}.stallAfterMs`, stall, "<", `${path}.turnTimeoutMs`, timeout);
  }
  let reclaimAfterMs = reclaim ?? defaults.reclaimAfterMs;
  if (reclaim === undefined) {
    if (stall !== undefined && stall >= reclaimAfterMs) reclaimAfterMs = stall * reclaimPerStall;
    if (timeout !== undefined) reclaimAfterMs = Math.min(reclaimAfterMs, timeout);
  }
  return {
    stallAfterMs:
      stall ??
      (defaults.stallAfterMs < reclaimAfterMs ? defaults.stallAfterMs : reclaimAfterMs / reclaimPerStall),
    reclaimAfterMs,
    turnTimeoutMs: timeout ?? Math.max(defaults.turnTimeoutMs, reclaimAfterMs),
  };
}

function broken(left: string, a: number, relation: string, right: string, b: number): LanekeeperError {
  return new LanekeeperError(
    "INVALID_OPTION",
    `${left} ${relation} ${right} must hold, got ${a} and ${b}. Change one of them.`,
    { option: left, got: a, other: right, otherGot: b },
  );
}

/** The members of an object that are not undefined, which means absent. */
function withoutUndefined<T extends object>(object: T): { [Key in keyof T]?: Exclude<T[Key], undefined> } {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as {
    [Key in keyof T]?: Exclude<T[Key], undefined>;
  };
}
