import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSimulatedClock } from "./simulated-clock.ts";

const start = Date.UTC(2026, 0, 1);

describe("a simulated clock", () => {
  it("begins in 2026, or when it is told, and moves only when told to", async () => {
    const clock = createSimulatedClock();
    expect([clock.now(), clock.monotonic()]).toEqual([start, 0]);
    await clock.settle();
    expect([clock.now(), clock.monotonic()]).toEqual([start, 0]);
    expect(createSimulatedClock({ startAt: 7 }).now()).toBe(7);
  });

  it("fires timers in the order of their due time, then of their arming, each at its time (I1)", async () => {
    const clock = createSimulatedClock();
    const fired: [string, number][] = [];
    for (const [name, delayMs] of [
      ["c", 20],
      ["a", 10],
      ["d", 20],
      ["b", 10],
      ["never", 31],
    ] as const)
      clock.setTimeout(() => fired.push([name, clock.monotonic()]), delayMs);
    await clock.advance(30);
    expect(fired).toEqual([
      ["a", 10],
      ["b", 10],
      ["c", 20],
      ["d", 20],
    ]);
    expect([clock.monotonic(), clock.now(), clock.nextTimerInMs()]).toEqual([30, start + 30, 1]);
  });

  it("fires what a timer arms meanwhile, and nothing that was cleared", async () => {
    const clock = createSimulatedClock();
    const fired: string[] = [];
    const cleared = clock.setTimeout(() => fired.push("cleared"), 15);
    clock.setTimeout(() => {
      clock.clearTimeout(cleared);
      clock.setTimeout(() => fired.push("armed"), 5);
      clock.setTimeout(() => fired.push("past"), -5);
    }, 10);
    await clock.advance(15);
    expect(fired).toEqual(["past", "armed"]);
    clock.clearTimeout(cleared);
    clock.clearTimeout("unknown");
  });

  it("lets what is ready run before the next timer (I1)", async () => {
    const clock = createSimulatedClock();
    const log: string[] = [];
    clock.setTimeout(() => {
      void Promise.resolve().then(() => log.push("microtask"));
      setImmediate(() => {
        log.push(`immediate at ${clock.monotonic()}`);
        void Promise.resolve().then(() => log.push("its microtask"));
      });
    }, 1);
    clock.setTimeout(() => log.push("next"), 1);
    await clock.advance(1);
    expect(log).toEqual(["microtask", "immediate at 1", "its microtask", "next"]);
  });

  it("lets what is ready run before time moves at all", async () => {
    const clock = createSimulatedClock();
    const log: number[] = [];
    setImmediate(() => clock.setTimeout(() => log.push(clock.monotonic()), 5));
    await clock.advance(5);
    expect(log).toEqual([5]);
  });

  it("stays ready while work goes on and asks for the time", async () => {
    const clock = createSimulatedClock();
    let hops = 0;
    const hop = () => {
      clock.now();
      if (++hops < 50) setImmediate(hop);
    };
    setImmediate(hop);
    await clock.settle();
    expect(hops).toBe(50);
  });

  it("says when the next timer is due", async () => {
    const clock = createSimulatedClock();
    expect(clock.nextTimerInMs()).toBe(undefined);
    clock.setTimeout(() => {}, 20);
    clock.setTimeout(() => {}, 10);
    await clock.advance(4);
    expect(clock.nextTimerInMs()).toBe(6);
  });

  it("that was suspended fires the timers of that time late, in order", async () => {
    const clock = createSimulatedClock();
    const fired: [string, number][] = [];
    clock.setTimeout(() => fired.push(["b", clock.monotonic()]), 20);
    clock.setTimeout(() => fired.push(["a", clock.monotonic()]), 10);
    clock.setTimeout(() => fired.push(["later", clock.monotonic()]), 1_000);
    await clock.suspend(500);
    expect(fired).toEqual([
      ["a", 500],
      ["b", 500],
    ]);
    expect(clock.now()).toBe(start + 500);
  });

  it("steps its wall clock alone", async () => {
    const clock = createSimulatedClock();
    const fired: string[] = [];
    clock.setTimeout(() => fired.push("a"), 10);
    clock.stepWall(-3_600_000);
    expect([clock.now(), clock.monotonic()]).toEqual([start - 3_600_000, 0]);
    await clock.advance(10);
    expect([fired, clock.now()]).toEqual([["a"], start - 3_600_000 + 10]);
  });

  it("comes to the same however its time is cut", async () => {
    const delays = fc.array(fc.nat(30), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(delays, fc.array(fc.nat(10), { maxLength: 6 }), async (plan, cuts) => {
        const whole = createSimulatedClock();
        const cut = createSimulatedClock();
        const fired: [[number, number][], [number, number][]] = [[], []];
        for (const [side, clock] of [whole, cut].entries())
          for (const [id, delayMs] of plan.entries())
            clock.setTimeout(() => fired[side]!.push([id, clock.monotonic()]), delayMs);
        await whole.advance(30);
        let left = 30;
        for (const ms of cuts) {
          const part = Math.min(ms, left);
          left -= part;
          await cut.advance(part);
        }
        await cut.advance(left);
        expect(fired[1]).toEqual(fired[0]);
        expect(fired[0].map(([, at]) => at)).toEqual(plan.toSorted((a, b) => a - b));
      }),
      { numRuns: 50 },
    );
  });

  it("lets long chains of immediates run before the next timer", async () => {
    const clock = createSimulatedClock();
    const order: string[] = [];
    clock.setTimeout(() => hop(20), 10);
    clock.setTimeout(() => order.push("timer"), 11);
    const hop = (left: number): void =>
      void (left === 0 ? order.push("work") : setImmediate(() => hop(left - 1)));
    await clock.advance(20);
    expect(order).toEqual(["work", "timer"]);
  });

  it.each([Number.NaN, Infinity, -1])("refuses to move by %d", async (ms) => {
    const clock = createSimulatedClock();
    await expect(clock.advance(ms)).rejects.toMatchObject({ code: "INVALID_OPTION" });
    await expect(clock.suspend(ms)).rejects.toMatchObject({ code: "INVALID_OPTION" });
    expect(clock.monotonic()).toBe(0);
  });

  it.each([{ startAt: Number.NaN }, { starts: 1 }])("refuses the options %o", (options) => {
    expect(() => createSimulatedClock(options as object)).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION" }),
    );
  });
});
