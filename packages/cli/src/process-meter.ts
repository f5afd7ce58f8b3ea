import { monitorEventLoopDelay } from "node:perf_hooks";

const resolutionMs = 10;

/** What a run cost the process. */
export interface ProcessReading {
  /** The most memory the process ever held. */
  readonly peakMemoryBytes: number;
  /** How late the event loop was, in real time. */
  readonly eventLoopDelayMs: { readonly p50: number; readonly p99: number; readonly max: number };
}

/** Watches the process from now on; `stop` ends that and says what was seen. */
export function createProcessMeter(): { stop(): ProcessReading } {
  const delays = monitorEventLoopDelay({ resolution: resolutionMs });
  delays.enable();
  // The histogram holds the time between two samples, which without any delay is the resolution.
  const delayMs = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - resolutionMs);
  return {
    stop() {
      delays.disable();
      return {
        peakMemoryBytes: process.resourceUsage().maxRSS * 1_024,
        eventLoopDelayMs: {
          p50: delayMs(delays.percentile(50)),
          p99: delayMs(delays.percentile(99)),
          max: delayMs(delays.max),
        },
      };
    },
  };
}
