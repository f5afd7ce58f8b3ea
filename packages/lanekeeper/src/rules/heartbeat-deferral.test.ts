import { expect, test } from "vitest";
import { PermanentError } from "../keeper/errors.ts";
import { memoryStore } from "../store/memory-store.ts";
import { bodies, createFixture } from "./fixture.ts";
import { hour, main, minute, patient, startHeartbeats } from "./heartbeat-fixture.ts";

test("B41 a session busy for an hour costs no retry and one deferral event, and one turn when it is free", async () => {
  const { keeper, clock, turns, events, told, untilDue } = await startHeartbeats({ everyMs: 10 * minute });
  await keeper.send(main, "long", { priority: "background" });
  await untilDue();
  const before = events.length;
  await clock.advance(hour);
  expect(told()).toEqual(["deferred: session-busy"]);
  // Nothing else happened in that hour either: nobody polls.
  expect(events.slice(before).map(({ type }) => type)).toEqual([]);
  turns[0]!.resolve("done");
  await clock.settle();
  expect(turns.map(({ turn }) => turn.cause)).toEqual(["message", "heartbeat"]);
  turns[1]!.resolve("fine");
  await clock.settle();
  expect(told()).toEqual(["deferred: session-busy", "ran"]);
  expect(turns).toHaveLength(2);
});

test("B41 what a heartbeat waited for last is not told when its turn is told to stop", async () => {
  const lane = { stallAfterMs: minute, reclaimAfterMs: 2 * minute, abortGraceMs: 1_000 };
  const { keeper, clock, turns, told, untilDue } = await startHeartbeats(
    {},
    { capacity: { turns: 1 }, lane: { ...patient, ...lane, turnTimeoutMs: 10 * minute } },
  );
  await untilDue();
  turns[0]!.resolve("fine");
  await clock.advance(hour - minute / 2);
  await keeper.send(main, "busy", { priority: "background" });
  await keeper.send("elsewhere", "next");
  await clock.advance(minute / 2);
  expect(told()).toEqual(["ran", "deferred: session-busy"]);
  // Now a slot is what it waits for, and then it has one.
  turns[1]!.resolve("done");
  await clock.settle();
  turns[2]!.resolve("done");
  await clock.settle();
  expect(turns[3]!.turn.cause).toBe("heartbeat");
  await clock.advance(2 * minute + 1_000);
  expect(told()).toEqual(["ran", "deferred: session-busy", "failed"]);
});

test.each(["busy", "wedged"])("B42 one %s session defers no other agent's heartbeat", async (how) => {
  const { keeper, clock, of } = await createFixture({
    heartbeats: ["main", "other", "third"].map((agent) => ({ agent, everyMs: hour })),
    lane: patient,
    turn: async (turn) => {
      while (turn.cause === "message") {
        await new Promise<void>((resolve) =>
          clock.setTimeout(resolve, how === "busy" ? minute : 1_000 * hour),
        );
        turn.progress();
      }
    },
  });
  await keeper.send(main, "never ends");
  await clock.advance(hour);
  expect(
    of("heartbeat.ran")
      .map(({ agent }) => agent)
      .toSorted(),
  ).toEqual(["other", "third"]);
  expect(of("heartbeat.deferred")).toMatchObject([{ agent: "main", reason: "session-busy" }]);
});

test("B42 capacity-full concerns all; the heartbeat stands in line and starts when there is a slot", async () => {
  const { keeper, clock, turns, told, untilDue } = await startHeartbeats({}, { capacity: { turns: 1 } });
  await keeper.send("elsewhere", "long");
  await untilDue();
  expect(told()).toEqual(["deferred: capacity-full"]);
  expect(keeper.explain(main)).toMatchObject({
    blockedBy: "capacity",
    facts: {
      heartbeat: { agent: "main", deferredBy: "capacity-full", state: "busy" },
      priority: "background",
    },
  });
  turns[0]!.resolve("done");
  await clock.settle();
  expect(turns[1]!.turn).toMatchObject({ sessionKey: main, cause: "heartbeat" });
});

