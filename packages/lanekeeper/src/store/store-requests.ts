import { LanekeeperError, messageOf, toError } from "../keeper/errors.ts";
import { openPassages, type Passages } from "../keeper/passages.ts";
import type { Deadline } from "../time/deadlines.ts";
import type { ArmRunning } from "../time/running-deadlines.ts";
import type { Answer } from "./store.ts";

/**
 * Every question to the store.
 *
 * I1. Each has a deadline; a store that does not answer has failed (B33).
 * I2. So has one that answers nonsense: an answer that whoever asked cannot read.
 */
export interface StoreRequests {
  /**
   * Asks, and calls back exactly once: at once if the store answers at once. Where `answered` throws, `failed` is called
   * as well. All three are given the subject: closures for each question cost more.
   */
  ask<T, S>(
    question: (subject: S) => Answer<T>,
    answered: (value: T, subject: S) => void,
    failed: (error: LanekeeperError, subject: S) => void,
    subject: S,
    note?: QuestionNote,
  ): void;
  ask<T>(
    question: () => Answer<T>,
    answered: (value: T) => void,
    failed: (error: LanekeeperError) => void,
  ): void;
  /** Asks a question that only looks, as `ask` does. */
  look<T, S>(
    question: (subject: S) => Answer<T>,
    answered: (value: T, subject: S) => void,
    failed: (error: LanekeeperError, subject: S) => void,
    subject: S,
  ): void;
  look<T>(
    question: () => Answer<T>,
    answered: (value: T) => void,
    failed: (error: LanekeeperError) => void,
  ): void;
  /**
   * Asks for a caller outside. Rejects with `STORE_UNAVAILABLE`, or with the store's own typed error.
   */
  request<T>(question: () => Answer<T>, note?: QuestionNote): T | Promise<T>;
  /**
   * Resolves when nobody waits for an answer any more: each comes, or its deadline does (B33). At that deadline at the
   * latest: a store that never answers may be asked again and again.
   */
  answered(): Promise<void>;
  /** Takes every question that is open for unanswered: nothing settles it any more. */
  giveUp(): void;
}

/** What there is to know about a question. */
export interface QuestionNote {
  /** It only looks. Where a change has failed, no answer to it shows that the store works again: a full disk can be read. */
  readonly looks?: true;
  /** The session that it changes: where no answer comes in time it is found out what was done (`Doubts`). */
  readonly changes?: string | undefined;
}

/** The note of a question that only looks. */
export const looking: QuestionNote = { looks: true };

/** Milliseconds a store has to answer. */
export const storeDeadlineMs = 30_000;

/**
 * Creates the questions of a keeper. `onFailure` and `onSuccess` hear how each went, and the first tells whether the store failed; `onLoss` of a session that may have
 * been changed although its answer was an error, or came too late.
 */
