import { createHash } from "node:crypto";

/**
 * Everything seen in a run, as a canonical text: one line each, in the order in which it was seen.
 *
 * I1. The same run gives the same text on every machine: no locale, no clock of the machine, no stack, no chance.
 */
export interface Trace {
  /** Adds a line: when (true milliseconds), of which keeper or of the world, and what. */
  add(at: number, who: string, what: object): void;
  readonly lines: readonly string[];
  /** The SHA-256 of all lines, in hexadecimal. */
  hash(): string;
}

/** An empty trace. */
export function createTrace(): Trace {
  const digest = createHash("sha256");
  const names = new Map<string, string>();
  const lines: string[] = [];
  /** Owners of locks carry an id of their keeper that no seed decides; what counts is who is who. */
  const rename = (unique: string): string => {
    const name = names.get(unique) ?? `unique-${names.size + 1}`;
    names.set(unique, name);
    return name;
  };
  return {
    add(at, who, what) {
      const line = `${at} ${who} ${canonical(what).replaceAll(uuid, rename)}`;
      lines.push(line);
      digest.update(`${line}\n`);
    },
    lines,
    hash: () => digest.copy().digest("hex"),
  };
}

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** JSON, with what JSON does not know: errors by their code and message, whole numbers of any size. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, plain) ?? "undefined";
}

function plain(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return `${value}n`;
  if (!(value instanceof Error)) return value;
  const { code } = value as { readonly code?: unknown };
  return { error: value.name, code, message: value.message };
}
