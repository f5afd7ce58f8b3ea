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

interface Queue<T> {
  things: T[];
  ends: number[];
  head: number;
}

/** Entries at the front of a queue that are cleared in one go. */
const trimAt = 1_024;

/** An empty collection of things to forget. */
export function createExpiry<T>(): Expiry<T> {
  const queues = new Map<number, Queue<T>>();
  return {
    keep(thing, at, forMs) {
      let queue = queues.get(forMs);
      if (queue === undefined) queues.set(forMs, (queue = { things: [], ends: [], head: 0 }));
      queue.things.push(thing);
      queue.ends.push(at);
    },
    sweep(now, forget) {
      for (const [forMs, queue] of queues) {
        const { things, ends } = queue;
        while (queue.head < ends.length && ends[queue.head]! <= now) forget(things[queue.head++]!);
        if (queue.head === ends.length) {
          queues.delete(forMs);
        } else if (queue.head > trimAt) {
          things.splice(0, queue.head);
          ends.splice(0, queue.head);
          queue.head = 0;
        }
      }
    },
    next() {
      let soonest: number | undefined;
      for (const { ends, head } of queues.values()) {
        const at = ends[head];
        if (at !== undefined && (soonest === undefined || at < soonest)) soonest = at;
      }
      return soonest;
    },
  };
}
