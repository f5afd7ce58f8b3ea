import type { Recording, RecordingEntry } from "./recording.ts";

/** What was in a recording that was played back without a difference. */
export interface ReplayResult {
  /** Entries that were played. */
  readonly entries: number;
  /** Those of them that the keeper itself brought about, and that it brought about again. */
  readonly compared: number;
  /** Sessions that something happened in. */
  readonly sessions: number;
  /** Calls of the host's `turn`. */
  readonly turns: number;
  /** Events. */
  readonly events: number;
  /** Milliseconds from the beginning of the recording to the last entry that was played. */
  readonly spanMs: number;
  /** Whether the recording ends with the keeper's close; otherwise its process died, or it was cut off. */
  readonly isWhole: boolean;
}

/** What the keeper brings about itself. */
const ofKeeper: ReadonlySet<RecordingEntry["type"]> = new Set([
  "answer",
  "refusal",
  "turn",
  "turn.signal",
  "work",
  "outcome",
  "event",
  "asked",
  "gave",
  "moved",
  "armed",
  "opened",
]);

/** Sums up the first entries of a recording. */
export function summarize(recording: Recording, played: number): ReplayResult {
  const { header, entries } = recording;
  const sessions = new Set<string>();
  let compared = 0;
  let turns = 0;
  let events = 0;
  for (const entry of entries.slice(0, played)) {
    if (ofKeeper.has(entry.type)) compared++;
    if (entry.type === "turn") turns++;
    if (entry.type !== "event") continue;
    events++;
    if ("sessionKey" in entry.event && entry.event.sessionKey !== undefined)
      sessions.add(entry.event.sessionKey);
  }
  const lastAt = entries[played - 1]?.at ?? header.startedMono;
  return {
    entries: played,
    compared,
    sessions: sessions.size,
    turns,
    events,
    spanMs: lastAt - header.startedMono,
    isWhole: isWhole(recording),
  };
}

/** Whether a recording ends with its keeper's close. */
export function isWhole({ entries }: Recording): boolean {
  const last = entries.at(-1);
  if (last?.type !== "answer" && last?.type !== "refusal") return false;
  return entries.some(
    (entry) => entry.type === "call" && entry.call === last.call && entry.method === "close",
  );
}
