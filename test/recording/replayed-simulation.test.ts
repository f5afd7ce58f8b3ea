import { simulate } from "@lanekeeper/testing";
import { replayRecording } from "lanekeeper/recording";
import { expect, it } from "vitest";

it("replays every keeper of a simulated system, those that crashed and those that took over from them", async () => {
  for (let seed = 1; seed <= 6; seed++) {
    const { recordings } = await simulate({ seed, minutes: 3 });
    for (const { recording } of recordings.flat())
      expect((await replayRecording(recording)).entries).toBe(recording.entries.length);
  }
});
