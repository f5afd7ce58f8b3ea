import { readFileSync } from "node:fs";
import type { Recording, RecordingEntry } from "lanekeeper/recording";
import { describe, expect, test } from "vitest";
import { checkInvariants, type CheckOptions, invariants } from "./check-invariants.ts";
import { story } from "./stories/story.ts";

const broken = story().sends("m1").starts("t1", ["m1"]).at(7).tellsStart("t2", []).enters("t2");

describe("checkInvariants", () => {
  test("says which rule was broken, where, what was expected and what was seen", () => {
    expect(checkInvariants(broken.recordings)[0]).toEqual({
      rule: "B3",
      claim: "A turn's code is called only when no other turn of its session is live.",
      sentence: "Turn t2 of a was called while turn t1 was live, since 0 ms.",
      recording: 0,
      index: broken.recordings[0]!.entries.length - 1,
      at: 7,
      sessionKey: "a",
    });
  });

  test("checks one recording as well as several, and only the rules that it is to", () => {
    const [recording] = broken.recordings;
    expect(checkInvariants(recording!)).toEqual(checkInvariants(broken.recordings));
    expect(checkInvariants(recording!, { rules: ["B3"] }).map(({ rule }) => rule)).toEqual(["B3"]);
    expect(checkInvariants(recording!, { rules: ["B12"] })).toEqual([]);
  });

  test.each([
    [{ rules: ["B99"] }, "rules"],
    [{ rules: "B3" } as unknown as CheckOptions, "rules"],
    [{ rule: "B3" } as CheckOptions, "rule"],
    [{ latenessMs: -1 }, "latenessMs"],
    [{ earlyMs: Number.NaN }, "earlyMs"],
  ])("refuses %o", (options, option) => {
    expect(() => checkInvariants(broken.recordings, options)).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION", details: expect.objectContaining({ option }) }),
    );
  });

  test("says that rules are a list where it was given one of them", () => {
    expect(() => checkInvariants([], { rules: "B3" } as unknown as CheckOptions)).toThrow(
      'rules must be a list of the numbers of rules, such as ["B3"]; got "B3".',
    );
  });

  const [{ header, entries }] = broken.recordings as [Recording];
  test.each<[string, (entry: RecordingEntry) => unknown, string]>([
    ["without an instant", (entry) => ({ ...entry, at: Number.NaN }), "3.at"],
    ["whose instant is a text", (entry) => ({ ...entry, at: "5" }), "3.at"],
    ["that is older than the one before it", (entry) => ({ ...entry, at: -1 }), "3.at"],
    ["that is none", () => null, "3"],
    ["that is a text", () => "turn", "3"],
    ["without a type", ({ at }) => ({ at }), "3"],
    ["of an event without one", ({ at }) => ({ at, type: "event" }), "3.event"],
  ])("refuses an entry %s, and names it by its number", (_, change, place) => {
    const recording = { header, entries: entries.with(3, change(entries[3]!) as RecordingEntry) };
    expect(() => checkInvariants(recording)).toThrow(
      expect.objectContaining({
        code: "INVALID_OPTION",
        message: expect.stringContaining(`recorded.entries.${place}`),
        details: expect.objectContaining({ option: `recorded.entries.${place}` }),
      }),
    );
    expect(() => checkInvariants([broken.recordings[0]!, recording])).toThrow(`recorded.1.entries.${place}`);
  });

  test.each([
    ["what is no recording", {}, "recorded", "readRecording"],
    ["a path", "gateway.jsonl.gz", "recorded", "readRecording"],
    ["a promise", Promise.resolve(broken.recordings), "recorded", "await it first"],
    ["nothing", undefined, "recorded", "recordInMemory"],
    ["a recording without entries", { header: broken.recordings[0]!.header }, "recorded", "entries"],
    [
      "a recording whose header says only that it is one",
      { header: { format: "lanekeeper-recording" }, entries: [] },
      "recorded",
      "readRecording",
    ],
    ["a list with what is none", [broken.recordings[0], {}], "recorded.1", "simulate"],
    ["a list with a promise", [Promise.resolve(broken.recordings[0])], "recorded.0", "await it first"],
  ])("refuses %s, and says what a recording is", (_, recorded, option, says) => {
    expect(() => checkInvariants(recorded as unknown as Recording)).toThrow(
      expect.objectContaining({
        code: "INVALID_OPTION",
        message: expect.stringContaining(says),
        details: expect.objectContaining({ option }),
      }),
    );
  });

  test("says in its documentation what it checks, rule by rule", () => {
    const page = readFileSync(new URL("../../docs/check-recordings.md", import.meta.url), "utf8");
    const rows = [...page.matchAll(/^\| (B\w+) +\| (.+?) *\|$/gm)].map(([, rule, claims]) => [rule, claims]);
    const rules = [...new Set(invariants.map(({ rule }) => rule))].toSorted(byNumber);
    const claims = (of: string) => invariants.filter(({ rule }) => rule === of).map(({ claim }) => claim);
    expect(rows).toEqual(rules.map((rule) => [rule, claims(rule).join(" ")]));
  });
});

function byNumber(one: string, two: string): number {
  return one.localeCompare(two, "en", { numeric: true });
}
