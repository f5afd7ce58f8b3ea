import { expect, test } from "vitest";
import type { Lanekeeper } from "../keeper/keeper.ts";
import type { LanekeeperOptions } from "../keeper/options.ts";
import { createFixture, type Fixture } from "./fixture.ts";
import { failingStore } from "./failing-store.ts";

function blockedBy({ keeper }: { readonly keeper: Lanekeeper }, sessionKey = "a"): string | null {
  const { blockedBy: blocker, runnable, sentence } = keeper.explain(sessionKey);
  expect(runnable).toBe(blocker === null);
  expect(sentence).toMatch(/^[A-Z].*\.$/);
  return blocker;
}

/** Session `a` runs a turn and has another message waiting. */
async function withRunningTurn(
  options: Pick<LanekeeperOptions, "capacity" | "random"> = {},
): Promise<Fixture> {
  const fixture = await createFixture(options);
  await fixture.keeper.send("a", "running");
  await fixture.clock.settle();
  await fixture.keeper.send("a", "waiting");
  return fixture;
}

test("B60 a session never seen has nothing to do, and asking does not make it known", async () => {
  const { keeper } = await createFixture();
  expect(keeper.explain("never seen")).toMatchObject({
    sessionKey: "never seen",
    runnable: false,
    blockedBy: "nothing-to-do",
    facts: { state: "idle", live: false },
  });
  expect(keeper.session("never seen")).toBeUndefined();
  expect(keeper.stats()).toMatchObject({ known: 0, live: 0 });
});

test("B60 an idle session has nothing to do, also with events that wait for another reason, also asleep", async () => {
  const { keeper, clock } = await createFixture();
  await keeper.notify("a", { kind: "note" }, { wake: false });
  await clock.settle();
  expect(keeper.explain("a")).toMatchObject({
    blockedBy: "nothing-to-do",
    facts: { live: true, quietEvents: 1 },
  });
  expect(keeper.explain("a").sentence).toContain("wake: false");
  await clock.advance(60_000);
  expect(keeper.session("a")).toBeUndefined();
  expect(blockedBy({ keeper })).toBe("nothing-to-do");
  expect(keeper.explain("a").sentence).not.toContain("no message, event");
});

test("B60 a session whose wake is still coalescing says when it is due", async () => {
  const { keeper, clock } = await createFixture();
  keeper.wake("a", { coalesceMs: 10_000 });
  await clock.advance(4_000);
  expect(keeper.explain("a")).toMatchObject({ blockedBy: "nothing-to-do", facts: { wakeInMs: 6_000 } });
  expect(keeper.explain("a").sentence).toContain("6000 ms");
});

test("B60 is right as soon as work is accepted, whose lane slept until then", async () => {
  const fixture = await createFixture({ capacity: { turns: 1, groups: { g: { limit: 1 } } } });
  const { keeper } = fixture;
  await keeper.send("a", 1, { group: "g" });
  expect(["running", null]).toContain(blockedBy(fixture));
  await keeper.send("b", 2);
  expect(blockedBy(fixture, "b")).toBe("capacity");
  expect(keeper.session("b")).toMatchObject({ state: "busy", waiting: 1 });
  await keeper.send("group", 2, { group: "g" });
  expect(blockedBy(fixture, "group")).toBe("group");
  await keeper.send("batch", 2, { mode: "collect" });
  expect(blockedBy(fixture, "batch")).toBe("debounce");
  await keeper.notify("quiet", { kind: "note" }, { wake: false });
  expect(blockedBy(fixture, "quiet")).toBe("nothing-to-do");
  expect(keeper.session("quiet")).toMatchObject({ state: "idle", events: 1 });
});

test("B60 while its lane is starting, what is known of its work", async () => {
  const store = failingStore();
  const fixture = await createFixture({ store, capacity: { turns: 1 } });
  const { keeper } = fixture;
  store.fail(["session"], "hangs");
  await keeper.send("a", 1);
  await keeper.send("batch", 2, { mode: "collect" });
  await keeper.notify("quiet", { kind: "note" }, { wake: false });
  expect(keeper.explain("a")).toMatchObject({
    blockedBy: null,
    sentence: expect.stringContaining("lane is starting") as string,
    facts: { starting: true, waiting: 1, events: 0 },
  });
  expect(blockedBy(fixture, "batch")).toBe("debounce");
  expect(keeper.explain("batch").facts).toMatchObject({ starting: true, batch: 1, quietInMs: 500 });
  expect(blockedBy(fixture, "quiet")).toBe("nothing-to-do");
  expect(keeper.explain("quiet").sentence).toContain("wake: false");
});

