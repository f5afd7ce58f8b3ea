import { recordInMemory, type Recording, type RecordingEntry, replayRecording } from "lanekeeper/recording";
import { beforeAll, describe, expect, it } from "vitest";
import { liveAsHost } from "./random-host.ts";
import { inVirtualTime } from "./surroundings.ts";

/** What the keeper brings about: any change of it is a difference. */
const effects = [
  "answer",
  "armed",
  "asked",
  "event",
  "gave",
  "moved",
  "opened",
  "outcome",
  "refusal",
  "turn",
  "turn.signal",
  "work",
] as const;
/** What brings the keeper to do something. One that changes nothing may be missing. */
const causes = [
  "answered",
  "awaited",
  "call",
  "entered",
  "signal",
  "time",
  "timer",
  "told",
  "turn.did",
  "turn.returned",
  "turn.threw",
  "work.returned",
  "work.threw",
] as const;
/** What tells nothing of its own, or is given to the keeper and decides perhaps nothing. */
const besides: ReadonlySet<string> = new Set(["type", "at", "inside", "value", "answer", "error", "got"]);

let recordings: readonly Recording[];
beforeAll(async () => {
  recordings = await Promise.all(
    [1, 2, 3].map(async (seed) => {
      const recorder = recordInMemory();
      await liveAsHost({ ...inVirtualTime(seed), recorder });
      return recorder.recording;
    }),
  );
});

/** Some entries of a type, with the recordings that they are in. */
function* someOf(type: string, most: number): Generator<readonly [Recording, number]> {
  for (const recording of recordings) {
    // Without its last entry a recording is only shorter.
    const places = recording.entries
      .slice(0, -1)
      .flatMap((entry, index) => (entry.type === type ? index : []));
    const step = Math.max(1, Math.floor(places.length / most));
    for (let at = 0; at < places.length; at += step) yield [recording, places[at]!];
  }
}

async function isNoticed({ header }: Recording, entries: readonly RecordingEntry[]): Promise<boolean> {
  const error: unknown = await replayRecording({ header, entries }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error === undefined) return false;
  expect(error).toMatchObject({ name: "LanekeeperError", code: "RECORDING_DIVERGED" });
  return true;
}

function changed(value: unknown): unknown {
  if (typeof value === "number") return value + 1;
  return typeof value === "string" ? `${value}x` : "another";
}

describe("a change of a recording", () => {
  it("is looked for in every kind of entry", () => {
    const kinds = new Set(recordings.flatMap(({ entries }) => entries.map(({ type }) => type)));
    expect([...kinds].toSorted()).toEqual([...effects, ...causes].toSorted());
  });

  it.for(effects)("is noticed wherever %s is missing, or is another", async (type) => {
    for (const [recording, at] of someOf(type, 1)) {
      const { entries } = recording;
      expect(await isNoticed(recording, entries.toSpliced(at, 1))).toBe(true);
      const entry = entries[at]!;
      for (const [field, value] of Object.entries(entry)) {
        if (besides.has(field) && !(field === "value" && type === "answer")) continue;
        const other = { ...entry, [field]: changed(value) } as RecordingEntry;
        expect(await isNoticed(recording, entries.with(at, other)), `${type} ${field}`).toBe(true);
      }
    }
  });

  it.for(causes)("is noticed where %s is missing and was the cause of something", async (type) => {
    for (const [recording, at] of someOf(type, 20))
      if (await isNoticed(recording, recording.entries.toSpliced(at, 1))) return;
    expect.unreachable();
  });

  it.for([...effects, ...causes])("is noticed where %s comes after what it was before", async (type) => {
    for (const [recording, at] of someOf(type, 20)) {
      const { entries } = recording;
      const next = entries[at + 1];
      if (next === undefined || next.type === type) continue;
      if (await isNoticed(recording, entries.toSpliced(at, 2, next, entries[at]!))) return;
    }
    expect.unreachable();
  });

  it.for([
    ["capacity", { capacity: { turns: 1 } }],
    ["heartbeats", { heartbeats: [] }],
    ["limits of commands", { exec: { timeoutMs: 1 } }],
  ] as const)("is noticed where the keeper has other %s", async ([, options]) => {
    const [{ header, entries }] = recordings as readonly [Recording];
    const other = { ...header, options: { ...header.options, ...options } };
    expect(await isNoticed({ header: other, entries }, entries)).toBe(true);
  });
});
