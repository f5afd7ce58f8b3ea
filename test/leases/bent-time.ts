import type { Clock } from "lanekeeper";

/**
 * True time, and the clocks that several processes have of it: each may be stepped, drift, sleep, be stopped, or fire its
 * timers late. True time moves only when told to.
 */
export interface BentTime {
  /** True milliseconds since the start. */
  readonly now: number;
  /** True time as a clock: what a lease store counts by. */
  readonly clock: Clock;
  /** The clock of one process. */
  bend(options?: { readonly rate?: number; readonly lateMs?: () => number }): BentClock;
  /** Calls back after so many true milliseconds. */
  after(ms: number, callback: () => void): void;
  /** Lets ready work run, then everything that is due in the next `ms` milliseconds, `observe` being called after each. */
  advance(ms: number, observe?: () => void): Promise<void>;
}

/** What one process takes for the time. */
export interface BentClock extends Clock {
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
}

interface Due {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

const epoch = Date.UTC(2026, 0, 1);
const immediate = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Starts true time. */
export function createBentTime(): BentTime {
  let now = 0;
  let order = 0;
  const tasks = new Set<Due>();
  const processes = new Set<ProcessClock>();

  const next = (end: number): (() => void) | undefined => {
    let first: Due | undefined;
    let from: { delete(due: Due): boolean } | undefined;
    for (const task of tasks) {
      if (task.at <= end && (first === undefined || precedes(task, first))) {
        first = task;
        from = tasks;
      }
    }
    for (const process of processes) {
      for (const timer of process.timers) {
        const at = process.trueAt(timer.at);
        if (at <= end && (first === undefined || precedes({ at, order: timer.order }, first))) {
          first = { ...timer, at };
          from = { delete: () => process.timers.delete(timer) };
        }
      }
    }
    if (first === undefined) return undefined;
    from!.delete(first);
    now = Math.max(now, first.at);
    return first.run;
  };

  class ProcessClock implements BentClock {
    readonly timers = new Set<Due>();
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
      const timer = { at: this.monotonic() + delayMs + this.#lateMs(), order: order++, run };
      this.timers.add(timer);
      return timer;
    }
    clearTimeout(handle: unknown): void {
      this.timers.delete(handle as Due);
    }
    step(ms: number): void {
      this.#steps += ms;
    }
    sleep(ms: number): void {
      this.#base = { mono: this.monotonic(), at: Math.max(now, this.#base.at) + ms };
    }
    end(): void {
      processes.delete(this);
      this.#stoppedUntil = Infinity;
    }
    stop(ms: number): void {
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
      setTimeout: (run, delayMs) => {
        const task = { at: now + delayMs, order: order++, run };
        tasks.add(task);
        return task;
      },
      clearTimeout: (handle) => void tasks.delete(handle as Due),
    },
    bend({ rate = 1, lateMs = () => 0 } = {}) {
      const process = new ProcessClock(rate, lateMs);
      processes.add(process);
      return process;
    },
    after(ms, run) {
      tasks.add({ at: now + ms, order: order++, run });
    },
    async advance(ms, observe) {
      const end = now + ms;
      await immediate();
      for (let run = next(end); run !== undefined; run = next(end)) {
        run();
        await immediate();
        observe?.();
      }
      now = end;
      await immediate();
      observe?.();
    },
  };
}

function precedes(a: { readonly at: number; readonly order: number }, b: Due): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order);
}
