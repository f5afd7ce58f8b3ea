import { expect, test } from "vitest";
import { createSimulatedClock } from "../time/simulated-clock.ts";
import { memoryStore } from "../store/memory-store.ts";
import { PermanentError } from "../keeper/errors.ts";
import { createFixture } from "./fixture.ts";
import { hour, main, minute, startHeartbeats } from "./heartbeat-fixture.ts";

test("B43 the first time comes within everyMs of the start, the next ones from the schedule", async () => {
  const { clock, turns, control, told, untilDue } = await startHeartbeats();
  const first = control.inspect().nextAt!;
  expect(first - clock.now()).toBeGreaterThan(0);
  expect(first - clock.now()).toBeLessThanOrEqual(hour);
  await untilDue();
  expect(turns[0]!.turn).toMatchObject({ cause: "heartbeat", sessionKey: main, agent: "main", attempt: 1 });
  expect([turns[0]!.turn.messages, turns[0]!.turn.events]).toEqual([[], []]);
  await clock.advance(40 * minute);
  turns[0]!.resolve("fine");
  await clock.settle();
  expect(told()).toEqual(["ran"]);
  expect(control.inspect()).toMatchObject({ state: "idle", nextAt: first + hour });
  await untilDue();
  expect([clock.now(), turns.length]).toEqual([first + hour, 2]);
});

test("B43 a thousand agents with heartbeats every 30 minutes: no minute holds twice the mean of starts", async () => {
  const starts: number[] = [];
  const clock = createSimulatedClock();
  const begin = clock.now();
  await createFixture({
    clock,
    turn: () => {
      starts.push(clock.now());
    },
    heartbeats: Array.from({ length: 1_000 }, (_, index) => ({
      agent: `agent-${index}`,
      everyMs: 30 * minute,
    })),
  });
  await clock.advance(60 * minute);
  const byMinute = new Map<number, number>();
  for (const at of starts) {
    const slot = Math.floor((at - begin) / minute);
    byMinute.set(slot, (byMinute.get(slot) ?? 0) + 1);
  }
  expect(starts).toHaveLength(2_000);
  expect(Math.max(...byMinute.values())).toBeLessThanOrEqual((2 * 1_000) / 30);
});

test("B43 the same agent has the same times in every keeper", async () => {
  const one = await startHeartbeats();
  const other = await startHeartbeats();
  expect(other.control.inspect().nextAt).toBe(one.control.inspect().nextAt);
});

test.each(["sleep", "clock step"])("B43 after a %s over many times there is one run", async (what) => {
  const { clock, turns, control, told, untilDue } = await startHeartbeats();
  const { nextAt } = control.inspect();
  if (what === "sleep") {
    await clock.suspend(9.5 * hour);
  } else {
    clock.stepWall(9.5 * hour);
    await clock.advance(hour);
  }
  expect(turns).toHaveLength(1);
  turns[0]!.resolve("fine");
  await clock.settle();
  const next = control.inspect().nextAt!;
  expect(next).toBeGreaterThan(clock.now());
  expect((next - nextAt!) % hour).toBe(0);
  await untilDue();
  expect(turns).toHaveLength(2);
  expect(told()).toEqual(["ran"]);
});

test("B43 a clock that is stepped back costs at most one time, and starts none twice", async () => {
  const { clock, turns, control, untilDue } = await startHeartbeats();
  clock.stepWall(-5 * hour);
  await clock.advance(hour);
  expect(turns).toHaveLength(0);
  expect(control.inspect().nextAt! - clock.now()).toBeLessThanOrEqual(hour);
  await untilDue();
  expect(turns).toHaveLength(1);
});

test("B44 a time outside the active hours is skipped, and the schedule goes on", async () => {
  const { clock, turns, told } = await startHeartbeats(
    { activeHours: { start: "22:00", end: "06:00", timezone: "Europe/Berlin" } },
    { clock: createSimulatedClock({ startAt: Date.parse("2026-06-01T18:00:00Z") }), turn: () => "fine" },
  );
  await clock.advance(2 * hour);
  expect(told()).toEqual(["skipped: quiet-hours", "skipped: quiet-hours"]);
  // 22:00 in Berlin is 20:00 UTC in summer: eight hours are active, across midnight.
  await clock.advance(8 * hour);
  expect(told().slice(2)).toEqual(Array.from({ length: 8 }, () => "ran"));
  await clock.advance(hour);
  expect(told().at(-1)).toBe("skipped: quiet-hours");
  expect(turns).toEqual([]);
});

test("B44 one that waited until its active hours were over is skipped", async () => {
  const { keeper, clock, turns, told, untilDue } = await startHeartbeats(
    { activeHours: { start: "08:00", end: "10:00", timezone: "UTC" } },
    { clock: createSimulatedClock({ startAt: Date.parse("2026-06-01T09:00:00Z") }) },
  );
  await keeper.send(main, "long");
  await untilDue();
  await clock.advance(hour);
  turns[0]!.resolve("done");
  await clock.settle();
  expect(turns).toHaveLength(1);
  expect(told()).toEqual(["deferred: session-busy", "skipped: quiet-hours"]);
  expect(keeper.explain(main).blockedBy).toBe("nothing-to-do");
});

