import { PermanentError, LanekeeperError, type LanekeeperErrorCode } from "../keeper/errors.ts";

/**
 * Values as JSON, and back.
 *
 * JSON's own values are written as they are, but a text that begins with `~` gets another in front. What JSON cannot say is
 * a text or an object that stands for it:
 *
 * - `"~u"` undefined, `"~n12"` the bigint 12, `"~dNaN"` the number NaN, `"~t5"` the Date at 5 ms, `"~b…"` bytes in base64;
 * - `"~f"` a function, `"~y"` a symbol, `"~p"` a promise, `"~s"` an AbortSignal, `"~c"` a cycle, `"~x"` what cannot be looked at;
 * - `{ "~": "error", … }`, `{ "~": "map", … }`, `{ "~": "set", … }`; `{ "~": "object", … }` an object with a member `~`.
 *
 * Of other objects the own enumerable members that are not undefined are written, or what `toJSON` gives.
 *
 * I1. Encoding never throws and never changes what it is given.
 * I2. What is decoded encodes to the same JSON again.
 */

/** What stands for something that cannot be read back. */
export class Unreadable {
  /** As it is written. */
  readonly stand: string;

  constructor(stand: string) {
    this.stand = stand;
  }
}

/** An object that stands for what JSON cannot say. */
interface Stand {
  readonly "~": string;
  readonly value: unknown;
}

/** What is written of an error. */
interface ErrorFacts {
  readonly name: string;
  readonly message: string;
  readonly code?: unknown;
  readonly details?: unknown;
  readonly cause?: unknown;
  readonly isPermanent?: boolean;
}

/** Stands for a function that was written. */
function recordedFunction(): undefined {
  return undefined;
}

/** A value as JSON has it. */
export function encode(value: unknown): unknown {
  try {
    return encodeValue(value, undefined);
  } catch {
    // Nested deeper than the stack, or a proxy that throws whatever is asked of it.
    return "~x";
  }
}

/** The objects around the one that is being encoded. */
interface Around {
  readonly object: object;
  readonly outer: Around | undefined;
}

function encodeValue(value: unknown, around: Around | undefined): unknown {
  switch (typeof value) {
    case "string":
      return value.startsWith("~") ? `~${value}` : value;
    case "boolean":
      return value;
    case "number":
      return Number.isFinite(value) ? value : `~d${value}`;
    case "undefined":
      return "~u";
    case "bigint":
      return `~n${value}`;
    case "function":
      return "~f";
    case "symbol":
      return "~y";
    case "object":
      return value === null ? null : encodeObject(value, around);
  }
}

function encodeObject(value: object, around: Around | undefined): unknown {
  for (let at = around; at !== undefined; at = at.outer) if (at.object === value) return "~c";
  const inside: Around = { object: value, outer: around };
  if (Array.isArray(value)) return Array.from(value, (member) => encodeValue(member, inside));
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null
    ? encodePlain(value, inside)
    : encodeInstance(value, inside);
}

function encodePlain(value: object, inside: Around): unknown {
  const encoded: Record<string, unknown> = {};
  for (const key of Object.keys(value)) {
    const member = readMember(value, key);
    if (member === undefined) continue;
    const encodedMember = encodeValue(member, inside);
    // A member of this name would become the prototype.
    if (key === "__proto__") Object.defineProperty(encoded, key, { value: encodedMember, enumerable: true });
    else encoded[key] = encodedMember;
  }
  return "~" in encoded ? { "~": "object", value: encoded } : encoded;
}

function encodeInstance(value: object, inside: Around): unknown {
  const inner = (member: unknown): unknown => encodeValue(member, inside);
  if (value instanceof Error) return { "~": "error", value: encodeError(value, inner) };
  if (value instanceof Date) return `~t${value.getTime()}`;
  if (value instanceof Map)
    return { "~": "map", value: Array.from(value, ([key, member]) => [inner(key), inner(member)]) };
  if (value instanceof Set) return { "~": "set", value: Array.from(value, inner) };
  if (value instanceof Uint8Array) return `~b${Buffer.from(value).toString("base64")}`;
  if (value instanceof Promise) return "~p";
  if (value instanceof AbortSignal) return "~s";
  if (value instanceof Unreadable) return value.stand;
  const { toJSON } = value as { toJSON?: unknown };
  return typeof toJSON === "function" ? inner(toJSON.call(value)) : encodePlain(value, inside);
}

function readMember(value: object, key: string): unknown {
  try {
    return (value as Record<string, unknown>)[key];
  } catch {
    return undefined;
  }
}

function encodeError(error: Error, inner: (member: unknown) => unknown): Record<string, unknown> {
  const { code, details, cause } = error as Partial<ErrorFacts>;
  return {
    name: String(readMember(error, "name")),
    message: String(readMember(error, "message")),
    ...(code === undefined ? {} : { code: inner(code) }),
    ...(details === undefined ? {} : { details: inner(details) }),
    ...(cause === undefined ? {} : { cause: inner(cause) }),
    ...(error instanceof PermanentError ? { isPermanent: true } : {}),
  };
}

/** A value that was encoded. */
export function decode(encoded: unknown): unknown {
  if (typeof encoded === "string") return encoded.startsWith("~") ? decodeText(encoded) : encoded;
  if (typeof encoded !== "object" || encoded === null) return encoded;
  if (Array.isArray(encoded)) return encoded.map(decode);
  if ("~" in encoded) return decodeStand(encoded as Stand);
  return decodeMembers(encoded);
}

function decodeMembers(encoded: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(encoded).map(([key, member]) => [key, decode(member)]));
}

function decodeText(stand: string): unknown {
  const value = stand.slice(2);
  switch (stand.charAt(1)) {
    case "~":
      return stand.slice(1);
    case "u":
      return undefined;
    case "n":
      return BigInt(value);
    case "d":
      return Number(value);
    case "t":
      return new Date(Number(value));
    case "b":
      return new Uint8Array(Buffer.from(value, "base64"));
    case "f":
      return recordedFunction;
    default:
      return new Unreadable(stand);
  }
}

function decodeStand({ "~": kind, value }: Stand): unknown {
  switch (kind) {
    case "error":
      return decodeError(decode(value) as ErrorFacts);
    case "map":
      return new Map(decode(value) as [unknown, unknown][]);
    case "set":
      return new Set(decode(value) as unknown[]);
    default:
      return decodeMembers(value as object);
  }
}

/** Of the runtime's own kinds, so that what branches on them branches as it did. */
function decodeError({ name, message, code, details, cause, isPermanent }: ErrorFacts): Error {
  const options = cause === undefined ? undefined : { cause };
  if (name === "LanekeeperError" && typeof code === "string" && typeof details === "object")
    return new LanekeeperError(
      code as LanekeeperErrorCode,
      message,
      details as Record<string, unknown>,
      options,
    );
  const error = isPermanent === true ? new PermanentError(message, options) : new Error(message, options);
  Object.defineProperty(error, "name", { value: name, configurable: true });
  return Object.assign(error, code === undefined ? {} : { code }, details === undefined ? {} : { details });
}