test("B60 a running turn: which, since when, its last progress; also when it is stalled", async () => {
  const fixture = await withRunningTurn();
  const { keeper, clock, turns } = fixture;
  await clock.advance(30_000);
  turns[0]!.turn.progress();
  await clock.advance(60_000);
  const { id: turnId } = turns[0]!.turn;
  expect(blockedBy(fixture)).toBe("running");
  expect(keeper.explain("a").facts).toMatchObject({
    turnId,
    cause: "message",
    attempt: 1,
    runningMs: 90_000,
    silentMs: 60_000,
    waiting: 1,
  });
  expect(keeper.explain("a").sentence).toContain(turnId);
  await clock.advance(60_000);
  expect(blockedBy(fixture)).toBe("running");
  expect(keeper.explain("a")).toMatchObject({ facts: { state: "stalled" } });
  expect(keeper.explain("a").sentence).toContain("stalled");
});

test("B60 an aborting turn, until it has returned or is fenced", async () => {
  const fixture = await withRunningTurn();
  const { keeper, clock } = fixture;
  await keeper.abort("a");
  expect(blockedBy(fixture)).toBe("aborting");
  expect(keeper.explain("a")).toMatchObject({ facts: { stopReason: "aborted" } });
  await clock.advance(15_000);
  expect(blockedBy(fixture)).toBe("running");
  await clock.advance(600_000);
  expect(blockedBy(fixture)).toBe("aborting");
  expect(keeper.explain("a")).toMatchObject({
    facts: { state: "stalled", stopReason: "stalled", zombies: 1 },
  });
});

test("B60 a backoff, and how long it lasts", async () => {
  const fixture = await withRunningTurn({ random: () => 0.5 });
  const { keeper, clock, turns } = fixture;
  turns[0]!.reject(new Error("model down"));
  await clock.settle();
  expect(blockedBy(fixture)).toBe("backoff");
  expect(keeper.explain("a").facts).toMatchObject({ retryInMs: 500 });
  await clock.advance(500);
  expect(blockedBy(fixture)).toBe("running");
});

test("B60 capacity: for messages, events and wakes alike", async () => {
  const fixture = await withRunningTurn({ capacity: { turns: 1 } });
  const { keeper, clock } = fixture;
  await keeper.send("message", 1);
  await keeper.notify("event", { kind: "note" });
  keeper.wake("wake", { coalesceMs: 0 });
  await clock.settle();
  for (const sessionKey of ["message", "event", "wake"]) {
    expect(blockedBy(fixture, sessionKey)).toBe("capacity");
    expect(keeper.explain(sessionKey)).toMatchObject({
      facts: { running: 1, capacity: 1, waitingSessions: 3 },
    });
    expect(keeper.explain(sessionKey).sentence).not.toContain("0 messages");
  }
});

test("B60 the store, while it fails to open a turn or to record its end", async () => {
  const store = failingStore();
  const fixture = await createFixture({ store });
  const { keeper, clock, turns } = fixture;
  store.fail(["openTurn"], "rejects");
  await keeper.send("a", 1);
  await clock.settle();
  expect(blockedBy(fixture)).toBe("store");
  store.fail(["openTurn"]);
  await clock.advance(10_000);
  expect(blockedBy(fixture)).toBe("running");
  store.fail(["settleTurn"], "rejects");
  turns[0]!.resolve("done");
  await clock.settle();
  expect(blockedBy(fixture)).toBe("store");
  store.fail(["settleTurn"]);
  await clock.advance(10_000);
  expect(blockedBy(fixture)).toBe("nothing-to-do");
});