test("B42 group-full concerns the group: its own by name, or the group heartbeat where that is defined", async () => {
  const groups = { heartbeat: { limit: 1 }, slow: { limit: 1 } };
  const { keeper, clock, turns, of } = await createFixture({
    capacity: { turns: 10, groups },
    heartbeats: [
      { agent: "a", everyMs: hour },
      { agent: "b", everyMs: hour },
      { agent: "c", everyMs: hour, group: "slow" },
    ],
  });
  const results = ["a", "b", "c"].map((agent) => keeper.heartbeat(agent).request());
  await clock.settle();
  expect(turns.map(({ turn }) => turn.agent)).toEqual(["a", "c"]);
  expect(await results[1]).toEqual({ status: "deferred", reason: "group-full" });
  expect(of("heartbeat.deferred")).toMatchObject([{ agent: "b", reason: "group-full" }]);
  turns[0]!.resolve("fine");
  await clock.settle();
  expect(turns[2]!.turn.agent).toBe("b");
});

test("B42 one deferral is told though what it waits for changes; explain says what it is now", async () => {
  const { keeper, clock, turns, told, control, untilDue } = await startHeartbeats(
    {},
    { capacity: { turns: 1 } },
  );
  await keeper.send(main, "long");
  await keeper.send("elsewhere", "long");
  await untilDue();
  expect(keeper.explain(main).facts["heartbeat"]).toMatchObject({ deferredBy: "session-busy" });
  turns[0]!.resolve("done");
  await clock.settle();
  expect(keeper.explain(main).facts["heartbeat"]).toMatchObject({ deferredBy: "capacity-full" });
  expect(control.inspect()).toMatchObject({ detail: "busy.pending.waitingForCapacity" });
  expect(told()).toEqual(["deferred: session-busy"]);
});

test("B42 a heartbeat behind a message of its own session waits for that session, not for capacity", async () => {
  const { keeper, clock, turns, told, untilDue } = await startHeartbeats({}, { capacity: { turns: 1 } });
  await keeper.send("elsewhere", "long");
  await keeper.send(main, "next");
  await untilDue();
  expect(told()).toEqual(["deferred: session-busy"]);
  expect(keeper.explain(main).facts["heartbeat"]).toMatchObject({ deferredBy: "session-busy" });
  turns[0]!.resolve("done");
  await clock.settle();
  turns[1]!.resolve("done");
  await clock.settle();
  expect(turns.map(({ turn }) => turn.cause)).toEqual(["message", "message", "heartbeat"]);
});

test("B47 a message preempts a heartbeat's turn and runs next; its events stay for the message's turn", async () => {
  const { keeper, clock, turns, of, told, untilDue } = await startHeartbeats();
  await keeper.notify(main, { kind: "note" }, { wake: false });
  await untilDue();
  expect(turns[0]!.turn).toMatchObject({ cause: "heartbeat", events: [{ kind: "note" }] });
  const receipt = await keeper.send(main, "hello");
  await clock.settle();
  expect(turns[0]!.turn.signal.reason).toMatchObject({ code: "TURN_PREEMPTED" });
  expect(told()).toEqual(["preempted"]);
  turns[0]!.resolve("too late");
  await clock.settle();
  expect(bodies(turns[1]!.turn)).toEqual(["hello"]);
  expect(turns[1]!.turn).toMatchObject({ cause: "message", events: [{ kind: "note" }] });
  turns[1]!.resolve("answer");
  expect(await receipt.reply()).toBe("answer");
  await clock.advance(30 * minute);
  expect(turns).toHaveLength(2);
  expect(told()).toEqual(["preempted"]);
  expect(of("turn.cancelled")).toMatchObject([{ reason: "preempted" }]);
});

test("B47 code that ignores its signal delays the message by the grace at most", async () => {
  const { keeper, clock, turns, told, control, untilDue } = await startHeartbeats();
  await untilDue();
  await keeper.send(main, "hello", { priority: "normal" });
  await clock.advance(14_999);
  expect(turns).toHaveLength(1);
  await clock.advance(1);
  expect(bodies(turns[1]!.turn)).toEqual(["hello"]);
  expect(told()).toEqual(["preempted"]);
  expect(control.inspect()).toMatchObject({ state: "idle", last: { status: "preempted" } });
});

