import { monitorEventLoopDelay } from "node:perf_hooks";

/** How late the event loop is. */
export interface EventLoopDelay {
  /** On average since the start, in milliseconds. */
  readonly meanMs: number;
  stop(): void;
}

/** Milliseconds between two looks. */
const resolution = 20;

/** Watches the event loop. Does not keep the process alive. */
export function createEventLoopDelay(): EventLoopDelay {
  const histogram = monitorEventLoopDelay({ resolution });
  histogram.enable();
  return {
    get meanMs() {
      const mean = histogram.mean / 1e6 - resolution;
      return Number.isFinite(mean) && mean > 0 ? mean : 0;
    },
    stop: () => void histogram.disable(),
  };
}

/** An event loop that nobody watches. */
export const stillEventLoop: EventLoopDelay = { meanMs: 0, stop: () => {} };
