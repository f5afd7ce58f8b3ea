import { invalidOption } from "lanekeeper/ports";

/** Throws `INVALID_OPTION` unless each of these options is a function. */
export function assertCallbacks(given: Readonly<Record<string, unknown>>): void {
  for (const [option, callback] of Object.entries(given))
    if (typeof callback !== "function") throw invalidOption(option, callback, "a function");
}

/** The same for options that may be left out. */
export function assertOptionalCallbacks(given: Readonly<Record<string, unknown>>): void {
  assertCallbacks(Object.fromEntries(Object.entries(given).filter(([, callback]) => callback !== undefined)));
}
