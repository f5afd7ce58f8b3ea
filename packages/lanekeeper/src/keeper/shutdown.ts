import type { Deadline } from "../time/deadlines.ts";
import type { DrainResult } from "./drain-result.ts";
import type { Runtime } from "./runtime.ts";
import { storeDeadlineMs } from "../store/store-requests.ts";

/**
 * The two ways to stop (B58).
 *
 * I1. Everybody who waits for running turns is told when none runs, also when the last one was reclaimed.
 * I2. Close ends at the latest after the graces of turns and commands and the store's own deadline.
 */
export interface Shutdown {
  /** Waits until no turn runs, at most so long. */
  drained(timeoutMs: number | undefined): Promise<DrainResult>;
  /** Waits until no turn is engaged or the time for it is over. */
  quiet(): Promise<void>;
  /** No turn runs any more, or nobody waits for those that do. */
  tell(): void;
}

/** Turns that run, are about to, or are not settled yet: a slot that was granted is a turn that is about to run. */
export function runningTurns({ counters, dispatcher }: Pick<Runtime, "counters" | "dispatcher">): number {
  return Math.max(counters.engaged, dispatcher.held);
}

/** Creates the waiting for the end of running turns. */
export function createShutdown(runtime: Runtime): Shutdown {
  const { dispatcher, deadlines, passages } = runtime;
  const waiting = new Set<() => void>();
  const result = (): DrainResult => ({
    drained: runningTurns(runtime) === 0,
    running: dispatcher.held,
    waiting: runtime.mailboxes.backlog,
  });
  const untilQuiet = (timeoutMs: number | undefined): Promise<void> =>
    new Promise((resolve) => {
      if (runningTurns(runtime) === 0 || timeoutMs === 0) {
        resolve();
        return;
      }
      let deadline: Deadline | undefined;
      const over = (): void => {
        waiting.delete(over);
        deadline?.cancel();
        resolve();
      };
      waiting.add(over);
      if (timeoutMs !== undefined) deadline = deadlines.arm(timeoutMs, over);
    });
  return {
    async drained(timeoutMs) {
      await passages.through(untilQuiet(timeoutMs));
      return result();
    },
    quiet() {
      const graces = Array.from(runtime.lanes.values(), ({ options }) => options.abortGraceMs);
      return untilQuiet(graces.reduce((a, b) => Math.max(a, b), 0) + storeDeadlineMs);
    },
    tell() {
      for (const over of [...waiting]) over();
    },
  };
}
