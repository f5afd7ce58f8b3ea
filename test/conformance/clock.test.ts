import { systemClock } from "lanekeeper/ports";
import { createSimulatedClock } from "lanekeeper/simulated-clock";
import { describe, expect, it } from "vitest";
import { describeClock } from "./clock-conformance.ts";

describeClock("the machine's", () => ({
  clock: systemClock,
  async until(happened) {
    await happened;
  },
}));

describeClock("simulated", () => {
  const clock = createSimulatedClock();
  return {
    clock,
    async until(happened) {
      const progress = { isOver: false };
      void happened.then(() => (progress.isOver = true));
      await clock.settle();
      while (!progress.isOver) await clock.advance(clock.nextTimerInMs() ?? 1);
    },
  };
});

const day = 86_400_000;

describe("simulated clock", () => {
  it("begins when it is told to", () => {
    const startAt = Date.UTC(1999, 11, 31);
    expect(createSimulatedClock({ startAt }).now()).toBe(startAt);
  });

  it("moves by exactly what it is told, both times alike", async () => {
    const clock = createSimulatedClock();
    const [now, monotonic] = [clock.now(), clock.monotonic()];
    await clock.advance(1_234);
    expect(clock.now() - now).toBe(1_234);
    expect(clock.monotonic() - monotonic).toBe(1_234);
  });

  it("fires a timer at its due time, whatever the length of the advance", async () => {
    const clock = createSimulatedClock();
    const start = clock.monotonic();
    const at: number[] = [];
    for (const delayMs of [10, 10.5, 700])
      clock.setTimeout(() => at.push(clock.monotonic() - start), delayMs);
    await clock.advance(day);
    expect(at).toEqual([10, 10.5, 700]);
  });

  it("fires in one advance what its timers arm within it", async () => {
    const clock = createSimulatedClock();
    let ticks = 0;
    const tick = (): void => {
      ticks++;
      clock.setTimeout(tick, 10);
    };
    clock.setTimeout(tick, 10);
    await clock.advance(95);
    expect(ticks).toBe(9);
    expect(clock.nextTimerInMs()).toBe(5);
  });

  it("I1: lets ready work run before the next timer", async () => {
    const clock = createSimulatedClock();
    const order: string[] = [];
    clock.setTimeout(() => {
      order.push("first timer");
      void Promise.resolve().then(() => order.push("its microtask"));
      setImmediate(() => {
        order.push("its immediate");
        clock.setTimeout(() => order.push("what that armed"), 0);
      });
    }, 10);
    clock.setTimeout(() => order.push("second timer"), 11);
    await clock.advance(20);
    expect(order).toEqual([
      "first timer",
      "its microtask",
      "its immediate",
      "what that armed",
      "second timer",
    ]);
  });

  it("settles without moving time", async () => {
    const clock = createSimulatedClock();
    const start = clock.monotonic();
    let hasRun = false;
    setImmediate(() => (hasRun = true));
    clock.setTimeout(() => {}, 0);
    await clock.settle();
    expect(hasRun).toBe(true);
    expect(clock.monotonic()).toBe(start);
    expect(clock.nextTimerInMs()).toBe(0);
  });

  it("says when its next timer is due, and that none is", async () => {
    const clock = createSimulatedClock();
    expect(clock.nextTimerInMs()).toBeUndefined();
    const handle = clock.setTimeout(() => {}, 30);
    clock.setTimeout(() => {}, 50);
    await clock.advance(10);
    expect(clock.nextTimerInMs()).toBe(20);
    clock.clearTimeout(handle);
    expect(clock.nextTimerInMs()).toBe(40);
    await clock.advance(40);
    expect(clock.nextTimerInMs()).toBeUndefined();
  });

  it("fires what came due while it was suspended late, in order", async () => {
    const clock = createSimulatedClock();
    const start = clock.monotonic();
    const fired: [string, number][] = [];
    clock.setTimeout(() => fired.push(["second", clock.monotonic() - start]), 20);
    clock.setTimeout(() => fired.push(["first", clock.monotonic() - start]), 10);
    clock.setTimeout(() => fired.push(["later", clock.monotonic() - start]), 7_000);
    await clock.suspend(5_000);
    expect(fired).toEqual([
      ["first", 5_000],
      ["second", 5_000],
    ]);
    await clock.advance(2_000);
    expect(fired.at(-1)).toEqual(["later", 7_000]);
  });

  it("steps the wall clock alone", async () => {
    const clock = createSimulatedClock();
    const [now, monotonic] = [clock.now(), clock.monotonic()];
    clock.setTimeout(() => {}, 10);
    clock.stepWall(-day);
    expect(clock.now()).toBe(now - day);
    expect(clock.monotonic()).toBe(monotonic);
    expect(clock.nextTimerInMs()).toBe(10);
    await clock.advance(10);
    expect(clock.now()).toBe(now - day + 10);
  });

  it("shares nothing with another", async () => {
    const [one, other] = [createSimulatedClock(), createSimulatedClock()];
    one.setTimeout(() => {}, 5);
    await one.advance(100);
    expect(other.monotonic()).toBe(0);
    expect(other.nextTimerInMs()).toBeUndefined();
  });
});
