import { isPermanent, messageOf, toError } from "../keeper/errors.ts";
import { decode, encodeText } from "./encoding.ts";
import type { RecordingEntry } from "./recording.ts";
import type { Lexicon, Vocabulary } from "./vocabulary.ts";

/**
 * Entries as lines of a file. Each is a JSON array: milliseconds since the line before; a code that says what it is, with `+`
 * and the number of the call of host code that it came about in, if any; then its fields, of which the last may be missing.
 *
 * I1. What was read is written as the same line again.
 */

type EntryType = RecordingEntry["type"];

/** The code of each type of entry, and its fields in the order in which they are written. */
const shapes: Readonly<Record<EntryType, { readonly code: string; readonly fields: readonly string[] }>> = {
  call: { code: "c", fields: ["call", "method", "args", "turnId", "on", "under"] },
  answer: { code: "a", fields: ["call", "value"] },
  refusal: { code: "r", fields: ["call", "code", "message"] },
  turn: {
    code: "t",
    fields: [
      "turnId",
      "sessionKey",
      "agent",
      "cause",
      "attempt",
      "fencingToken",
      "reasons",
      "messages",
      "events",
      "dropped",
    ],
  },
  "turn.did": { code: "td", fields: ["call", "turnId", "what", "args", "from", "under"] },
  "turn.signal": { code: "ts", fields: ["turnId", "code"] },
  "turn.returned": { code: "tr", fields: ["turnId", "reply"] },
  "turn.threw": { code: "tx", fields: ["turnId", "thrown"] },
  work: { code: "w", fields: ["call", "lock"] },
  "work.returned": { code: "wr", fields: ["call", "value"] },
  "work.threw": { code: "wx", fields: ["call", "thrown"] },
  outcome: { code: "o", fields: ["call", "sessionKey", "id", "outcome"] },
  event: { code: "e", fields: ["event"] },
  time: { code: "m", fields: ["looks", "wall"] },
  armed: { code: "ma", fields: ["timer", "delayMs"] },
  timer: { code: "mt", fields: ["timer"] },
  entered: { code: "i", fields: ["passage"] },
  asked: { code: "q", fields: ["port", "what", "args", "request", "answer", "error"] },
  answered: { code: "qa", fields: ["request", "value", "error"] },
  told: { code: "qt", fields: ["request", "what", "args"] },
  gave: { code: "g", fields: ["what", "value", "args"] },
  signal: { code: "s", fields: ["call", "reason", "wasAborted"] },
  awaited: { code: "p", fields: ["call", "value", "error"] },
  moved: { code: "x", fields: ["actor", "detail"] },
  opened: { code: "n", fields: [] },
};
const types = new Map(Object.entries(shapes).map(([type, { code }]) => [code, type as EntryType]));

/** An entry as a line. `sinceMs` is the time since the entry before; the vocabulary is that of the lines before. */
export function toLine(entry: RecordingEntry, sinceMs: number, vocabulary: Vocabulary): string {
  const { code, fields } = shapes[entry.type];
  let line = `[${sinceMs},"${code}${entry.inside === undefined ? "" : `+${entry.inside}`}"`;
  let missing = "";
  for (const field of fields) {
    const value = (entry as unknown as Record<string, unknown>)[field];
    if (value === undefined) {
      // It stands for a member that is missing, too.
      missing += ',"~u"';
      continue;
    }
    line += `${missing},${encodeText(value, vocabulary)}`;
    missing = "";
  }
  return `${line}]`;
}

/**
 * What a line says; undefined if it says nothing that is known. `lastAt` is the time of the entry before. Throws for a
 * reference to nothing.
 */
export function fromLine(line: unknown, lastAt: number, lexicon: Lexicon): RecordingEntry | undefined {
  if (!Array.isArray(line)) return undefined;
  const [sinceMs, marked, ...values] = line as readonly unknown[];
  if (typeof sinceMs !== "number" || typeof marked !== "string") return undefined;
  const [code, inside] = marked.split("+") as [string, string?];
  const type = types.get(code);
  if (type === undefined || values.length > shapes[type].fields.length) return undefined;
  const entry: Record<string, unknown> = { at: lastAt + sinceMs, type };
  if (inside !== undefined) entry["inside"] = Number(inside);
  for (const [index, value] of values.entries()) {
    const decoded = decode(value, lexicon);
    if (decoded !== undefined) entry[shapes[type].fields[index]!] = decoded;
  }
  return withDerived(entry as unknown as RecordingEntry);
}

/** Adds what is said of an error besides the error itself. */
function withDerived(entry: RecordingEntry): RecordingEntry {
  if (entry.type === "turn.threw") {
    const { thrown } = entry;
    return { ...entry, error: messageOf(thrown), isPermanent: isPermanent(thrown) };
  }
  return entry.type === "work.threw" ? { ...entry, error: messageOf(toError(entry.thrown)) } : entry;
}
