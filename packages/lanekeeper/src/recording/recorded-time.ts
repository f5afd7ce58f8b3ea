import type { Clock } from "../time/clock.ts";
import type { InnerEntry } from "./inner-entries.ts";

/**
 * A keeper's clock while it is recorded.
 *
 * I1. Both clocks show whole milliseconds, and differ by the same until the wall clock is moved: a machine's two clocks are
 *     not read at the same instant, so a millisecond between them says nothing.
 * I2. Every millisecond that the keeper sees begins with an entry: by itself, or with whatever is noted next.
 */
export interface RecordedTime {
  /** The keeper's. Each look counts. */
  readonly clock: Clock;
  /** The same as it was seen last: for what no recording needs to know of. */
  readonly aside: Clock;
  /** The store's own: looks that it takes need no note. */
  readonly ofStore: Clock;
  /** As it was seen last. */
  readonly mono: number;
  readonly wall: number;
  /** Looks at the clock for an entry that is about to be noted. */
  beforeEntry(): void;
}

/** Records a clock. `note` notes an entry; `write` does so at the time as it is seen now. */
export function createRecordedTime(
  clock: Clock,
  host: { write(entry: InnerEntry): void; note(entry: InnerEntry): void },
): RecordedTime {
  let mono = Math.floor(clock.monotonic());
  let ahead = Math.floor(clock.now()) - mono;
  let looks = 0;
  let timers = 0;

  /** Whether the wall clock was moved. */
  const move = (): boolean => {
    const exact = clock.monotonic();
    const wall = Math.floor(clock.now());
    mono = Math.floor(exact);
    const byMs = Math.abs(wall - mono - ahead);
    if (byMs === 0 || (byMs === 1 && exact !== mono)) return false;
    ahead = wall - mono;
    return true;
  };
  const look = (): void => {
    looks++;
    const before = mono;
    const isWallMoved = move();
    if (mono === before && !isWallMoved) return;
    host.write({ type: "time", looks, ...(isWallMoved ? { wall: mono + ahead } : {}) });
    looks = 0;
  };
  const unnoted: Pick<Clock, "setTimeout" | "clearTimeout"> = {
    setTimeout: (callback, delayMs) => clock.setTimeout(callback, delayMs),
    clearTimeout: (handle) => clock.clearTimeout(handle),
  };
  return {
    get mono() {
      return mono;
    },
    get wall() {
      return mono + ahead;
    },
    beforeEntry() {
      try {
        if (move()) host.write({ type: "time", looks: 0, wall: mono + ahead });
      } catch {
        // A clock that throws is the keeper's to find out: until then the time is what it was.
      }
      looks = 0;
    },
    clock: {
      monotonic() {
        look();
        return mono;
      },
      now() {
        look();
        return mono + ahead;
      },
      setTimeout(callback, delayMs) {
        const timer = ++timers;
        host.note({ type: "armed", timer, delayMs });
        return clock.setTimeout(() => {
          host.note({ type: "timer", timer });
          callback();
        }, delayMs);
      },
      clearTimeout: (handle) => clock.clearTimeout(handle),
    },
    aside: { ...unnoted, monotonic: () => mono, now: () => mono + ahead },
    ofStore: {
      ...unnoted,
      monotonic: () => Math.floor(clock.monotonic()),
      now: () => Math.floor(clock.now()),
    },
  };
}
