import type { Clock } from "lanekeeper";

/** Waits on the given clock; rejects with the signal's reason, its timer cleared, when the signal aborts first. */
export function sleep(clock: Clock, durationMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const wake = () => {
      signal.removeEventListener("abort", interrupt);
      resolve();
    };
    const interrupt = () => {
      clock.clearTimeout(timer);
      reject(signal.reason);
    };
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const timer = clock.setTimeout(wake, durationMs);
    signal.addEventListener("abort", interrupt, { once: true });
  });
}