test("B60 closed goes before draining, draining before store, store before paused", async () => {
  const store = failingStore();
  const fixture = await createFixture({ store });
  const { keeper, clock } = fixture;
  store.fail(["openTurn"], "rejects");
  await keeper.send("a", 1);
  await clock.settle();
  await keeper.pause("a");
  expect(blockedBy(fixture)).toBe("store");
  await keeper.drain();
  expect(blockedBy(fixture)).toBe("draining");
  const closing = keeper.close();
  expect(blockedBy(fixture)).toBe("closed");
  await closing;
  expect(blockedBy(fixture)).toBe("closed");
  expect(blockedBy(fixture, "never seen")).toBe("closed");
});

test("B60 paused goes before running, aborting, backoff, capacity and nothing-to-do", async () => {
  const fixture = await withRunningTurn({ capacity: { turns: 1 } });
  const { keeper, clock, turns } = fixture;
  await keeper.send("crowded", 1);
  await keeper.pause();
  await clock.settle();
  for (const sessionKey of ["a", "crowded", "never seen"])
    expect(blockedBy(fixture, sessionKey)).toBe("paused");
  expect(keeper.explain("a").sentence).toContain("resume()");
  await keeper.abort("a");
  expect(blockedBy(fixture)).toBe("paused");
  await keeper.resume();
  expect(blockedBy(fixture)).toBe("aborting");
  turns[0]!.reject(new Error("stopped"));
  await clock.settle();

  await keeper.pause("crowded");
  expect(blockedBy(fixture, "crowded")).toBe("paused");
  expect(keeper.explain("crowded").sentence).toContain("resume(sessionKey)");
  turns[1]!.reject(new Error("model down"));
  await clock.settle();
  await keeper.resume("crowded");
  expect(["backoff", "running"]).toContain(blockedBy(fixture, "crowded"));
});

test("B60 draining goes before what a session does, for all of them", async () => {
  const fixture = await withRunningTurn();
  const drained = fixture.keeper.drain({ timeoutMs: 1_000 });
  expect(blockedBy(fixture)).toBe("draining");
  expect(blockedBy(fixture, "never seen")).toBe("draining");
  await fixture.clock.advance(1_000);
  await drained;
});

test("B60 the store, while it does not tell what is in a session that has no lane yet", async () => {
  const store = failingStore();
  const fixture = await createFixture({ store });
  const { keeper, clock } = fixture;
  store.fail(["session"], "hangs");
  await keeper.send("a", 1);
  await clock.settle();
  expect(blockedBy(fixture)).toBe(null);
  await clock.advance(30_000);
  expect(blockedBy(fixture)).toBe("store");
  store.fail(["session"]);
  await clock.advance(10_000);
  expect(blockedBy(fixture)).toBe("running");
});

test("B60 debounce goes before group, group before capacity", async () => {
  const fixture = await createFixture({
    capacity: { turns: 1, groups: { g: { limit: 1 } } },
    lane: { mode: "collect", debounceMs: 1_000 },
  });
  const { keeper, clock } = fixture;
  await keeper.send("holder", 1, { group: "g", mode: "followup" });
  await keeper.send("b", 1, { mode: "followup" });
  await keeper.send("a", 1, { group: "g" });
  await clock.settle();
  expect(blockedBy(fixture)).toBe("debounce");
  expect(keeper.explain("a").facts).toMatchObject({ quietInMs: 1_000, batch: 1 });
  await clock.advance(1_000);
  expect(blockedBy(fixture)).toBe("group");
  expect(blockedBy(fixture, "b")).toBe("capacity");
  await keeper.pause("a");
  await clock.settle();
  expect(blockedBy(fixture)).toBe("paused");
});

test("B60 a lane whose room is reserved for another group waits for capacity, not for its group", async () => {
  const fixture = await createFixture({
    capacity: { turns: 2, groups: { g: { limit: 2 }, sure: { limit: 1, reserved: 1 } } },
  });
  for (const key of ["a", "b"]) await fixture.keeper.send(key, 1, { group: "g" });
  await fixture.clock.settle();
  expect(blockedBy(fixture, "b")).toBe("capacity");
  expect(fixture.keeper.explain("b").facts).toMatchObject({ running: 1, capacity: 2, group: "g" });
});
