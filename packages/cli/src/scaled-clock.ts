import type { Clock } from "lanekeeper";

const longestTimerMs = 2 ** 31 - 1;

/** The machine's own time. */
const wallClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
};

/**
 * A clock that runs `speed` times as fast as its base, so that everything on it keeps its own time.
 *
 * I1 A timer never fires before its time on this clock, however coarse the base's timers are.
 * I2 Both readings begin at the base's, or the wall's at `startAt`, and never step by a change of the base's wall clock alone.
 */
export function createScaledClock(
  speed: number,
  base: Clock = wallClock,
  startAt: number = base.now(),
): Clock {
  const startedMonotonic = base.monotonic();
  const elapsedMs = () => (base.monotonic() - startedMonotonic) * speed;
  const monotonic = () => startedMonotonic + elapsedMs();

  return {
    now: () => startAt + elapsedMs(),
    monotonic,
    setTimeout(callback, delayMs) {
      const dueAt = monotonic() + delayMs;
      const handle: { timer: unknown } = { timer: undefined };
      const arm = () => {
        const restMs = Math.ceil(Math.max(0, dueAt - monotonic()) / speed);
        handle.timer = base.setTimeout(fire, Math.min(restMs, longestTimerMs));
      };
      const fire = () => {
        if (monotonic() < dueAt) arm();
        else callback();
      };
      arm();
      return handle;
    },
    clearTimeout(handle) {
      base.clearTimeout((handle as { timer: unknown } | undefined)?.timer);
    },
  };
}
