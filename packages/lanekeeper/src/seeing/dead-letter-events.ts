import type { DeadLetter } from "../store/dead-letter.ts";
import type { Journal } from "./journal.ts";

/** Tells the log, and whoever looks, of work that was given up. */
export function tellDeadLetters(journal: Journal, letters: readonly DeadLetter[]): void {
  for (const { id, at, sessionKey, reason } of letters) {
    journal.warn(
      `deadLetter:${reason}`,
      { sessionKey, deadLetterId: id, reason },
      "Work was given up; it is a dead letter.",
    );
    if (journal.isObserved) journal.emit({ type: "deadLetter.added", at, sessionKey, id, reason });
  }
}
