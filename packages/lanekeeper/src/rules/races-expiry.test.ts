import * as fc from "fast-check";
import { expect, test } from "vitest";
import { findUnfairRace } from "./race.ts";
import { advance, deed, send, sendBrief } from "./race-script.ts";

test("B22 in any order of events a message expires or runs, never both", async () => {
  const unfair = await findUnfairRace(
    fc.oneof(
      { weight: 3, arbitrary: sendBrief("followup", "collect", "steer", "interrupt") },
      { weight: 1, arbitrary: send("followup") },
      { weight: 3, arbitrary: advance },
      { weight: 1, arbitrary: deed("pause", "resume", "abort") },
    ),
  );
  expect(unfair).toBeUndefined();
}, 60_000);
