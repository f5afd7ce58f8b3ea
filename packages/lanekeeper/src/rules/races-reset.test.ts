import * as fc from "fast-check";
import { expect, test } from "vitest";
import { findUnfairRace } from "./race.ts";
import { advance, deed, send } from "./race-script.ts";

test("B36 in any order of events a reset loses nothing of what waits, and every reset is answered", async () => {
  const unfair = await findUnfairRace(
    fc.oneof(
      { weight: 2, arbitrary: deed("reset") },
      { weight: 3, arbitrary: send("followup", "steer", "interrupt") },
      { weight: 2, arbitrary: deed("report", "notify") },
      { weight: 1, arbitrary: advance },
    ),
  );
  expect(unfair).toBeUndefined();
}, 60_000);
