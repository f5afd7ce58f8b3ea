import type { DeadLetter } from "../store/dead-letter.ts";
import type { LanekeeperEvent } from "./events.ts";
import type { Journal } from "./journal.ts";

/** Tells the log, and whoever looks, of work that was given up. */
export function tellDeadLetters(journal: Journal, letters: readonly DeadLetter[]): void {
  for (const letter of letters) {
    const { id, sessionKey, reason } = letter;
    journal.warn(
      `deadLetter:${reason}`,
      { sessionKey, deadLetterId: id, reason },
      "Work was given up; it is a dead letter.",
    );
    if (journal.isObserved) journal.emit(toEvent(letter));
  }
}

/** What is told of a dead letter. */
export function toEvent({ id, at, sessionKey, reason }: DeadLetter): LanekeeperEvent {
  return { type: "deadLetter.added", at, sessionKey, id, reason };
}
