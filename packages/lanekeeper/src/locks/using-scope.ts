import { AsyncLocalStorage } from "node:async_hooks";
import type { Passages } from "../keeper/passages.ts";
import type { LiveLock } from "./live-lock.ts";

/**
 * Which locks the calling code runs under, by the `using` around it.
 *
 * I1. Only work that has not settled counts: a context left over from one that has holds nothing.
 */
export interface UsingScope {
  /** Runs work under a lock. Rejects as it does. */
  run<T>(lock: LiveLock, work: () => Promise<T> | T): Promise<T>;
  /** Whether the calling code holds a lock of this name by a `using` around it. */
  holds(name: string): boolean;
}

interface Frame {
  readonly lock: LiveLock;
  readonly outer: Frame | undefined;
  isOpen: boolean;
}

/** No work. */
export function createUsingScope({ through }: Pick<Passages, "through">): UsingScope {
  const frames = new AsyncLocalStorage<Frame>();
  return {
    async run<T>(lock: LiveLock, work: () => Promise<T> | T): Promise<T> {
      const frame: Frame = { lock, outer: frames.getStore(), isOpen: true };
      try {
        return await through(frames.run(frame, async () => work()));
      } finally {
        frame.isOpen = false;
      }
    },
    holds(name) {
      for (let frame = frames.getStore(); frame !== undefined; frame = frame.outer) {
        if (frame.isOpen && frame.lock.name === name && frame.lock.isOwned) return true;
      }
      return false;
    },
  };
}
