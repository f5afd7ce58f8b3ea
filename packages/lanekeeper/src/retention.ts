import type { Deadline } from "./deadlines.ts";
import type { Runtime } from "./runtime.ts";

/** Lets the store forget what it need not remember any longer, by a timer that is armed only while there is something. */
export interface Retention {
  /** Something is remembered for this long from now on. */
  noteFor(ms: number): void;
}

/** The least and the most time between two sweeps, in milliseconds. */
const shortestMs = 1_000;
const longestMs = 3_600_000;

/** Creates the retention of a keeper. */
export function createRetention(runtime: Runtime): Retention {
  const { settings, deadlines } = runtime;
  let deadline: Deadline | undefined;
  let dueMono = Infinity;

  const arm = (ms: number): void => {
    const delayMs = Math.min(longestMs, Math.max(shortestMs, ms));
    const due = settings.clock.monotonic() + delayMs;
    if (due >= dueMono) return;
    deadline?.cancel();
    dueMono = due;
    deadline = deadlines.arm(delayMs, sweep);
  };
  const sweep = (): void => {
    dueMono = Infinity;
    runtime.ask(
      () => runtime.mailboxes.sweep(),
      (next) => {
        if (next !== undefined) arm(next - settings.clock.now());
      },
      () => arm(longestMs),
    );
  };
  return { noteFor: arm };
}
