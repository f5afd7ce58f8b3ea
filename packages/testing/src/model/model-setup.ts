import * as fc from "fast-check";
import type { LanekeeperOptions } from "lanekeeper";
import { modelSessions } from "./model-command.ts";
import type { ModelSettings } from "./model-state.ts";

/** Settings of a keeper, for the model. Few of their sums are equal, so that rarely two things are due at one instant. */
export const modelSettings: fc.Arbitrary<ModelSettings> = fc.record({
  turns: fc.constantFrom(1, 1, 2, 3),
  groups: fc.record({
    batch: fc.record({ limit: fc.integer({ min: 1, max: 2 }), reserved: fc.constant(0) }),
  }),
  lane: fc.record({
    cap: fc.constantFrom(1, 2, 3, 20),
    eventCap: fc.constantFrom(1, 2, 50),
    overflow: fc.constantFrom("reject", "drop-oldest", "drop-newest", "summarize"),
    retry: fc.record({
      attempts: fc.integer({ min: 1, max: 3 }),
      baseMs: fc.constant(246),
      maxMs: fc.constant(802),
    }),
    maxReclaims: fc.nat(1),
    maxCrashes: fc.nat(2),
    debounceMs: fc.constant(317),
    debounceMaxMs: fc.constant(401),
    stallAfterMs: fc.constant(1_001),
    reclaimAfterMs: fc.constant(3_002),
    turnTimeoutMs: fc.constant(8_005),
    abortGraceMs: fc.constant(511),
    dedupeMs: fc.constant(100_003),
  }),
  laterMs: fc.constant(Object.fromEntries(modelSessions.map((key, index) => [key, 61 * index]))),
});

/** The options of a keeper with such settings. */
export function optionsOf({
  turns,
  groups,
  lane,
  laterMs,
}: ModelSettings): Pick<LanekeeperOptions, "capacity" | "lane" | "laneFor" | "heartbeats"> {
  return {
    capacity: { turns, groups },
    lane,
    laneFor(sessionKey) {
      const later = laterMs[sessionKey] ?? 0;
      return { reclaimAfterMs: lane.reclaimAfterMs + later, turnTimeoutMs: lane.turnTimeoutMs + later };
    },
    // By hand alone: the schedule's first time is far beyond the end of every run.
    heartbeats: [{ agent: "x", everyMs: 10_000_000_000 }],
  };
}
