import { clockSlackMs, type Instant } from "@lanekeeper/machines";
import type { Clock } from "../time/clock.ts";

/**
 * The two clocks as one reading.
 *
 * I1. `wall` never steps back: a step back is left out, so that it cannot hide a sleep after it (B49).
 * I2. Rounding of either clock adds up to nothing, however often they are read.
 */
export interface Instants {
  now(): Instant;
  /** Milliseconds by which the wall clock has run ahead so far. */
  readonly aheadMs: number;
}

/** Reads a clock. */
export function createInstants(clock: Clock): Instants {
  let skew = clock.now() - clock.monotonic();
  let aheadMs = 0;
  return {
    get aheadMs() {
      return aheadMs;
    },
    now() {
      const monotonic = clock.monotonic();
      const nowSkew = clock.now() - monotonic;
      if (nowSkew > skew + clockSlackMs) aheadMs += nowSkew - skew;
      if (Math.abs(nowSkew - skew) > clockSlackMs) skew = nowSkew;
      return { monotonic, wall: monotonic + aheadMs };
    },
  };
}
