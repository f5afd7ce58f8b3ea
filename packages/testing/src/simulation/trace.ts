import { createHash } from "node:crypto";
import type { Recording, SeenEntry } from "lanekeeper/recording";

/**
 * Everything seen in a run as a canonical text: what was done to the world, then what each keeper's host saw (calls and
 * answers, turns and what they did, outcomes, events) with its time, life by life.
 *
 * I1. The same run gives the same text on every machine: no locale, no clock of the machine, no chance.
 */
export interface Trace {
  /** Notes what happens to the world at a true instant, in milliseconds. */
  note(at: number, who: string, what: string): void;
  /** Adds what the host saw of one life. */
  add(life: string, recording: Recording): void;
  readonly lines: readonly string[];
  /** The SHA-256 of all lines, in hexadecimal. */
  hash(): string;
}

/** What the host saw. How a keeper came to it (its timers, the answers of its store) is in its recording. */
const seen: Readonly<Record<SeenEntry["type"], true>> = {
  call: true,
  answer: true,
  refusal: true,
  turn: true,
  "turn.did": true,
  "turn.signal": true,
  "turn.returned": true,
  "turn.threw": true,
  work: true,
  "work.returned": true,
  "work.threw": true,
  outcome: true,
  event: true,
};

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
    add(life, { entries }) {
      for (const entry of entries)
        if (entry.type in seen) lines.push(`${life} ${canonical(entry).replaceAll(uuid, rename)}`);
    },
    lines,
    hash: () => createHash("sha256").update(lines.join("\n")).digest("hex"),
  };
}

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g;

/** JSON, with what JSON does not know: errors by their code and message, whole numbers of any size. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, member: unknown) => {
    if (typeof member === "bigint") return `${member}n`;
    if (!(member instanceof Error)) return member;
    const { code, name, message } = member as Error & { readonly code?: unknown };
    return { error: name, code, message };
  });
}
