import * as fc from "fast-check";
import { expect, test } from "vitest";
import { findUnfairRace } from "./race.ts";
import { deed, send } from "./race-script.ts";

test("B19 in any order of events steering is taken by one turn that completes, or runs as one, never both", async () => {
  const unfair = await findUnfairRace(
    fc.oneof(
      { weight: 4, arbitrary: send("steer") },
      { weight: 2, arbitrary: send("followup", "interrupt") },
      { weight: 2, arbitrary: deed("notify", "notify", "abort", "clear", "wake") },
    ),
  );
  expect(unfair).toBeUndefined();
}, 60_000);
