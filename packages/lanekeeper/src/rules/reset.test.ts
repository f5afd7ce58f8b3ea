import { expect, test } from "vitest";
import { memoryStore } from "../store/memory-store.ts";
import { failingStore } from "./failing-store.ts";
import { bodies, createFixture } from "./fixture.ts";

test("B36 a reset aborts the running turn and cancels its message then and there", async () => {
  const { keeper, clock, turns, of } = await createFixture();
  const receipt = await keeper.send("a", "first", { id: "first" });
  await clock.settle();
  const reset = keeper.reset("a", "fresh start");
  await expect(receipt.outcome).resolves.toEqual({ status: "cancelled", reason: "reset" });
  expect(turns[0]!.turn.signal.reason).toMatchObject({ code: "TURN_RESET" });
  expect(() => turns[0]!.turn.assertCurrent()).toThrow(expect.objectContaining({ code: "TURN_FENCED" }));
  expect(of("turn.aborting")).toMatchObject([{ reason: "reset" }]);
  expect(of("message.cancelled")).toMatchObject([{ id: "first", reason: "reset" }]);
  turns[0]!.resolve("too late");
  await reset;
  expect(of("session.reset")).toMatchObject([{ sessionKey: "a", reason: "fresh start" }]);
});

test("B36 a reset resolves when the old turn has ended", async () => {
  const { keeper, clock, turns } = await createFixture();
  await keeper.send("a", "first");
  await clock.settle();
  let isDone = false;
  const reset = keeper.reset("a").then(() => (isDone = true));
  await clock.advance(14_999);
  expect(isDone).toBe(false);
  turns[0]!.reject(new Error("stopped"));
  await reset;
  expect(keeper.session("a")?.state).toBe("idle");
});

test("B36 a reset resolves when the old turn is fenced, and its late result changes nothing", async () => {
  const { keeper, clock, turns, of } = await createFixture();
  await keeper.send("a", "first");
  await clock.settle();
  await keeper.send("a", "second");
  let isDone = false;
  const reset = keeper.reset("a").then(() => (isDone = true));
  await clock.advance(14_999);
  expect(isDone).toBe(false);
  await clock.advance(1);
  await reset;
  expect(bodies(turns[1]!.turn)).toEqual(["second"]);
  turns[0]!.resolve("late");
  await clock.settle();
  expect(of("turn.lateResult")).toHaveLength(1);
  expect(turns).toHaveLength(2);
  expect(of("turn.completed")).toEqual([]);
});

test("B36 a reset starts a new incarnation, also of a session that is idle, asleep or was never seen", async () => {
  const { keeper, clock } = await createFixture({ turn: () => "ok", lane: { passivateAfterMs: 1_000 } });
  const incarnations: (number | undefined)[] = [];
  const note = async (): Promise<void> => {
    await clock.settle();
    incarnations.push((await keeper.sessions({ prefix: "a" })).sessions[0]?.incarnation);
  };
  await keeper.reset("a");
  await note();
  await keeper.send("a", "hello");
  await note();
  await keeper.reset("a");
  await note();
  await clock.advance(10_000);
  expect(keeper.session("a")).toBeUndefined();
  await keeper.reset("a");
  await note();
  const [first, same, second, third] = incarnations;
  expect(same).toBe(first);
  expect(second).toBeGreaterThan(first!);
  expect(third).toBeGreaterThan(second!);
});

test("B36 incarnations neither go back nor repeat over keepers on one store", async () => {
  const store = memoryStore();
  const { keeper, clock, of } = await createFixture({ store });
  await keeper.reset("a");
  await keeper.reset("a");
  await keeper.close();
  const later = await createFixture({ store, clock });
  await later.keeper.reset("a");
  const seen = [...of("session.reset"), ...later.of("session.reset")].map(({ incarnation }) => incarnation);
  expect(new Set(seen).size).toBe(3);
  expect(seen).toEqual(seen.toSorted((left, right) => left - right));
});

test("B36 a reset keeps the waiting messages and the host's events", async () => {
  const { keeper, clock, turns } = await createFixture();
  await keeper.send("a", "first");
  await keeper.notify("a", { kind: "held" });
  await clock.settle();
  await keeper.send("a", "second");
  await keeper.notify("a", { kind: "waiting" });
  await keeper.notify("a", { kind: "quiet" }, { wake: false });
  const reset = keeper.reset("a");
  await clock.settle();
  turns[0]!.reject(turns[0]!.turn.signal.reason);
  await reset;
  await clock.settle();
  expect(bodies(turns[1]!.turn)).toEqual(["second"]);
  expect(turns[1]!.turn.events.map(({ kind }) => kind)).toEqual(["held", "waiting", "quiet"]);
  expect(turns[1]!.turn.attempt).toBe(1);
});

