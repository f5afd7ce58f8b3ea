import { openPassages, type Passages } from "./passages.ts";

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
  /** Runs the step after those before it, never in this call. It is given what it needs: a closure for each costs more. */
  post(step: () => void): void;
  post<A>(step: (a: A) => void, a: A): void;
  post<A, B>(step: (a: A, b: B) => void, a: A, b: B): void;
}

type Step = (a: unknown, b: unknown) => void;

/** Steps in a row before the event loop gets its turn. */
const burst = 2_048;
/** Fields of a queued step: what is called, and its two arguments. */
const stride = 3;
/** Fields that an emptied list keeps room for. */
const keptRoom = 3_072;
const soon = Promise.resolve();

/** Creates a queue. `afterStep` runs when a step is over; `onError` is told of a step that threw. */
export function createRunQueue(
  host: { readonly afterStep: () => void; readonly onError: (error: unknown) => void },
  { enter }: Pick<Passages, "enter"> = openPassages,
): RunQueue {
  let running: unknown[] = [];
  let waiting: unknown[] = [];
  /** Fields of `waiting` that are in use. */
  let used = 0;
  /** Whether a run is under way or coming. */
  let isScheduled = false;
  let sinceYield = 0;

  const run = (): void => {
    const end = used;
    const steps = waiting;
    waiting = running;
    running = steps;
    used = 0;
    for (let index = 0; index < end; index += stride) {
      const step = steps[index] as Step;
      const a = steps[index + 1];
      const b = steps[index + 2];
      steps[index] = steps[index + 1] = steps[index + 2] = undefined;
      try {
        step(a, b);
      } catch (error) {
        host.onError(error);
      }
      try {
        host.afterStep();
      } catch (error) {
        host.onError(error);
      }
    }
    sinceYield += end / stride;
    if (end > keptRoom) steps.length = keptRoom;
    if (used > 0) schedule();
    else isScheduled = false;
  };
  const schedule = (): void => {
    isScheduled = true;
    if (sinceYield < burst) {
      void soon.then(enter(run));
    } else {
      sinceYield = 0;
      setImmediate(enter(run));
    }
  };
  return {
    post(step: Step, a?: unknown, b?: unknown) {
      waiting[used] = step;
      waiting[used + 1] = a;
      waiting[used + 2] = b;
      used += stride;
      if (!isScheduled) schedule();
    },
  };
}
