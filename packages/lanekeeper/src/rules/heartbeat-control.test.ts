import { expect, test } from "vitest";
import { memoryStore } from "../store/memory-store.ts";
import { createFixture } from "./fixture.ts";
import { failingStore } from "./failing-store.ts";
import { hour, main, minute, startHeartbeats } from "./heartbeat-fixture.ts";

test("B43 a request by hand starts at once, and settles when it has ended", async () => {
  const { clock, turns, control, told } = await startHeartbeats();
  const asked = control.request();
  await clock.settle();
  expect(control.inspect()).toMatchObject({
    agent: "main",
    sessionKey: main,
    state: "busy",
    detail: "busy.running",
  });
  await clock.advance(5_000);
  turns[0]!.resolve("fine");
  expect(await asked).toEqual({ status: "ran", durationMs: 5_000 });
  expect(told()).toEqual(["ran"]);
  expect(control.inspect()).toMatchObject({
    state: "idle",
    last: { status: "ran", durationMs: 5_000, at: clock.now() },
  });
});

test("B42 a request that cannot start settles at once with deferred, and the run still follows", async () => {
  const { keeper, clock, turns, control, told } = await startHeartbeats();
  await keeper.send(main, "long");
  await clock.settle();
  expect(await control.request()).toEqual({ status: "deferred", reason: "session-busy" });
  expect(await control.request()).toEqual({ status: "deferred", reason: "session-busy" });
  turns[0]!.resolve("done");
  await clock.settle();
  turns[1]!.resolve("fine");
  await clock.settle();
  expect(told()).toEqual(["deferred: session-busy", "ran"]);
  expect(turns).toHaveLength(2);
});

test("B42 a request while one runs is deferred, and runs after it", async () => {
  const { clock, turns, control, told } = await startHeartbeats();
  const first = control.request();
  await clock.settle();
  expect(await control.request()).toEqual({ status: "deferred", reason: "session-busy" });
  turns[0]!.resolve("fine");
  expect(await first).toMatchObject({ status: "ran" });
  await clock.settle();
  turns[1]!.resolve("fine");
  await clock.settle();
  expect(told()).toEqual(["deferred: session-busy", "ran", "ran"]);
});

test("B42 a request whose turn fails, is preempted or is reclaimed is answered so", async () => {
  const { keeper, clock, turns, control } = await startHeartbeats({}, { lane: { retry: { attempts: 1 } } });
  const failing = control.request();
  await clock.settle();
  turns[0]!.reject(new Error("model down"));
  expect(await failing).toMatchObject({ status: "failed", error: { message: "model down" } });
  const preempted = control.request();
  await clock.settle();
  await keeper.send(main, "hello");
  expect(await preempted).toEqual({ status: "preempted" });
  turns[1]!.resolve("fine");
  await clock.settle();
  turns[2]!.resolve("done");
  await clock.settle();
  const reclaimed = control.request();
  await clock.settle();
  await clock.advance(700_000);
  expect(await reclaimed).toMatchObject({ status: "failed", error: { code: "TURN_STALLED" } });
});

test("B1 a runner is idle, busy, stalled or reclaimed as its turn is", async () => {
  const { keeper, clock, turns, control } = await startHeartbeats({}, { lane: {} });
  void control.request();
  await clock.settle();
  expect(control.inspect().state).toBe("busy");
  await clock.advance(120_000);
  expect(control.inspect().detail).toBe("stalled.running");
  turns[0]!.turn.progress();
  await clock.settle();
  expect(control.inspect().detail).toBe("busy.running");
  await clock.advance(600_000);
  expect(control.inspect().detail).toBe("stalled.aborting");
  await clock.advance(15_000);
  expect(control.inspect()).toMatchObject({ state: "idle", last: { status: "failed" } });
  expect(keeper.stats()).toMatchObject({ reclaimed: 1, running: 0 });
});

test("an agent turned off is skipped as disabled, and turns off no other", async () => {
  const { keeper, clock, turns } = await createFixture({
    heartbeats: ["main", "other"].map((agent) => ({ agent, everyMs: hour })),
    turn: () => "fine",
  });
  const control = keeper.heartbeat("main");
  await control.disable();
  expect(control.inspect()).toMatchObject({ state: "idle", detail: "idle.disabled" });
  expect(control.inspect().nextAt).toBe(undefined);
  await clock.advance(3 * hour);
  expect(turns).toEqual([]);
  expect(control.inspect().last).toBe(undefined);
  expect(keeper.heartbeat("other").inspect().last).toMatchObject({ status: "ran" });
  expect(await control.request()).toEqual({ status: "skipped", reason: "disabled" });
  await control.enable();
  expect(control.inspect().nextAt! - clock.now()).toBeLessThanOrEqual(hour);
  await clock.advance(hour);
  expect(control.inspect().last).toMatchObject({ status: "ran" });
});

