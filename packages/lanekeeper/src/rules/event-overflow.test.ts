import { expect, test } from "vitest";
import { createFixture } from "./fixture.ts";

/** Session a runs a turn, and holds events back so that they wait. */
async function busy(eventCap: number) {
  const fixture = await createFixture({ lane: { eventCap } });
  await fixture.keeper.send("a", "work");
  await fixture.clock.settle();
  const notify = (id: string, key?: string) => fixture.keeper.notify("a", { kind: "note", key }, { id });
  const report = (execId: string) => fixture.keeper.reportExec({ execId, sessionKey: "a", exitCode: 0 });
  /** The ids of the next turn's events. */
  const nextEvents = async (): Promise<readonly string[]> => {
    fixture.turns.at(-1)!.resolve("ok");
    await fixture.clock.settle();
    return fixture.turns.at(-1)!.turn.events.map(({ id }) => id);
  };
  return { ...fixture, notify, report, nextEvents };
}

test("B22 over eventCap a completion is never dropped, and is accepted all the same", async () => {
  const { notify, report, nextEvents, of } = await busy(2);
  await report("job 1");
  await notify("one");
  await report("job 2");
  await report("job 3");
  expect(of("event.dropped")).toMatchObject([{ id: "one" }]);
  await expect(nextEvents()).resolves.toEqual(["job 1", "job 2", "job 3"]);
});

test("B22 eventCap counts events that wait for another reason to run, too, and not what a turn holds", async () => {
  const { keeper, notify, nextEvents, clock } = await busy(1);
  const quiet = await keeper.notify("a", { kind: "quiet" }, { wake: false });
  await notify("one");
  await expect(quiet.outcome).resolves.toEqual({ status: "dropped", reason: "overflow" });
  await expect(nextEvents()).resolves.toEqual(["one"]);
  await notify("two");
  await clock.settle();
  await expect(keeper.mailbox("a")).resolves.toMatchObject([{ id: "one" }, { id: "two" }]);
});

test("B22 messages and events have room of their own", async () => {
  const { keeper, notify, of } = await busy(1);
  for (let sent = 0; sent < 20; sent++) await keeper.send("a", sent);
  await notify("one");
  await expect(keeper.send("a", "no")).rejects.toMatchObject({ code: "LANE_FULL" });
  expect(of("event.dropped")).toEqual([]);
});

test("B22 events of different keys, sessions or none are left alone", async () => {
  const { keeper, notify, nextEvents, of } = await busy(10);
  await notify("one", "status");
  await notify("two", "other");
  await notify("three");
  await keeper.notify("b", { kind: "note", key: "status" });
  expect(of("event.replaced")).toEqual([]);
  await expect(nextEvents()).resolves.toEqual(["one", "two", "three"]);
});

test("B22 an event that replaces needs no room: over eventCap nothing else is dropped", async () => {
  const { notify, nextEvents, of } = await busy(2);
  await notify("one");
  await notify("two", "status");
  await notify("three", "status");
  expect(of("event.dropped")).toEqual([]);
  await expect(nextEvents()).resolves.toEqual(["one", "three"]);
});

test("B22 an event that a turn holds is not replaced meanwhile: if that turn fails, the next holds both", async () => {
  const { keeper, clock, turns, of } = await createFixture();
  const send = (id: string) => keeper.notify("a", { kind: "note", key: "status" }, { id });
  const held = await send("held");
  await clock.settle();
  await send("newer");
  turns[0]!.reject(new Error("model down"));
  await clock.advance(60_000);
  expect(of("event.replaced")).toEqual([]);
  expect(turns[1]!.turn.events.map(({ id }) => id)).toEqual(["held", "newer"]);
  turns[1]!.resolve("ok");
  await expect(held.outcome).resolves.toMatchObject({ status: "completed" });
});
