import { assertKnownOptions, invalidOption } from "lanekeeper/ports";

/** Checks what the properties have in common; `own` are the options of one alone. Throws `INVALID_OPTION`. */
export function assertPropertyOptions(
  call: string,
  options: { readonly maxCommands?: number | undefined; readonly replayPath?: string | undefined },
  own: readonly string[] = [],
): void {
  assertKnownOptions(call, options, [...own, "maxCommands", "replayPath"]);
  const { maxCommands = 1, replayPath = ":" } = options;
  if (!Number.isSafeInteger(maxCommands) || maxCommands < 1)
    throw invalidOption("maxCommands", maxCommands, "a whole number, 1 or more");
  if (typeof replayPath !== "string" || !/^[A-Za-z0-9+/]*:[A-Za-z0-9+/]*$/.test(replayPath))
    throw invalidOption(
      "replayPath",
      replayPath,
      'what fast-check printed between the quotes of replayPath="…", such as BAELS:V',
    );
}
