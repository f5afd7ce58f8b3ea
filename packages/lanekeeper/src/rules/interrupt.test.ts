import { expect, test } from "vitest";
import { bodies, createFixture, type Fixture } from "./fixture.ts";
import { ran } from "./ran.ts";

/** Starts a turn on "work" of session a. */
async function working(options: Parameters<typeof createFixture>[0] = {}) {
  const fixture = await createFixture(options);
  const work = await fixture.keeper.send("a", "work", { id: "work" });
  await fixture.clock.settle();
  return { ...fixture, work };
}

async function interrupt({ keeper, clock }: Pick<Fixture, "keeper" | "clock">, body: string) {
  const receipt = await keeper.send("a", body, { mode: "interrupt", id: body });
  await clock.settle();
  return receipt;
}

const interrupted = { status: "cancelled", reason: "interrupted" } as const;

test("B20 aborts the running turn and cancels its message then and there", async () => {
  const { turns, work, of, ...fixture } = await working();
  await interrupt(fixture, "now");
  await expect(work.outcome).resolves.toEqual(interrupted);
  await expect(work.reply()).rejects.toMatchObject({ code: "MESSAGE_CANCELLED" });
  const { turn } = turns[0]!;
  expect(turn.signal.reason).toMatchObject({ code: "TURN_INTERRUPTED" });
  expect(of("turn.aborting")).toMatchObject([{ turnId: turn.id, reason: "interrupted", graceMs: 15_000 }]);
  expect(of("turn.cancelled")).toMatchObject([{ turnId: turn.id, reason: "interrupted" }]);
  expect(of("message.cancelled")).toMatchObject([{ id: "work", reason: "interrupted" }]);
  expect(fixture.keeper.explain("a")).toMatchObject({
    blockedBy: "aborting",
    facts: { stopReason: "interrupted", detail: "busy.aborting", waiting: 1 },
  });
});

test("B20 cancels every message of the turn: a whole batch, and the steering that it took", async () => {
  const { keeper, clock, turns } = await createFixture({ lane: { debounceMs: 0 } });
  const batch = [
    await keeper.send("a", 1, { mode: "collect" }),
    await keeper.send("a", 2, { mode: "collect" }),
  ];
  await clock.settle();
  const taken = await keeper.send("a", "taken", { mode: "steer" });
  turns[0]!.turn.takeSteering();
  await clock.settle();
  await interrupt({ keeper, clock }, "now");
  for (const { outcome } of [...batch, taken]) await expect(outcome).resolves.toEqual(interrupted);
  turns[0]!.resolve("too late");
  await clock.settle();
  expect(ran(turns)).toEqual([[1, 2], ["now"]]);
});

test("B20 the new message runs when the turn has ended, ahead of what waited; what waited stays", async () => {
  const { keeper, clock, turns } = await working();
  await keeper.send("a", "second");
  await keeper.send("a", "third");
  const receipt = await interrupt({ keeper, clock }, "now");
  expect(turns).toHaveLength(1);
  turns[0]!.reject(new Error("stopped"));
  await clock.settle();
  turns[1]!.resolve("done");
  await expect(receipt.outcome).resolves.toMatchObject({ status: "completed", reply: "done", attempts: 1 });
  turns[2]!.resolve("ok");
  await clock.settle();
  expect(ran(turns)).toEqual([["work"], ["now"], ["second"], ["third"]]);
});

test("B20 the new message runs abortGraceMs later where the turn does not end", async () => {
  const { keeper, clock, turns, of } = await working({ capacity: { turns: 1 } });
  await interrupt({ keeper, clock }, "now");
  await clock.advance(14_999);
  expect(ran(turns)).toEqual([["work"]]);
  await clock.advance(1);
  expect(ran(turns)).toEqual([["work"], ["now"]]);
  expect(of("lane.reclaimed")).toMatchObject([{ reason: "interrupted", slotFreed: true, next: "turn" }]);
  expect(keeper.session("a")?.zombies).toBe(1);
  turns[0]!.resolve("far too late");
  await clock.settle();
  expect(of("turn.lateResult")).toMatchObject([{ turnId: turns[0]!.turn.id, result: "returned" }]);
  expect(of("turn.completed")).toEqual([]);
});

