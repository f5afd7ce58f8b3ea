import { expect, test } from "vitest";
import { memoryStore } from "../store/memory-store.ts";
import { bodies, createFixture } from "./fixture.ts";

test("B59a pausing a session stops its starts, not what runs", async () => {
  const { keeper, clock, turns, of } = await createFixture();
  const running = await keeper.send("a", "running");
  await clock.settle();
  await keeper.send("a", "next");
  await keeper.pause("a");
  await clock.settle();
  expect(turns[0]!.turn.signal.aborted).toBe(false);
  turns[0]!.resolve("done");
  await expect(running.outcome).resolves.toMatchObject({ status: "completed" });
  await clock.advance(600_000);
  expect(turns).toHaveLength(1);
  expect(keeper.session("a")).toMatchObject({
    state: "busy",
    detail: "busy.paused",
    paused: true,
    waiting: 1,
  });
  expect(of("session.paused")).toMatchObject([{ sessionKey: "a" }]);

  await keeper.resume("a");
  await clock.settle();
  expect(bodies(turns[1]!.turn)).toEqual(["next"]);
  expect(of("session.resumed")).toMatchObject([{ sessionKey: "a" }]);
});

test("B59a pausing a session leaves every other session alone", async () => {
  const { keeper, clock, turns } = await createFixture();
  await keeper.pause("a");
  await keeper.send("a", 1);
  await keeper.send("b", 2);
  await clock.settle();
  expect(turns.map(({ turn }) => turn.sessionKey)).toEqual(["b"]);
  expect(keeper.session("b")?.paused).toBe(false);
});

test("B59a the global pause stops every start, of sessions known and new", async () => {
  const { keeper, clock, turns, of } = await createFixture();
  await keeper.send("a", "running");
  await clock.settle();
  await keeper.pause();
  await keeper.send("a", "next");
  await keeper.send("b", "new");
  await keeper.notify("c", { kind: "note" });
  turns[0]!.resolve("done");
  await clock.advance(600_000);
  expect(turns).toHaveLength(1);
  expect(of("session.paused").map((event) => event.sessionKey)).toEqual([undefined]);
  await keeper.resume();
  await clock.settle();
  expect(turns.map(({ turn }) => turn.sessionKey)).toEqual(["a", "a", "b", "c"]);
});

test("B59a the two pauses are independent: resume() without a key lifts only the global one", async () => {
  const { keeper, clock, turns } = await createFixture();
  await keeper.pause();
  await keeper.pause("a");
  await keeper.send("a", 1);
  await keeper.send("b", 2);
  await keeper.resume();
  await clock.settle();
  expect(turns.map(({ turn }) => turn.sessionKey)).toEqual(["b"]);
  await keeper.resume("a");
  await clock.settle();
  expect(turns.map(({ turn }) => turn.sessionKey)).toEqual(["b", "a"]);
});

test("B59a resuming a session under the global pause starts nothing", async () => {
  const { keeper, clock, turns } = await createFixture();
  await keeper.pause();
  await keeper.pause("a");
  await keeper.send("a", 1);
  await keeper.resume("a");
  await clock.settle();
  expect(turns).toEqual([]);
  await keeper.resume();
  await clock.settle();
  expect(turns).toHaveLength(1);
});

test("B59a a paused lane gives its place in the queue for capacity to others", async () => {
  const { keeper, clock, turns } = await createFixture({ capacity: { turns: 1 } });
  await keeper.send("first", 0);
  await keeper.send("a", 1);
  await keeper.send("b", 2);
  await clock.settle();
  await keeper.pause("a");
  turns[0]!.resolve("done");
  await clock.settle();
  expect(turns[1]!.turn.sessionKey).toBe("b");
});

test("B59a a paused session takes work, clears, resets and reports as ever", async () => {
  const { keeper, clock, turns } = await createFixture();
  await keeper.pause("a");
  await keeper.send("a", 1, { id: "one" });
  await keeper.reportExec({ execId: "job-1", sessionKey: "a", exitCode: 0 });
  await expect(keeper.mailbox("a")).resolves.toHaveLength(2);
  await expect(keeper.clear("a")).resolves.toBe(1);
  await keeper.reset("a");
  await expect(keeper.abort("a")).resolves.toBe(false);
  await clock.settle();
  expect(turns).toEqual([]);
  await expect(keeper.sessions()).resolves.toMatchObject({ sessions: [{ sessionKey: "a", paused: true }] });
});

test("B59a pausing twice and resuming twice change nothing more", async () => {
  const { keeper, clock, turns, of } = await createFixture();
  await keeper.pause("a");
  await keeper.pause("a");
  await keeper.send("a", 1);
  await keeper.resume("a");
  await keeper.resume("a");
  await clock.settle();
  expect(turns).toHaveLength(1);
  expect(of("session.paused")).toHaveLength(1);
  expect(of("session.resumed")).toHaveLength(1);
});

test("B59a a backoff runs out while paused, and the work starts when resumed", async () => {
  const { keeper, clock, turns } = await createFixture();
  await keeper.send("a", "work");
  await clock.settle();
  turns[0]!.reject(new Error("model down"));
  await clock.settle();
  await keeper.pause("a");
  await clock.advance(600_000);
  expect(turns).toHaveLength(1);
  await keeper.resume("a");
  await clock.settle();
  expect(turns[1]!.turn).toMatchObject({ attempt: 2 });
});

test("B59a pauses are the store's: a later keeper on it knows them", async () => {
  const store = memoryStore();
  const first = await createFixture({ store });
  await first.keeper.pause();
  await first.keeper.pause("a");
  await first.keeper.close();
  const second = await createFixture({ store, clock: first.clock });
  await second.keeper.send("a", 1);
  await second.keeper.send("b", 1);
  await second.clock.settle();
  expect(second.turns).toEqual([]);
  await second.keeper.resume();
  await second.clock.settle();
  expect(second.turns.map(({ turn }) => turn.sessionKey)).toEqual(["b"]);
});

test("B59a expiry runs while a session or the keeper is paused", async () => {
  const { keeper, clock, turns, of } = await createFixture();
  await keeper.pause("a");
  const session = await keeper.send("a", 1, { expiresInMs: 5_000 });
  await clock.advance(1_000);
  await keeper.pause();
  const global = await keeper.send("b", 1, { expiresInMs: 5_000 });
  await clock.advance(3_999);
  expect(of("message.dropped")).toEqual([]);
  await clock.advance(1_001);
  for (const { outcome } of [session, global]) {
    await expect(outcome).resolves.toEqual({ status: "dropped", reason: "expired" });
  }
  await keeper.resume();
  await keeper.resume("a");
  await clock.advance(10_000);
  expect(turns).toEqual([]);
});

test("B59a a pause that comes while a lane waits for capacity gives its place up; resumed, it waits anew", async () => {
  const { keeper, clock, turns } = await createFixture({ capacity: { turns: 1 } });
  for (const key of ["holder", "a", "b"]) await keeper.send(key, 1);
  await clock.settle();
  await keeper.pause("a");
  await clock.settle();
  expect(keeper.explain("a")).toMatchObject({ blockedBy: "paused", facts: { waitingSessions: 1 } });
  await keeper.resume("a");
  for (const index of [0, 1]) {
    await clock.settle();
    turns[index]!.resolve("done");
  }
  await clock.settle();
  expect(turns.map(({ turn }) => turn.sessionKey)).toEqual(["holder", "b", "a"]);
});
