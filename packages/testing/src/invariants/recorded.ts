import { invalidOption } from "lanekeeper/ports";
import type { Recording } from "lanekeeper/recording";

/** What a recording is, and where one comes from. */
const takes =
  "a recording ({ header, entries }: what readRecording resolves to, the recording of recordInMemory(), or of a life in the recordings of simulate)";

/** The recordings that were given: one, or a list. Throws `INVALID_OPTION` where what was given is neither. */
export function recordingsIn(recorded: unknown): readonly Recording[] {
  if (isRecording(recorded)) return [recorded];
  if (!Array.isArray(recorded)) throw refusal("recorded", recorded, `${takes}, or a list of them`);
  for (const [index, one] of recorded.entries())
    if (!isRecording(one)) throw refusal(`recorded.${index}`, one, takes);
  return recorded as Recording[];
}

function isRecording(value: unknown): value is Recording {
  if (typeof value !== "object" || value === null) return false;
  const { header, entries } = value as { readonly [Key in keyof Recording]?: unknown };
  return (
    Array.isArray(entries) &&
    typeof header === "object" &&
    header !== null &&
    (header as { readonly format?: unknown }).format === "lanekeeper-recording"
  );
}

function refusal(option: string, got: unknown, expected: string): Error {
  const isPromise = typeof (got as { readonly then?: unknown } | null | undefined)?.then === "function";
  const hint = isPromise ? "; this is a promise: await it first" : "";
  return invalidOption(option, got, `${expected}${hint}`, `What checkInvariants is given (${option})`);
}
