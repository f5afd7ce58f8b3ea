import * as fc from "fast-check";
import { expect, test } from "vitest";
import { findUnfairRace } from "./race.ts";
import { advance, cancel, deed, send, sendBrief } from "./race-script.ts";

test("B33 in any order of events, whatever the modes, each message ends once and every slot comes back", async () => {
  const unfair = await findUnfairRace(
    fc.oneof(
      { weight: 6, arbitrary: send("followup", "collect", "steer", "interrupt", "reject") },
      { weight: 1, arbitrary: sendBrief("followup", "collect", "steer", "interrupt") },
      { weight: 1, arbitrary: advance },
      { weight: 2, arbitrary: cancel },
      {
        weight: 3,
        arbitrary: deed("notify", "report", "wake", "abort", "reset", "clear", "pause", "resume"),
      },
    ),
    fc.record({
      cap: fc.constantFrom(2, 20),
      overflow: fc.constantFrom("reject", "drop-oldest", "drop-newest", "summarize"),
      maxReclaims: fc.constantFrom(0, 1),
      abortGraceMs: fc.constantFrom(0, 100),
      passivateAfterMs: fc.constantFrom(0, 100),
    }),
  );
  expect(unfair).toBeUndefined();
}, 60_000);
