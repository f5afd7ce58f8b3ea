import { decode, encodeText } from "./encoding.ts";
import type { InnerEntry } from "./inner-entries.ts";
import type { SeenEntry } from "./recording.ts";

/**
 * What people and agents say, made unreadable.
 *
 * I1. A text becomes one of the same length, character by character, whatever it is part of. What the keeper makes of it (a
 *     tail, several joined, a sentence around it) is the same as what it makes of what is written, once that is hidden too.
 */

type Entry = SeenEntry | InnerEntry;

/** Members that hold contents, wherever they are. */
const contents: ReadonlySet<string> = new Set([
  "body",
  "reply",
  "data",
  "output",
  "summary",
  "command",
  "args",
  "cwd",
  "env",
  "meta",
]);
/** Arguments of calls that are contents, and of what turns do. */
const ofCalls: Readonly<Record<string, readonly number[]>> = { send: [1], exec: [1, 2, 3] };
const ofTurns: Readonly<Record<string, readonly number[]>> = { emit: [0], progress: [0], exec: [0, 1, 2] };
/** Fields that are contents as a whole. */
const wholes: Readonly<Partial<Record<Entry["type"], string>>> = {
  "turn.returned": "reply",
  refusal: "message",
  "work.returned": "value",
  awaited: "value",
};
/** What gives contents when it is called. */
const givers: ReadonlySet<string> = new Set(["receipt.reply", "locks.using", "waiting"]);

/** Hides the contents of entries, which are given in the order in which they are noted. */
export function createContentHider(): (entry: Entry) => Entry {
  /** Calls whose answers are contents. */
  const giving = new Set<number>();
  return (entry) => {
    if (entry.type === "call" && givers.has(entry.method)) giving.add(entry.call);
    if (entry.type === "turn.did" && givers.has(entry.what)) giving.add(entry.call);
    const hidden: Record<string, unknown> = { ...entry };
    for (const [field, value] of Object.entries(entry)) {
      if (typeof value !== "object" && !isText(entry, field, giving)) continue;
      hidden[field] =
        field === "args"
          ? (value as readonly unknown[]).map((argument, index) =>
              hideContents(argument, isArgument(entry, index)),
            )
          : hideContents(value, isText(entry, field, giving));
    }
    if (entry.type === "answer") giving.delete(entry.call);
    return hidden as unknown as Entry;
  };
}

/** Whether all of a field is contents. */
function isText(entry: Entry, field: string, giving: ReadonlySet<number>): boolean {
  if (entry.type === "answer") return field === "value" && giving.has(entry.call);
  return wholes[entry.type] === field;
}

function isArgument(entry: Entry, index: number): boolean {
  if (entry.type === "call") return ofCalls[entry.method]?.includes(index) ?? false;
  if (entry.type === "turn.did") return ofTurns[entry.what]?.includes(index) ?? false;
  return entry.type === "told" && entry.what === "output";
}

/** A value with the contents in it hidden: all of it, or what its members' names say. */
export function hideContents(value: unknown, isContent = false): unknown {
  return decode(hideIn(JSON.parse(encodeText(value)), isContent));
}

/** The same for a value as it is written. */
function hideIn(value: unknown, isContent: boolean): unknown {
  if (typeof value === "string") return isContent ? hideText(value) : value;
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((member) => hideIn(member, isContent));
  const also = besides(value);
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => {
      if (key === "~") return [key, member];
      return [key, hideIn(member, isContent || contents.has(key) || key === also)];
    }),
  );
}

/** The member of an object that holds contents because of what the object is. */
function besides(value: object): string | undefined {
  const { type, fate, name, message, items, attempts } = value as Readonly<Record<string, unknown>>;
  if (type === "turn.progressed") return "note";
  if (type === "message.refused" || type === "event.refused") return "message";
  // Why work was given up may be the message of an error.
  const isDeadLetter = Array.isArray(items) && typeof attempts === "number";
  if (type === "deadLetter.added" || fate === "dead-letter" || isDeadLetter) return "reason";
  return typeof name === "string" && typeof message === "string" ? "message" : undefined;
}

/** A text as it is written. One that stands for something else stays, but for bytes. */
function hideText(text: string): string {
  if (text.startsWith("~b")) return "~b";
  if (text.startsWith("~") && !text.startsWith("~~")) return text;
  const meant = text.startsWith("~~") ? text.slice(1) : text;
  return meant.replaceAll(/[\uD800-\uDBFF][\uDC00-\uDFFF]|\S/g, (character) =>
    character.length === 2 ? "\u{1D569}" : "x",
  );
}
