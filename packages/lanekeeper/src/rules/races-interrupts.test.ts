import * as fc from "fast-check";
import { expect, test } from "vitest";
import { findUnfairRace } from "./race.ts";
import { advance, deed, send } from "./race-script.ts";

test("B20 in any order of events interrupts lose nothing and run nothing twice", async () => {
  const unfair = await findUnfairRace(
    fc.oneof(
      { weight: 4, arbitrary: send("interrupt", "interrupt", "followup", "steer") },
      { weight: 1, arbitrary: deed("notify", "abort", "pause", "resume") },
      { weight: 1, arbitrary: advance },
    ),
  );
  expect(unfair).toBeUndefined();
}, 60_000);
