import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createThrottle } from "./throttle.ts";

describe("a throttle", () => {
  it("lets the first through, holds back until its interval is over, and then says how many it held", () => {
    let now = 500;
    const throttle = createThrottle(() => now, 30_000);
    expect(throttle.allow("a")).toBe(0);
    expect(throttle.allow("a")).toBe(undefined);
    now += 29_999;
    expect(throttle.allow("a")).toBe(undefined);
    now += 1;
    expect(throttle.allow("a")).toBe(2);
    now += 30_000;
    expect(throttle.allow("a")).toBe(0);
  });

  it("keeps keys apart", () => {
    const throttle = createThrottle(() => 0, 10);
    expect(["a", "b", "a", "__proto__"].map((key) => throttle.allow(key))).toEqual([0, 0, undefined, 0]);
  });

  it("speaks at most once per interval and forgets nobody, whenever it is asked", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(25)), (pauses) => {
        let now = 0;
        let spokeAt = -Infinity;
        let told = 0;
        const throttle = createThrottle(() => now, 10);
        for (const pause of pauses) {
          now += pause;
          const heldBack = throttle.allow("a");
          expect(heldBack === undefined).toBe(now - spokeAt < 10);
          if (heldBack === undefined) continue;
          told += 1 + heldBack;
          spokeAt = now;
        }
        now += 10;
        expect(told + (throttle.allow("a") ?? Number.NaN)).toBe(pauses.length);
      }),
    );
  });

  it("forgets subjects that may speak again once there are many", () => {
    let now = 0;
    const throttle = createThrottle(() => now, 10);
    for (let index = 0; index < 2_000; index++) throttle.allow(`subject ${index}`);
    expect(throttle.allow("subject 1")).toBe(undefined);
    now = 10;
    throttle.allow("another");
    expect(throttle.allow("subject 1")).toBe(0);
  });
});
