import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  createLockContext,
  forgetLease,
  isBelieved,
  isFresh,
  leaseRequestOf,
  type LockContext,
  recordDenial,
  recordGrant,
  recordImpatience,
  recordLoss,
  recordLostAnswer,
  recordRefusal,
  recordRenewal,
  recordRenewalFailure,
} from "./lock-holder.logic.ts";
import { createTerms, type Instant } from "./lock-lease.ts";

const terms = createTerms({});

function asked(once = false): LockContext {
  return createLockContext({ name: "chat", owner: "owner-1", label: null, terms, once });
}

function instant(monotonic: number, wall = monotonic): Instant {
  return { monotonic, wall };
}

function granted(sentAt = 0): LockContext {
  return recordGrant(asked(), { token: "7", sent: instant(sentAt, 1_000 + sentAt) });
}

describe("an acquisition", () => {
  it("holds the lease from when its request was sent", () => {
    expect(granted().lease).toEqual({ token: "7", confirmed: instant(0, 1_000) });
  });

  it("knows how long another's lease lasts", () => {
    expect(recordDenial(asked(), { heldBy: "another", expiresInMs: 900 }).occupied).toEqual({
      by: "another",
      forMs: 900,
    });
  });

  it("is unsure after a lost answer until the store answers", () => {
    const unsure = recordLostAnswer(recordDenial(asked(), { heldBy: "another", expiresInMs: 900 }));
    expect([unsure.unsure, unsure.occupied]).toEqual([true, null]);
    expect(recordDenial(unsure, { heldBy: "another", expiresInMs: 1 }).unsure).toBe(false);
    expect(recordGrant(unsure, { token: "7", sent: instant(0) }).unsure).toBe(false);
  });

  it("that waited long enough timed out, one that tried once found it occupied, and either blames a silent store", () => {
    expect(recordImpatience(asked()).refusal).toBe("timeout");
    expect(recordImpatience(asked(true)).refusal).toBe("occupied");
    expect(recordImpatience(recordLostAnswer(asked())).refusal).toBe("unavailable");
    expect(recordImpatience(recordLostAnswer(asked(true))).refusal).toBe("unavailable");
  });

  it("notes why it was given up", () => {
    expect(recordRefusal(asked(), { reason: "aborted" }).refusal).toBe("aborted");
  });
});

describe("a renewal", () => {
  it("extends belief from when it was sent and forgets the failures before", () => {
    const failed = recordRenewalFailure(recordRenewalFailure(granted()));
    expect(failed.failures).toBe(2);
    const renewed = recordRenewal(failed, { sent: instant(20_000) });
    expect([renewed.failures, renewed.lease?.confirmed]).toEqual([0, instant(20_000)]);
  });

  it("changes no lease where there is none", () => {
    expect(recordRenewal(asked(), { sent: instant(5) }).lease).toBeNull();
  });

  it("is fresh only while its own deadline lies ahead and no sleep lies behind", () => {
    expect(isFresh(granted(), { sent: instant(0), received: instant(53_999) })).toBe(true);
    expect(isFresh(granted(), { sent: instant(0), received: instant(54_000) })).toBe(false);
    expect(isFresh(granted(), { sent: instant(0), received: instant(1, 10_000) })).toBe(false);
  });
});

describe("a holder believes (B49)", () => {
  it("in a lease until its deadline, counted from the last confirmed request", () => {
    expect(isBelieved(granted(), instant(53_999, 54_999))).toBe(true);
    expect(isBelieved(granted(), instant(54_000, 55_000))).toBe(false);
    const renewed = recordRenewal(granted(), { sent: instant(20_000, 21_000) });
    expect(isBelieved(renewed, instant(73_999, 74_999))).toBe(true);
    expect(isBelieved(renewed, instant(74_000, 75_000))).toBe(false);
  });

  it("in nothing after the wall clock ran ahead, until a renewal confirms it", () => {
    const woken = instant(10, 100_000);
    expect(isBelieved(granted(), woken)).toBe(false);
    expect(isBelieved(recordRenewal(granted(), { sent: woken }), instant(20, 100_010))).toBe(true);
  });

  it("in its lease after a backward step of any size", () => {
    fc.assert(
      fc.property(fc.nat(53_999), fc.nat(10_000_000), (passed, back) => {
        expect(isBelieved(granted(), instant(passed, 1_000 + passed - back))).toBe(true);
      }),
    );
  });

  it("in nothing it has not, has lost or has forgotten", () => {
    expect(isBelieved(asked(), instant(0))).toBe(false);
    expect(isBelieved(recordLoss(granted(), { reason: "fenced" }), instant(1, 1_001))).toBe(false);
    expect(isBelieved(forgetLease(granted()), instant(1, 1_001))).toBe(false);
  });
});

describe("a request to the store", () => {
  it("carries the token of a lease that is known, also of one that was lost", () => {
    const request = { name: "chat", owner: "owner-1", ttlMs: 60_000 };
    expect(leaseRequestOf(granted())).toEqual({ ...request, token: "7" });
    expect(leaseRequestOf(recordLoss(granted(), { reason: "expired" }))).toEqual({ ...request, token: "7" });
  });

  it("carries none to undo a grant whose answer was lost", () => {
    expect(leaseRequestOf(recordLostAnswer(asked())).token).toBeNull();
  });
});

describe("every context", () => {
  it("is JSON", () => {
    const context = recordLoss(recordRenewalFailure(granted()), { reason: "refused" });
    expect(JSON.parse(JSON.stringify(context))).toEqual(context);
  });

  it("is left as it was by what is computed from it", () => {
    const context = granted();
    const before = structuredClone(context);
    recordRenewal(context, { sent: instant(9) });
    recordLoss(context, { reason: "expired" });
    forgetLease(context);
    expect(context).toEqual(before);
  });
});