test.each([
  ["of priority background", {}, { priority: "background" }],
  ["where it may not be preempted", { preemptible: false }, {}],
] as const)("B47 a message %s waits for the heartbeat's turn", async (_, heartbeat, send) => {
  const { keeper, clock, turns, told, untilDue } = await startHeartbeats(heartbeat);
  await untilDue();
  await keeper.send(main, "hello", send);
  await keeper.notify(main, { kind: "note" }, { priority: "foreground" });
  await clock.settle();
  expect(turns).toHaveLength(1);
  turns[0]!.resolve("fine");
  await clock.settle();
  expect(turns[1]!.turn.cause).toBe("message");
  expect(told()).toEqual(["ran"]);
});

test("B47 an interrupt ends a heartbeat's turn that may not be preempted (B20)", async () => {
  const { keeper, clock, turns, told, untilDue } = await startHeartbeats({ preemptible: false });
  await untilDue();
  await keeper.send(main, "stop", { mode: "interrupt" });
  await clock.settle();
  expect(turns[0]!.turn.signal.reason).toMatchObject({ code: "TURN_INTERRUPTED" });
  expect(told()).toEqual(["failed"]);
});

test("B47 a heartbeat that waits for capacity is in no message's way: not of its own session, nor of another", async () => {
  const { keeper, clock, turns, untilDue } = await startHeartbeats({}, { capacity: { turns: 1 } });
  await keeper.send("elsewhere", "long");
  await untilDue();
  await keeper.send("b", "hello");
  turns[0]!.resolve("done");
  await clock.settle();
  expect(turns[1]!.turn).toMatchObject({ sessionKey: "b" });
  await keeper.send(main, "hello");
  turns[1]!.resolve("done");
  await clock.settle();
  expect(turns[2]!.turn).toMatchObject({ sessionKey: main, cause: "message" });
  turns[2]!.resolve("done");
  await clock.settle();
  expect(turns[3]!.turn.cause).toBe("heartbeat");
});

test("B47 a message of mode reject is not refused for a heartbeat that gives way, waiting or running (B21)", async () => {
  const { keeper, clock, turns, told, untilDue } = await startHeartbeats({}, { capacity: { turns: 1 } });
  await keeper.send("elsewhere", "long");
  await untilDue();
  expect(keeper.session(main)?.state).toBe("busy");
  await keeper.send(main, "only if free", { mode: "reject" });
  turns[0]!.resolve("done");
  await clock.settle();
  expect(bodies(turns[1]!.turn)).toEqual(["only if free"]);
  turns[1]!.resolve("done");
  await clock.settle();
  expect(turns[2]!.turn.cause).toBe("heartbeat");
  await keeper.send(main, "again, only if free", { mode: "reject" });
  await clock.settle();
  expect(told()).toEqual(["deferred: capacity-full", "preempted"]);
});

test("B21 a message of mode reject is refused while a heartbeat runs that does not give way", async () => {
  const { keeper, untilDue } = await startHeartbeats({ preemptible: false });
  await untilDue();
  const sent = keeper.send(main, "only if free", { mode: "reject" });
  await expect(sent).rejects.toMatchObject({ code: "LANE_BUSY" });
});

test("B47 a heartbeat's turn is not steered: the message preempts it", async () => {
  const { keeper, clock, turns, untilDue } = await startHeartbeats();
  await untilDue();
  await keeper.send(main, "hello", { mode: "steer" });
  await clock.settle();
  expect(turns[0]!.turn.takeSteering()).toEqual([]);
  expect(turns[0]!.turn.signal.aborted).toBe(true);
});

test("B48 a heartbeat consumes the events it completes with, and no other", async () => {
  const { keeper, clock, turns, untilDue } = await startHeartbeats();
  const first = await keeper.notify(main, { kind: "first" }, { wake: false });
  await untilDue();
  const second = await keeper.notify(main, { kind: "second" });
  turns[0]!.resolve("fine");
  await clock.settle();
  expect(await first.outcome).toMatchObject({ status: "completed", turnId: turns[0]!.turn.id });
  expect(turns[1]!.turn).toMatchObject({ cause: "event", events: [{ kind: "second" }] });
  turns[1]!.resolve("done");
  expect(await second.outcome).toMatchObject({ status: "completed", turnId: turns[1]!.turn.id });
});

