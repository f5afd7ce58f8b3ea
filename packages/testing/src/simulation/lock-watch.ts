import type { Lock } from "lanekeeper";
import type { Life } from "./life.ts";

/** Who believes to hold what, over all keepers: at most one a name (B49). */
export interface LockWatch {
  add(life: Life, lock: Lock): void;
  /** Looks at everybody who runs now. */
  look(): void;
}

/** A watch over no locks yet. Told of two that believe, and of tokens that do not grow (B52). */
export function createLockWatch(violate: (rule: string, message: string) => void): LockWatch {
  const taken = new Map<string, Set<{ readonly life: Life; readonly lock: Lock }>>();
  const tokens = new Map<string, bigint>();
  return {
    add(life, lock) {
      const { name, fencingToken } = lock;
      if (fencingToken <= (tokens.get(name) ?? 0n))
        violate("B52", `${name} was given to ${life.name} with token ${fencingToken}, after a larger one`);
      tokens.set(name, fencingToken);
      const holders = taken.get(name) ?? new Set();
      taken.set(name, holders.add({ life, lock }));
    },
    look() {
      for (const [name, holders] of taken) {
        const believers: string[] = [];
        for (const holder of holders) {
          const { life, lock } = holder;
          const isOver = life.isDead || lock.state === "idle" || lock.state === "reclaimed";
          if (isOver) holders.delete(holder);
          else if (holders.size > 1 && life.clock.isAwake && isHeld(lock)) believers.push(life.name);
        }
        if (believers.length > 1) violate("B49", `${name} is held by ${believers.join(" and ")} at once`);
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
