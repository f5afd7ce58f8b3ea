import * as fc from "fast-check";
import { expect, test } from "vitest";
import { findUnfairRace } from "./race.ts";
import { cancel, deed, send } from "./race-script.ts";

test("B23a in any order of events what is withdrawn runs in no turn that completes, and the rest runs once", async () => {
  const unfair = await findUnfairRace(
    fc.oneof(
      { weight: 4, arbitrary: cancel },
      { weight: 5, arbitrary: send("steer", "steer", "steer", "followup", "collect") },
      { weight: 1, arbitrary: deed("notify", "clear") },
    ),
  );
  expect(unfair).toBeUndefined();
}, 60_000);
