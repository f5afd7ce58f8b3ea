/**
 * Things kept for a while and then forgotten, in constant time each: those kept equally long lie in one queue.
 */
export interface Expiry<T> {
  /** Keeps a thing until `at` (epoch milliseconds), which is now plus `forMs`. */
  keep(thing: T, at: number, forMs: number): void;
  /** Hands over and drops what is kept until `now` or earlier. */
  sweep(now: number, forget: (thing: T) => void): void;
  /** When the next thing is to be forgotten (epoch milliseconds). */
  next(): number | undefined;
}

/** Entries at the front of a queue that are cleared in one go. */
const trimAt = 1_024;

/** An empty collection of things to forget. */
export function createExpiry<T>(): Expiry<T> {
  const queues = new Map<number, { entries: { readonly thing: T; readonly at: number }[]; head: number }>();
  return {
    keep(thing, at, forMs) {
      let queue = queues.get(forMs);
      if (queue === undefined) queues.set(forMs, (queue = { entries: [], head: 0 }));
      queue.entries.push({ thing, at });
    },
    sweep(now, forget) {
      for (const [forMs, queue] of queues) {
        const { entries } = queue;
        while (queue.head < entries.length && entries[queue.head]!.at <= now) {
          forget(entries[queue.head++]!.thing);
        }
        if (queue.head === entries.length) {
          queues.delete(forMs);
        } else if (queue.head > trimAt) {
          entries.splice(0, queue.head);
          queue.head = 0;
        }
      }
    },
    next() {
      let soonest: number | undefined;
      for (const { entries, head } of queues.values()) {
        const at = entries[head]?.at;
        if (at !== undefined && (soonest === undefined || at < soonest)) soonest = at;
      }
      return soonest;
    },
  };
}
