import { expect, test } from "vitest";
import { PermanentError } from "../keeper/errors.ts";
import { memoryStore } from "../store/memory-store.ts";
import { bodies, createFixture } from "./fixture.ts";

test("B40 wakes of one session within coalesceMs, counted from the first, are one", async () => {
  const { keeper, clock, turns, of } = await createFixture();
  keeper.wake("a", { reason: "timer" });
  await clock.advance(200);
  keeper.wake("a", { reason: "webhook" });
  keeper.wake("a", { reason: "timer" });
  await clock.advance(49);
  expect(turns).toHaveLength(0);
  await clock.advance(1);
  expect(turns).toHaveLength(1);
  expect(turns[0]!.turn).toMatchObject({ cause: "wake", reasons: ["timer", "webhook"], attempt: 1 });
  expect(turns[0]!.turn.messages).toEqual([]);
  expect(of("wake.merged").map(({ reason }) => reason)).toEqual(["webhook", "timer"]);
  turns[0]!.resolve("done");
  await clock.advance(10_000);
  expect(turns).toHaveLength(1);
});

test("B40 the highest priority of merged wakes wins and is not downgraded", async () => {
  const { keeper, of } = await createFixture();
  keeper.wake("a", { priority: "background" });
  for (const priority of ["normal", "foreground", "background"] as const) keeper.wake("a", { priority });
  expect(of("wake.merged")).toEqual([]);
  await keeper.mailbox("a");
  expect(of("wake.merged").map(({ priority }) => priority)).toEqual(["normal", "foreground", "foreground"]);
});

test("B40 a sooner request fires sooner, a later one does not put it off", async () => {
  const { keeper, clock, turns } = await createFixture();
  keeper.wake("a", { coalesceMs: 10_000 });
  await clock.advance(1_000);
  keeper.wake("a", { coalesceMs: 500 });
  await clock.advance(100);
  keeper.wake("a", { coalesceMs: 60_000 });
  await clock.advance(399);
  expect(turns).toHaveLength(0);
  await clock.advance(1);
  expect(turns).toHaveLength(1);
});

test("B40 a wake without coalescing starts its turn at once, by no timer", async () => {
  const { keeper, clock, turns } = await createFixture();
  keeper.wake("a", { coalesceMs: 0 });
  keeper.wake("b", { coalesceMs: 60_000 });
  keeper.wake("b", { coalesceMs: 0 });
  await clock.settle();
  expect(turns.map(({ turn }) => turn.sessionKey)).toEqual(["a", "b"]);
});

test("B40 one session's wake never delays another's", async () => {
  const { keeper, clock, turns } = await createFixture();
  keeper.wake("a", { coalesceMs: 60_000 });
  keeper.wake("b");
  await clock.advance(100);
  keeper.wake("c");
  await clock.advance(150);
  expect(turns.map(({ turn }) => turn.sessionKey)).toEqual(["b"]);
  await clock.advance(100);
  expect(turns.map(({ turn }) => turn.sessionKey)).toEqual(["b", "c"]);
});

test("B40 events start a turn at once: coalescing concerns wake() alone", async () => {
  const { keeper, clock, turns } = await createFixture();
  await keeper.notify("a", { kind: "note" });
  await clock.settle();
  expect(turns[0]!.turn).toMatchObject({ cause: "event", reasons: [] });
});

test("B40 a wake is satisfied by any turn of its session that starts after it, and tells it its reasons", async () => {
  const { keeper, clock, turns } = await createFixture();
  keeper.wake("a", { reason: "timer" });
  await keeper.send("a", "hello");
  await clock.settle();
  expect(turns[0]!.turn).toMatchObject({ cause: "message", reasons: ["timer"] });
  turns[0]!.resolve("done");
  await clock.advance(10_000);
  expect(turns).toHaveLength(1);
});

test("B40 a wake asked for during a turn is not satisfied by it", async () => {
  const { keeper, clock, turns } = await createFixture();
  await keeper.send("a", "hello");
  await clock.settle();
  keeper.wake("a");
  turns[0]!.resolve("done");
  await clock.advance(249);
  expect(turns).toHaveLength(1);
  await clock.advance(1);
  expect(turns[1]!.turn.cause).toBe("wake");
});

test("B40 a wake takes along events that wait for another reason to run", async () => {
  const { keeper, clock, turns } = await createFixture();
  await keeper.notify("a", { kind: "note" }, { wake: false });
  await clock.advance(600_000);
  expect(turns).toHaveLength(0);
  keeper.wake("a");
  await clock.advance(250);
  expect(turns[0]!.turn).toMatchObject({ cause: "wake", events: [{ kind: "note" }] });
});

test("B40 wakes are not kept across a restart", async () => {
  const store = memoryStore();
  const first = await createFixture({ store });
  first.keeper.wake("a");
  await first.keeper.close();
  const second = await createFixture({ store, clock: first.clock });
  await second.clock.advance(600_000);
  expect(first.turns).toEqual([]);
  expect(second.turns).toEqual([]);
});

test("B40 a wake whose turn fails is tried again with backoff, and dropped visibly after the last", async () => {
  const { keeper, clock, turns, of } = await createFixture();
  keeper.wake("a", { reason: "timer" });
  await clock.advance(250);
  for (const attempt of [1, 2, 3]) {
    expect(turns[attempt - 1]!.turn).toMatchObject({ cause: "wake", attempt, reasons: ["timer"] });
    turns[attempt - 1]!.reject(new Error("model down"));
    await clock.advance(60_000);
  }
  expect(turns).toHaveLength(3);
  expect(of("wake.retrying").map(({ attempt }) => attempt)).toEqual([2, 3]);
  expect(of("wake.dropped")).toMatchObject([{ sessionKey: "a", attempts: 3 }]);
});

