import { createSimulatedClock } from "lanekeeper/simulated-clock";
import type { Clock } from "lanekeeper";
import { CliError } from "./errors.ts";
import type { RunningCommands } from "./running-commands.ts";
import { createScaledClock } from "./scaled-clock.ts";

/** How trace time passes: a clock, and what makes it move while work is under way. */
export interface Pace {
  readonly clock: Clock;
  /** Lets time pass until the work ends, and ends as it does. */
  runUntil<T>(work: Promise<T>): Promise<T>;
}

/** Trace time passes `speed` times as fast as real time. `startAt` is the clock's first `now()`, in epoch milliseconds. */
export function createScaledPace(speed: number, startAt?: number): Pace {
  return { clock: createScaledClock(speed, undefined, startAt), runUntil: (work) => work };
}

const pauseMs = 10;
const longestStandstillMs = 30_000;

/**
 * Trace time jumps from timer to timer.
 *
 * I1 Time moves only when nothing is ready to run.
 * I2 Time stands still while a real command runs, for at most 30 s of real time.
 * I3 Work that waits for nothing on the clock fails with code `STUCK` after 30 s of real time instead of hanging.
 */
export function createSimulatedPace(
  commands: Pick<RunningCommands, "running" | "ended">,
  startAt?: number,
): Pace {
  const clock = createSimulatedClock({ startAt });
  return {
    clock,
    async runUntil(work) {
      let isOver = false;
      const end = () => {
        isOver = true;
      };
      work.then(end, end);
      let isCommandOverdue = false;
      let stillMs = 0;
      for (;;) {
        await clock.settle();
        if (isOver) return await work;
        const nextMs = clock.nextTimerInMs();
        if (commands.running > 0 && !isCommandOverdue) {
          isCommandOverdue = !(await endsWithin(commands.ended(), longestStandstillMs));
        } else if (nextMs !== undefined) {
          stillMs = 0;
          await clock.advance(nextMs);
        } else if (stillMs < longestStandstillMs) {
          stillMs += pauseMs;
          await endsWithin(work, pauseMs);
        } else {
          throw new CliError("STUCK", "the replay waits for something that no timer will bring");
        }
      }
    },
  };
}

/** Whether the work ends, in whatever way, within that much real time. */
async function endsWithin(work: Promise<unknown>, limitMs: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, limitMs, false);
  });
  const end = work.then(
    () => true,
    () => true,
  );
  try {
    return await Promise.race([end, limit]);
  } finally {
    clearTimeout(timer);
  }
}