test("one that is turned off while it waits is skipped; one that runs goes on", async () => {
  const { keeper, clock, turns, control, told, untilDue } = await startHeartbeats();
  await keeper.send(main, "long");
  await untilDue();
  await control.disable();
  expect(told()).toEqual(["deferred: session-busy", "skipped: disabled"]);
  turns[0]!.resolve("done");
  await clock.settle();
  expect(turns).toHaveLength(1);
  await control.enable();
  await untilDue();
  await control.disable();
  turns[1]!.resolve("fine");
  await clock.settle();
  expect(told().at(-1)).toBe("ran");
  await clock.advance(3 * hour);
  expect(turns).toHaveLength(2);
});

test("one that is turned off beside a request, at whatever moment, is skipped and starts no turn, or starts and is not", async () => {
  const skips = new Set<boolean>();
  for (let microtasks = 0; microtasks < 16; microtasks++) {
    const { clock, turns, control, told } = await startHeartbeats();
    void control.disable();
    for (let microtask = 0; microtask < microtasks; microtask++) await Promise.resolve();
    void control.request();
    await clock.settle();
    const isSkipped = told().includes("skipped: disabled");
    expect(turns.length, `after ${microtasks} microtasks`).toBe(isSkipped ? 0 : 1);
    skips.add(isSkipped);
  }
  expect(skips).toContain(true);
});

test("B56 what was turned off stays off over a restart, and the schedule is the same", async () => {
  const store = memoryStore();
  const first = await startHeartbeats({}, { store });
  const { nextAt } = first.control.inspect();
  await first.control.disable();
  await first.keeper.close();
  const second = await startHeartbeats({}, { store, clock: first.clock });
  expect(second.control.inspect()).toMatchObject({ detail: "idle.disabled" });
  await second.control.enable();
  expect(second.control.inspect().nextAt).toBe(nextAt);
  await second.keeper.close();
  const third = await startHeartbeats({}, { store, clock: first.clock });
  expect(third.control.inspect()).toMatchObject({ nextAt, detail: "idle.waiting" });
});

