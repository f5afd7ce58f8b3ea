import { expect, expectTypeOf, test } from "vitest";
import { createFixture } from "../rules/fixture.ts";
import { eventTypes } from "../seeing/event-types.ts";
import type { LanekeeperEvent, TurnEvents } from "../seeing/events.ts";
import { ofSession } from "./of-session.ts";
import { type EventOfType, ofType } from "./of-type.ts";

test("passes on events of the given types alone, in their order", async () => {
  const { keeper, clock, turns } = await createFixture();
  const seen: string[] = [];
  keeper.events$.pipe(ofType("turn.started", "message.accepted")).subscribe(({ type }) => seen.push(type));
  await keeper.send("a", 1);
  await clock.settle();
  turns[0]!.resolve("done");
  await keeper.send("a", 2);
  await clock.settle();
  expect(seen).toEqual(["message.accepted", "turn.started", "message.accepted", "turn.started"]);
});

test("narrows the union to the members that have these types", async () => {
  const { keeper } = await createFixture();
  keeper.events$.pipe(ofType("turn.completed")).subscribe((event) => {
    expectTypeOf(event).toEqualTypeOf<Extract<TurnEvents, { readonly type: "turn.completed" }>>();
    expectTypeOf(event.durationMs).toEqualTypeOf<number>();
  });
  keeper.events$.pipe(ofType("turn.failed", "lane.stalled")).subscribe((event) => {
    expectTypeOf(event.type).toEqualTypeOf<"turn.failed" | "lane.stalled">();
    if (event.type === "turn.failed") expectTypeOf(event.error).toEqualTypeOf<Error>();
    else expectTypeOf(event.ageMs).toEqualTypeOf<number>();
    // @ts-expect-error -- only one of the two has it
    void event.error;
  });
  keeper.events$.pipe(ofType("message.duplicate")).subscribe((event) => {
    // One member of the union has two types.
    expectTypeOf(event.type).toEqualTypeOf<"message.duplicate">();
    expectTypeOf(event.id).toEqualTypeOf<string>();
  });
  expectTypeOf<EventOfType<LanekeeperEvent["type"]>>().toEqualTypeOf<LanekeeperEvent>();
  // @ts-expect-error -- no event has this type
  expect(() => ofType("turn.forgotten")).toThrow("turn.forgotten");
  // @ts-expect-error -- without a type nothing would pass
  expect(() => ofType()).toThrow("one or more types");
});

test("narrows what is left of one session, and what is left of a type is narrowed to a session", async () => {
  const { keeper } = await createFixture();
  keeper.events$.pipe(ofSession("a"), ofType("session.paused", "turn.emitted")).subscribe((event) => {
    expectTypeOf(event.sessionKey).toEqualTypeOf<string>();
    expectTypeOf(event.type).toEqualTypeOf<"session.paused" | "turn.emitted">();
  });
  keeper.events$.pipe(ofType("session.paused", "turn.emitted"), ofSession("a")).subscribe((event) => {
    expectTypeOf(event.sessionKey).toEqualTypeOf<string>();
    expectTypeOf(event.type).toEqualTypeOf<"session.paused" | "turn.emitted">();
  });
  keeper.events$.pipe(ofSession("a"), ofType("capacity.changed")).subscribe((event) => {
    expectTypeOf(event).toBeNever();
  });
});

test("a subscriber behind it that throws is logged and changes nothing", async () => {
  const { keeper, clock, logs, of } = await createFixture();
  const error = new Error("broken");
  keeper.events$.pipe(ofType("message.accepted")).subscribe(() => {
    throw error;
  });
  await keeper.send("a", 1);
  await keeper.send("a", 2);
  await clock.settle();
  expect(logs).toMatchObject([{ level: "error", fields: { place: "a subscriber of events$", error } }]);
  expect(of("turn.started")).toHaveLength(1);
});

test("refuses no type, and what is none, before anything is subscribed", () => {
  const untyped = ofType as (...types: unknown[]) => unknown;
  expect(() => untyped()).toThrow(
    'What ofType is given must be one or more types of events, such as "turn.completed"; got undefined.',
  );
  for (const type of ["lane.stalls", "", 5, null, ["turn.completed"]])
    expect(() => untyped("turn.completed", type)).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION", details: expect.objectContaining({ got: type }) }),
    );
  for (const type of eventTypes) expect(() => untyped(type)).not.toThrow();
});
