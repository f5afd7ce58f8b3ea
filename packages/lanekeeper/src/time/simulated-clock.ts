import { optional, strictObject } from "valibot";
import { invalidOption } from "../keeper/option-faults.ts";
import { check, finite } from "../keeper/validation.ts";
import type { Clock } from "./clock.ts";

/**
 * Time that moves only when told to.
 *
 * I1. Timers fire in the order of their due time, then of their arming, and work that is ready runs before the next one.
 * I2. Nothing here waits for real time.
 */

/** A clock that moves only when told to, for tests and simulations. */
export interface SimulatedClock extends Clock {
  /** Milliseconds until the next timer, or undefined when none is armed. */
  nextTimerInMs(): number | undefined;
  /** Lets ready work run, then fires the timers of the next `ms` milliseconds in order, letting ready work run after each. */
  advance(ms: number): Promise<void>;
  /** Lets ready work run (microtasks, immediates) without moving time. */
  settle(): Promise<void>;
  /** Time passes while nothing runs, as when the process is suspended: the timers due meanwhile fire late, afterwards. */
  suspend(ms: number): Promise<void>;
  /** Moves the wall clock alone, as an operator or NTP does; negative steps it back. */
  stepWall(ms: number): void;
}

const optionsSchema = strictObject({ startAt: optional(finite("epoch milliseconds")) });

interface Timer {
  readonly due: number;
  readonly order: number;
  readonly callback: () => void;
}

/** Immediates in a row in which nobody touched the clock, after which no work is ready any more. */
const quietRounds = 3;
/** Immediates in a row after which somebody's endless chain of them that never touches the clock is not waited for. */
const patience = 200;
/** Rounds of immediates after which ready work counts as endless. */
const settleRounds = 100_000;

/** Whether immediates are pending in this process. */
function hasImmediates(): boolean {
  return process.getActiveResourcesInfo().includes("Immediate");
}

function checkSpan(name: string, ms: number): void {
  if (!(Number.isFinite(ms) && ms >= 0))
    throw invalidOption(name, ms, "a finite number of milliseconds, 0 or more");
}

/** A simulated clock. `startAt` is its first `now()` in epoch milliseconds, by default 2026-01-01T00:00:00Z. */
export function createSimulatedClock(
  options: { readonly startAt?: number | undefined } = {},
): SimulatedClock {
  const { startAt } = check("options", optionsSchema, options);
  const epoch = startAt ?? Date.UTC(2026, 0, 1);
  let elapsed = 0;
  let wallStep = 0;
  let order = 0;
  /** Grows whenever somebody asks for the time or touches a timer: work is going on. */
  let activity = 0;
  const timers = new Map<number, Timer>();

  const next = (): Timer | undefined => {
    let first: Timer | undefined;
    for (const timer of timers.values()) {
      if (
        first === undefined ||
        timer.due < first.due ||
        (timer.due === first.due && timer.order < first.order)
      ) {
        first = timer;
      }
    }
    return first;
  };
  const immediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const settle = async (): Promise<void> => {
    let quiet = 0;
    for (let round = 0; round < settleRounds; round++) {
      const before = activity;
      await immediate();
      quiet = activity === before ? quiet + 1 : 0;
      if (quiet >= quietRounds && (quiet >= patience || !hasImmediates())) return;
    }
  };
  const fireUntil = async (end: number): Promise<void> => {
    for (let timer = next(); timer !== undefined && timer.due <= end; timer = next()) {
      timers.delete(timer.order);
      elapsed = Math.max(elapsed, timer.due);
      timer.callback();
      await settle();
    }
  };

  return {
    now: () => {
      activity++;
      return epoch + wallStep + elapsed;
    },
    monotonic: () => {
      activity++;
      return elapsed;
    },
    setTimeout: (callback, delayMs) => {
      activity++;
      const timer = { due: elapsed + Math.max(0, delayMs), order: order++, callback };
      timers.set(timer.order, timer);
      return timer.order;
    },
    clearTimeout: (handle) => {
      activity++;
      timers.delete(handle as number);
    },
    nextTimerInMs: () => {
      const timer = next();
      return timer === undefined ? undefined : Math.max(0, timer.due - elapsed);
    },
    advance: async (ms) => {
      checkSpan("ms", ms);
      await settle();
      const end = elapsed + ms;
      await fireUntil(end);
      elapsed = Math.max(elapsed, end);
      await settle();
    },
    settle,
    suspend: async (ms) => {
      checkSpan("ms", ms);
      elapsed += ms;
      await fireUntil(elapsed);
      await settle();
    },
    stepWall: (ms) => {
      if (!Number.isFinite(ms)) throw invalidOption("ms", ms, "a finite number of milliseconds");
      wallStep += ms;
    },
  };
}
