import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Clock } from "./clock.ts";
import { createDeadlines, type Deadline } from "./deadlines.ts";

/** A clock whose timers fire when told, exactly or late, all in this call. */
function createManualClock() {
  let now = 0;
  let order = 0;
  const timers = new Map<
    number,
    { readonly due: number; readonly delayMs: number; readonly callback: () => void }
  >();
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    setTimeout: (callback, delayMs) => {
      timers.set(++order, { due: now + delayMs, delayMs, callback });
      return order;
    },
    clearTimeout: (handle) => void timers.delete(handle as number),
  };
  const fireDue = () => {
    for (const [handle, { due, callback }] of [...timers]) {
      if (due > now) continue;
      timers.delete(handle);
      callback();
    }
  };
  return {
    ...clock,
    /** The delays of the timers that are armed. */
    armed: () => [...timers.values()].map(({ delayMs }) => delayMs),
    pass: (ms: number) => {
      for (const end = now + ms; now < end;) {
        const next = Math.min(end, ...[...timers.values()].map(({ due }) => Math.max(due, now + 1)));
        now = next;
        fireDue();
      }
    },
    /** Time passes in which no timer fires; those due fire afterwards. */
    sleep: (ms: number) => {
      now += ms;
      fireDue();
    },
    /** Fires what is armed before its time, as some hosts do. */
    fireEarly: () => {
      for (const [handle, { callback }] of [...timers]) {
        timers.delete(handle);
        callback();
      }
    },
  };
}

function createSet() {
  const clock = createManualClock();
  const fired: unknown[] = [];
  const late: [number, number][] = [];
  const deadlines = createDeadlines(clock, (from, to) => late.push([from, to]));
  const arm = (delayMs: number, name: unknown) => deadlines.arm(delayMs, (what) => fired.push(what), name);
  return { clock, fired, late, deadlines, arm };
}

