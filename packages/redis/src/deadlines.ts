import type { Clock } from "lanekeeper/ports";
import { NoAnswer } from "./redis-failure.ts";

/**
 * The same time-out for many steps, with one timer for all: as they are equally long, they end in the order they began.
 *
 * I1. What is late by this process's own fault is waited for: answers that have come are read before a time is up.
 */
export interface Deadlines {
  /**
   * The answer; a rejection, or after the time-out `NoAnswer`, becomes what `toError` makes of it. What `again` gives of a
   * rejection is waited for in its place, within the same time.
   */
  within<Answer>(
    answer: Promise<Answer>,
    toError: (error: unknown) => unknown,
    again?: (error: unknown) => Promise<Answer> | undefined,
  ): Promise<Answer>;
  /** Waits until none runs, and disarms the timer. */
  idle(): Promise<void>;
}

interface Step {
  readonly dueAt: number;
  giveUp(): void;
}

/** Time-outs of so many milliseconds. */
export function createDeadlines(clock: Clock, timeoutMs: number): Deadlines {
  const steps = new Set<Step>();
  let timer: unknown;
  let allEnded: (() => void) | undefined;

  const arm = (): void => {
    const [first] = steps;
    timer =
      first && clock.setTimeout(() => setImmediate(check), Math.max(1, first.dueAt - clock.monotonic()));
  };
  const check = (): void => {
    const now = clock.monotonic();
    for (const step of steps) {
      if (step.dueAt > now) break;
      step.giveUp();
    }
    arm();
  };
  const end = (step: Step): void => {
    steps.delete(step);
    if (steps.size === 0) allEnded?.();
  };

  return {
    within: <Answer>(
      answer: Promise<Answer>,
      toError: (error: unknown) => unknown,
      again?: (error: unknown) => Promise<Answer> | undefined,
    ) =>
      new Promise<Answer>((resolve, reject) => {
        const fail = (error: unknown): void => {
          end(step);
          reject(toError(error));
        };
        const step: Step = {
          dueAt: clock.monotonic() + timeoutMs,
          giveUp: () => fail(new NoAnswer(timeoutMs)),
        };
        steps.add(step);
        if (timer === undefined) arm();
        const succeed = (value: Answer): void => {
          end(step);
          resolve(value);
        };
        answer.then(succeed, (error: unknown) => {
          const next = again?.(error);
          if (next === undefined) fail(error);
          else next.then(succeed, fail);
        });
      }),
    async idle() {
      if (steps.size > 0) await new Promise<void>((resolve) => (allEnded = resolve));
      if (timer !== undefined) clock.clearTimeout(timer);
    },
  };
}
