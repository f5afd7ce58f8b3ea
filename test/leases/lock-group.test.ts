import { describe, expect, it } from "vitest";
import { createChance } from "@lanekeeper/testing";
import { liveAsGroup } from "./lock-group.ts";

/** In CI; `LANEKEEPER_SOAK` multiplies it. */
const soak = Number(process.env["LANEKEEPER_SOAK"] ?? 1);
const hoursEach = 500;
const seeds = Array.from({ length: 20 * soak }, (_, index) => index + 1);

describe("a group of four keepers on one lease store, with every fault", { timeout: 120_000 }, () => {
  it.for(seeds)(
    "B49 B52 has at most one believer a name for 500 hours, and tokens that grow (seed %i)",
    async (seed) => {
      const report = await liveAsGroup(createChance(seed), hoursEach);
      expect(report.violations).toEqual([]);
      // It was worth looking: locks were taken and lost, processes slept and died.
      expect(report.acquired).toBeGreaterThan(50);
      expect(report.lost).toBeGreaterThan(0);
      expect(report.doubts).toBeGreaterThan(0);
      expect(report.sleeps).toBeGreaterThan(0);
    },
  );
});
