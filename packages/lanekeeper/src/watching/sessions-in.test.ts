import { expect, expectTypeOf, test } from "vitest";
import { createFixture } from "../rules/fixture.ts";
import type { SessionView } from "../seeing/views.ts";
import { liveSessions } from "./live-sessions.ts";
import { sessionsIn } from "./sessions-in.ts";

test("tells the sessions in the given states, by key, when they change and only then", async () => {
  const { keeper, clock, turns } = await createFixture();
  const seen: (readonly SessionView[])[] = [];
  liveSessions(keeper)
    .pipe(sessionsIn("busy", "stalled"))
    .subscribe((sessions) => {
      expectTypeOf(sessions).toEqualTypeOf<readonly SessionView[]>();
      seen.push(sessions);
    });
  const keys = () => seen.map((sessions) => sessions.map(({ sessionKey }) => sessionKey));
  await clock.settle();
  await keeper.send("b", 1);
  await clock.settle();
  await keeper.notify("quiet", { kind: "note" }, { wake: false });
  await clock.settle();
  await keeper.send("a", 1);
  await clock.settle();
  turns[0]!.resolve("done");
  await clock.settle();
  expect(keys()).toEqual([[], ["b"], ["a", "b"], ["a"]]);
});

test("tells of a session again that is in the same state with other facts", async () => {
  const { keeper, clock } = await createFixture();
  const seen: (readonly number[])[] = [];
  liveSessions(keeper)
    .pipe(sessionsIn("busy"))
    .subscribe((sessions) => seen.push(sessions.map(({ waiting }) => waiting)));
  await clock.settle();
  await keeper.send("a", 1);
  await clock.settle();
  await keeper.send("a", 2);
  await clock.settle();
  expect(seen).toEqual([[], [0], [1]]);
});

test("refuses no state, and what is none, before anything is subscribed", () => {
  const untyped = sessionsIn as (...states: unknown[]) => unknown;
  for (const states of [[], ["stuck"], ["busy", "busy.running"], [null]])
    expect(() => untyped(...states)).toThrow(
      expect.objectContaining({
        code: "INVALID_OPTION",
        message: expect.stringContaining('"stalled" and "reclaimed"; got'),
      }),
    );
});

test("a live table refuses what is no keeper, before anything is subscribed", () => {
  for (const bad of [5, null, undefined, {}, "keeper"])
    expect(() => (liveSessions as (keeper: unknown) => unknown)(bad)).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION" }),
    );
});
