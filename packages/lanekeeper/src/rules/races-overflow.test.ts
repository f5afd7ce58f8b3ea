import * as fc from "fast-check";
import { expect, test } from "vitest";
import { findUnfairRace } from "./race.ts";
import { cancel, deed, send } from "./race-script.ts";

test("B22 in any order of events what overflows ends once, and what may not be dropped is not", async () => {
  const unfair = await findUnfairRace(
    fc.oneof(
      { weight: 5, arbitrary: send("followup", "collect", "steer", "interrupt", "reject") },
      { weight: 1, arbitrary: cancel },
      { weight: 1, arbitrary: deed("notify", "report", "pause", "resume") },
    ),
    fc.record({
      cap: fc.constantFrom(1, 2),
      eventCap: fc.constant(1),
      overflow: fc.constantFrom("reject", "drop-oldest", "drop-newest", "summarize"),
    }),
  );
  expect(unfair).toBeUndefined();
}, 60_000);
