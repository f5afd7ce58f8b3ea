/** Says at most once per interval for each key, and how often it kept quiet since. */
export interface Throttle {
  /** How many were held back since the last time, if it may speak now; undefined if not. */
  allow(key: string): number | undefined;
}

/** Keys after which those that may speak again are forgotten. */
const mostKeys = 1_024;

/** A throttle over a clock's monotonic time. */
export function createThrottle(monotonic: () => number, intervalMs: number): Throttle {
  const last = new Map<string, { at: number; heldBack: number }>();
  /** Subjects that have been quiet for an interval need no memory. */
  const forget = (now: number): void => {
    for (const [key, { at }] of last) if (now - at >= intervalMs) last.delete(key);
  };
  return {
    allow(key) {
      const now = monotonic();
      const entry = last.get(key);
      if (entry !== undefined && now - entry.at < intervalMs) {
        entry.heldBack++;
        return undefined;
      }
      if (last.size >= mostKeys) forget(now);
      last.set(key, { at: now, heldBack: 0 });
      return entry?.heldBack ?? 0;
    },
  };
}
