import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createLostTime } from "./lost-time.ts";

describe("lost time", () => {
  it("is none at first: all time that passed is elapsed", () => {
    expect(createLostTime().elapsed(100, 350)).toBe(250);
  });

  it("does not count as elapsed, as far as it lies between the two instants", () => {
    const lost = createLostTime();
    lost.add(1_000, 4_000);
    expect(lost.elapsed(0, 10_000)).toBe(7_000);
    expect(lost.elapsed(2_000, 10_000)).toBe(6_000);
    expect(lost.elapsed(0, 3_000)).toBe(1_000);
    expect(lost.elapsed(2_000, 3_000)).toBe(0);
    expect(lost.elapsed(4_000, 10_000)).toBe(6_000);
    expect(lost.elapsed(0, 1_000)).toBe(1_000);
  });

  it("counts once, however many timers it made late (I1)", () => {
    const lost = createLostTime();
    lost.add(1_000, 4_000);
    lost.add(1_000, 4_000);
    lost.add(2_000, 5_000);
    expect(lost.elapsed(0, 10_000)).toBe(6_000);
  });

  it("of no length is no lost time", () => {
    const lost = createLostTime();
    lost.add(5, 5);
    lost.add(9, 2);
    expect(lost.elapsed(0, 10)).toBe(10);
  });

  it("of long ago may be forgotten, and of a clock that seems to run back nothing elapsed", () => {
    const lost = createLostTime();
    for (let at = 0; at < 600; at += 2) lost.add(at, at + 1);
    expect(lost.elapsed(500, 600)).toBe(50);
    expect(lost.elapsed(600, 500)).toBe(0);
  });

  it("and elapsed time make up all time, for any stretches in the order they began and ended (I1, I2)", () => {
    const stretches = fc.array(fc.tuple(fc.nat(50), fc.nat(20)), { maxLength: 20 });
    fc.assert(
      fc.property(stretches, fc.nat(100), fc.nat(100), (plan, since, now) => {
        const lost = createLostTime();
        const isLost = new Set<number>();
        let [from, to] = [0, 0];
        for (const [before, gain] of plan) {
          to += gain;
          from = Math.max(from, to - before);
          lost.add(from, to);
          for (let instant = from; instant < to; instant++) isLost.add(instant);
        }
        let elapsed = 0;
        for (let instant = since; instant < now; instant++) if (!isLost.has(instant)) elapsed++;
        expect(lost.elapsed(since, now)).toBe(elapsed);
      }),
    );
  });
});