test.each([
  ["fails", (turn: { reject: (error: Error) => void }) => turn.reject(new Error("model down")), 1],
  [
    "fails for good",
    (turn: { reject: (error: Error) => void }) => turn.reject(new PermanentError("no such model")),
    1,
  ],
  ["is preempted", undefined, 0],
] as const)("B48 an event of a heartbeat's turn that %s stays", async (_, end, attempts) => {
  const { keeper, clock, turns, untilDue } = await startHeartbeats();
  await keeper.notify(main, { kind: "note" }, { wake: false });
  await untilDue();
  if (end === undefined) await keeper.send(main, "hello");
  else end(turns[0]!);
  await clock.settle();
  expect((await keeper.mailbox(main)).filter(({ type }) => type === "event")).toMatchObject([{ attempts }]);
});

test("B9 with events waiting the cause is event; the heartbeat follows when nothing else may start", async () => {
  const { keeper, clock, turns, untilDue } = await startHeartbeats();
  await keeper.send(main, "long");
  await untilDue();
  await keeper.notify(main, { kind: "note" });
  await keeper.send(main, "next");
  turns[0]!.resolve("done");
  await clock.settle();
  expect(turns[1]!.turn).toMatchObject({ cause: "message", events: [{ kind: "note" }] });
  await keeper.notify(main, { kind: "late" });
  turns[1]!.resolve("done");
  await clock.settle();
  expect(turns[2]!.turn.cause).toBe("event");
  turns[2]!.resolve("done");
  await clock.settle();
  expect(turns[3]!.turn.cause).toBe("heartbeat");
});

test("B40 a heartbeat's turn satisfies a wake like any other, and a due wake goes first", async () => {
  const { keeper, clock, turns, untilDue } = await startHeartbeats();
  keeper.wake(main, { reason: "timer", coalesceMs: 2 * hour });
  await untilDue();
  expect(turns[0]!.turn).toMatchObject({ cause: "heartbeat", reasons: ["timer"] });
  turns[0]!.resolve("fine");
  await clock.settle();
  await keeper.send(main, "long");
  await clock.settle();
  keeper.wake(main, { reason: "hook", coalesceMs: 0 });
  await untilDue();
  turns[1]!.resolve("done");
  await clock.settle();
  expect(turns[2]!.turn.cause).toBe("wake");
  turns[2]!.resolve("done");
  await clock.settle();
  expect(turns[3]!.turn.cause).toBe("heartbeat");
});

test("B41 a heartbeat follows the turn that an earlier keeper left to its session", async () => {
  const store = memoryStore();
  const first = await startHeartbeats({}, { store });
  await first.keeper.send(main, "left behind");
  await first.clock.settle();
  await store.close();
  const { clock, control, turns, told } = await startHeartbeats({}, { store, clock: first.clock });
  await clock.settle();
  const asked = control.request();
  await clock.settle();
  await expect(asked).resolves.toEqual({ status: "deferred", reason: "session-busy" });
  turns[0]!.resolve("done");
  await clock.settle();
  expect(turns.map(({ turn }) => turn.cause)).toEqual(["message", "heartbeat"]);
  turns[1]!.resolve("fine");
  await clock.settle();
  expect(told()).toEqual(["deferred: session-busy", "ran"]);
  expect(control.inspect().detail).toBe("idle.waiting");
});

test("B12 a heartbeat's turn counts in its group, also where it takes along an event of another", async () => {
  const { keeper, clock, turns, untilDue } = await startHeartbeats(
    {},
    { capacity: { turns: 4, groups: { heartbeat: { limit: 1 }, hooks: { limit: 1 } } } },
  );
  await keeper.notify(main, { kind: "note" }, { wake: false, group: "hooks" });
  await untilDue();
  expect(turns[0]!.turn).toMatchObject({ cause: "heartbeat", events: [{ kind: "note" }] });
  await keeper.send("b", "hello", { group: "hooks" });
  await clock.settle();
  expect(turns[1]!.turn.sessionKey).toBe("b");
});
