/**
 * Values as JSON, and back.
 *
 * JSON's own values are written as they are. What JSON cannot say is an object with the one member `$` that names it:
 * `undefined`, `number` (NaN, ±Infinity), `bigint`, `date`, `error`, `map`, `set`, `bytes`, `function`, `symbol`, `promise`,
 * `signal`, `cycle`, `unreadable`; and `object` for an object that has a member `$` itself. Of other objects the own enumerable
 * members are written, or what `toJSON` gives.
 *
 * I1. Encoding never throws and never changes what it is given.
 * I2. What can be read back encodes to the same JSON again; promises, signals, cycles and what is unreadable come back as
 *     `undefined`, functions as one that does nothing.
 */

/** An object that stands for what JSON cannot say. */
interface Stand {
  readonly $: string;
  readonly value?: unknown;
}

/** An error that was read back: whatever it was, its name, message, code and details are those that it had. */
export class RecordedError extends Error {
  readonly code?: unknown;
  readonly details?: unknown;

  constructor(from: { name: string; message: string; code?: unknown; details?: unknown; cause?: unknown }) {
    super(from.message, "cause" in from ? { cause: from.cause } : undefined);
    this.name = from.name;
    if (from.code !== undefined) this.code = from.code;
    if (from.details !== undefined) this.details = from.details;
  }
}

/** What stands for a function that was read back. */
function recordedFunction(): undefined {
  return undefined;
}

/** A value as JSON has it. */
export function encode(value: unknown): unknown {
  try {
    return encodeValue(value, []);
  } catch {
    // Nested deeper than the stack, or a proxy that throws whatever is asked of it.
    return { $: "unreadable" };
  }
}

function encodeValue(value: unknown, within: readonly object[]): unknown {
  switch (typeof value) {
    case "string":
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value : { $: "number", value: String(value) };
    case "undefined":
      return { $: "undefined" };
    case "bigint":
      return { $: "bigint", value: value.toString() };
    case "function":
      return { $: "function" };
    case "symbol":
      return { $: "symbol", value: value.description };
    case "object":
      return value === null ? null : encodeObject(value, within);
  }
}

function encodeObject(value: object, within: readonly object[]): unknown {
  if (within.includes(value)) return { $: "cycle" };
  const inside = [...within, value];
  const inner = (member: unknown): unknown => encodeValue(member, inside);
  if (Array.isArray(value)) return Array.from(value, inner);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    if (value instanceof Error) return { $: "error", value: encodeError(value, inner) };
    if (value instanceof Date) return { $: "date", value: value.getTime() };
    if (value instanceof Map)
      return { $: "map", value: Array.from(value, ([key, member]) => [inner(key), inner(member)]) };
    if (value instanceof Set) return { $: "set", value: Array.from(value, inner) };
    if (value instanceof Uint8Array) return { $: "bytes", value: Buffer.from(value).toString("base64") };
    if (value instanceof Promise) return { $: "promise" };
    if (value instanceof AbortSignal) return { $: "signal", value: value.aborted };
    const { toJSON } = value as { toJSON?: unknown };
    if (typeof toJSON === "function") return inner(toJSON.call(value));
  }
  const encoded = encodeMembers(value, inner);
  return "$" in encoded ? { $: "object", value: encoded } : encoded;
}

function encodeMembers(value: object, inner: (member: unknown) => unknown): Record<string, unknown> {
  const encoded: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const member = readMember(value, key);
    if (member === undefined) continue;
    // A member of this name would become the prototype.
    if (key === "__proto__") Object.defineProperty(encoded, key, { value: inner(member), enumerable: true });
    else encoded[key] = inner(member);
  }
  return encoded;
}

function readMember(value: object, key: string): unknown {
  try {
    return (value as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

function encodeError(error: Error, inner: (member: unknown) => unknown): Record<string, unknown> {
  const { code, details } = error as { readonly code?: unknown; readonly details?: unknown };
  return {
    name: String(readMember(error, "name")),
    message: String(readMember(error, "message")),
    ...(code === undefined ? {} : { code: inner(code) }),
    ...(details === undefined ? {} : { details: inner(details) }),
    ...(error.cause === undefined ? {} : { cause: inner(error.cause) }),
  };
}

/** A value that was encoded. */
export function decode(encoded: unknown): unknown {
  if (typeof encoded !== "object" || encoded === null) return encoded;
  if (Array.isArray(encoded)) return encoded.map(decode);
  if ("$" in encoded) return decodeStand(encoded as Stand);
  return decodeMembers(encoded);
}

function decodeMembers(encoded: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(encoded).map(([key, member]) => [key, decode(member)]));
}

function decodeStand({ $, value }: Stand): unknown {
  switch ($) {
    case "number":
      return Number(value);
    case "bigint":
      return BigInt(value as string);
    case "date":
      return new Date(value as number);
    case "error":
      return new RecordedError(decode(value) as ConstructorParameters<typeof RecordedError>[0]);
    case "map":
      return new Map(decode(value) as [unknown, unknown][]);
    case "set":
      return new Set(decode(value) as unknown[]);
    case "bytes":
      return new Uint8Array(Buffer.from(value as string, "base64"));
    case "function":
      return recordedFunction;
    case "symbol":
      return Symbol(value as string);
    case "object":
      return decodeMembers(value as object);
    default:
      // What was not there to be written: undefined, a promise, a cycle.
      return undefined;
  }
}
