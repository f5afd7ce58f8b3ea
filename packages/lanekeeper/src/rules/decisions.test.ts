import { expect, test } from "vitest";
import { createFixture } from "./fixture.ts";

/** B61: every decision not to do something emits an event with the reason; warnings are throttled, never silent. */

test("B61 a message over the cap is refused with its reason", async () => {
  const { keeper, clock, of } = await createFixture({ lane: { cap: 1 } });
  await keeper.pause("a");
  await keeper.send("a", 1);
  await expect(keeper.send("a", 2, { id: "two", meta: { channel: "irc" } })).rejects.toMatchObject({
    code: "LANE_FULL",
  });
  await clock.settle();
  expect(of("message.refused")).toMatchObject([
    { sessionKey: "a", id: "two", reason: "LANE_FULL", meta: { channel: "irc" }, at: clock.now() },
  ]);
});

test("B61 an event over the cap where only completions wait is refused with its reason", async () => {
  const { keeper, clock, of } = await createFixture({ lane: { eventCap: 1 } });
  await keeper.pause("a");
  await keeper.reportExec({ execId: "job-1", sessionKey: "a", exitCode: 0 });
  await expect(keeper.notify("a", { kind: "note" }, { id: "note" })).rejects.toMatchObject({
    code: "LANE_FULL",
  });
  await clock.settle();
  expect(of("event.refused")).toMatchObject([{ sessionKey: "a", id: "note", reason: "LANE_FULL" }]);
});

test("B61 what is known already is a duplicate, and says so", async () => {
  const { keeper, clock, of } = await createFixture();
  await keeper.send("a", 1, { id: "one" });
  await keeper.send("a", 1, { id: "one" });
  await keeper.notify("b", { kind: "note" }, { id: "note" });
  await keeper.notify("b", { kind: "note" }, { id: "note" });
  await clock.settle();
  expect(of("message.duplicate")).toMatchObject([{ sessionKey: "a", id: "one" }]);
  expect(of("event.duplicate")).toMatchObject([{ sessionKey: "b", id: "note" }]);
});

test("B61 cleared work says so, item by item and in all", async () => {
  const { keeper, clock, of } = await createFixture();
  await keeper.pause("a");
  const one = await keeper.send("a", 1, { id: "one" });
  await keeper.notify("a", { kind: "note" }, { id: "note" });
  await expect(keeper.clear("a", { reason: "spam", events: true })).resolves.toBe(2);
  await clock.settle();
  expect(of("message.cancelled")).toMatchObject([{ sessionKey: "a", id: "one", reason: "cleared" }]);
  expect(of("event.cancelled")).toMatchObject([{ sessionKey: "a", id: "note", reason: "cleared" }]);
  expect(of("session.cleared")).toMatchObject([{ sessionKey: "a", count: 2, reason: "spam" }]);
  await expect(one.outcome).resolves.toEqual({ status: "cancelled", reason: "cleared" });
});

test("B61 an abort says why and what became of the message", async () => {
  const { keeper, clock, turns, of } = await createFixture();
  await keeper.send("a", 1, { id: "one" });
  await clock.settle();
  await keeper.abort("a", "wrong person");
  turns[0]!.reject(new Error("stopped"));
  await clock.settle();
  const { id: turnId } = turns[0]!.turn;
  expect(of("turn.aborting")).toMatchObject([{ turnId, reason: "aborted", messageIds: ["one"] }]);
  expect(of("turn.cancelled")).toMatchObject([{ turnId, reason: "aborted" }]);
  expect(of("message.cancelled")).toMatchObject([{ id: "one", reason: "aborted" }]);
});

test("B61 a retry, and a giving up, say so", async () => {
  const { keeper, clock, of } = await createFixture({
    turn: () => {
      throw new Error("model down");
    },
    lane: { retry: { attempts: 2 } },
  });
  await keeper.send("a", 1, { id: "one" });
  await clock.advance(60_000);
  expect(of("turn.retrying")).toMatchObject([{ reason: "failed", messageIds: ["one"] }]);
  expect(of("turn.failed").map(({ attempt, willRetry }) => [attempt, willRetry])).toEqual([
    [1, true],
    [2, false],
  ]);
  expect(of("deadLetter.added")).toMatchObject([{ sessionKey: "a", reason: "model down" }]);
});

