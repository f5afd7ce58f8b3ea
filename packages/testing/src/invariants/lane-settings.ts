import type { LaneOptions, LaneSettings } from "lanekeeper";

/**
 * The settings of a lane as the documentation of `LaneOptions` says they come about: what the host gave for all lanes, on top
 * what `laneFor` gave for this one, and a default where neither says anything. Where only a default breaks one of the
 * inequalities, it moves.
 */
export function laneOptionsOf(given: LaneSettings, own: unknown): LaneOptions {
  const settings = merge(given, isObject(own) ? own : {});
  const options = complete(settings);
  // What is invalid is ignored.
  return isValid(options) ? options : complete(given);
}

const defaults = {
  mode: "followup",
  cap: 20,
  overflow: "reject",
  eventCap: 200,
  debounceMs: 500,
  debounceMaxMs: 5_000,
  stallAfterMs: 120_000,
  reclaimAfterMs: 600_000,
  turnTimeoutMs: 3_600_000,
  abortGraceMs: 15_000,
  maxReclaims: 0,
  maxCrashes: 2,
  dedupeMs: 300_000,
  passivateAfterMs: 60_000,
} as const;
const retryDefaults = { attempts: 3, baseMs: 1_000, maxMs: 60_000 };
/** How many times longer than the stall deadline the reclaim deadline is. */
const reclaimPerStall = defaults.reclaimAfterMs / defaults.stallAfterMs;

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

/** Members that are undefined are absent. */
function merge(given: LaneSettings, own: LaneSettings): LaneSettings {
  const merged = { ...defined(given), ...defined(own) };
  const retry = { ...defined(given.retry ?? {}), ...defined(own.retry ?? {}) };
  return { ...merged, retry };
}

function defined<T extends object>(object: T): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T;
}

function complete(settings: LaneSettings): LaneOptions {
  const {
    debounceMs,
    debounceMaxMs,
    stallAfterMs: stall,
    reclaimAfterMs: reclaim,
    turnTimeoutMs: timeout,
    retry,
  } = settings;
  const baseMs = retry?.baseMs ?? Math.min(retryDefaults.baseMs, retry?.maxMs ?? Infinity);
  const reclaimAfterMs = reclaim ?? reclaimOf(stall, timeout);
  const stallAfterMs =
    stall ??
    (defaults.stallAfterMs < reclaimAfterMs ? defaults.stallAfterMs : reclaimAfterMs / reclaimPerStall);
  return {
    ...defaults,
    ...defined(settings),
    debounceMs: debounceMs ?? Math.min(defaults.debounceMs, debounceMaxMs ?? Infinity),
    debounceMaxMs: debounceMaxMs ?? Math.max(defaults.debounceMaxMs, debounceMs ?? 0),
    stallAfterMs,
    reclaimAfterMs,
    turnTimeoutMs: timeout ?? Math.max(defaults.turnTimeoutMs, reclaimAfterMs),
    retry: {
      attempts: retry?.attempts ?? retryDefaults.attempts,
      baseMs,
      maxMs: retry?.maxMs ?? Math.max(retryDefaults.maxMs, baseMs),
    },
  } as LaneOptions;
}

function reclaimOf(stall: number | undefined, timeout: number | undefined): number {
  const moved = stall !== undefined && stall >= defaults.reclaimAfterMs;
  return Math.min(moved ? stall * reclaimPerStall : defaults.reclaimAfterMs, timeout ?? Infinity);
}

function isValid({
  debounceMs,
  debounceMaxMs,
  stallAfterMs,
  reclaimAfterMs,
  turnTimeoutMs,
  retry,
}: LaneOptions): boolean {
  return (
    debounceMs <= debounceMaxMs &&
    stallAfterMs < reclaimAfterMs &&
    reclaimAfterMs <= turnTimeoutMs &&
    retry.baseMs <= retry.maxMs
  );
}
