import * as v from "valibot";
import { describe, LanekeeperError } from "./errors.ts";

/** A value that must be a function. */
export const callback = <T extends (...args: never[]) => unknown>(): v.GenericSchema<T> =>
  v.custom<T>((value) => typeof value === "function", "a function");

/** Milliseconds: finite, not below `least`. */
export const duration = (least = 0): v.GenericSchema<number> =>
  numeric((value) => value >= least, `a finite number of milliseconds, ${least} or more`);

/** A whole number, not below `least`. */
export const count = (least: number): v.GenericSchema<number> =>
  numeric((value) => Number.isSafeInteger(value) && value >= least, `a whole number, ${least} or more`);

/** A text, optionally with a least length. */
export const text = (least = 0): v.GenericSchema<string> => {
  const takes = least > 0 ? "a text that is not empty" : "a text";
  return v.pipe(v.string(takes), v.minLength(least, takes));
};

/** A port: an object with at least these functions. */
export const port = <T extends object>(name: string, members: readonly string[]): v.GenericSchema<T> =>
  v.custom<T>(
    (value) =>
      typeof value === "object" &&
      value !== null &&
      members.every((member) => typeof (value as Record<string, unknown>)[member] === "function"),
    `a ${name} (an object with ${members.join(", ")})`,
  );

/** Texts by name. */
export const texts = (): v.GenericSchema<Record<string, string>> =>
  v.record(v.string(), v.string("a text"), "an object of texts");

/**
 * Checks a value once, at the boundary. Throws `INVALID_OPTION`, naming the option, what it got and what it takes.
 * Schemas say what they take in their messages; `name` is what the value itself is called.
 */
export function check<T>(name: string, schema: v.GenericSchema<unknown, T>, value: unknown): T {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const issue = result.issues[0];
  const path = [name, ...(issue.path ?? []).map((item) => String(item.key))].filter(Boolean).join(".");
  if (issue.type === "strict_object" && issue.expected === "never") {
    const owner = path.slice(0, path.lastIndexOf("."));
    const known = Object.keys(
      (issue as { requirement?: object }).requirement ?? knownKeys(schema, issue.path ?? []),
    );
    throw new LanekeeperError(
      "INVALID_OPTION",
      `${path} is no option${owner === "" ? "" : ` of ${owner}`}. Known: ${known.join(", ")}. Remove it, or correct its name.`,
      { option: path, known },
    );
  }
  const takes = issue.type === "strict_object" ? "an object" : issue.message;
  throw invalidOption(path, issue.input, takes);
}

/** The error for a bad value. */
export function invalidOption(option: string, got: unknown, takes: string): LanekeeperError {
  return new LanekeeperError("INVALID_OPTION", `${option} must be ${takes}; got ${describe(got)}.`, {
    option,
    got,
    takes,
  });
}

function numeric(isValid: (value: number) => boolean, takes: string): v.GenericSchema<number> {
  return v.custom<number>(
    (value) => typeof value === "number" && Number.isFinite(value) && isValid(value),
    takes,
  );
}

/** The members that the object schema at a path of the value knows. */
function knownKeys(schema: unknown, path: readonly { readonly key?: unknown }[]): object {
  let at = unwrap(schema);
  for (const item of path.slice(0, -1)) at = unwrap(at?.entries?.[String(item.key)]);
  return at?.entries ?? {};
}

interface ObjectSchema {
  readonly entries?: Readonly<Record<string, unknown>>;
  readonly wrapped?: unknown;
}

function unwrap(schema: unknown): ObjectSchema | undefined {
  let at = schema as ObjectSchema | undefined;
  while (at?.wrapped !== undefined) at = at.wrapped as ObjectSchema;
  return at;
}
