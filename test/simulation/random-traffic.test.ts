import { assert, asyncProperty, integer } from "fast-check";
import { memoryStore } from "lanekeeper";
import { expect, it } from "vitest";
import { laterStore } from "../conformance/later-store.ts";
import { temporaryStore } from "../conformance/temporary-store.ts";
import { runRandomTraffic } from "./random-traffic.ts";

const stores = {
  "answers at once": { createStore: memoryStore, numRuns: 150 },
  "answers later": { createStore: () => laterStore(), numRuns: 150 },
  "is a SQLite file": { createStore: () => temporaryStore(), numRuns: 40 },
  "is a SQLite file with no room in memory": {
    createStore: () => temporaryStore({ memoryBytes: 0 }),
    numRuns: 40,
  },
  "is a SQLite file with little room in memory": {
    createStore: () => temporaryStore({ memoryBytes: 6_000 }),
    numRuns: 40,
  },
};

/** Seeds that have found something: a slot lent for a message that a later one had dropped (B10a). */
const found: [number][] = [[1_190_197_316]];

it.each(Object.entries(stores))(
  "keeps order, overlap, outcomes and rest through random histories on a store that %s",
  async (_, { createStore, numRuns }) => {
    await assert(
      asyncProperty(integer({ min: 0 }), async (seed) => {
        expect(await runRandomTraffic(seed, createStore())).toEqual([]);
      }),
      { numRuns, endOnFailure: true, examples: found },
    );
  },
  60_000,
);
