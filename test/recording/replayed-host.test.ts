import { assert, asyncProperty, integer } from "fast-check";
import { type MemoryRecorder, recordInMemory, replayRecording } from "lanekeeper/recording";
import { expect, it } from "vitest";
import { liveAsHost, type Surroundings } from "./random-host.ts";
import { inRealTime, inVirtualTime } from "./surroundings.ts";

async function recordHost(around: Surroundings, recorder: MemoryRecorder): Promise<MemoryRecorder> {
  await liveAsHost({ ...around, recorder });
  return recorder;
}

/** How far a playback came, and how far it should. */
async function replayed({ recording }: MemoryRecorder): Promise<readonly [number, number]> {
  const { entries, isWhole } = await replayRecording(recording);
  return [entries, isWhole ? recording.entries.length : Infinity];
}

it("replays a host that calls everything there is, with clocks, stores and leases that fail", async () => {
  await assert(
    asyncProperty(integer({ min: 0 }), async (seed) => {
      const [played, all] = await replayed(await recordHost(inVirtualTime(seed), recordInMemory()));
      expect(played).toBe(all);
    }),
    { numRuns: 40, endOnFailure: true },
  );
});

it("replays without what people said, and does not write it", async () => {
  await assert(
    asyncProperty(integer({ min: 0 }), async (seed) => {
      const recorder = await recordHost(inVirtualTime(seed), recordInMemory({ hideContents: true }));
      expect(recorder.lines.filter((line) => /secret/i.test(line))).toEqual([]);
      const [played, all] = await replayed(recorder);
      expect(played).toBe(all);
    }),
    { numRuns: 20, endOnFailure: true },
  );
});

it("replays on simulated time what happened on the machine's own", async () => {
  const seeds = Array.from({ length: 20 }, () => Math.floor(Math.random() * 2 ** 31));
  const ends = await Promise.all(
    seeds.map(async (seed) => replayed(await recordHost(inRealTime(seed), recordInMemory()))),
  );
  for (const [played, all] of ends) expect(played).toBe(all);
});
