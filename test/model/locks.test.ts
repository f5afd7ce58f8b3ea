import { locksProperty } from "@lanekeeper/testing";
import { expect, test } from "vitest";
import { findCounterexample, modelTimeoutMs } from "./model-runs.ts";

test(
  "two processes share locks as the model says, whatever their lease store does",
  async () => {
    expect(await findCounterexample(locksProperty(), { seed: 1, numRuns: 1_000 })).toBe(undefined);
  },
  modelTimeoutMs,
);
