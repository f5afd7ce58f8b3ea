import { invalidOption } from "lanekeeper/ports";
import type { Recording } from "lanekeeper/recording";

/** What a recording is, and where one comes from. */
const takes =
  "a recording ({ header, entries }: what readRecording resolves to, the recording of recordInMemory(), or of a life in the recordings of simulate)";

/** The recordings that were given: one, or a list. Throws `INVALID_OPTION` where what was given is neither, or is garbled. */
export function recordingsIn(recorded: unknown): readonly Recording[] {
  if (isRecording(recorded)) return [withEntries("recorded", recorded)];
  if (!Array.isArray(recorded)) throw refusal("recorded", recorded, `${takes}, or a list of them`);
  return recorded.map((one: unknown, index) => {
    const option = `recorded.${index}`;
    if (!isRecording(one)) throw refusal(option, one, takes);
    return withEntries(option, one);
  });
}

/** A recording whose entries are some, one after the other. */
function withEntries(option: string, recording: Recording): Recording {
  let before = -Infinity;
  for (const [index, entry] of (recording.entries as readonly unknown[]).entries()) {
    const { type, at, event } = (entry ?? {}) as { readonly [Key in "type" | "at" | "event"]?: unknown };
    const name = `${option}.entries.${index}`;
    if (typeof type !== "string")
      throw refusal(name, entry, "an entry, as a recorder writes it: an object with its type and at");
    if (typeof at !== "number" || !Number.isFinite(at))
      throw refusal(`${name}.at`, at, "a number of milliseconds");
    if (at < before)
      throw refusal(`${name}.at`, at, `${before} or more: that is when the entry before it was recorded`);
    if (
      type === "event" &&
      typeof (event as { readonly type?: unknown } | null | undefined)?.type !== "string"
    )
      throw refusal(`${name}.event`, event, "an event of the keeper's, with its type");
    before = at;
  }
  return recording;
}

function isRecording(value: unknown): value is Recording {
  if (typeof value !== "object" || value === null) return false;
  const { header, entries } = value as { readonly [Key in keyof Recording]?: unknown };
  if (!Array.isArray(entries) || !isObject(header)) return false;
  const { format, options, made } = header as { readonly [Key in keyof Recording["header"]]?: unknown };
  return format === "lanekeeper-recording" && isObject(options) && isObject(made);
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function refusal(option: string, got: unknown, expected: string): Error {
  const isPromise = typeof (got as { readonly then?: unknown } | null | undefined)?.then === "function";
  const hint = isPromise ? "; this is a promise: await it first" : "";
  return invalidOption(option, got, `${expected}${hint}`, `What checkInvariants is given (${option})`);
}