test("B61 what a reclaimed turn returns too late says so, once", async () => {
  const { keeper, clock, turns, of } = await createFixture();
  await keeper.send("a", 1, { id: "one" });
  await clock.advance(615_000);
  expect(of("lane.stalled")).toHaveLength(1);
  expect(of("lane.reclaimed")).toMatchObject([
    { reason: "stalled", slotFreed: true, isCodeRunning: true, waiting: 0, next: "nothing" },
  ]);
  expect(of("deadLetter.added")).toMatchObject([{ reason: "stalled" }]);
  await clock.advance(1_000);
  turns[0]!.resolve("late");
  await clock.advance(1_000);
  expect(of("turn.lateResult")).toMatchObject([{ messageIds: ["one"], result: "returned", lateByMs: 1_000 }]);
  expect(of("turn.completed")).toEqual([]);
});

test("B61 lowering and raising the capacity say so, an invalid one changes and says nothing", async () => {
  const { keeper, clock, of } = await createFixture({ capacity: { turns: 3 } });
  keeper.setCapacity({ turns: 1 });
  expect(() => keeper.setCapacity({ turns: 0 })).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
  await clock.settle();
  expect(of("capacity.changed")).toMatchObject([{ turns: 1, previous: 3 }]);
});

test("B61 a lane that goes to sleep says so", async () => {
  const { keeper, clock, of } = await createFixture({ turn: () => "ok" });
  await keeper.send("a", 1);
  await clock.advance(60_000);
  expect(of("lane.passivated")).toMatchObject([{ sessionKey: "a" }]);
});

test("B61 each event has the time, and its session where there is one", async () => {
  const { keeper, clock, turns, events } = await createFixture();
  await keeper.notify("a", { kind: "note" }, { id: "note", wake: false });
  await keeper.send("a", 1, { id: "one", meta: { channel: "irc" } });
  await clock.advance(1_000);
  turns[0]!.turn.emit("token");
  turns[0]!.turn.progress("half way");
  turns[0]!.resolve("done");
  await clock.settle();
  await keeper.pause();
  for (const event of events) {
    expect(event.at).toBeGreaterThanOrEqual(clock.now() - 1_000);
    expect(event.at).toBeLessThanOrEqual(clock.now());
  }
  for (const event of events.filter(({ type }) => type !== "session.paused")) {
    expect(event).toMatchObject({ sessionKey: "a" });
  }
  for (const event of events.filter(({ type }) => type.startsWith("turn."))) {
    expect(event).toMatchObject({
      turnId: turns[0]!.turn.id,
      messageIds: ["one"],
      eventIds: ["note"],
      meta: { channel: "irc" },
    });
  }
  const types = events.map(({ type }) => type).filter((type) => type !== "lane.state");
  expect(types).toEqual([
    "event.accepted",
    "message.accepted",
    "turn.started",
    "turn.emitted",
    "turn.progressed",
    "turn.completed",
    "session.paused",
  ]);
});

test("B61 a warning that repeats is one line per 30 s, with the number held back", async () => {
  const { keeper, clock, logs } = await createFixture({
    agentOf: () => {
      throw new Error("no agents today");
    },
  });
  const lines = () => logs.filter(({ fields }) => fields["place"] === "agentOf");
  for (let session = 0; session < 10; session++) await keeper.send(`session ${session}`, 1);
  await clock.settle();
  expect(lines()).toHaveLength(1);
  await clock.advance(30_000);
  await keeper.send("another", 1);
  await clock.settle();
  expect(lines()).toHaveLength(2);
  expect(lines()[1]!.fields["heldBack"]).toBe(9);
});
