import type { Deadlines } from "./deadlines.ts";

/**
 * A deadline that recurs while turns run, for one purpose: a suspension is noticed, and measured to within one beat from
 * when it began, also when no other deadline was near (B26a). It looks at nothing else.
 */
export interface Pulse {
  /** A turn starts. */
  wake(): void;
}

const beatMs = 1_000;

/** Creates the pulse of a keeper; it beats while `isNeeded`. */
export function createPulse(deadlines: Deadlines, isNeeded: () => boolean): Pulse {
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
