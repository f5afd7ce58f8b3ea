import type { Clock } from "../time/clock.ts";
import type { Players, Tape } from "./tape.ts";

/** A keeper's clock that is played back. */
export interface ReplayedTime {
  readonly clock: Clock;
  readonly aside: Clock;
  readonly players: Players;
}

/** A clock that shows what the recording says. */
export function replayTime(tape: Tape): ReplayedTime {
  let count = 0;
  const timers = new Map<number, () => void>();
  const aside: Clock = {
    monotonic: () => tape.mono,
    now: () => tape.mono + tape.ahead,
    setTimeout: () => 0,
    clearTimeout: () => {},
  };
  return {
    aside,
    clock: {
      monotonic() {
        tape.look();
        return tape.mono;
      },
      now() {
        tape.look();
        return tape.mono + tape.ahead;
      },
      setTimeout(callback, delayMs) {
        const timer = ++count;
        tape.take({ type: "armed", timer, delayMs });
        timers.set(timer, callback);
        return timer;
      },
      clearTimeout: (handle) => void timers.delete(handle as number),
    },
    players: {
      timer({ timer }) {
        const callback = timers.get(timer);
        if (callback === undefined) return false;
        timers.delete(timer);
        tape.advance();
        callback();
        return true;
      },
    },
  };
}