test("B20 the new message runs at once where abortGraceMs is 0", async () => {
  const { keeper, clock, turns, work } = await working({ lane: { abortGraceMs: 0 } });
  await interrupt({ keeper, clock }, "now");
  await clock.advance(1);
  expect(ran(turns)).toEqual([["work"], ["now"]]);
  await expect(work.outcome).resolves.toEqual(interrupted);
});

test("B20 an interrupted message is neither tried again nor a dead letter", async () => {
  const { keeper, clock, turns } = await working();
  await interrupt({ keeper, clock }, "now");
  turns[0]!.reject(new Error("stopped"));
  await clock.settle();
  turns[1]!.resolve("ok");
  await clock.advance(600_000);
  expect(ran(turns)).toEqual([["work"], ["now"]]);
  await expect(keeper.deadLetters()).resolves.toEqual([]);
});

test("B20 a reply within the grace of an interrupt does not count, and is no late result", async () => {
  const { keeper, clock, turns, work, of } = await working();
  await interrupt({ keeper, clock }, "now");
  turns[0]!.resolve("done after all");
  await clock.settle();
  await expect(work.outcome).resolves.toEqual(interrupted);
  expect(of("turn.completed")).toEqual([]);
  expect(of("turn.lateResult")).toEqual([]);
});

test("B20 the aborted turn's events go to the new message's turn, as the first time", async () => {
  const { keeper, clock, turns } = await createFixture({ lane: { retry: { attempts: 1 } } });
  await keeper.pause("a");
  const held = await keeper.notify("a", { kind: "held" });
  await keeper.reportExec({ execId: "job", sessionKey: "a", exitCode: 0 });
  await keeper.send("a", "work");
  await keeper.resume("a");
  await clock.settle();
  await keeper.notify("a", { kind: "later" });
  await interrupt({ keeper, clock }, "now");
  turns[0]!.reject(new Error("stopped"));
  await clock.settle();
  expect(bodies(turns[1]!.turn)).toEqual(["now"]);
  expect(turns[1]!.turn.events.map(({ kind }) => kind)).toEqual(["held", "exec.completed", "later"]);
  turns[1]!.resolve("ok");
  await expect(held.outcome).resolves.toMatchObject({ status: "completed", attempts: 1 });
});

test("B20 an event turn is interrupted, and its events go to the new message's turn", async () => {
  const { keeper, clock, turns } = await createFixture();
  const event = await keeper.notify("a", { kind: "build" });
  await clock.settle();
  await interrupt({ keeper, clock }, "now");
  expect(turns[0]!.turn.signal.reason).toMatchObject({ code: "TURN_INTERRUPTED" });
  turns[0]!.reject(new Error("stopped"));
  await clock.settle();
  expect(turns[1]!.turn).toMatchObject({ cause: "message", events: [{ kind: "build" }] });
  turns[1]!.resolve("ok");
  await expect(event.outcome).resolves.toMatchObject({ status: "completed" });
});

test("B20 a wake's turn is interrupted, and the wake is not tried again", async () => {
  const { keeper, clock, turns, of } = await createFixture();
  keeper.wake("a", { coalesceMs: 0 });
  await clock.settle();
  await interrupt({ keeper, clock }, "now");
  turns[0]!.reject(new Error("stopped"));
  await clock.settle();
  turns[1]!.resolve("ok");
  await clock.advance(120_000);
  expect(ran(turns)).toEqual([[], ["now"]]);
  expect(of("wake.retrying")).toEqual([]);
});

test("B20 events never interrupt", async () => {
  const { keeper, clock, turns } = await working({ lane: { mode: "interrupt" } });
  await keeper.notify("a", { kind: "build" }, { priority: "foreground" });
  await keeper.reportExec({ execId: "job", sessionKey: "a", exitCode: 0 });
  keeper.wake("a", { coalesceMs: 0, priority: "foreground" });
  await clock.settle();
  expect(turns[0]!.turn.signal.aborted).toBe(false);
  turns[0]!.resolve("ok");
  await clock.settle();
  expect(turns.map(({ turn }) => turn.cause)).toEqual(["message", "event"]);
});

test("B20 on an idle session an interrupt runs at once, and aborts nothing", async () => {
  const { keeper, clock, turns, of } = await createFixture();
  await interrupt({ keeper, clock }, "now");
  expect(ran(turns)).toEqual([["now"]]);
  expect(turns[0]!.turn.signal.aborted).toBe(false);
  expect(of("turn.aborting")).toEqual([]);
});

