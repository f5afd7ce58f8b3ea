/**
 * One queue of steps, run one after the other.
 *
 * Owns: the order in which actors, effects and subscribers get their turn.
 * I1. A step never runs inside another: what a step asks for runs after it.
 * I2. Steps run in the order they were posted.
 * I3. After so many steps the event loop gets its turn, so that timers and I/O are never starved.
 * I4. A step that throws is reported and stops nothing.
 */
export interface RunQueue {
  /** Runs the step after those before it. */
  post(step: () => void): void;
}

/** Steps in a row before the event loop gets its turn. */
const burst = 2_048;

/** Creates a queue. `afterStep` runs when a step is over; `onError` is told of a step that threw. */
export function createRunQueue(host: {
  readonly afterStep: () => void;
  readonly onError: (error: unknown) => void;
}): RunQueue {
  let steps: (() => void)[] = [];
  let next: (() => void)[] = [];
  let isScheduled = false;
  let sinceYield = 0;

  const run = (): void => {
    [steps, next] = [next, steps];
    for (const step of steps) {
      try {
        step();
      } catch (error) {
        host.onError(error);
      }
      host.afterStep();
    }
    sinceYield += steps.length;
    steps.length = 0;
    if (next.length > 0) schedule();
    else isScheduled = false;
  };
  const schedule = (): void => {
    isScheduled = true;
    if (sinceYield < burst) {
      queueMicrotask(run);
    } else {
      sinceYield = 0;
      setImmediate(run);
    }
  };

  return {
    post(step) {
      next.push(step);
      if (!isScheduled) schedule();
    },
  };
}
