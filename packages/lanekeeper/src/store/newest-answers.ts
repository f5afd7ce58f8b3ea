import type { Passages } from "../keeper/passages.ts";
import type { Answer } from "./store.ts";

/**
 * Requests of which only the newest counts: steps happen in the order they are asked for, and answers may overtake each
 * other.
 */
export interface NewestAnswers<Subject> {
  /** Asks; false where a newer request about the subject was answered before. Rejects as the answer does. */
  ask(subject: Subject, question: () => Answer<unknown>): Promise<boolean>;
}

/** No requests yet. */
export function createNewestAnswers<Subject>(through: Passages["through"]): NewestAnswers<Subject> {
  /** The newest request about each subject that was answered; kept while any is open. */
  const answered = new Map<Subject, number>();
  let asked = 0;
  let open = 0;
  return {
    async ask(subject, question) {
      const number = ++asked;
      open++;
      try {
        await through(question());
        if (number < (answered.get(subject) ?? 0)) return false;
        answered.set(subject, number);
        return true;
      } finally {
        if (--open === 0) answered.clear();
      }
    },
  };
}
