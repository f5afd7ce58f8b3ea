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