test("B20 a later interrupt cancels one that waits for the grace: the newest wins", async () => {
  const { keeper, clock, turns, of } = await working();
  const older = await interrupt({ keeper, clock }, "older");
  await clock.advance(1_000);
  const newer = await interrupt({ keeper, clock }, "newer");
  await expect(older.outcome).resolves.toEqual(interrupted);
  expect(of("message.cancelled").map(({ id, reason }) => [id, reason])).toEqual([
    ["work", "interrupted"],
    ["older", "interrupted"],
  ]);
  await clock.advance(14_000);
  expect(ran(turns)).toEqual([["work"], ["newer"]]);
  turns[1]!.resolve("ok");
  await expect(newer.outcome).resolves.toMatchObject({ status: "completed" });
});

test("B20 a later interrupt aborts one that runs", async () => {
  const { keeper, clock, turns } = await working();
  const older = await interrupt({ keeper, clock }, "older");
  turns[0]!.reject(new Error("stopped"));
  await clock.settle();
  await interrupt({ keeper, clock }, "newer");
  await expect(older.outcome).resolves.toEqual(interrupted);
  expect(turns[1]!.turn.signal.aborted).toBe(true);
  turns[1]!.reject(new Error("stopped"));
  await clock.settle();
  expect(ran(turns)).toEqual([["work"], ["older"], ["newer"]]);
});

test("B20 a later interrupt cancels one that backs off", async () => {
  const { keeper, clock, turns } = await createFixture();
  const older = await interrupt({ keeper, clock }, "older");
  turns[0]!.reject(new Error("model down"));
  await clock.settle();
  expect(keeper.explain("a").blockedBy).toBe("backoff");
  await interrupt({ keeper, clock }, "newer");
  await expect(older.outcome).resolves.toEqual(interrupted);
  expect(ran(turns)).toEqual([["older"], ["newer"]]);
});

test("B20 an interrupt that backs off keeps its place ahead of what waits, and interrupts nothing more", async () => {
  const { keeper, clock, turns } = await working();
  await keeper.send("a", "second");
  await interrupt({ keeper, clock }, "now");
  turns[0]!.reject(new Error("stopped"));
  await clock.settle();
  turns[1]!.reject(new Error("model down"));
  await clock.advance(499);
  expect(ran(turns)).toEqual([["work"], ["now"]]);
  await clock.advance(1);
  expect(ran(turns)).toEqual([["work"], ["now"], ["now"]]);
  expect(turns[2]!.turn).toMatchObject({ attempt: 2 });
  expect(turns[2]!.turn.signal.aborted).toBe(false);
});

test("B20 an interrupt runs while other work backs off, which keeps its place", async () => {
  const { keeper, clock, turns, work } = await working();
  turns[0]!.reject(new Error("model down"));
  await clock.settle();
  await interrupt({ keeper, clock }, "now");
  expect(ran(turns)).toEqual([["work"], ["now"]]);
  turns[1]!.resolve("ok");
  await clock.advance(500);
  expect(ran(turns)).toEqual([["work"], ["now"], ["work"]]);
  turns[2]!.resolve("done");
  await expect(work.outcome).resolves.toMatchObject({ status: "completed", attempts: 2 });
});

test("B20 an interrupt runs at once while a batch debounces, which stays and counts its quiet", async () => {
  const { keeper, clock, turns } = await createFixture({ lane: { debounceMs: 500 } });
  await keeper.send("a", 1, { mode: "collect" });
  await clock.advance(100);
  await interrupt({ keeper, clock }, "now");
  expect(ran(turns)).toEqual([["now"]]);
  await clock.advance(400);
  turns[0]!.resolve("ok");
  await clock.settle();
  expect(ran(turns)).toEqual([["now"], [1]]);
});

test("B20 an interrupt that waits for capacity goes ahead of its session's waiting work", async () => {
  const { keeper, clock, turns } = await createFixture({ capacity: { turns: 1 } });
  await keeper.send("other", "holds the slot");
  await clock.settle();
  await keeper.send("a", "waiting");
  await interrupt({ keeper, clock }, "now");
  turns[0]!.resolve("ok");
  await clock.settle();
  expect(ran(turns)).toEqual([["holds the slot"], ["now"]]);
});

