import { hasSlept } from "@lanekeeper/machines";
import type { Deadline, Deadlines } from "../time/deadlines.ts";
import type { Instants } from "./instants.ts";
import type { LiveLock } from "./live-lock.ts";

/**
 * A look at both clocks that recurs while locks are held, so that a sleep is noticed where nobody calls `assertHeld()`.
 *
 * I1. Between two looks lies at most half the least margin of the locks that are held (B49).
 */
export interface SleepWatch {
  /** A lock is held from now on. */
  wake(lock: LiveLock): void;
  stop(): void;
}

/** Watches the locks that are owned; `doubted` hears of each whose lease may have been slept through. */
export function createSleepWatch(
  deadlines: Deadlines,
  instants: Instants,
  owned: ReadonlySet<LiveLock>,
  doubted: (lock: LiveLock) => void,
): SleepWatch {
  let beatMs = Infinity;
  let deadline: Deadline | undefined;
  let seenAheadMs = instants.aheadMs;
  const arm = (ms: number): void => {
    if (ms >= beatMs) return;
    beatMs = ms;
    deadline?.cancel();
    deadline = deadlines.arm(ms, beat);
  };
  const beat = (): void => {
    beatMs = Infinity;
    const now = instants.now();
    const isAhead = instants.aheadMs > seenAheadMs;
    seenAheadMs = instants.aheadMs;
    let nextMs = Infinity;
    for (const lock of owned) {
      const { terms, lease } = lock.snapshot.context;
      nextMs = Math.min(nextMs, terms.marginMs / 2);
      if (isAhead && lease !== null && hasSlept(terms, lease.confirmed, now)) doubted(lock);
    }
    arm(nextMs);
  };
  return {
    wake: (lock) => arm(lock.request.terms.marginMs / 2),
    stop: () => deadline?.cancel(),
  };
}
