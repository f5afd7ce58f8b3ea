import { invalidOption } from "lanekeeper/ports";

/** What is said of a span of time that is asked for. */
export const spanTakes = "a finite number of milliseconds, 0 or more";

/** Whether something is a span of time in milliseconds. */
export function isSpan(given: unknown): given is number {
  return Number.isFinite(given) && (given as number) >= 0;
}

/** Throws `INVALID_OPTION` unless an option is a span of time in milliseconds. */
export function assertSpan(option: string, given: unknown, called?: string): void {
  if (!isSpan(given)) throw invalidOption(option, given, spanTakes, called);
}
