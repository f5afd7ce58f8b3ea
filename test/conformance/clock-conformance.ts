import type { Clock } from "lanekeeper/ports";
import { describe, expect, it } from "vitest";

/** A clock, and how to let its time pass until something has happened. */
export interface ClockUnderTest {
  readonly clock: Clock;
  until(happened: Promise<unknown>): Promise<void>;
}

/** What every clock keeps to. Only the order of events counts: nothing here depends on how fast a machine is. */
export function describeClock(name: string, createClock: () => ClockUnderTest): void {
  /** Resolves when the clock's timer fires. */
  const timer = (clock: Clock, delayMs: number, fired: () => void = () => {}): Promise<void> =>
    new Promise((resolve) => {
      clock.setTimeout(() => {
        fired();
        resolve();
      }, delayMs);
    });

  describe(`clock: ${name}`, () => {
    it("calls back once, after the call that asked for it", async () => {
      const { clock, until } = createClock();
      let calls = 0;
      const fired = timer(clock, 1, () => calls++);
      expect(calls).toBe(0);
      await until(fired);
      await until(timer(clock, 20));
      expect(calls).toBe(1);
    });

    it("fires timers in the order of their due times", async () => {
      const { clock, until } = createClock();
      const order: number[] = [];
      const delays = [60, 5, 40, 20];
      await until(Promise.all(delays.map((delayMs) => timer(clock, delayMs, () => order.push(delayMs)))));
      expect(order).toEqual([5, 20, 40, 60]);
    });

    it("fires timers of one due time in the order they were armed", async () => {
      const { clock, until } = createClock();
      const order: number[] = [];
      const armed = Array.from({ length: 10 }, (_, index) => timer(clock, 5, () => order.push(index)));
      await until(Promise.all(armed));
      expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    });

    it("fires no timer that was cleared", async () => {
      const { clock, until } = createClock();
      const fired: string[] = [];
      const handle = clock.setTimeout(() => fired.push("cleared"), 1);
      clock.setTimeout(() => fired.push("kept"), 1);
      clock.clearTimeout(handle);
      clock.clearTimeout(handle);
      await until(timer(clock, 20));
      expect(fired).toEqual(["kept"]);
    });

    it("lets a timer clear another that is due at the same time", async () => {
      const { clock, until } = createClock();
      const fired: string[] = [];
      clock.setTimeout(() => {
        fired.push("first");
        clock.clearTimeout(second);
      }, 1);
      const second = clock.setTimeout(() => fired.push("second"), 1);
      await until(timer(clock, 20));
      expect(fired).toEqual(["first"]);
    });

    it("takes the clearing of a timer that fired, and of none, as nothing", async () => {
      const { clock, until } = createClock();
      let calls = 0;
      const handle = clock.setTimeout(() => calls++, 1);
      await until(timer(clock, 5));
      clock.clearTimeout(handle);
      clock.clearTimeout(undefined);
      await until(timer(clock, 5));
      expect(calls).toBe(1);
    });

    it("fires a timer armed by a timer later, not within it", async () => {
      const { clock, until } = createClock();
      const order: string[] = [];
      let inner: Promise<void> | undefined;
      const outer = timer(clock, 1, () => {
        inner = timer(clock, 1, () => order.push("inner"));
        order.push("outer");
      });
      await until(outer);
      await until(inner!);
      expect(order).toEqual(["outer", "inner"]);
    });

    it("never steps back", async () => {
      const { clock, until } = createClock();
      const instants: number[] = [clock.monotonic()];
      for (let round = 0; round < 5; round++) {
        await until(timer(clock, 1));
        instants.push(clock.monotonic());
      }
      expect(instants).toEqual(instants.toSorted((a, b) => a - b));
      expect(instants.at(-1)).toBeGreaterThan(instants[0]!);
    });

    it("tells people the time in milliseconds of the epoch", () => {
      const { clock } = createClock();
      expect(clock.now()).toBeGreaterThan(Date.UTC(2020, 0, 1));
      expect(clock.now()).toBeLessThan(Date.UTC(2200, 0, 1));
    });
  });
}