test("B36 a reset cancels work that is backing off, and says so", async () => {
  const { keeper, clock, turns, of } = await createFixture();
  const failed = await keeper.send("a", "first", { id: "first" });
  await clock.settle();
  await keeper.send("a", "second");
  turns[0]!.reject(new Error("model down"));
  await clock.settle();
  expect(keeper.explain("a").blockedBy).toBe("backoff");
  await keeper.reset("a");
  await expect(failed.outcome).resolves.toEqual({ status: "cancelled", reason: "reset" });
  await clock.settle();
  expect(of("message.cancelled")).toMatchObject([{ sessionKey: "a", id: "first", reason: "reset" }]);
  expect(bodies(turns[1]!.turn)).toEqual(["second"]);
});

test("B36 a reset keeps the host's events that back off, and tries them at once", async () => {
  const { keeper, clock, turns } = await createFixture();
  await keeper.notify("a", { kind: "note" });
  await clock.settle();
  turns[0]!.reject(new Error("model down"));
  await clock.settle();
  expect(keeper.explain("a").blockedBy).toBe("backoff");
  await keeper.reset("a");
  await clock.settle();
  expect(turns[1]!.turn.events.map(({ kind }) => kind)).toEqual(["note"]);
});

test("B36 a reset dead-letters the waiting completions of earlier commands", async () => {
  const { keeper, clock, turns, of } = await createFixture();
  await keeper.send("a", "busy");
  await clock.settle();
  await keeper.expectExec("a", "job-1");
  const result = await keeper.reportExec({ execId: "job-1", exitCode: 0 });
  const reset = keeper.reset("a");
  await clock.settle();
  turns[0]!.reject(turns[0]!.turn.signal.reason);
  await reset;
  await clock.settle();
  await expect(keeper.deadLetters()).resolves.toMatchObject([
    { sessionKey: "a", reason: "stale-incarnation", items: [{ id: "job-1", kind: "exec.completed" }] },
  ]);
  expect(of("deadLetter.added")).toMatchObject([{ sessionKey: "a", reason: "stale-incarnation" }]);
  if (!result.routed) throw new Error("not routed");
  await expect(result.receipt.outcome).resolves.toEqual({ status: "cancelled", reason: "reset" });
  expect(turns).toHaveLength(1);
});

test("B36 a reset dead-letters a completion that the ended turn held", async () => {
  const { keeper, clock, turns } = await createFixture();
  await keeper.reportExec({ execId: "job-1", sessionKey: "a", exitCode: 0 });
  await clock.settle();
  const reset = keeper.reset("a");
  await clock.settle();
  turns[0]!.reject(turns[0]!.turn.signal.reason);
  await reset;
  await clock.settle();
  await expect(keeper.deadLetters()).resolves.toMatchObject([{ items: [{ id: "job-1" }] }]);
  expect(turns).toHaveLength(1);
});

test("B36 a reset dead-letters completions also of a session that is paused or waits for capacity", async () => {
  const { keeper, clock } = await createFixture({ capacity: { turns: 1 } });
  await keeper.send("other", "holds the slot");
  await keeper.pause("paused");
  await clock.settle();
  for (const sessionKey of ["paused", "crowded"]) {
    await keeper.reportExec({ execId: `job of ${sessionKey}`, sessionKey, exitCode: 0 });
    await keeper.reset(sessionKey);
    await expect(keeper.deadLetters({ sessionKey })).resolves.toMatchObject([
      { reason: "stale-incarnation" },
    ]);
    expect(keeper.explain(sessionKey).facts).toMatchObject({ state: "idle" });
  }
});

test("B36 refuses later completions of earlier commands, and leaves those commands running", async () => {
  const { keeper, clock, processes, turns, of } = await createFixture();
  const { execId, done } = await keeper.exec("a", "build");
  await keeper.expectExec("a", "job-1");
  await keeper.reset("a");
  expect(processes.started[0]!.signals).toEqual([]);
  processes.started[0]!.end(0);
  await expect(done).resolves.toMatchObject({ status: "completed" });
  await expect(keeper.reportExec({ execId: "job-1", exitCode: 0 })).resolves.toEqual({
    routed: false,
    reason: "stale-incarnation",
  });
  await clock.settle();
  expect(of("exec.refused")).toMatchObject([
    { execId, sessionKey: "a", reason: "stale-incarnation" },
    { execId: "job-1", sessionKey: "a", reason: "stale-incarnation" },
  ]);
  const letters = await keeper.deadLetters({ sessionKey: "a" });
  expect(letters.map(({ reason }) => reason)).toEqual(["stale-incarnation", "stale-incarnation"]);
  await expect(keeper.reportExec({ execId: "job-1", exitCode: 0 })).resolves.toMatchObject({
    reason: "duplicate",
  });
  expect(turns).toEqual([]);
});