export function createStoreRequests(
  armRunning: ArmRunning,
  host: {
    onFailure(error: LanekeeperError): boolean;
    onSuccess(): void;
    onLoss(sessionKey: string): void;
  },
  { enter, through }: Passages = openPassages,
): StoreRequests {
  /** Whether the last change that was asked for has failed. */
  let isChangeFailing = false;
  const succeeded = ({ looks }: QuestionNote): void => {
    if (looks === true && isChangeFailing) return;
    isChangeFailing = false;
    host.onSuccess();
  };
  const unavailable = (error: unknown, { looks }: QuestionNote): LanekeeperError => {
    const failure =
      error instanceof LanekeeperError
        ? error
        : new LanekeeperError(
            "STORE_UNAVAILABLE",
            `The store failed: ${messageOf(toError(error))}. What was asked of it may have been done all the same; ask again with the same id when it is back, and it is done once.`,
            {},
            { cause: error },
          );
    if (host.onFailure(failure) && looks !== true) isChangeFailing = true;
    return failure;
  };

  const give = <T, S>(
    value: T,
    answered: (value: T, subject: S) => void,
    failed: (error: LanekeeperError, subject: S) => void,
    subject: S,
    note: QuestionNote,
  ): void => {
    try {
      answered(value, subject);
    } catch (error) {
      const { changes } = note;
      failed(unavailable(error, note), subject);
      if (changes !== undefined) host.onLoss(changes);
    }
  };

  /** What fails each question that is open. */
  const open = new Set<(error: unknown) => void>();
  const whenNone = new Set<() => void>();
  const settled = (fail: (error: unknown) => void): void => {
    open.delete(fail);
    if (open.size > 0) return;
    for (const tell of whenNone) tell();
    whenNone.clear();
  };
  const awaitAnswer = <T, S>(
    answer: PromiseLike<T>,
    answered: (value: T, subject: S) => void,
    failed: (error: LanekeeperError, subject: S) => void,
    subject: S,
    note: QuestionNote,
  ): void => {
    const { changes } = note;
    let isOver = false;
    const lost = (): void => {
      if (changes !== undefined) host.onLoss(changes);
    };
    const fail = (error: unknown): void => {
      isOver = true;
      deadline.cancel();
      settled(fail);
      failed(unavailable(error, note), subject);
      lost();
    };
    open.add(fail);
    const deadline = armRunning(storeDeadlineMs, () =>
      fail(new Error(`no answer within ${storeDeadlineMs} ms`)),
    );
    Promise.resolve(answer).then(
      enter((value: T) => {
        succeeded(note);
        if (isOver) {
          lost();
          return;
        }
        isOver = true;
        settled(fail);
        deadline.cancel();
        give(value, answered, failed, subject, note);
      }),
      enter((error: unknown) => {
        if (!isOver) fail(error);
      }),
    );
  };

  const ask = <T, S>(
    question: (subject: S) => Answer<T>,
    answered: (value: T, subject: S) => void,
    failed: (error: LanekeeperError, subject: S) => void,
    subject?: S,
    note: QuestionNote = unremarkable,
  ): void => {
    let answer;
    try {
      answer = question(subject as S);
    } catch (error) {
      failed(unavailable(error, note), subject as S);
      if (note.changes !== undefined) host.onLoss(note.changes);
      return;
    }
    if (isThenable(answer)) {
      awaitAnswer(answer, answered, failed, subject as S, note);
      return;
    }
    succeeded(note);
    give(answer, answered, failed, subject as S, note);
  };

  return {
    ask,
    look<T, S>(
      question: (subject: S) => Answer<T>,
      answered: (value: T, subject: S) => void,
      failed: (error: LanekeeperError, subject: S) => void,
      subject?: S,
    ): void {
      ask(question, answered, failed, subject, looking);
    },
    async answered() {
      let deadline: Deadline | undefined;
      let isLate = false;
      // Whoever is answered may ask again.
      for (;;) {
        await through(new Promise<void>((resolve) => setImmediate(resolve)));
        if (open.size === 0 || isLate) break;
        const none = new Promise<void>((resolve) => {
          whenNone.add(resolve);
          deadline ??= armRunning(storeDeadlineMs, () => {
            isLate = true;
            for (const tell of whenNone) tell();
          });
        });
        await through(none);
      }
      deadline?.cancel();
    },
    giveUp() {
      for (const fail of [...open]) fail(new Error("no answer before the keeper closed"));
    },
    request<T>(question: () => Answer<T>, note: QuestionNote = unremarkable): T | Promise<T> {
      let answer: Answer<T>;
      try {
        answer = question();
      } catch (error) {
        if (note.changes !== undefined) host.onLoss(note.changes);
        throw unavailable(error, note);
      }
      if (isThenable(answer)) {
        const given = answer;
        return new Promise<T>((resolve, reject) => awaitAnswer(given, resolve, reject, undefined, note));
      }
      succeeded(note);
      return answer;
    },
  };
}

const unremarkable: QuestionNote = {};

function isThenable<T>(answer: Answer<T>): answer is PromiseLike<T> {
  return (
    typeof answer === "object" && answer !== null && typeof (answer as { then?: unknown }).then === "function"
  );
}
