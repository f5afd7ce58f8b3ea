import { assert, asyncProperty, integer } from "fast-check";
import { memoryStore } from "lanekeeper";
import { expect, it } from "vitest";
import { laterStore } from "../conformance/later-store.ts";
import { runRandomTraffic } from "./random-traffic.ts";

const stores = { "answers at once": memoryStore, "answers later": () => laterStore() };

it.each(Object.entries(stores))(
  "keeps order, overlap, outcomes and rest through random histories on a store that %s",
  async (_, createStore) => {
    await assert(
      asyncProperty(integer({ min: 0 }), async (seed) => {
        expect(await runRandomTraffic(seed, createStore())).toEqual([]);
      }),
      { numRuns: 150, endOnFailure: true },
    );
  },
  60_000,
);
