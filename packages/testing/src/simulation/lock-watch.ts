import type { Lock } from "lanekeeper";
import type { Life } from "./life.ts";

/** Who believes to hold what, over all keepers: at most one a name (B49). */
export interface LockWatch {
  /** A life has taken a lock; to be called when it has given it back. */
  add(life: Life, lock: Lock): () => void;
  /** Looks at everybody who runs now. */
  look(): void;
}

/** A watch over no locks yet. Told of two that believe, and of tokens that do not grow (B52). */
export function createLockWatch(violate: (rule: string, claim: string, sentence: string) => void): LockWatch {
  const taken = new Map<string, Set<{ readonly life: Life; readonly lock: Lock }>>();
  const tokens = new Map<string, bigint>();
  return {
    add(life, lock) {
      const { name, fencingToken } = lock;
      if (fencingToken <= (tokens.get(name) ?? 0n))
        violate(
          "B52",
          "The tokens of a lock grow over all keepers.",
          `${name} was given to ${life.name} with token ${fencingToken}, after a larger one`,
        );
      tokens.set(name, fencingToken);
      const holders = taken.get(name) ?? new Set();
      const holder = { life, lock };
      taken.set(name, holders.add(holder));
      return () => void holders.delete(holder);
    },
    look() {
      for (const [name, holders] of taken) {
        if (holders.size < 2) continue;
        for (const holder of holders)
          if (holder.life.isDead || holder.lock.signal.aborted) holders.delete(holder);
        if (holders.size < 2) continue;
        const believers = [...holders].filter(({ life, lock }) => life.clock.isAwake && isHeld(lock));
        if (believers.length > 1) {
          const names = believers.map(({ life }) => life.name).join(" and ");
          violate("B49", "A lock has one holder over all keepers.", `${name} is held by ${names} at once`);
        }
      }
    },
  };
}

function isHeld(lock: Lock): boolean {
  try {
    lock.assertHeld();
    return true;
  } catch {
    return false;
  }
}
