import { createHash } from "node:crypto";

/**
 * Everything seen in a run as a canonical text: what was done to the world, then each keeper's recording, life by life.
 *
 * I1. The same run gives the same text on every machine: no locale, no clock of the machine, no chance.
 */
export interface Trace {
  /** Notes what happens to the world at a true instant, in milliseconds. */
  note(at: number, who: string, what: string): void;
  /** Adds the lines of one life's recording. */
  add(life: string, recorded: readonly string[]): void;
  readonly lines: readonly string[];
  /** The SHA-256 of all lines, in hexadecimal. */
  hash(): string;
}

/** An empty trace. */
export function createTrace(): Trace {
  const lines: string[] = [];
  const names = new Map<string, string>();
  /** Owners of locks carry an id of their keeper that no seed decides; what counts is who is who. */
  const rename = (unique: string): string => {
    const name = names.get(unique) ?? `unique-${names.size + 1}`;
    names.set(unique, name);
    return name;
  };
  return {
    note: (at, who, what) => void lines.push(`${at} ${who} ${what}`),
    add(life, recorded) {
      for (const line of recorded) lines.push(`${life} ${line.replaceAll(uuid, rename)}`);
    },
    lines,
    hash: () => createHash("sha256").update(lines.join("\n")).digest("hex"),
  };
}

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;
