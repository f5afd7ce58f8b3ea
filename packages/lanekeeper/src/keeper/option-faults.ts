import { describe, LanekeeperError } from "./errors.ts";

/** The error for a bad value. `called` is what people are told of the option. */
export function invalidOption(
  option: string,
  got: unknown,
  takes: string,
  called: string = option,
): LanekeeperError {
  return new LanekeeperError("INVALID_OPTION", `${called} must be ${takes}; got ${describe(got)}.`, {
    option,
    got,
    takes,
  });
}

/** The error for an option that is none. It does not show the value: nobody knows what that is, and it may be a secret. */
export function unknownOption(
  option: string,
  known: readonly string[],
  called: string = option,
): LanekeeperError {
  return new LanekeeperError(
    "INVALID_OPTION",
    `Unknown option ${called}. Known: ${known.join(", ")}. Remove it, or correct its name.`,
    { option, known },
  );
}

/** Checks that a call was given an object without options that it does not know. Throws `INVALID_OPTION`. */
export function assertKnownOptions(call: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== "object" || options === null || Array.isArray(options))
    throw invalidOption("options", options, "an object", `The options of ${call}`);
  const unknown = Object.keys(options).find((option) => !known.includes(option));
  if (unknown !== undefined) throw unknownOption(unknown, known, `${unknown} of ${call}`);
}

/** Checks the options `clock` and `random` of a call, which an adapter gives what waits in it. Throws `INVALID_OPTION`. */
export function assertTimeOptions(
  call: string,
  { clock, random }: { readonly clock?: unknown; readonly random?: unknown },
): void {
  if (clock !== undefined && !hasFunctions(clock, ["now", "monotonic", "setTimeout", "clearTimeout"])) {
    const takes = "a clock (an object with now, monotonic, setTimeout, clearTimeout)";
    throw invalidOption("clock", clock, takes, `The option clock of ${call}`);
  }
  if (random !== undefined && typeof random !== "function")
    throw invalidOption("random", random, "a function", `The option random of ${call}`);
}

/** Whether something is an object with at least these functions. */
export function hasFunctions(value: unknown, names: readonly string[]): boolean {
  return (
    typeof value === "object" &&
    value !== null &&
    names.every((name) => typeof (value as Readonly<Record<string, unknown>>)[name] === "function")
  );
}