describe("deadlines", () => {
  it("fire in the order of their due time, then of their arming, and never early (I1)", () => {
    const { clock, fired, arm } = createSet();
    arm(20, "c");
    arm(10, "a");
    arm(20, "d");
    arm(10, "b");
    clock.pass(9);
    expect(fired).toEqual([]);
    clock.pass(1);
    expect(fired).toEqual(["a", "b"]);
    clock.pass(10);
    expect(fired).toEqual(["a", "b", "c", "d"]);
  });

  it("of different delays that are due together fire in the order of their arming (I1)", () => {
    const { clock, fired, arm } = createSet();
    arm(10, "a");
    arm(7, "early");
    clock.pass(4);
    arm(6, "b");
    clock.pass(3);
    arm(3, "c");
    clock.pass(3);
    expect(fired).toEqual(["early", "a", "b", "c"]);
  });

  it("that are cancelled do not fire, and cancelling again or too late does nothing", () => {
    const { clock, fired, arm } = createSet();
    const [first, second, third] = [arm(10, "a"), arm(10, "b"), arm(10, "c")];
    second.cancel();
    second.cancel();
    clock.pass(10);
    first.cancel();
    third.cancel();
    arm(10, "d");
    clock.pass(10);
    expect(fired).toEqual(["a", "c", "d"]);
  });

  it("take one timer of the clock, and none while nothing is armed (I3)", () => {
    const { clock, arm } = createSet();
    expect(clock.armed()).toEqual([]);
    const all = [30, 10, 20, 10].map((delayMs) => arm(delayMs, delayMs));
    expect(clock.armed()).toHaveLength(1);
    for (const one of all) one.cancel();
    expect(clock.armed()).toEqual([]);
    arm(5, "last");
    clock.pass(5);
    expect(clock.armed()).toEqual([]);
  });

  it("wait for the soonest, also when it comes later than others", () => {
    const { clock, fired, arm } = createSet();
    arm(1_000, "slow");
    arm(5, "fast");
    expect(clock.armed()).toEqual([5]);
    clock.pass(5);
    expect(fired).toEqual(["fast"]);
    clock.pass(995);
    expect(fired).toEqual(["fast", "slow"]);
  });

  it("armed by one that fires wait for the next firing, so an immediate one cannot hold the loop", () => {
    const { clock, fired, deadlines } = createSet();
    let left = 3;
    const again = () => {
      fired.push(clock.now());
      if (--left > 0) deadlines.arm(0, again);
    };
    deadlines.arm(0, again);
    clock.pass(5);
    expect(fired).toEqual([1, 2, 3]);
  });

  it("cancelled by one that fires at the same time do not fire", () => {
    const { clock, fired, deadlines, arm } = createSet();
    deadlines.arm(10, () => last.cancel());
    const last = arm(10, "last");
    clock.pass(20);
    expect(fired).toEqual([]);
  });

  it("count fractions of a millisecond up, and what is past as now", () => {
    const { clock, fired, arm } = createSet();
    arm(9.2, "up");
    arm(-5, "past");
    clock.pass(9);
    expect(fired).toEqual(["past"]);
    clock.pass(1);
    expect(fired).toEqual(["past", "up"]);
  });

  it("may lie further away than any timer of the clock", () => {
    const { clock, fired, arm } = createSet();
    const days30 = 30 * 86_400_000;
    arm(days30, "far");
    expect(clock.armed()).toEqual([2_147_483_647]);
    clock.pass(days30 - 1);
    expect(fired).toEqual([]);
    clock.pass(1);
    expect(fired).toEqual(["far"]);
  });

  it("are not fooled by a timer that fires early (I1)", () => {
    const { clock, fired, arm } = createSet();
    arm(10, "a");
    clock.fireEarly();
    expect(fired).toEqual([]);
    clock.pass(10);
    expect(fired).toEqual(["a"]);
  });

  it("say when the clock's timer could not fire for more than a second, once for all that it made late (B26a)", () => {
    const { clock, fired, late, arm } = createSet();
    arm(10, "a");
    arm(20, "b");
    clock.sleep(1_010);
    expect([fired, late]).toEqual([["a", "b"], []]);
    arm(10, "c");
    arm(500, "d");
    clock.sleep(5_000);
    expect(fired).toEqual(["a", "b", "c", "d"]);
    expect(late).toEqual([[1_010, 6_010]]);
  });

  it("that are closed never fire, take none more and leave no timer", () => {
    const { clock, fired, deadlines, arm } = createSet();
    const open = arm(10, "a");
    deadlines.close();
    expect(clock.armed()).toEqual([]);
    open.cancel();
    arm(1, "late").cancel();
    deadlines.close();
    clock.pass(100);
    expect([fired, clock.armed()]).toEqual([[], []]);
  });

  it("closed by one that fires stop at once", () => {
    const { clock, fired, deadlines, arm } = createSet();
    deadlines.arm(10, () => deadlines.close());
    arm(10, "b");
    clock.pass(20);
    expect([fired, clock.armed()]).toEqual([[], []]);
  });

  it("are run by whoever owns them", () => {
    const clock = createManualClock();
    const posted: (() => void)[] = [];
    const fired: string[] = [];
    const run = (callback: (a: unknown) => void, a: unknown) => void posted.push(() => callback(a));
    const deadlines = createDeadlines(clock, () => {}, run);
    deadlines.arm(1, (name) => fired.push(name), "a");
    clock.pass(1);
    expect(fired).toEqual([]);
    for (const task of posted) task();
    expect(fired).toEqual(["a"]);
  });

  it("do what a sorted list does, whatever is armed and cancelled (I1, I2, I3)", () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ arm: fc.nat(12), andThen: fc.option(fc.nat(6)) }),
        fc.record({ cancel: fc.nat(40) }),
        fc.record({ pass: fc.nat(6) }),
        fc.record({ sleep: fc.nat(6) }),
      ),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(steps, (plan) => {
        const clock = createManualClock();
        const deadlines = createDeadlines(clock, () => {});
        const fired: number[] = [];
        const armed: { readonly handle: Deadline; readonly due: number; isOpen: boolean }[] = [];
        const arm = (delayMs: number, andThen: number | null) => {
          const id = armed.length;
          const handle = deadlines.arm(delayMs, () => {
            fired.push(id);
            armed[id]!.isOpen = false;
            if (andThen !== null) arm(andThen, null);
          });
          armed.push({ handle, due: clock.now() + delayMs, isOpen: true });
        };
        for (const step of plan) {
          const [from, before] = [clock.now(), fired.length];
          if ("arm" in step) arm(step.arm, step.andThen);
          else if ("pass" in step) clock.pass(step.pass);
          else if ("sleep" in step) clock.sleep(step.sleep);
          else {
            const { handle } = armed[step.cancel] ?? { handle: undefined };
            handle?.cancel();
            if (handle !== undefined) armed[step.cancel]!.isOpen = false;
          }
          const keys = fired.slice(before).map((id) => [Math.max(armed[id]!.due, from), id] as const);
          expect(keys.every(([due]) => due <= clock.now())).toBe(true);
          const open = armed.filter(({ isOpen }) => isOpen);
          expect(open.filter(({ due }) => due < clock.now() - 1)).toEqual([]);
          expect(clock.armed().length).toBe(open.length > 0 ? 1 : 0);
        }
        expect(new Set(fired).size).toBe(fired.length);
      }),
      { numRuns: 300 },
    );
  });

  it("fire sorted, each once, when all are armed before (I1)", () => {
    const delays = fc.array(fc.record({ delayMs: fc.nat(20), isCancelled: fc.boolean() }), { maxLength: 60 });
    fc.assert(
      fc.property(delays, fc.boolean(), (plan, isLate) => {
        const { clock, fired, arm } = createSet();
        const handles = plan.map(({ delayMs }, id) => arm(delayMs, id));
        for (const [id, { isCancelled }] of plan.entries()) if (isCancelled) handles[id]!.cancel();
        if (isLate) clock.sleep(30);
        else clock.pass(30);
        const open = plan.map(({ delayMs, isCancelled }, id) => ({ delayMs, isCancelled, id }));
        const sorted = open.filter((one) => !one.isCancelled).toSorted((a, b) => a.delayMs - b.delayMs);
        expect(fired).toEqual(sorted.map(({ id }) => id));
      }),
    );
  });
});
