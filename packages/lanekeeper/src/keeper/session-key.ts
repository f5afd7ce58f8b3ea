import { describe, LanekeeperError } from "./errors.ts";

/** UTF-16 units a session key or an id may have. */
const longest = 512;
// eslint-disable-next-line no-control-regex -- control characters are what it looks for
const forbidden = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;

/** What most names are like: nothing of it needs a closer look. */
const plain = /^[!-~]{1,512}$/;

/** Throws `INVALID_SESSION_KEY` unless the value names a session: see Words in the rules. */
export function assertSessionKey(value: unknown): asserts value is string {
  const fault = nameFault(value);
  if (fault === undefined) return;
  throw new LanekeeperError(
    "INVALID_SESSION_KEY",
    `A session key must be a trimmed text of 1 to ${longest} UTF-16 units without control characters, line separators or lone surrogates; got ${describe(value)}, which ${fault}.`,
    { got: value },
  );
}

/** What keeps a value from being a session key or an id; undefined if nothing does. */
export function nameFault(value: unknown): string | undefined {
  if (typeof value !== "string") return "is no text";
  if (plain.test(value)) return undefined;
  if (value.length === 0) return "is empty";
  if (value.length > longest) return `has ${value.length} units`;
  if (forbidden.test(value)) return "has a control character or line separator";
  if (value.trim() !== value) return "begins or ends with white space";
  if (!value.isWellFormed()) return "has a lone surrogate";
  return undefined;
}
