import { expect, expectTypeOf, test } from "vitest";
import { createFixture } from "../rules/fixture.ts";
import type { LanekeeperEvent } from "../seeing/events.ts";
import { type EventOfSession, ofSession } from "./of-session.ts";

test("passes on the events of one session alone, in their order", async () => {
  const { keeper, clock, events } = await createFixture();
  const seen: LanekeeperEvent[] = [];
  keeper.events$.pipe(ofSession("a")).subscribe((event) => seen.push(event));
  await keeper.send("a", 1);
  await keeper.send("ab", 1);
  await keeper.pause("a");
  await keeper.pause("b");
  await clock.settle();
  expect(seen).toEqual(events.filter((event) => "sessionKey" in event && event.sessionKey === "a"));
  expect(new Set(seen.map(({ type }) => type))).toEqual(
    new Set(["message.accepted", "lane.state", "turn.started", "session.paused"]),
  );
});

test("leaves out what concerns every session", async () => {
  const { keeper, clock, of } = await createFixture();
  const seen: LanekeeperEvent[] = [];
  keeper.events$.pipe(ofSession("a")).subscribe((event) => seen.push(event));
  await keeper.pause();
  keeper.setCapacity({ turns: 2 });
  await clock.settle();
  expect(seen).toEqual([]);
  expect([...of("session.paused"), ...of("capacity.changed")]).toHaveLength(2);
});

test("has the members of the union that can concern a session, each with its key", async () => {
  const { keeper } = await createFixture();
  keeper.events$.pipe(ofSession("a")).subscribe((event) => {
    expectTypeOf(event).toEqualTypeOf<EventOfSession>();
    expectTypeOf(event.sessionKey).toEqualTypeOf<string>();
    if (event.type === "turn.completed") expectTypeOf(event.durationMs).toEqualTypeOf<number>();
    if (event.type === "session.paused") expectTypeOf(event.sessionKey).toEqualTypeOf<string>();
    // @ts-expect-error -- this one names no session
    void (event.type === "capacity.changed");
  });
  expectTypeOf<EventOfSession>().toExtend<LanekeeperEvent>();
  expectTypeOf<"store.failed" | "exec.refused">().toExtend<EventOfSession["type"]>();
  expectTypeOf<"store.recovered">().not.toExtend<EventOfSession["type"]>();
});

test("refuses a key that no session can have, before anything is subscribed", () => {
  expect(() => ofSession(" a")).toThrow(expect.objectContaining({ code: "INVALID_SESSION_KEY" }));
  expect(() => ofSession(undefined as unknown as string)).toThrow(
    expect.objectContaining({ code: "INVALID_SESSION_KEY" }),
  );
});

test("a subscriber behind it that throws is logged and changes nothing", async () => {
  const { keeper, clock, logs, of } = await createFixture();
  const error = new Error("broken");
  keeper.events$.pipe(ofSession("a")).subscribe(() => {
    throw error;
  });
  await keeper.send("a", 1);
  await clock.settle();
  expect(logs).toMatchObject([{ level: "error", fields: { place: "a subscriber of events$", error } }]);
  expect(of("turn.started")).toHaveLength(1);
});
