/**
 * Time in which nothing could run: the process was suspended, stopped, or its event loop blocked (B26a).
 *
 * I1. A stretch of lost time counts once, however many timers it made late.
 * I2. Elapsed time is never negative and never more than what the clock says.
 */
export interface LostTime {
  /** Notes that nothing ran between two monotonic instants. */
  add(from: number, to: number): void;
  /** Milliseconds between two monotonic instants in which a turn could run. */
  elapsed(since: number, now: number): number;
}

/** Stretches that are remembered; the oldest are forgotten. */
const remembered = 256;

/** An empty record of lost time. */
export function createLostTime(): LostTime {
  const stretches: { readonly from: number; readonly to: number }[] = [];
  return {
    add(from, to) {
      if (to <= from) return;
      stretches.push({ from: Math.max(from, stretches.at(-1)?.to ?? from), to });
      if (stretches.length > remembered) stretches.shift();
    },
    elapsed(since, now) {
      let lost = 0;
      for (let index = stretches.length - 1; index >= 0; index--) {
        const stretch = stretches[index]!;
        if (stretch.to <= since) break;
        lost += Math.max(0, Math.min(stretch.to, now) - Math.max(stretch.from, since));
      }
      return Math.max(0, now - since - lost);
    },
  };
}