test("B40 a wake whose turn must not be tried again is dropped at once, visibly", async () => {
  const { keeper, clock, turns, of } = await createFixture();
  keeper.wake("a");
  await clock.advance(250);
  turns[0]!.reject(new PermanentError("no key"));
  await clock.advance(600_000);
  expect(turns).toHaveLength(1);
  expect(of("wake.dropped")).toHaveLength(1);
});

test("B41 a wake that finds its session busy waits until it is idle: one deferral, one turn", async () => {
  const { keeper, clock, turns, of } = await createFixture();
  await keeper.send("a", "long");
  await clock.settle();
  keeper.wake("a", { reason: "timer" });
  await clock.advance(100_000);
  expect(turns).toHaveLength(1);
  expect(of("wake.deferred")).toMatchObject([{ sessionKey: "a", reason: "session-busy" }]);
  turns[0]!.resolve("done");
  await clock.settle();
  expect(turns[1]!.turn).toMatchObject({ cause: "wake", reasons: ["timer"] });
  turns[1]!.resolve("done");
  await clock.advance(600_000);
  expect(turns).toHaveLength(2);
});

test("B41 a due time that passes meanwhile is merged, not repeated", async () => {
  const { keeper, clock, turns, of } = await createFixture();
  await keeper.send("a", "long");
  await clock.settle();
  for (const reason of ["one", "two", "three"]) {
    keeper.wake("a", { reason });
    await clock.advance(10_000);
  }
  expect(of("wake.merged")).toHaveLength(2);
  turns[0]!.resolve("done");
  await clock.settle();
  turns[1]!.resolve("done");
  await clock.advance(600_000);
  expect(turns).toHaveLength(2);
  expect(turns[1]!.turn.reasons).toEqual(["one", "two", "three"]);
});

test("B41 a message that waits as well takes the wake along", async () => {
  const { keeper, clock, turns } = await createFixture();
  await keeper.send("a", "first");
  await clock.settle();
  await keeper.send("a", "second");
  keeper.wake("a", { reason: "timer" });
  await clock.advance(1_000);
  turns[0]!.resolve("done");
  await clock.settle();
  expect(bodies(turns[1]!.turn)).toEqual(["second"]);
  expect(turns[1]!.turn.reasons).toEqual(["timer"]);
  turns[1]!.resolve("done");
  await clock.advance(600_000);
  expect(turns).toHaveLength(2);
});

test("B42 session-busy concerns that session alone: another's wake starts at once", async () => {
  const { keeper, clock, turns, of } = await createFixture({ capacity: { turns: 2 } });
  await keeper.send("a", "long");
  await clock.settle();
  keeper.wake("a");
  keeper.wake("b");
  await clock.advance(250);
  expect(of("wake.deferred")).toMatchObject([{ sessionKey: "a", reason: "session-busy" }]);
  expect(turns[1]!.turn).toMatchObject({ sessionKey: "b", cause: "wake" });
});

test("B42 a wake of an idle session that finds no slot is deferred as capacity-full", async () => {
  const { keeper, clock, turns, of } = await createFixture({ capacity: { turns: 1 } });
  await keeper.send("a", "holds the slot");
  await clock.settle();
  await keeper.notify("live", { kind: "note" }, { wake: false });
  keeper.wake("live");
  keeper.wake("asleep");
  keeper.wake("a");
  await clock.advance(250);
  const reasons = of("wake.deferred").map(({ sessionKey, reason }) => [sessionKey, reason]);
  expect(reasons).toHaveLength(3);
  expect(Object.fromEntries(reasons)).toEqual({
    live: "capacity-full",
    asleep: "capacity-full",
    a: "session-busy",
  });
  turns[0]!.resolve("done");
  await clock.settle();
  expect(turns[1]!.turn).toMatchObject({ sessionKey: "live", cause: "wake" });
});

test.each([
  ["paused session", "a"],
  ["paused keeper", undefined],
])("B42 a wake of a %s is deferred as paused and starts when it is resumed", async (_, sessionKey) => {
  const { keeper, clock, turns, of } = await createFixture();
  await keeper.pause(sessionKey);
  keeper.wake("a", { reason: "timer" });
  await clock.advance(60_000);
  expect(turns).toEqual([]);
  expect(of("wake.deferred")).toMatchObject([{ sessionKey: "a", reason: "paused" }]);
  await keeper.resume(sessionKey);
  await clock.settle();
  expect(turns[0]!.turn).toMatchObject({ cause: "wake", reasons: ["timer"] });
});

test("B42 a wake while the keeper drains is deferred as draining and starts nothing", async () => {
  const { keeper, clock, turns, of } = await createFixture();
  await keeper.drain();
  keeper.wake("a");
  await clock.advance(60_000);
  expect(turns).toEqual([]);
  expect(of("wake.deferred")).toMatchObject([{ sessionKey: "a", reason: "draining" }]);
});

test("B42 a wake that starts a turn at once is not deferred", async () => {
  const { keeper, clock, turns, of } = await createFixture();
  keeper.wake("a");
  await clock.advance(250);
  expect(turns).toHaveLength(1);
  turns[0]!.resolve("done");
  await clock.settle();
  keeper.wake("a");
  await clock.advance(250);
  expect(turns).toHaveLength(2);
  expect(of("wake.deferred")).toEqual([]);
});
