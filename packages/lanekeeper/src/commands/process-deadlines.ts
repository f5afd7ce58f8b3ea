import { toError } from "../keeper/errors.ts";
import type { Runtime } from "../keeper/runtime.ts";

/** Milliseconds after SIGKILL in which a process must have ended: one that has not is lost (B33, B37). */
export const reapMs = 5_000;

/** Rejects when a promise takes too long; what comes late is handed to `late`. */
export function withDeadline<T>(
  { armRunning, passages: { enter } }: Pick<Runtime, "armRunning" | "passages">,
  ms: number,
  promise: Promise<T>,
  late: (value: T) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    let isOver = false;
    const deadline = armRunning(ms, () => {
      isOver = true;
      reject(new Error(`no answer within ${ms} ms`));
    });
    promise.then(
      enter((value: T) => {
        deadline.cancel();
        if (isOver) late(value);
        else resolve(value);
      }),
      enter((error: unknown) => {
        deadline.cancel();
        reject(toError(error));
      }),
    );
  });
}
