import type { Clock } from "lanekeeper";
import { assertKnownOptions, invalidOption } from "lanekeeper/ports";
import { assertCallbacks, assertOptionalCallbacks } from "./callbacks.ts";
import { assertSpan } from "./span.ts";

/**
 * True time, and the clocks that several processes have of it: each may be stepped, drift, sleep, be stopped, or fire its
 * timers late. True time moves only when told to.
 *
 * I1. What is due first runs first, and work that is ready runs before what is due next.
 * I2. Of what is due at the same instant, `pick` says which runs first; without it, what was armed first.
 * I3. Nothing here waits for real time, and nothing but `pick` and the order of calls decides anything.
 */
export interface VirtualTime {
  /** True milliseconds since the start. */
  readonly now: number;
  /** True time as a clock: what a lease store counts by. */
  readonly clock: Clock;
  /**
   * The clock of one process: `rate` of its milliseconds pass in a true one, by default 1; its timers fire as late as `lateMs`
   * says, by default not at all. Throws `INVALID_OPTION`.
   */
  process(options?: { readonly rate?: number; readonly lateMs?: () => number }): ProcessClock;
  /** Calls back after so many true milliseconds. Throws `INVALID_OPTION`. */
  after(ms: number, callback: () => void): void;
  /**
   * Lets ready work run, then everything that is due in the next `ms` milliseconds, `observe` being called after each, with
   * whether nothing was ready any more: a chain of immediates is waited for up to a thousand of them. Rejects with
   * `INVALID_OPTION`, and with what `observe` throws.
   */
  advance(ms: number, observe?: (isAtRest: boolean) => void): Promise<void>;
}

/** What one process takes for the time. What is given no time, or none that can be, throws `INVALID_OPTION`. */
export interface ProcessClock extends Clock {
  /** Whether its process runs now. */
  readonly isAwake: boolean;
  /** Moves its wall clock alone. */
  step(ms: number): void;
  /** Its process sleeps for so many true milliseconds: its wall clock goes on, its monotonic one stands still. */
  sleep(ms: number): void;
  /** Its process is stopped (SIGSTOP, a blocked loop) for so long: both clocks go on, no timer fires. */
  stop(ms: number): void;
  /** Its process is killed: nothing of it ever runs again. */
  end(): void;
  /**
   * What is left of a process that was killed runs on, on time of its own, until that is over, has no timer left or has taken
   * an hour, or ten thousand timers: so that it can be closed, and nothing of it stays in memory. True time stands still.
   */
  bury(over: Promise<unknown>): Promise<void>;
}

interface Due {
  /** A true instant; of a timer, one of its process. */
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
  /** Where it waits, by its order. */
  readonly from: Map<number, Due>;
}

const epoch = Date.UTC(2026, 0, 1);
/** Milliseconds of its own time that what is left of a process may take. */
const burialMs = 3_600_000;
/** How many of its timers may fire meanwhile. */
const burialTimers = 10_000;
const immediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
/** Immediates in a row after which somebody's endless chain of them is not waited for. */
const patience = 1_000;
/** Lets ready work run: also what gives way to the event loop and asks for an immediate of its own. */
const settle = async (): Promise<boolean> => {
  for (let round = 0; round < patience; round++) {
    await immediate();
    if (!process.getActiveResourcesInfo().includes("Immediate")) return true;
  }
  return false;
};

/** A timer that is due at no time would be due before all others, or never. */
function assertDelay(delayMs: number): void {
  if (typeof delayMs !== "number" || Number.isNaN(delayMs))
    throw invalidOption("delayMs", delayMs, "a number of milliseconds");
}

