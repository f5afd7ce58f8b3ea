import * as v from "valibot";
import { invalidOption, unknownOption } from "./option-faults.ts";
import { nameFault } from "./session-key.ts";

/** A member that may be left out. */
export const optional = <T>(schema: v.GenericSchema<T>): v.OptionalSchema<v.GenericSchema<T>, undefined> =>
  v.optional(schema);

/** A name, of the kind that session keys are. */
export const properName: v.GenericSchema<string> = v.custom<string>(
  (value) => nameFault(value) === undefined,
  "a trimmed text of 1 to 512 UTF-16 units without control characters",
);

/** True or false. */
export const flag: v.GenericSchema<boolean> = v.boolean("true or false");

/** One of some texts. */
export const oneOf = <const Choice extends string>(choices: readonly Choice[]): v.GenericSchema<Choice> =>
  v.picklist(
    choices,
    choices
      .map((choice) => `"${choice}"`)
      .join(", ")
      .replace(/, ([^,]*)$/, " or $1"),
  );

/** A value that must be a function. */
export const callback = <T extends (...args: never[]) => unknown>(): v.GenericSchema<T> =>
  v.custom<T>((value) => typeof value === "function", "a function");

/** Milliseconds: finite, not below `least`. */
export const duration = (least = 0): v.GenericSchema<number> =>
  numeric((value) => value >= least, `a finite number of milliseconds, ${least} or more`);

/** A finite number. */
export const finite = (takes: string): v.GenericSchema<number> => numeric(() => true, takes);

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
    `${/^[aeiou]/iu.test(name) ? "an" : "a"} ${name} (an object with ${members.join(", ")})`,
  );

/** Texts by name. */
export const texts = (): v.GenericSchema<Record<string, string>> =>
  v.pipe(
    v.custom<Record<string, string>>(
      (value) => isObject(value) && Object.values(value).every((member) => typeof member === "string"),
      "an object of texts",
    ),
    // What the host does with its own afterwards changes nothing here.
    v.transform((given) => ({ ...given })),
  );

/** Values by name, whatever they are: check each by itself. */
export const byName: v.GenericSchema<Readonly<Record<string, unknown>>> = v.custom(isObject, "an object");

/** Options: an object with these members and no others. */
export const members = <Entries extends v.ObjectEntries>(
  entries: Entries,
): v.GenericSchema<unknown, v.InferOutput<v.StrictObjectSchema<Entries, undefined>>> =>
  v.pipe(v.unknown(), v.check(isObject, "an object"), v.strictObject(entries));

/** An object that holds members by name: no array, no map, no promise. */
function isObject(value: unknown): value is object {
  return (
    typeof value === "object" && value !== null && Object.prototype.toString.call(value) === "[object Object]"
  );
}

/**
 * Checks a value once, at the boundary. Throws `INVALID_OPTION`, naming the option, what it got and what it takes.
 * Schemas say what they take in their messages; `name` is what the value itself is called, and `whole` what people are told
 * of it where that is not clear of itself.
 */
export function check<T>(
  name: string,
  schema: v.GenericSchema<unknown, T>,
  value: unknown,
  whole: string = name,
): T {
  const result = v.safeParse(schema, value, { abortEarly: true });
  if (result.success) return result.output;
  const issue = result.issues[0];
  const keys = (issue.path ?? []).map((item) => String(item.key));
  const path = [name, ...keys].join(".");
  if (issue.type !== "strict_object")
    throw invalidOption(path, issue.input, issue.message, keys.length === 0 ? whole : path);
  const entries = entriesAt(schema, keys.slice(0, -1));
  const member = entries[keys.at(-1)!];
  // Only a member that is missing, and one that is unknown, are reported by the object around them.
  if (member !== undefined) throw invalidOption(path, undefined, messageOf(member));
  throw unknownOption(path, Object.keys(entries));
}

/** Checks the arguments of a call that takes one or more of some texts. Throws `INVALID_OPTION`. */
export function checkChoices(
  call: string,
  choices: readonly string[],
  given: readonly unknown[],
  takes: string,
): void {
  if (given.length === 0) throw invalidOption(call, undefined, takes, `What ${call} is given`);
  for (const choice of given) {
    if (!(choices as readonly unknown[]).includes(choice))
      throw invalidOption(call, choice, takes, `What ${call} is given`);
  }
}

/** Checks the options of a call. */
export const checkOptions = <T>(call: string, schema: v.GenericSchema<unknown, T>, value: unknown): T =>
  check(call, schema, value, `The options of ${call}`);

function numeric(isValid: (value: number) => boolean, takes: string): v.GenericSchema<number> {
  return v.custom<number>(
    (value) => typeof value === "number" && Number.isFinite(value) && isValid(value),
    takes,
  );
}

/** What a schema takes, by its refusal of nothing. */
function messageOf(schema: v.GenericSchema): string {
  return v.safeParse(schema, undefined).issues?.[0].message ?? "given";
}

/** The members that the object schema at a path of the value knows. */
function entriesAt(schema: unknown, keys: readonly string[]): Readonly<Record<string, v.GenericSchema>> {
  let at = unwrap(schema);
  for (const key of keys) at = unwrap(at?.entries?.[key]);
  return at?.entries ?? {};
}

interface ObjectSchema {
  readonly entries?: Readonly<Record<string, v.GenericSchema>>;
  readonly wrapped?: unknown;
  readonly pipe?: readonly unknown[];
}

function unwrap(schema: unknown): ObjectSchema | undefined {
  let at = schema as ObjectSchema | undefined;
  for (;;) {
    if (at?.wrapped !== undefined) at = at.wrapped as ObjectSchema;
    else if (at?.entries === undefined && at?.pipe !== undefined) at = at.pipe.at(-1) as ObjectSchema;
    else return at;
  }
}
