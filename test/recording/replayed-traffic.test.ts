import { assert, asyncProperty, integer } from "fast-check";
import { memoryStore } from "lanekeeper";
import { recordInMemory, replayRecording } from "lanekeeper/recording";
import { expect, it } from "vitest";
import { laterStore } from "../conformance/later-store.ts";
import { runRandomTraffic } from "../simulation/random-traffic.ts";

const stores = { "answers at once": memoryStore, "answers later": () => laterStore() };

it.each(Object.entries(stores))(
  "replays random histories on a store that %s without a difference",
  async (_, createStore) => {
    await assert(
      asyncProperty(integer({ min: 0 }), async (seed) => {
        const recorder = recordInMemory();
        expect(await runRandomTraffic(seed, createStore(), recorder)).toEqual([]);
        const { recording } = recorder;
        expect(await replayRecording(recording)).toMatchObject({ entries: recording.entries.length });
      }),
      { numRuns: 40, endOnFailure: true },
    );
  },
);
