import type { DeadLetter } from "../store/dead-letter.ts";
import type { Journal } from "./journal.ts";

/** Tells whoever looks of work that was given up. */
export function emitDeadLetters(journal: Journal, letters: readonly DeadLetter[]): void {
  if (!journal.isObserved) return;
  for (const { id, at, sessionKey, reason } of letters) {
    journal.emit({ type: "deadLetter.added", at, sessionKey, id, reason });
  }
}
