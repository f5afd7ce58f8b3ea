import * as fc from "fast-check";
import { expect, test } from "vitest";
import { findUnfairRace } from "./race.ts";
import { advance, cancel, deed, send } from "./race-script.ts";

test("B18 in any order of events each message of a batch ends once, with its batch", async () => {
  const unfair = await findUnfairRace(
    fc.oneof(
      { weight: 4, arbitrary: send("collect", "collect", "followup") },
      { weight: 2, arbitrary: advance },
      { weight: 1, arbitrary: cancel },
      { weight: 1, arbitrary: deed("notify", "wake", "pause", "resume") },
    ),
    fc.record({ cap: fc.constantFrom(2, 20), debounceMs: fc.constantFrom(0, 100) }),
  );
  expect(unfair).toBeUndefined();
}, 60_000);
