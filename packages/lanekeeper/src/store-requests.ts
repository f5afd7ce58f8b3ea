import { LanekeeperError, toError } from "./errors.ts";
import type { Deadlines } from "./deadlines.ts";
import type { Answer } from "./store.ts";

/**
 * Every question to the store.
 *
 * I1. Each has a deadline; a store that does not answer has failed (B33).
 * I2. An answer after the deadline is given to `late`, so that nothing it did is left behind.
 */
export interface StoreRequests {
  /** Asks, and calls back exactly once: at once if the store answers at once. */
  ask<T>(
    question: () => Answer<T>,
    answered: (value: T) => void,
    failed: (error: LanekeeperError) => void,
    late?: (value: T) => void,
  ): void;
  /** Asks for a caller outside. Rejects with `STORE_UNAVAILABLE`, or with the store's own typed error. */
  request<T>(question: () => Answer<T>): T | Promise<T>;
}

/** Milliseconds a store has to answer. */
export const storeDeadlineMs = 30_000;

/** Creates the questions of a keeper. `onFailure` and `onSuccess` hear how each went. */
export function createStoreRequests(
  deadlines: Deadlines,
  host: { onFailure(error: LanekeeperError): void; onSuccess(): void },
): StoreRequests {
  const unavailable = (error: unknown): LanekeeperError => {
    const failure =
      error instanceof LanekeeperError
        ? error
        : new LanekeeperError(
            "STORE_UNAVAILABLE",
            `The store failed: ${toError(error).message}. Nothing was changed; try again when it is back.`,
            {},
            { cause: error },
          );
    host.onFailure(failure);
    return failure;
  };

  const ask: StoreRequests["ask"] = (question, answered, failed, late) => {
    let answer;
    try {
      answer = question();
    } catch (error) {
      failed(unavailable(error));
      return;
    }
    if (!isThenable(answer)) {
      host.onSuccess();
      answered(answer);
      return;
    }
    let isOver = false;
    const deadline = deadlines.arm(storeDeadlineMs, () => {
      isOver = true;
      failed(unavailable(new Error(`no answer within ${storeDeadlineMs} ms`)));
    });
    Promise.resolve(answer).then(
      (value) => {
        host.onSuccess();
        if (isOver) return late?.(value);
        isOver = true;
        deadline.cancel();
        return answered(value);
      },
      (error: unknown) => {
        if (isOver) return;
        isOver = true;
        deadline.cancel();
        failed(unavailable(error));
      },
    );
  };

  return {
    ask,
    request<T>(question: () => Answer<T>): T | Promise<T> {
      let settled: { readonly value: T } | { readonly error: unknown } | undefined;
      let resolve = (value: T): void => void (settled = { value });
      let reject = (error: unknown): void => void (settled = { error });
      ask(
        question,
        (value) => resolve(value),
        (error) => reject(error),
      );
      if (settled === undefined) {
        return new Promise<T>((onValue, onError) => {
          resolve = onValue;
          reject = onError;
        });
      }
      const answer = settled as { readonly value: T } | { readonly error: unknown };
      if ("error" in answer) throw answer.error;
      return answer.value;
    },
  };
}

function isThenable<T>(answer: Answer<T>): answer is PromiseLike<T> {
  return (
    typeof answer === "object" && answer !== null && typeof (answer as { then?: unknown }).then === "function"
  );
}
