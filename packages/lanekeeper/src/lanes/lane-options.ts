import { LanekeeperError } from "../keeper/errors.ts";

/** How a message meets a session that is not idle. */
export type QueueMode = "followup";

/** The settings of a lane. */
export interface LaneOptions {
  /** `followup`: each message is a turn of its own, in order. Default "followup". */
  readonly mode: QueueMode;
  /** Messages that may wait. Default 20. */
  readonly cap: number;
  /** What happens to a message beyond `cap`: `reject` refuses it with `LANE_FULL`. Default "reject". */
  readonly overflow: "reject";
  /** Events that may wait. Default 200. */
  readonly eventCap: number;
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
  eventCap: 200,
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

/** How many times longer than the stall deadline the reclaim deadline is by default. */
const reclaimPerStall = defaults.reclaimAfterMs / defaults.stallAfterMs;

/**
 * Completes lane settings with the defaults. `stallAfterMs < reclaimAfterMs ≤ turnTimeoutMs` must hold: where only a
 * default breaks it the default moves, else `INVALID_OPTION`.
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
  return { ...defaults, ...withoutUndefined(settings), ...completeDeadlines(settings, path), retry };
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