test("B57 a store that cannot keep it leaves it as it was, and says so", async () => {
  const store = failingStore();
  const { control } = await startHeartbeats({}, { store });
  store.fail(["recordHeartbeat"], "rejects");
  await expect(control.disable()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  expect(control.inspect().nextAt).toBeDefined();
});

test("B33 a request is answered though the store cannot say what is in the session, and tried again", async () => {
  const store = failingStore();
  const { clock, control, turns } = await startHeartbeats({}, { store });
  store.fail(["session"], "rejects");
  expect(await control.request()).toMatchObject({ status: "failed", error: { code: "STORE_UNAVAILABLE" } });
  store.fail(["session"]);
  await clock.advance(minute);
  expect(turns.map(({ turn }) => turn.cause)).toEqual(["heartbeat"]);
});

test.each([
  ["session", main],
  ["keeper", undefined],
])("B59a while its %s is paused a heartbeat is skipped as paused", async (_, key) => {
  const { keeper, clock, turns, control, told, untilDue } = await startHeartbeats();
  await keeper.pause(key);
  await untilDue();
  expect(await control.request()).toEqual({ status: "skipped", reason: "paused" });
  expect(told()).toEqual(["skipped: paused", "skipped: paused"]);
  await keeper.resume(key);
  await clock.settle();
  expect(turns).toEqual([]);
  await untilDue();
  expect(turns).toHaveLength(1);
});

test("B59a one that comes while other work of its session is paused is skipped at once", async () => {
  const { keeper, clock, control, told, turns } = await startHeartbeats();
  await keeper.pause(main);
  await keeper.send(main, "paused too");
  await clock.settle();
  const asked = control.request();
  await clock.settle();
  await expect(asked).resolves.toEqual({ status: "skipped", reason: "paused" });
  await keeper.resume(main);
  await clock.settle();
  turns[0]!.resolve("done");
  await clock.settle();
  expect(turns).toHaveLength(1);
  expect(told()).toEqual(["skipped: paused"]);
});

test("B59a one that waits when its session is paused is skipped when it could have started", async () => {
  const { keeper, clock, turns, told, untilDue } = await startHeartbeats({}, { capacity: { turns: 1 } });
  await keeper.send("elsewhere", "long");
  await untilDue();
  await keeper.pause(main);
  await clock.settle();
  expect(told()).toEqual(["deferred: capacity-full", "skipped: paused"]);
  await keeper.resume(main);
  turns[0]!.resolve("done");
  await clock.settle();
  expect(turns).toHaveLength(1);
});

test("B58 while the keeper drains a heartbeat is skipped as draining, one that waits too", async () => {
  const { keeper, clock, turns, control, told, untilDue } = await startHeartbeats();
  await keeper.send(main, "long");
  await untilDue();
  const drained = keeper.drain();
  await clock.settle();
  expect(told()).toEqual(["deferred: session-busy", "skipped: draining"]);
  expect(await control.request()).toEqual({ status: "skipped", reason: "draining" });
  turns[0]!.resolve("done");
  expect(await drained).toMatchObject({ drained: true });
  expect(turns).toHaveLength(1);
});

test("B58 close answers whoever waits, and refuses everybody after", async () => {
  const { keeper, clock, control } = await startHeartbeats();
  const asked = control.request();
  await clock.settle();
  const closed = keeper.close();
  await clock.advance(20_000);
  await closed;
  expect(await asked).toMatchObject({ status: "failed", error: { code: "CLOSED" } });
  await expect(control.request()).rejects.toMatchObject({ code: "CLOSED" });
  await expect(control.enable()).rejects.toMatchObject({ code: "CLOSED" });
  expect(() => keeper.heartbeat("main")).toThrow(expect.objectContaining({ code: "CLOSED" }));
  expect(control.inspect()).toMatchObject({ agent: "main" });
  expect(clock.nextTimerInMs()).toBe(undefined);
});

test("an agent without heartbeats is NOT_FOUND, what is no name INVALID_OPTION", async () => {
  const { keeper } = await startHeartbeats();
  expect(() => keeper.heartbeat("nobody")).toThrow(expect.objectContaining({ code: "NOT_FOUND" }));
  expect(() => keeper.heartbeat("")).toThrow(expect.objectContaining({ code: "INVALID_OPTION" }));
});

test.each([
  ["heartbeats", "often"],
  ["heartbeats.0.everyMs", [{ agent: "a" }]],
  ["heartbeats.0.everyMs", [{ agent: "a", everyMs: 0 }]],
  ["heartbeats.0.agent", [{ agent: " a", everyMs: 1 }]],
  ["heartbeats.0.often", [{ agent: "a", everyMs: 1, often: true }]],
  ["heartbeats.0.group", [{ agent: "a", everyMs: 1, group: "none" }]],
  [
    "heartbeats.1.agent",
    [
      { agent: "a", everyMs: 1 },
      { agent: "a", everyMs: 1, sessionKey: "b" },
    ],
  ],
  [
    "heartbeats.1.sessionKey",
    [
      { agent: "a", everyMs: 1 },
      { agent: "b", everyMs: 1, sessionKey: "agent:a:main" },
    ],
  ],
  [
    "heartbeats.0.activeHours.start",
    [{ agent: "a", everyMs: 1, activeHours: { start: "9:00", end: "10:00", timezone: "UTC" } }],
  ],
  [
    "heartbeats.0.activeHours.end",
    [{ agent: "a", everyMs: 1, activeHours: { start: "09:00", end: "24:00", timezone: "UTC" } }],
  ],
  [
    "heartbeats.0.activeHours.timezone",
    [{ agent: "a", everyMs: 1, activeHours: { start: "09:00", end: "10:00", timezone: "Mars" } }],
  ],
])("the option %s is refused in %j", async (option, heartbeats) => {
  const refused = createFixture({ heartbeats } as object);
  await expect(refused).rejects.toMatchObject({
    code: "INVALID_OPTION",
    details: { option: expect.stringContaining(option) as string },
  });
});

test("B60 explain tells of the next heartbeat, and what became of the last", async () => {
  const { keeper, clock, turns, control, untilDue } = await startHeartbeats();
  const { nextAt } = control.inspect();
  expect(keeper.explain(main).facts["heartbeat"]).toEqual({
    agent: "main",
    state: "idle",
    detail: "idle.waiting",
    nextInMs: nextAt! - clock.now(),
  });
  expect(keeper.explain("another").facts["heartbeat"]).toBe(undefined);
  await untilDue();
  expect(keeper.explain(main)).toMatchObject({ blockedBy: "running", facts: { cause: "heartbeat" } });
  turns[0]!.reject(new Error("model down"));
  await clock.settle();
  expect(keeper.explain(main).facts["heartbeat"]).toMatchObject({
    detail: "idle.retrying",
    nextInMs: 30_000,
    last: { status: "failed" },
  });
});