test("B36 a command that was to be silent is no dead letter after a reset", async () => {
  const { keeper, clock, processes } = await createFixture();
  await keeper.exec("a", "build", [], { notify: "never" });
  await keeper.reset("a");
  processes.started[0]!.end(0);
  await clock.settle();
  await expect(keeper.deadLetters()).resolves.toEqual([]);
});

test("B36 commands started after a reset come back as ever", async () => {
  const { keeper, clock, processes, turns } = await createFixture();
  await keeper.reset("a");
  const { execId } = await keeper.exec("a", "build");
  processes.started[0]!.end(0);
  await clock.settle();
  expect(turns[0]!.turn.events.map(({ id }) => id)).toEqual([execId]);
});

test("B36 resets asked for at once are each done, one after the other", async () => {
  const { keeper, clock, turns, of } = await createFixture();
  await keeper.send("a", "first");
  await clock.settle();
  const resets = Promise.all([
    keeper.reset("a", "one"),
    keeper.reset("a", "two"),
    keeper.reset("b", "other"),
  ]);
  await clock.settle();
  turns[0]!.reject(turns[0]!.turn.signal.reason);
  await resets;
  const own = of("session.reset").filter(({ sessionKey }) => sessionKey === "a");
  expect(own.map(({ reason }) => reason)).toEqual(["one", "two"]);
  expect(own[1]!.incarnation).toBeGreaterThan(own[0]!.incarnation);
});

test("B36 a reset touches no other session", async () => {
  const { keeper, clock, turns } = await createFixture();
  await keeper.send("a", "first");
  await keeper.send("b", "other");
  await clock.settle();
  const reset = keeper.reset("a");
  await clock.settle();
  turns[0]!.reject(turns[0]!.turn.signal.reason);
  await reset;
  expect(turns[1]!.turn.signal.aborted).toBe(false);
  expect(keeper.session("b")?.state).toBe("busy");
});

test("B33 a reset of a session that sleeps is rejected where the store fails, as one of a live session is", async () => {
  const store = failingStore();
  const { keeper, clock } = await createFixture({ store });
  store.fail(["session", "restart"], "rejects");
  let settled = "never settled";
  void keeper.reset("a").then(
    () => (settled = "done"),
    (error: unknown) => (settled = (error as { readonly code: string }).code),
  );
  await clock.advance(3_600_000);
  expect(settled).toBe("STORE_UNAVAILABLE");
});

test("B36 a reset of a session that waits for capacity gives its place up and takes another", async () => {
  const { keeper, clock, turns } = await createFixture({ capacity: { turns: 1 } });
  for (const key of ["holder", "a", "b"]) await keeper.send(key, 1);
  await clock.settle();
  await keeper.reset("a");
  await clock.settle();
  expect(keeper.explain("a")).toMatchObject({ blockedBy: "capacity", facts: { waitingSessions: 2 } });
  for (const index of [0, 1]) {
    turns[index]!.resolve("done");
    await clock.settle();
  }
  expect(turns.map(({ turn }) => turn.sessionKey)).toEqual(["holder", "b", "a"]);
});

test("B36 a reset is done once the end of the turn before it is recorded, where the store fails to record it", async () => {
  const store = failingStore();
  const { keeper, clock, turns, of } = await createFixture({ store });
  const receipt = await keeper.send("a", "first");
  await clock.settle();
  store.fail(["settleTurn"], "rejects");
  turns[0]!.resolve("done");
  await clock.settle();
  expect(keeper.session("a")?.detail).toBe("busy.unsettled");
  const reset = keeper.reset("a");
  await clock.advance(1_000);
  expect(of("session.reset")).toEqual([]);
  store.fail(["settleTurn"]);
  await clock.advance(10_000);
  await reset;
  expect(await receipt.outcome).toMatchObject({ status: "completed", reply: "done" });
  expect(keeper.session("a")?.state).toBe("idle");
});

test("B36 a reset does not wait for a turn that the store fails to open", async () => {
  const store = failingStore();
  const { keeper, clock, turns } = await createFixture({ store });
  store.fail(["openTurn"], "rejects");
  await keeper.send("a", "first");
  await clock.settle();
  expect(keeper.session("a")?.detail).toBe("busy.withoutStore");
  await keeper.reset("a");
  store.fail(["openTurn"]);
  await clock.advance(10_000);
  expect(bodies(turns[0]!.turn)).toEqual(["first"]);
});
