import { PermanentError, LanekeeperError, type LanekeeperErrorCode } from "../keeper/errors.ts";
import type { Lexicon, Vocabulary } from "./vocabulary.ts";

/**
 * Values as JSON, and back.
 *
 * JSON's own values are written as they are, but a text that begins with `~` gets another in front. What JSON cannot say is
 * a text or an object that stands for it:
 *
 * - `"~u"` undefined, `"~n12"` the bigint 12, `"~dNaN"` the number NaN, `"~t5"` the Date at 5 ms, `"~b…"` bytes in base64;
 * - `"~f"` a function, `"~y"` a symbol, `"~p"` a promise, `"~s"` an AbortSignal, `"~c"` a cycle, `"~x"` what cannot be looked at;
 * - `"~r5"` the sixth long text of the recording, `"~i12"` the item with `seq` 12 as it was written last;
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

const unreadable = new Unreadable("~x");
/** Levels of objects within each other that are written. */
const deepest = 500;

/** An object that stands for what JSON cannot say. */
interface Stand {
  readonly "~": string;
  readonly value: unknown;
}

/** What is written of an error. */
interface ErrorFacts {
  readonly name: unknown;
  readonly message: unknown;
  readonly code?: unknown;
  readonly details?: unknown;
  readonly cause?: unknown;
  readonly isPermanent?: boolean;
}

/** Stands for a function that was written. */
function recordedFunction(): undefined {
  return undefined;
}

/** The text of a value. With a vocabulary, what was written before is written as a reference to it. */
export function encodeText(value: unknown, vocabulary?: Vocabulary): string {
  try {
    const text = JSON.stringify(encodeValue(value, undefined, vocabulary));
    vocabulary?.keep();
    return text;
  } catch {
    // A member that throws when `JSON.stringify` reads it again.
    vocabulary?.forget();
    return '"~x"';
  }
}

/** The objects around the one that is being encoded. */
interface Around {
  readonly object: object;
  readonly outer: Around | undefined;
  readonly depth: number;
}

function encodeValue(
  value: unknown,
  around: Around | undefined,
  vocabulary: Vocabulary | undefined,
): unknown {
  switch (typeof value) {
    case "string":
      return vocabulary?.referenceTo(value) ?? (value.startsWith("~") ? `~${value}` : value);
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
      return value === null ? null : encodeObject(value, around, vocabulary);
  }
}

function encodeObject(
  value: object,
  around: Around | undefined,
  vocabulary: Vocabulary | undefined,
): unknown {
  for (let at = around; at !== undefined; at = at.outer) if (at.object === value) return "~c";
  const depth = around === undefined ? 1 : around.depth + 1;
  if (depth > deepest) return "~x";
  const inside: Around = { object: value, outer: around, depth };
  const mark = vocabulary?.mark;
  try {
    if (Array.isArray(value)) return encodeArray(value, inside, vocabulary);
    const prototype: unknown = Object.getPrototypeOf(value);
    return prototype === Object.prototype || prototype === null
      ? encodePlain(value, inside, vocabulary)
      : encodeInstance(value, inside, vocabulary);
  } catch {
    // A proxy that throws whatever is asked of it.
    if (mark !== undefined) vocabulary?.forget(mark);
    return "~x";
  }
}

function encodeArray(value: readonly unknown[], inside: Around, vocabulary: Vocabulary | undefined): unknown {
  let copy: unknown[] | undefined;
  for (let index = 0; index < value.length; index++) {
    const member = value[index];
    const encoded = encodeValue(member, inside, vocabulary);
    if (encoded !== member && copy === undefined) copy = value.slice(0, index);
    copy?.push(encoded);
  }
  return copy ?? value;
}

function encodePlain(value: object, inside: Around, vocabulary: Vocabulary | undefined): unknown {
  const reference = vocabulary?.referenceToItem(value);
  if (reference !== undefined) return reference;
  const members = value as Record<string, unknown>;
  let copy: Record<string, unknown> | undefined;
  for (const key of Object.keys(members)) {
    const member = readMember(members, key);
    // `JSON.stringify` leaves it out.
    if (member === undefined) continue;
    const encoded = encodeValue(member, inside, vocabulary);
    if (encoded === member && key !== "~") continue;
    copy ??= copyOf(members);
    copy[key] = encoded;
  }
  return copy?.["~"] !== undefined ? { "~": "object", value: copy } : (copy ?? value);
}

