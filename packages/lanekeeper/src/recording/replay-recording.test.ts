import { describe, expect, it } from "vitest";
import { createLanekeeper } from "../keeper/create-lanekeeper.ts";
import { createFixture } from "../rules/fixture.ts";
import { memoryStore } from "../store/memory-store.ts";
import { recordInMemory } from "./record-in-memory.ts";
import type { Recording } from "./recording.ts";
import { replayRecording, type ReplayStep } from "./replay-recording.ts";

/** Two sessions on one slot, of which the first takes five seconds. */
async function recordWaiting(): Promise<Recording> {
  const recorder = recordInMemory();
  const { keeper, clock, turns } = await createFixture({ recorder, capacity: { turns: 1 } });
  await keeper.send("a", "hello", { id: "1" });
  await keeper.send("b", "hello", { id: "2" });
  await clock.advance(5_000);
  turns[0]!.resolve("done");
  await clock.advance(1_000);
  turns[1]!.resolve("done");
  await clock.settle();
  await keeper.close();
  return recorder.recording;
}

describe("the playback of a recording", () => {
  it("says what was in it", async () => {
    const recording = await recordWaiting();
    const { entries } = recording;
    expect(await replayRecording(recording)).toMatchObject({
      entries: entries.length,
      sessions: 2,
      turns: 2,
      events: entries.filter(({ type }) => type === "event").length,
      spanMs: 6_000,
      isWhole: true,
    });
  });

  it("shows the keeper as it was between two of its steps, and is not disturbed by who looks", async () => {
    const recording = await recordWaiting();
    const seen = new Map<number, string | null>();
    const { compared } = await replayRecording(recording, {
      onStep({ next, keeper }) {
        expect(keeper.stats().capacity).toBe(1);
        expect(keeper.session("nobody")).toBeUndefined();
        seen.set(next.at, keeper.explain("b").blockedBy);
      },
    });
    expect([seen.get(2_000), seen.get(5_000), seen.get(6_000)]).toEqual(["capacity", "running", "closed"]);
    expect(compared).toBe((await replayRecording(recording)).compared);
  });

  it("stops once so many entries were played, between two steps", async () => {
    const recording = await recordWaiting();
    const steps: ReplayStep[] = [];
    const { entries, isWhole } = await replayRecording(recording, {
      until: 60,
      onStep: (step) => steps.push(step),
    });
    expect(entries).toBeGreaterThanOrEqual(60);
    expect(entries).toBeLessThan(80);
    expect(steps.at(-1)!.played).toBeLessThan(60);
    expect(isWhole).toBe(true);
  });

  it("ends with what is thrown between two steps", async () => {
    const recording = await recordWaiting();
    const onStep = (): never => {
      throw new TypeError("seen enough");
    };
    await expect(replayRecording(recording, { onStep })).rejects.toThrow("seen enough");
  });

  it("is of a keeper that could not be created, too", async () => {
    const store = memoryStore();
    const first = await createLanekeeper({ turn: () => {}, store });
    const recorder = recordInMemory();
    await expect(createLanekeeper({ turn: () => {}, store, recorder })).rejects.toMatchObject({
      code: "STORE_IN_USE",
    });
    await first.close();
    const { recording } = recorder;
    expect(await replayRecording(recording)).toMatchObject({
      entries: recording.entries.length,
      turns: 0,
      isWhole: false,
    });
  });

  it("tells the entry, what the recording says there and what came", async () => {
    const { header, entries } = await recordWaiting();
    const at = entries.findIndex((entry) => entry.type === "event" && entry.event.type === "turn.started");
    const other = { ...entries[at]!, event: { ...(entries[at] as { event: object }).event, attempt: 7 } };
    const changed = { header, entries: entries.with(at, other as (typeof entries)[number]) };
    await expect(replayRecording(changed)).rejects.toMatchObject({
      code: "RECORDING_DIVERGED",
      message: expect.stringMatching(
        /^Entry \d+ of the recording, at 0 ms, says .*"attempt":7.*"attempt":1/,
      ) as string,
      details: { entry: at, at: 0, expected: other, actual: { type: "event", event: { attempt: 1 } } },
    });
  });

  it("is refused for options that make no sense", async () => {
    const recording = await recordWaiting();
    await expect(replayRecording(recording, { until: -1 })).rejects.toMatchObject({ code: "INVALID_OPTION" });
  });
});
