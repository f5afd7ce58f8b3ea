import { messageOf, toError } from "../keeper/errors.ts";

/**
 * What a durable store can keep: values that come back from JSON as they went in (B57).
 *
 * A member that is undefined is as good as absent. Everything else that JSON would leave out, change or refuse is a fault.
 */

/** What of a value would not come back, by its path (`body.when: a Date`), or that it is too large; undefined: all does. */
export function jsonFault(value: unknown, path: string, maxBytes: number): string | undefined {
  try {
    if (value === undefined) return undefined;
    const fault = faultIn(value, []);
    if (fault !== undefined) return `${path}${fault}`;
    const text = JSON.stringify(value);
    // A UTF-16 unit takes three bytes at most.
    const bytes = text.length * 3 <= maxBytes ? 0 : Buffer.byteLength(text);
    return bytes > maxBytes ? `${path}: ${bytes} bytes as JSON, more than ${maxBytes}` : undefined;
  } catch (error) {
    return `${path}: cannot be looked through (${messageOf(toError(error))})`;
  }
}

/** What is wrong with a value that is inside of others, behind the path that leads from it to the fault. */
function faultIn(value: unknown, around: object[]): string | undefined {
  switch (typeof value) {
    case "string":
    case "boolean":
      return undefined;
    case "number":
      if (Number.isFinite(value) && !Object.is(value, -0)) return undefined;
      return `: ${Object.is(value, -0) ? "-0" : value}`;
    case "object":
      return value === null ? undefined : faultInObject(value, around);
    case "undefined":
      return ": undefined";
    case "bigint":
    case "function":
    case "symbol":
      return `: a ${typeof value}`;
  }
}

function faultInObject(value: object, around: object[]): string | undefined {
  if (around.includes(value)) return ": what it is itself inside of";
  const isArray = Array.isArray(value);
  if (isOfClass(value, isArray)) return `: ${kindOf(value)}`;
  if (typeof (value as { readonly toJSON?: unknown }).toJSON === "function") return ".toJSON: a function";
  if (Object.getOwnPropertySymbols(value).length > 0) return ": a member named by a symbol";
  around.push(value);
  const fault = isArray ? faultInArray(value, around) : faultInMembers(value, around);
  around.pop();
  return fault;
}

function faultInArray(value: readonly unknown[], around: object[]): string | undefined {
  for (let index = 0; index < value.length; index++) {
    const fault = faultIn(value[index], around);
    if (fault !== undefined) return `[${index}]${fault}`;
  }
  // All indices are there, and come first.
  const named = Object.keys(value)[value.length];
  return named === undefined ? undefined : `${memberOf(named)}: a named member of an array`;
}

function faultInMembers(value: object, around: object[]): string | undefined {
  for (const key of Object.keys(value)) {
    const member = (value as Readonly<Record<string, unknown>>)[key];
    if (member === undefined) continue;
    const fault = faultIn(member, around);
    if (fault !== undefined) return `${memberOf(key)}${fault}`;
  }
  return undefined;
}

/** Whether an object is more than a plain one, or a plain array, of whatever realm. */
function isOfClass(value: object, isArray: boolean): boolean {
  let prototype: unknown = Object.getPrototypeOf(value);
  if (isArray && prototype !== null) prototype = Object.getPrototypeOf(prototype);
  return prototype !== null && Object.getPrototypeOf(prototype) !== null;
}

function kindOf(value: object): string {
  const name: unknown = value.constructor?.name;
  if (typeof name !== "string" || name === "") return "an object of a class";
  return `${/^[AEIOU]/u.test(name) ? "an" : "a"} ${name}`;
}

function memberOf(key: string): string {
  return /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}
