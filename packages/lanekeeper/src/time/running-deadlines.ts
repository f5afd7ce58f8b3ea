import type { Clock } from "./clock.ts";
import type { Deadline, Deadlines } from "./deadlines.ts";
import type { LostTime } from "./lost-time.ts";

/**
 * Deadlines for what others have to answer: only time in which they could have counts, so that a suspended process does
 * not take its store for dead when it wakes (B26a, B33).
 */
export type ArmRunning = (delayMs: number, callback: () => void) => Deadline;

/** Clocks may fire a fraction of a millisecond early. */
const slackMs = 0.5;

/** Creates the arming of such deadlines. */
export function createRunningDeadlines(clock: Clock, deadlines: Deadlines, lostTime: LostTime): ArmRunning {
  return (delayMs, callback) => {
    const since = clock.monotonic();
    const check = (): void => {
      const leftMs = delayMs - lostTime.elapsed(since, clock.monotonic());
      if (leftMs > slackMs) deadline = deadlines.arm(leftMs, check);
      else callback();
    };
    let deadline = deadlines.arm(delayMs, check);
    return { cancel: () => deadline.cancel() };
  };
}
