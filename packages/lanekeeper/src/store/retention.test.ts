import { expect, test } from "vitest";
import { createFixture } from "../rules/fixture.ts";

test("B11 a session with nothing left is forgotten behind any number that are kept for another reason", async () => {
  const lane = { dedupeMs: 1_000, passivateAfterMs: 1_000 };
  const { keeper, clock } = await createFixture({ forgetAfterMs: 60_000, lane, turn: () => "done" });
  const kept = 1_001;
  for (let index = 0; index < kept; index++) await keeper.pause(`paused ${index}`);
  await keeper.send("used", 1);
  await clock.advance(3 * 3_600_000);
  expect(keeper.stats().known).toBe(kept);
});