/** Starts true time. `pick` chooses one of so many that are due at the same instant. Throws `INVALID_OPTION`. */
export function createVirtualTime(pick: (count: number) => number = () => 0): VirtualTime {
  assertCallbacks({ pick });
  let now = 0;
  let order = 0;
  const tasks = new Map<number, Due>();
  const add = (to: Map<number, Due>, at: number, run: () => void): number => {
    to.set(order, { at, order, run, from: to });
    return order++;
  };
  const processes = new Set<BentClock>();

  /** All that are due first, by the order in which they were armed. */
  const first = (end: number): Due[] => {
    let due: Due[] = [];
    let at = end;
    const consider = (one: Due): void => {
      if (one.at > at) return;
      if (one.at < at) due = [];
      at = one.at;
      due.push(one);
    };
    for (const task of tasks.values()) consider(task);
    for (const process of processes) {
      for (const timer of process.timers.values()) consider({ ...timer, at: process.trueAt(timer.at) });
    }
    return due;
  };
  const next = (end: number): (() => void) | undefined => {
    const due = first(end).toSorted((a, b) => a.order - b.order);
    if (due.length === 0) return undefined;
    const picked = due.length > 1 ? pick(due.length) : 0;
    const one = due[picked];
    if (one === undefined)
      throw invalidOption("pick", picked, `a whole number below ${due.length}`, "What pick chooses");
    one.from.delete(one.order);
    now = Math.max(now, one.at);
    return one.run;
  };

  class BentClock implements ProcessClock {
    readonly timers = new Map<number, Due>();
    readonly #rate: number;
    readonly #lateMs: () => number;
    #steps = 0;
    /** Its monotonic clock read `mono` at the true instant `at`, and stands still until then. */
    #base = { at: now, mono: 0 };
    #stoppedUntil = 0;

    constructor(rate: number, lateMs: () => number) {
      this.#rate = rate;
      this.#lateMs = lateMs;
    }
    get isAwake(): boolean {
      return now >= this.#base.at && now >= this.#stoppedUntil;
    }
    now(): number {
      return epoch + this.#steps + now;
    }
    monotonic(): number {
      return this.#base.mono + Math.max(0, now - this.#base.at) * this.#rate;
    }
    /** The true instant at which a timer that is due at a monotonic one can fire. */
    trueAt(mono: number): number {
      return Math.max(
        this.#base.at + (mono - this.#base.mono) / this.#rate,
        this.#stoppedUntil,
        this.#base.at,
      );
    }
    setTimeout(run: () => void, delayMs: number): unknown {
      assertDelay(delayMs);
      const lateMs = this.#lateMs();
      assertSpan("lateMs", lateMs, "What lateMs says");
      return add(this.timers, this.monotonic() + delayMs + lateMs, run);
    }
    clearTimeout(handle: unknown): void {
      this.timers.delete(handle as number);
    }
    step(ms: number): void {
      if (!Number.isFinite(ms)) throw invalidOption("ms", ms, "a finite number of milliseconds");
      this.#steps += ms;
    }
    sleep(ms: number): void {
      assertSpan("ms", ms);
      this.#base = { mono: this.monotonic(), at: Math.max(now, this.#base.at) + ms };
    }
    end(): void {
      processes.delete(this);
      this.#stoppedUntil = Infinity;
    }
    async bury(over: Promise<unknown>): Promise<void> {
      const ended = { isTrue: false };
      over.catch(() => {}).finally(() => (ended.isTrue = true));
      const begun = this.monotonic();
      await immediate();
      // What waits for nothing on this clock may wait for ever.
      let left = burialTimers;
      const isPatient = (): boolean => left > 0 && this.monotonic() < begun + burialMs;
      for (let idle = 0; !ended.isTrue && idle < 100 && isPatient(); idle++) {
        const [timer] = [...this.timers.values()].toSorted((a, b) => a.at - b.at || a.order - b.order);
        if (timer !== undefined) {
          idle = 0;
          left--;
          this.timers.delete(timer.order);
          this.#base = { mono: Math.max(this.monotonic(), timer.at), at: now };
          timer.run();
        }
        await immediate();
      }
    }
    stop(ms: number): void {
      assertSpan("ms", ms);
      this.#stoppedUntil = Math.max(now, this.#stoppedUntil) + ms;
    }
  }

  return {
    get now() {
      return now;
    },
    clock: {
      now: () => epoch + now,
      monotonic: () => now,
      setTimeout(run, delayMs) {
        assertDelay(delayMs);
        return add(tasks, now + delayMs, run);
      },
      clearTimeout: (handle) => void tasks.delete(handle as number),
    },
    process(options = {}) {
      assertKnownOptions("process", options, ["rate", "lateMs"]);
      const { rate = 1, lateMs = () => 0 } = options;
      if (!(Number.isFinite(rate) && rate > 0)) throw invalidOption("rate", rate, "a finite number above 0");
      assertCallbacks({ lateMs });
      const process = new BentClock(rate, lateMs);
      processes.add(process);
      return process;
    },
    after(ms, run) {
      assertSpan("ms", ms);
      add(tasks, now + ms, run);
    },
    async advance(ms, observe) {
      assertSpan("ms", ms);
      assertOptionalCallbacks({ observe });
      const end = now + ms;
      await settle();
      for (let run = next(end); run !== undefined; run = next(end)) {
        run();
        const isAtRest = await settle();
        observe?.(isAtRest);
      }
      now = end;
      const isAtRest = await settle();
      observe?.(isAtRest);
    },
  };
}
