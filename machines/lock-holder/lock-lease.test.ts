import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  beliefEndsAt,
  createTerms,
  findBrokenInequality,
  hasSlept,
  type Instant,
  isConfirmation,
  renewalRetryMs,
} from "./lock-lease.ts";

const terms = createTerms({});
const milliseconds = fc.integer({ min: 0, max: 10_000_000 });
const ttls = fc.integer({ min: 60, max: 86_400_000 });

function instant(monotonic: number, wall = monotonic): Instant {
  return { monotonic, wall };
}

describe("the terms of a lock", () => {
  it("are 60 s, renewed every third of it, with 10 s of waiting (B50)", () => {
    expect(terms).toEqual({ ttlMs: 60_000, renewEveryMs: 20_000, marginMs: 6_000, waitMs: 10_000 });
  });

  it("are as asked where they were", () => {
    expect(createTerms({ ttlMs: 900, renewEveryMs: 100, waitMs: 0 })).toEqual({
      ttlMs: 900,
      renewEveryMs: 100,
      marginMs: 90,
      waitMs: 0,
    });
  });

  it("are safe by default, whatever the TTL", () => {
    fc.assert(
      fc.property(ttls, (ttlMs) => {
        expect(findBrokenInequality(createTerms({ ttlMs }))).toBeUndefined();
      }),
    );
  });

  it("are refused with the inequality they break", () => {
    expect(findBrokenInequality(createTerms({ ttlMs: 1_000, renewEveryMs: 800 }))).toBeUndefined();
    expect(findBrokenInequality(createTerms({ ttlMs: 1_000, renewEveryMs: 801 }))).toBe(
      "renewEveryMs + 2 × marginMs ≤ ttlMs (801 + 2 × 100 ≤ 1000)",
    );
    expect(findBrokenInequality(createTerms({ ttlMs: 59 }))).toBe(
      "renewEveryMs + 2 × marginMs ≤ ttlMs (20 + 2 × 20 ≤ 59)",
    );
  });
});

describe("belief in a lease (B49)", () => {
  it("ends before the store's lease can, however long request and answer travelled", () => {
    fc.assert(
      fc.property(ttls, milliseconds, milliseconds, (ttlMs, sentAt, travelled) => {
        const storeExpiresAt = sentAt + travelled + ttlMs;
        expect(beliefEndsAt(createTerms({ ttlMs }), instant(sentAt))).toBeLessThan(storeExpiresAt);
      }),
    );
  });

  it("is confirmed by an answer that comes before it would end, and by none later", () => {
    expect(isConfirmation(terms, instant(1_000), instant(54_999))).toBe(true);
    expect(isConfirmation(terms, instant(1_000), instant(55_000))).toBe(false);
  });

  it("is not confirmed by an answer the machine slept through", () => {
    expect(isConfirmation(terms, instant(0, 0), instant(10, 6_005))).toBe(true);
    expect(isConfirmation(terms, instant(0, 0), instant(10, 6_006))).toBe(false);
  });
});

describe("a sleep", () => {
  it("is a wall clock ahead by more than the margin", () => {
    expect(hasSlept(terms, instant(0, 0), instant(100, 6_095))).toBe(false);
    expect(hasSlept(terms, instant(0, 0), instant(100, 6_096))).toBe(true);
  });

  it("is never seen in a backward step, nor in time that passes on both clocks", () => {
    fc.assert(
      fc.property(milliseconds, milliseconds, milliseconds, (start, passed, back) => {
        expect(hasSlept(terms, instant(start), instant(start + passed, start + passed - back))).toBe(false);
      }),
    );
  });
});

describe("a renewal that failed (B50)", () => {
  it("is retried after a second, doubling up to half the usual time", () => {
    expect([1, 2, 3, 4, 5, 50].map((failures) => renewalRetryMs(terms, failures))).toEqual([
      1_000, 2_000, 4_000, 8_000, 10_000, 10_000,
    ]);
  });

  it("is always retried sooner than usual, and never at once", () => {
    fc.assert(
      fc.property(ttls, fc.nat(100), (ttlMs, failures) => {
        const asked = createTerms({ ttlMs });
        expect(renewalRetryMs(asked, failures)).toBeLessThan(asked.renewEveryMs);
        expect(renewalRetryMs(asked, failures)).toBeGreaterThan(0);
      }),
    );
  });
});
