import type { Deadlines } from "./deadlines.ts";

/**
 * A deadline that recurs while turns run, for one purpose: a suspension is noticed, and measured from its beginning to
 * within one beat, also when no other deadline was near (B26a).
 */
export interface Pulse {
  /** A turn starts. */
  wake(): void;
}

const shortestBeatMs = 1_000;
const longestBeatMs = 15_000;
/** Beats within the time in which a turn stalls. */
const beatsPerStall = 8;

/** Creates the pulse of a keeper; it beats while `isNeeded`. */
export function createPulse(deadlines: Deadlines, stallAfterMs: number, isNeeded: () => boolean): Pulse {
  const beatMs = Math.min(longestBeatMs, Math.max(shortestBeatMs, stallAfterMs / beatsPerStall));
  let isBeating = false;
  const beat = (): void => {
    isBeating = isNeeded();
    if (isBeating) deadlines.arm(beatMs, beat);
  };
  return {
    wake() {
      if (isBeating) return;
      isBeating = true;
      deadlines.arm(beatMs, beat);
    },
  };
}
