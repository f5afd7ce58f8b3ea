import { backoffMs } from "../turns/verdict.ts";

/** Crashes of one lane within this many milliseconds of each other count as one series. */
const seriesMs = 120_000;
const rebuildBackoff = { attempts: 1, baseMs: 1_000, maxMs: 60_000 };
/** Milliseconds until a step of the store that failed to start a lane is asked for again. */
export const startAgainMs = rebuildBackoff.baseMs;

interface Crash {
  count: number;
  /** Monotonic milliseconds. */
  at: number;
}

/**
 * How long each crashed lane waits until it is rebuilt, in milliseconds: not at all after its first crash, ever longer where
 * it crashes again and again (B7).
 */
export function createCrashSeries(monotonic: () => number): (sessionKey: string) => number {
  const crashes = new Map<string, Crash>();
  return (sessionKey) => {
    const now = monotonic();
    const crash = crashes.get(sessionKey);
    const isSeries = crash !== undefined && now - crash.at < seriesMs;
    for (const [key, { at }] of crashes) if (now - at >= seriesMs) crashes.delete(key);
    const series = { count: isSeries ? crash.count + 1 : 1, at: now };
    crashes.set(sessionKey, series);
    return series.count === 1 ? 0 : backoffMs(series.count - 2, rebuildBackoff, () => 0.999);
  };
}
