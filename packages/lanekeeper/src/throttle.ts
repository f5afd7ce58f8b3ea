/** Says at most once per interval for each key, and how often it kept quiet since. */
export interface Throttle {
  /** How many were held back since the last time, if it may speak now; undefined if not. */
  allow(key: string): number | undefined;
}

/** A throttle over a clock's monotonic time. */
export function createThrottle(monotonic: () => number, intervalMs: number): Throttle {
  const last = new Map<string, { at: number; heldBack: number }>();
  return {
    allow(key) {
      const now = monotonic();
      const entry = last.get(key);
      if (entry !== undefined && now - entry.at < intervalMs) {
        entry.heldBack++;
        return undefined;
      }
      last.set(key, { at: now, heldBack: 0 });
      return entry?.heldBack ?? 0;
    },
  };
}
