import { messageOf, toError } from "../keeper/errors.ts";

/**
 * What a durable store can keep: values that come back from JSON as they went in (B57).
 *
 * A member that is undefined is as good as absent. Everything else that JSON would leave out, change or refuse is a fault.
 */

/** What of a value would not come back, by its path (`body.when: a Date`), or that it is too large; undefined: all does. */
export function jsonFault(value: unknown, path: string, maxBytes: number): string | undefined {
  try {
    const fault = value === undefined ? undefined : faultIn(value, path, []);
    if (fault !== undefined || value === undefined) return fault;
    const text = JSON.stringify(value);
    // A UTF-16 unit takes three bytes at most.
    const bytes = text.length * 3 <= maxBytes ? 0 : Buffer.byteLength(text);
    return bytes > maxBytes ? `${path}: ${bytes} bytes as JSON, more than ${maxBytes}` : undefined;
  } catch (error) {
    return `${path}: cannot be looked through (${messageOf(toError(error))})`;
  }
}

function faultIn(value: unknown, path: string, inside: readonly object[]): string | undefined {
  switch (typeof value) {
    case "string":
    case "boolean":
      return undefined;
    case "number":
      return Number.isFinite(value) ? undefined : `${path}: ${value}`;
    case "object":
      return value === null ? undefined : faultInObject(value, path, inside);
    case "undefined":
      return `${path}: undefined`;
    case "bigint":
    case "function":
    case "symbol":
      return `${path}: a ${typeof value}`;
  }
}

function faultInObject(value: object, path: string, inside: readonly object[]): string | undefined {
  if (inside.includes(value)) return `${path}: what it is itself inside of`;
  const around = [...inside, value];
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index++) {
      const fault = faultIn(value[index], `${path}[${index}]`, around);
      if (fault !== undefined) return fault;
    }
    return undefined;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null) return `${path}: ${kindOf(value)}`;
  if (typeof (value as { readonly toJSON?: unknown }).toJSON === "function")
    return `${path}.toJSON: a function`;
  if (Object.getOwnPropertySymbols(value).length > 0) return `${path}: a member named by a symbol`;
  for (const [key, member] of Object.entries(value)) {
    if (member === undefined) continue;
    const fault = faultIn(member, `${path}${memberOf(key)}`, around);
    if (fault !== undefined) return fault;
  }
  return undefined;
}

function kindOf(value: object): string {
  const name: unknown = value.constructor?.name;
  if (typeof name !== "string" || name === "") return "an object of a class";
  return `${/^[AEIOU]/u.test(name) ? "an" : "a"} ${name}`;
}

function memberOf(key: string): string {
  return /^[\p{L}_$][\p{L}\p{N}_$]*$/u.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}
