/**
 * Who asked first: one line per name, of this process alone (B53).
 *
 * I1. Only the first in a line asks the store; whoever holds the lock is still in the line.
 * I2. Leaving makes the next the first, and only once.
 */
export interface LockLines<Waiter extends { readonly name: string }> {
  /** Joins at the end; whether it is the first. */
  join(waiter: Waiter): boolean;
  /** Whoever is the first of a name. */
  first(name: string): Waiter | undefined;
  /** Those of its line who came after it, in order. */
  behind(waiter: Waiter): readonly Waiter[];
  /** Leaves; gives the one that is the first now, if that changed. Without effect where it is not in the line. */
  leave(waiter: Waiter): Waiter | undefined;
}

/** No lines. */
export function createLockLines<Waiter extends { readonly name: string }>(): LockLines<Waiter> {
  const lines = new Map<string, Set<Waiter>>();
  return {
    join(waiter) {
      const line = lines.get(waiter.name) ?? new Set();
      lines.set(waiter.name, line.add(waiter));
      return line.size === 1;
    },
    first(name) {
      const [first] = lines.get(name) ?? [];
      return first;
    },
    behind(waiter) {
      const line = [...(lines.get(waiter.name) ?? [])];
      return line.slice(line.indexOf(waiter) + 1);
    },
    leave(waiter) {
      const line = lines.get(waiter.name);
      if (line === undefined) return undefined;
      const [first] = line;
      if (!line.delete(waiter)) return undefined;
      if (line.size === 0) lines.delete(waiter.name);
      const [next] = line;
      return first === waiter ? next : undefined;
    },
  };
}
