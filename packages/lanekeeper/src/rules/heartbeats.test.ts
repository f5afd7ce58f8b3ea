import { expect, test } from "vitest";
import { createFixture } from "./fixture.ts";

const hour = 3_600_000;

test("B43 smoke", async () => {
  const { keeper, clock, turns, events } = await createFixture({
    heartbeats: [{ agent: "main", everyMs: hour }],
  });
  const { nextAt } = keeper.heartbeat("main").inspect();
  expect(nextAt! - clock.now()).toBeLessThanOrEqual(hour);
  await clock.advance(nextAt! - clock.now());
  expect(turns[0]!.turn).toMatchObject({ cause: "heartbeat", sessionKey: "agent:main:main", attempt: 1 });
  turns[0]!.resolve("ok");
  await clock.settle();
  expect(events.map((e) => e.type)).toEqual([]);
});