test("B44 a request by hand is not exempt from active hours", async () => {
  const { control } = await startHeartbeats(
    { activeHours: { start: "08:00", end: "10:00", timezone: "UTC" } },
    { clock: createSimulatedClock({ startAt: Date.parse("2026-06-01T11:00:00Z") }) },
  );
  expect(await control.request()).toEqual({ status: "skipped", reason: "quiet-hours" });
});

test("B45 starts are minSpacingMs apart, a request by hand aside", async () => {
  const { clock, turns, control, told, untilDue } = await startHeartbeats({ minSpacingMs: 10 * minute });
  await clock.advance(control.inspect().nextAt! - clock.now() - 5 * minute);
  const asked = control.request();
  await clock.settle();
  turns[0]!.resolve("fine");
  expect(await asked).toMatchObject({ status: "ran" });
  const again = control.request();
  await clock.settle();
  turns[1]!.resolve("fine");
  expect(await again).toMatchObject({ status: "ran" });
  await untilDue();
  expect(told()).toEqual(["ran", "ran", "skipped: too-soon"]);
  await untilDue();
  expect(turns).toHaveLength(3);
});

test("B45 at most five start in a minute, whatever the schedule", async () => {
  const { clock, told, control } = await startHeartbeats(
    { everyMs: 5_000, minSpacingMs: 0 },
    { turn: () => "fine" },
  );
  await clock.advance(2 * minute);
  const ran = told().filter((word) => word === "ran");
  expect(ran.length).toBeGreaterThanOrEqual(9);
  expect(ran.length).toBeLessThanOrEqual(11);
  expect(told()).toContain("skipped: flood");
  expect(await control.request()).toMatchObject({ status: "ran" });
});

test("B45 spacing holds over a restart (B56)", async () => {
  const store = memoryStore();
  const first = await startHeartbeats({ minSpacingMs: 30 * minute }, { store, turn: () => "fine" });
  await first.clock.advance(first.control.inspect().nextAt! - first.clock.now() - 10 * minute);
  expect(await first.control.request()).toMatchObject({ status: "ran" });
  await first.keeper.close();
  const { clock } = first;
  const second = await startHeartbeats({ minSpacingMs: 30 * minute }, { store, clock, turn: () => "fine" });
  await second.untilDue();
  expect(second.told()).toEqual(["skipped: too-soon"]);
});

test("B46 a failed heartbeat is retried with backoff at most three times, then at its next time", async () => {
  const { clock, turns, control, of, untilDue } = await startHeartbeats();
  await untilDue();
  const nextAt = control.inspect().nextAt!;
  expect(nextAt).toBe(clock.now() + hour);
  for (const attempt of [1, 2, 3, 4]) {
    expect(turns).toHaveLength(attempt);
    expect(turns[attempt - 1]!.turn.attempt).toBe(attempt);
    turns[attempt - 1]!.reject(new Error("model down"));
    await clock.advance(minute);
  }
  expect(turns).toHaveLength(4);
  expect(of("heartbeat.failed").map(({ retryAt }) => retryAt !== undefined)).toEqual([
    true,
    true,
    true,
    false,
  ]);
  for (const { retryAt } of of("heartbeat.failed")) expect(retryAt ?? 0).toBeLessThan(nextAt);
  expect(of("heartbeat.failed")[0]!.error.message).toBe("model down");
  await untilDue();
  expect([clock.now(), turns.length, turns[4]!.turn.attempt]).toEqual([nextAt, 5, 1]);
});

test("B46 one that must not be tried again is not, and dead-letters no event that rode along", async () => {
  const { keeper, clock, turns, of, untilDue } = await startHeartbeats();
  await keeper.notify(main, { kind: "note" }, { wake: false });
  await untilDue();
  turns[0]!.reject(new PermanentError("no key"));
  await clock.advance(30 * minute);
  expect(turns).toHaveLength(1);
  expect(of("heartbeat.failed")).toMatchObject([{ agent: "main", retryAt: undefined }]);
  expect(await keeper.deadLetters()).toEqual([]);
  expect(await keeper.mailbox(main)).toMatchObject([{ type: "event", attempts: 1 }]);
});

test("B46 deferred, skipped and failed ones keep the schedule", async () => {
  const { keeper, clock, turns, control, told, untilDue } = await startHeartbeats();
  const first = control.inspect().nextAt!;
  await keeper.send(main, "long");
  await untilDue();
  await clock.advance(90 * minute);
  turns[0]!.resolve("done");
  await clock.settle();
  expect(turns[1]!.turn.cause).toBe("heartbeat");
  turns[1]!.resolve("fine");
  await clock.settle();
  expect(told()).toEqual(["deferred: session-busy", "ran"]);
  expect(control.inspect().nextAt).toBe(first + 2 * hour);
});
