import { keeperProperty } from "@lanekeeper/testing";
import { expect, test } from "vitest";
import { findCounterexample, modelTimeoutMs } from "./model-runs.ts";

test(
  "a keeper does what the reference model says (1 of 3)",
  async () => {
    expect(await findCounterexample(keeperProperty(), { seed: 1, numRuns: 700 })).toBe(undefined);
  },
  modelTimeoutMs,
);