/** A copy whose every name is a member like any other. */
function copyOf(members: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const copy = Object.create(null) as Record<string, unknown>;
  for (const key of Object.keys(members)) copy[key] = readMember(members, key);
  return copy;
}

function encodeInstance(value: object, inside: Around, vocabulary: Vocabulary | undefined): unknown {
  const inner = (member: unknown): unknown => encodeValue(member, inside, vocabulary);
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
  return typeof toJSON === "function"
    ? inner(toJSON.call(value))
    : encodePlain({ ...value }, inside, vocabulary);
}

/** A member; what stands for it where it cannot be read. */
function readMember(value: object, key: string): unknown {
  try {
    return (value as Record<string, unknown>)[key];
  } catch {
    return unreadable;
  }
}

function encodeError(error: Error, inner: (member: unknown) => unknown): Record<string, unknown> {
  const [code, details, cause] = ["code", "details", "cause"].map((key) => readMember(error, key));
  return {
    name: inner(readMember(error, "name")),
    message: inner(readMember(error, "message")),
    ...(code === undefined ? {} : { code: inner(code) }),
    ...(details === undefined ? {} : { details: inner(details) }),
    ...(cause === undefined ? {} : { cause: inner(cause) }),
    ...(error instanceof PermanentError ? { isPermanent: true } : {}),
  };
}

/** A value that was encoded, with what the lexicon of its lines says of references. Throws for what was never written so. */
export function decode(encoded: unknown, lexicon?: Lexicon): unknown {
  if (typeof encoded === "string") {
    const text = encoded.startsWith("~") ? decodeText(encoded, lexicon) : encoded;
    // A reference to a text is none that was written.
    if (typeof text === "string" && !encoded.startsWith("~r")) lexicon?.note(text);
    return text;
  }
  if (typeof encoded !== "object" || encoded === null) return encoded;
  if (Array.isArray(encoded)) return encoded.map((member) => decode(member, lexicon));
  if ("~" in encoded) return decodeStand(encoded as Stand, lexicon);
  return decodeMembers(encoded, lexicon);
}

function decodeMembers(encoded: object, lexicon: Lexicon | undefined): Record<string, unknown> {
  const decoded = Object.fromEntries(
    Object.entries(encoded).map(([key, member]) => [key, decode(member, lexicon)]),
  );
  lexicon?.noteItem(decoded);
  return decoded;
}

function decodeText(stand: string, lexicon: Lexicon | undefined): unknown {
  const value = stand.slice(2);
  switch (stand.charAt(1)) {
    case "~":
      return stand.slice(1);
    case "r":
      return lexicon?.text(Number(value));
    case "i":
      return lexicon?.item(Number(value));
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

function decodeStand({ "~": kind, value }: Stand, lexicon: Lexicon | undefined): unknown {
  switch (kind) {
    case "error":
      return withoutStack(() => decodeError(decode(value, lexicon) as ErrorFacts));
    case "map":
      return new Map(decode(value, lexicon) as [unknown, unknown][]);
    case "set":
      return new Set(decode(value, lexicon) as unknown[]);
    default:
      return decodeMembers(value as object, lexicon);
  }
}

/** The stack of an error that is read would be its reader's, and dear. */
function withoutStack<T>(make: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return make();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** Of the runtime's own kinds, so that what branches on them branches as it did. */
function decodeError({ name, message, code, details, cause, isPermanent }: ErrorFacts): Error {
  const text = typeof message === "string" ? message : "";
  const options = cause === undefined ? undefined : { cause };
  if (name === "LanekeeperError" && typeof code === "string" && isPlain(details))
    return new LanekeeperError(code as LanekeeperErrorCode, text, details, options);
  const error = isPermanent === true ? new PermanentError(text, options) : new Error(text, options);
  for (const [key, value] of Object.entries({ name, message })) {
    if (error[key as "name"] !== value) Object.defineProperty(error, key, { value, configurable: true });
  }
  return Object.assign(error, code === undefined ? {} : { code }, details === undefined ? {} : { details });
}

function isPlain(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
