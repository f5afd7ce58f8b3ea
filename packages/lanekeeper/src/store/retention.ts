import type { Deadline } from "../time/deadlines.ts";
import type { Runtime } from "../keeper/runtime.ts";

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
  /** The delay of the armed deadline: one as long or longer ends later, whenever it begins. */
  let armedMs = Infinity;

  const arm = (ms: number): void => {
    const delayMs = Math.min(longestMs, Math.max(shortestMs, ms));
    if (delayMs >= armedMs) return;
    const due = settings.clock.monotonic() + delayMs;
    if (due >= dueMono) return;
    deadline?.cancel();
    dueMono = due;
    armedMs = delayMs;
    deadline = deadlines.arm(delayMs, sweep);
  };
  const sweep = (): void => {
    dueMono = armedMs = Infinity;
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
