import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createExpiry } from "./expiry.ts";

function sweep<T>(expiry: { sweep(now: number, forget: (thing: T) => void): void }, now: number): T[] {
  const forgotten: T[] = [];
  expiry.sweep(now, (thing) => forgotten.push(thing));
  return forgotten;
}

describe("an expiry", () => {
  it("forgets a thing at its time, once", () => {
    const expiry = createExpiry<string>();
    expiry.keep("a", 100, 100);
    expect(sweep(expiry, 99)).toEqual([]);
    expect(sweep(expiry, 100)).toEqual(["a"]);
    expect(sweep(expiry, 1_000)).toEqual([]);
  });

  it("knows when the next is to be forgotten, among things kept for different times", () => {
    const expiry = createExpiry<string>();
    expect(expiry.next()).toBe(undefined);
    expiry.keep("long", 1_000, 1_000);
    expiry.keep("short", 10, 10);
    expect(expiry.next()).toBe(10);
    sweep(expiry, 10);
    expect(expiry.next()).toBe(1_000);
    sweep(expiry, 1_000);
    expect(expiry.next()).toBe(undefined);
  });

  it("may be given a thing while it forgets another", () => {
    const expiry = createExpiry<string>();
    expiry.keep("a", 10, 10);
    expiry.sweep(10, () => expiry.keep("b", 20, 10));
    expect(expiry.next()).toBe(20);
    expect(sweep(expiry, 20)).toEqual(["b"]);
  });

  it("keeps the order of many, and the rest of a long queue of which a part is forgotten", () => {
    const expiry = createExpiry<number>();
    for (let at = 0; at < 5_000; at++) expiry.keep(at, at, 1);
    expect(sweep(expiry, 2_999)).toEqual(Array.from({ length: 3_000 }, (_, index) => index));
    expect(expiry.next()).toBe(3_000);
    expect(sweep(expiry, 9_999)).toHaveLength(2_000);
  });

  it("forgets exactly what is due, whatever is kept when and for how long", () => {
    const steps = fc.array(
      fc.oneof(fc.record({ pass: fc.nat(20) }), fc.record({ keepFor: fc.constantFrom(1, 5, 30) })),
    );
    fc.assert(
      fc.property(steps, (plan) => {
        const expiry = createExpiry<number>();
        let kept: { readonly id: number; readonly at: number }[] = [];
        let now = 0;
        let id = 0;
        for (const step of plan) {
          if ("keepFor" in step) {
            expiry.keep(++id, now + step.keepFor, step.keepFor);
            kept.push({ id, at: now + step.keepFor });
          } else {
            now += step.pass;
          }
          const due = kept.filter(({ at }) => at <= now).map((one) => one.id);
          kept = kept.filter(({ at }) => at > now);
          expect(sweep(expiry, now).toSorted((a, b) => a - b)).toEqual(due);
          expect(expiry.next()).toBe(kept.length === 0 ? undefined : Math.min(...kept.map(({ at }) => at)));
        }
      }),
    );
  });
});
