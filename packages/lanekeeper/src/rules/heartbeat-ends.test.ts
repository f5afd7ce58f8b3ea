import { expect, test } from "vitest";
import { createSimulatedClock } from "../time/simulated-clock.ts";
import { bugged } from "./faulty-dispatcher.ts";
import { failingStore } from "./failing-store.ts";
import { hour, main, minute, startHeartbeats } from "./heartbeat-fixture.ts";

/** A heartbeat whose turn is stalled. */
async function stalled(options: Parameters<typeof startHeartbeats>[1] = {}) {
  const fixture = await startHeartbeats({}, { lane: {}, ...options });
  const asked = fixture.control.request();
  await fixture.clock.advance(2 * minute);
  expect(fixture.control.inspect().detail).toBe("stalled.running");
  return { ...fixture, asked };
}

test("B25 a stalled heartbeat that returns has run, one that throws has failed", async () => {
  const returning = await stalled();
  returning.turns[0]!.resolve("fine");
  expect(await returning.asked).toEqual({ status: "ran", durationMs: 2 * minute });
  const throwing = await stalled();
  throwing.turns[0]!.reject(new Error("model down"));
  expect(await throwing.asked).toMatchObject({ status: "failed", error: { message: "model down" } });
  expect(throwing.control.inspect().detail).toBe("idle.retrying");
});

test("B46 a stalled heartbeat that is aborted has failed then and there, and is not tried again", async () => {
  const { keeper, clock, turns, control, asked } = await stalled();
  await keeper.abort(main);
  expect(await asked).toMatchObject({ status: "failed", error: { code: "TURN_ABORTED" } });
  expect(control.inspect()).toMatchObject({ detail: "stalled.aborting" });
  turns[0]!.resolve("too late");
  await clock.settle();
  expect(control.inspect()).toMatchObject({ detail: "idle.waiting" });
  expect(turns).toHaveLength(1);
});

test.each([
  ["runs", 0],
  ["is stalled", 2 * minute],
])("B7 a heartbeat that %s when its lane crashes has failed, and is tried again", async (_, ms) => {
  const { clock, turns, control, of } = await startHeartbeats(
    {},
    { lane: {}, dispatcher: bugged({ sessionKey: main, times: 1 }) },
  );
  const asked = control.request();
  await clock.settle();
  await clock.advance(ms);
  turns[0]!.resolve("fine");
  expect(await asked).toMatchObject({ status: "failed", error: { message: "a bug in an action" } });
  expect(of("lane.crashed")).toHaveLength(1);
  expect(control.inspect().detail).toBe("idle.retrying");
  await clock.advance(minute);
  turns[1]!.resolve("fine");
  await clock.settle();
  expect(control.inspect().last).toMatchObject({ status: "ran" });
});

test("B7 a heartbeat that was reclaimed when its lane crashes comes again at its next time", async () => {
  const store = failingStore();
  const { clock, turns, control, asked, of, told, untilDue } = await stalled({ store });
  store.fail(["settleTurn"], "forgets the mailbox");
  await clock.advance(10 * minute);
  expect(await asked).toMatchObject({ status: "failed", error: { code: "TURN_STALLED" } });
  store.fail(["settleTurn"]);
  expect(of("lane.crashed").length).toBeGreaterThan(0);
  await clock.advance(minute);
  expect(control.inspect()).toMatchObject({ state: "idle" });
  await untilDue();
  turns[1]!.resolve("fine");
  await clock.settle();
  expect(told()).toEqual(["failed", "ran"]);
});

test("B46 a heartbeat that waits for its retry is not tried again once it is turned off", async () => {
  const { clock, turns, control } = await startHeartbeats();
  const asked = control.request();
  await clock.settle();
  turns[0]!.reject(new Error("model down"));
  expect(await asked).toMatchObject({ status: "failed" });
  expect(control.inspect().detail).toBe("idle.retrying");
  await control.disable();
  expect(control.inspect().detail).toBe("idle.disabled");
  await clock.advance(3 * hour);
  expect(turns).toHaveLength(1);
});

test("B42 requests by hand that come at once are one heartbeat, and all are answered by it", async () => {
  const { clock, turns, control, told } = await startHeartbeats();
  const asked = [control.request(), control.request(), control.request()];
  await clock.settle();
  turns[0]!.resolve("fine");
  const ran = { status: "ran", durationMs: 0 };
  expect(await Promise.all(asked)).toEqual([ran, ran, ran]);
  expect(told()).toEqual(["ran"]);
});

test("B42 a request by hand while one waits for capacity is answered so, and is that one", async () => {
  const { keeper, clock, turns, control, told, untilDue } = await startHeartbeats(
    {},
    { capacity: { turns: 1 } },
  );
  await keeper.send("elsewhere", "long");
  await untilDue();
  expect(control.inspect().detail).toBe("busy.pending.waitingForCapacity");
  expect(await control.request()).toEqual({ status: "deferred", reason: "capacity-full" });
  turns[0]!.resolve("done");
  await clock.settle();
  turns[1]!.resolve("fine");
  await clock.settle();
  expect(told()).toEqual(["deferred: capacity-full", "ran"]);
  expect(turns).toHaveLength(2);
});

test("a request by hand that is crossed by turning off is skipped as disabled", async () => {
  const { clock, turns, control, told } = await startHeartbeats();
  const disabled = control.disable();
  const asked = control.request();
  await disabled;
  expect(await asked).toEqual({ status: "skipped", reason: "disabled" });
  expect(control.inspect().detail).toBe("idle.disabled");
  await clock.advance(3 * hour);
  expect(turns).toEqual([]);
  expect(told()).toEqual(["skipped: disabled"]);
});

test("B7 a bug in a runner ends its heartbeat alone: it is started anew, and goes on", async () => {
  const clock = createSimulatedClock();
  let brokenAt = Infinity;
  const now = (): number => {
    const time = clock.now();
    if (time < brokenAt) return time;
    brokenAt = Infinity;
    throw new Error("a bug in an effect");
  };
  const { control, turns, logs } = await startHeartbeats({}, { clock: { ...clock, now } });
  const due = control.inspect().nextAt!;
  brokenAt = due;
  await clock.advance(due - clock.now());
  expect(logs.map(({ message }) => message)).toContain("A heartbeat runner crashed; it is started anew.");
  expect(turns).toEqual([]);
  await clock.advance(2 * hour);
  expect(turns.map(({ turn }) => turn.cause)).toEqual(["heartbeat"]);
});
