import type { DeadLetter } from "./dead-letter.ts";

/** Milliseconds for which a dead letter is kept: 30 days. */
const keptMs = 30 * 86_400_000;
/** Dead letters that are kept. */
const keptCount = 10_000;

/** The memory store's dead letters, oldest first. */
export interface MemoryDeadLetters {
  add(letter: DeadLetter): void;
  get(id: string): DeadLetter | undefined;
  /** Forgets one; false if there is none. */
  remove(id: string): boolean;
  /** The newest first. */
  list(sessionKey: string | undefined, limit: number): readonly DeadLetter[];
  sweep(now: number): void;
  next(): number | undefined;
}

/** An empty shelf of dead letters. */
export function createMemoryDeadLetters(): MemoryDeadLetters {
  const letters = new Map<string, DeadLetter>();
  const oldest = (): DeadLetter | undefined => letters.values().next().value;
  return {
    add(letter) {
      letters.set(letter.id, letter);
      if (letters.size > keptCount) letters.delete(oldest()!.id);
    },
    get: (id) => letters.get(id),
    remove: (id) => letters.delete(id),
    list(sessionKey, limit) {
      const found: DeadLetter[] = [];
      for (const letter of [...letters.values()].toReversed()) {
        if (found.length >= limit) break;
        if (sessionKey === undefined || letter.sessionKey === sessionKey) found.push(letter);
      }
      return found;
    },
    sweep(now) {
      for (let letter = oldest(); letter !== undefined && letter.at + keptMs <= now; letter = oldest()) {
        letters.delete(letter.id);
      }
    },
    next() {
      const letter = oldest();
      return letter === undefined ? undefined : letter.at + keptMs;
    },
  };
}
