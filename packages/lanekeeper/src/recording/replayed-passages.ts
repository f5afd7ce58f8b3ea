import type { Passages } from "../keeper/passages.ts";
import type { Players, Tape } from "./tape.ts";

/** The ways into a keeper that is played back: each opens when the recording says so. */
export interface ReplayedPassages extends Passages {
  readonly players: Players;
}

/** Closed passages. */
export function replayPassages(tape: Tape): ReplayedPassages {
  let passages = 0;
  const arrived = new Map<number, () => void>();
  return {
    enter(callback) {
      const passage = ++passages;
      return (...args) => void arrived.set(passage, () => callback(...args));
    },
    through<T>(awaited: T | PromiseLike<T>) {
      const passage = ++passages;
      return new Promise<T>((resolve, reject) => {
        Promise.resolve(awaited).then(
          (value) => arrived.set(passage, () => resolve(value)),
          (error: unknown) => arrived.set(passage, () => reject(error)),
        );
      });
    },
    callOut: (call) => tape.callOut(call),
    players: {
      entered({ passage }) {
        const pass = arrived.get(passage);
        if (pass === undefined) return false;
        arrived.delete(passage);
        tape.advance();
        pass();
        return true;
      },
    },
  };
}
