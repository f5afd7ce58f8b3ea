import { simulate } from "@lanekeeper/testing";
import { describe, expect, it } from "vitest";

/** Tests that seeds, from one up to another, break no rule. Some in each file, so that all processors have work. */
export function testSeeds(from: number, to: number): void {
  const seeds = Array.from({ length: to - from + 1 }, (_, index) => from + index);
  describe("a simulated system with everything that goes wrong", { timeout: 120_000 }, () => {
    it.for(seeds)("keeps every rule and comes to rest (lanekeeper simulate --seed %i)", async (seed) => {
      const { violations } = await simulate({ seed });
      expect(violations).toEqual([]);
    });
  });
}