test("B20 cap never refuses an interrupt, nor drops one, nor anything for it", async () => {
  for (const overflow of ["reject", "drop-oldest", "drop-newest", "summarize"] as const) {
    const { keeper, clock, turns, of } = await working({ lane: { cap: 1, overflow } });
    await keeper.send("a", "waiting");
    const receipt = await interrupt({ keeper, clock }, "now");
    turns[0]!.reject(new Error("stopped"));
    await clock.settle();
    turns[1]!.resolve("ok");
    await expect(receipt.outcome).resolves.toMatchObject({ status: "completed" });
    await clock.settle();
    expect([overflow, ...ran(turns)]).toEqual([overflow, ["work"], ["now"], ["waiting"]]);
    expect(of("message.dropped")).toEqual([]);
  }
});

test("B20 on a paused session it aborts, then waits", async () => {
  const { keeper, clock, turns, work } = await working();
  await keeper.pause("a");
  await keeper.send("a", "second");
  await interrupt({ keeper, clock }, "now");
  await expect(work.outcome).resolves.toEqual(interrupted);
  await clock.advance(60_000);
  expect(ran(turns)).toEqual([["work"]]);
  expect(keeper.session("a")).toMatchObject({ detail: "busy.paused", waiting: 2 });
  await keeper.resume("a");
  await clock.settle();
  expect(ran(turns)).toEqual([["work"], ["now"]]);
});

test("B20 steering that nobody took stays, and runs after the interrupt, ahead of what waited", async () => {
  const { keeper, clock, turns } = await working();
  await keeper.send("a", "waiting");
  await keeper.send("a", "steering", { mode: "steer" });
  await interrupt({ keeper, clock }, "now");
  turns[0]!.reject(new Error("stopped"));
  await clock.settle();
  expect(turns[1]!.turn.takeSteering()).toEqual([]);
  for (const index of [1, 2]) {
    turns[index]!.resolve("ok");
    await clock.settle();
  }
  expect(ran(turns)).toEqual([["work"], ["now"], ["steering"], ["waiting"]]);
});

test("B20 a stalled turn is interrupted", async () => {
  const { keeper, clock, turns, work } = await working();
  await clock.advance(120_000);
  expect(keeper.session("a")?.state).toBe("stalled");
  await interrupt({ keeper, clock }, "now");
  expect(keeper.session("a")?.detail).toBe("stalled.aborting");
  await expect(work.outcome).resolves.toEqual(interrupted);
  turns[0]!.reject(new Error("stopped"));
  await clock.settle();
  expect(ran(turns)).toEqual([["work"], ["now"]]);
});

test("B28 an interrupt in the grace of a stall decides the outcome; one in the grace of an abort does not", async () => {
  const stalled = await working();
  await stalled.clock.advance(600_000);
  await interrupt(stalled, "now");
  await expect(stalled.work.outcome).resolves.toEqual(interrupted);
  stalled.turns[0]!.resolve("done after all");
  await stalled.clock.settle();
  expect(ran(stalled.turns)).toEqual([["work"], ["now"]]);

  const aborted = await working();
  await aborted.keeper.abort("a");
  await interrupt(aborted, "now");
  await expect(aborted.work.outcome).resolves.toEqual({ status: "cancelled", reason: "aborted" });
  expect(aborted.of("turn.aborting")).toHaveLength(1);
  await aborted.clock.advance(15_000);
  expect(ran(aborted.turns)).toEqual([["work"], ["now"]]);
});

test("B20 an interrupt takes no longer than the grace that already runs", async () => {
  const { keeper, clock, turns } = await working();
  await keeper.abort("a");
  await clock.advance(10_000);
  await interrupt({ keeper, clock }, "now");
  await clock.advance(5_000);
  expect(ran(turns)).toEqual([["work"], ["now"]]);
});

test("B60 the events that an interrupted turn gave back are counted from then on, within its grace too", async () => {
  const { keeper, clock, of } = await createFixture();
  await keeper.notify("a", { kind: "build" });
  await clock.settle();
  await interrupt({ keeper, clock }, "now");
  expect(keeper.session("a")).toMatchObject({ waiting: 1, events: 1 });
  expect(keeper.explain("a").facts).toMatchObject({ waiting: 1, events: 1 });
  await clock.advance(15_000);
  expect(of("lane.reclaimed")).toMatchObject([{ waiting: 1, events: 1 }]);
});
