import type { Clock } from "lanekeeper";

/** Time since the trace began. */
export interface TraceTime {
  /** Now, in milliseconds. */
  ms(): number;
  /** Begins again: what passed until now does not count. */
  restart(): void;
}

/** Trace time that passes with a clock, from `startMs` on. */
export function startTraceTime(clock: Clock, startMs: number): TraceTime {
  let traceStart = clock.monotonic() - startMs;
  return {
    ms: () => clock.monotonic() - traceStart,
    restart() {
      traceStart = clock.monotonic() - startMs;
    },
  };
}
