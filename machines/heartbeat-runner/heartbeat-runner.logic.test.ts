import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  createHeartbeatContext,
  deferToCapacity,
  deferToSession,
  hasRetry,
  type HeartbeatAbort,
  type HeartbeatContext,
  type HeartbeatInput,
  isDisabled,
  isEarly,
  isFlooding,
  isOutcomeOpen,
  isTooSoon,
  recordAbort,
  recordBreak,
  recordCompletion,
  recordDisabled,
  recordDue,
  recordEarly,
  recordEnabled,
  recordEnd,
  recordFailure,
  recordInherited,
  recordReclaim,
  recordRequest,
  recordSkip,
  recordStart,
  withdraw,
} from "./heartbeat-runner.logic.ts";
import { nextTime } from "./heartbeat-schedule.ts";

const minute = 60_000;
const hour = 60 * minute;
const now = 1_000 * hour;

function contextOf(part: Partial<HeartbeatInput> = {}): HeartbeatContext {
  return createHeartbeatContext({
    agent: "main",
    sessionKey: "agent:main:main",
    everyMs: hour,
    minSpacingMs: 30_000,
    enabled: true,
    starts: [],
    at: now,
    ...part,
  });
}

describe("a context that is created", () => {
  it("has its first time within a period (B43)", () => {
    const { nextAt, schedule } = contextOf();
    expect(nextAt).toBe(nextTime(schedule, now));
  });

  it("has no next time where heartbeats were turned off", () => {
    expect(isDisabled(contextOf({ enabled: false }))).toBe(true);
    expect(isDisabled(contextOf())).toBe(false);
  });

  it("keeps the last five starts and none of the future, so spacing survives a restart (B45, B56)", () => {
    const { starts } = contextOf({ starts: [1, 2, 3, 4, 5, now + hour] });
    expect(starts).toEqual([2, 3, 4, 5, now]);
  });
});

describe("turning on and off", () => {
  it("takes the next time from the schedule when turned on", () => {
    const off = contextOf({ enabled: false });
    expect(recordEnabled(off, { at: now }).nextAt).toBe(nextTime(off.schedule, now));
  });

  it("changes nothing when turned on again", () => {
    const on = contextOf();
    expect(recordEnabled(on, { at: now + 3 * hour })).toBe(on);
  });

  it("drops a planned retry when turned off, and says nothing of it", () => {
    const failed = recordFailure(contextOf(), { at: now, error: "E" });
    const off = recordDisabled(failed, { at: now });
    expect([off.nextAt, off.retryAt, off.last]).toEqual([null, null, failed.last]);
  });

  it("skips what was asked for by hand, or is due, when turned off", () => {
    const skipped = { status: "skipped", at: now, reason: "disabled" };
    const asked = recordDisabled(recordRequest(contextOf()), { at: now });
    expect([asked.nextAt, asked.requested, asked.last]).toEqual([null, false, skipped]);
    const due = withdraw(contextOf(), { at: now });
    expect([due.nextAt, due.last]).toEqual([null, skipped]);
  });
});

describe("a heartbeat that is due", () => {
  it("has all its retries where the schedule asked for it, and no more where it is a retry or asked for by hand", () => {
    const used: HeartbeatContext = { ...contextOf(), retries: 2 };
    expect(recordDue(used, { at: now }).retries).toBe(0);
    expect(recordDue({ ...used, retryAt: now }, { at: now })).toMatchObject({ retries: 2, retryAt: null });
    expect(recordDue({ ...used, requested: true }, { at: now }).retries).toBe(2);
  });

  it("is early before its time, and a retry before its own", () => {
    const context = contextOf();
    const nextAt = context.nextAt ?? 0;
    expect(isEarly(context, { at: nextAt - 1 })).toBe(true);
    expect(isEarly(context, { at: nextAt })).toBe(false);
    expect(isEarly({ ...context, retryAt: now + 5 }, { at: now + 4 })).toBe(true);
    expect(isEarly({ ...context, retryAt: now + 5 }, { at: now + 5 })).toBe(false);
  });

  it("is never early by hand", () => {
    expect(isEarly(recordRequest(contextOf()), { at: now })).toBe(false);
  });

  it("moves to the schedule of a clock that was stepped back, and drops a retry beyond it", () => {
    const context: HeartbeatContext = { ...contextOf(), retryAt: now + 10 };
    const back = recordEarly(context, { at: now - 5 * hour });
    expect(back.nextAt).toBe(nextTime(context.schedule, now - 5 * hour));
    expect(back.retryAt).toBeNull();
  });

  it("keeps a retry that still comes before the next time", () => {
    expect(recordEarly({ ...contextOf(), retryAt: now + 10 }, { at: now + 5 }).retryAt).toBe(now + 10);
  });

  it("is too soon or one too many by its starts, and by hand never (B45)", () => {
    const soon = contextOf({ starts: [now - 1_000] });
    expect(isTooSoon(soon, { at: now })).toBe(true);
    expect(isTooSoon(soon, { at: now + 29_000 })).toBe(false);
    expect(isTooSoon(recordRequest(soon), { at: now })).toBe(false);
    const many = contextOf({ starts: [5, 4, 3, 2, 1].map((ago) => now - ago * 1_000) });
    expect(isFlooding(many, { at: now })).toBe(true);
    expect(isFlooding(many, { at: now + minute })).toBe(false);
    expect(isFlooding(recordRequest(many), { at: now })).toBe(false);
  });
});

describe("what is recorded", () => {
  it("counts the start of a turn that a heartbeat's command caused, and changes nothing else (B39, B45)", () => {
    const before = recordStart(contextOf(), { at: now });
    const after = recordInherited(before, { at: now + 1_000 });
    expect(after).toEqual({ ...before, starts: [now, now + 1_000] });
    expect(isTooSoon(after, { at: now + 30_999 })).toBe(true);
    expect(recordInherited(after, { at: now - hour }).starts).toEqual([now - hour, now - hour, now - hour]);
  });

  it("says exactly what is waited for (B42)", () => {
    expect(deferToSession(contextOf(), { at: now }).last).toEqual({
      status: "deferred",
      at: now,
      reason: "session-busy",
    });
    for (const reason of ["capacity-full", "group-full"] as const)
      expect(deferToCapacity(contextOf(), { at: now, reason }).last).toEqual({
        status: "deferred",
        at: now,
        reason,
      });
  });

  it("answers a request by hand with a skip or a start, not with a deferral", () => {
    const asked = recordRequest(contextOf());
    expect(deferToSession(asked, { at: now }).requested).toBe(true);
    expect(recordSkip(asked, { at: now, reason: "paused" }).requested).toBe(false);
    expect(recordStart(asked, { at: now }).requested).toBe(false);
  });

  it("merges the times that passed while it waited or ran into the next one (B41, B43)", () => {
    const late = now + 7.5 * hour;
    const context = contextOf();
    const expected = nextTime(context.schedule, late);
    for (const after of [
      recordStart(context, { at: late }),
      recordCompletion(context, { at: late, durationMs: 1 }),
      recordFailure(context, { at: late, error: "E" }),
      recordSkip(context, { at: late, reason: "draining" }),
      recordEnd(context, { at: late }),
    ]) {
      expect(after.nextAt).toBe(expected);
    }
  });

  it("turns nothing on that is off", () => {
    const off = contextOf({ enabled: false });
    expect(recordCompletion(off, { at: now, durationMs: 1 }).nextAt).toBeNull();
    expect(recordFailure(off, { at: now, error: "E" })).toMatchObject({ nextAt: null, retryAt: null });
  });

  it("keeps at most five starts, none in the future of a clock stepped back", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 2 * now }), { maxLength: 12 }), (instants) => {
        const context = instants.reduce((before, at) => recordStart(before, { at }), contextOf({ at: 0 }));
        expect(context.starts.length).toBeLessThanOrEqual(5);
        expect(context.starts.every((start) => start <= context.lookedAt)).toBe(true);
        expect(context.starts).toEqual(context.starts.toSorted((one, other) => one - other));
      }),
    );
  });
});

describe("a failure (B46)", () => {
  it("plans a retry and says when", () => {
    const failed = recordFailure(contextOf(), { at: now, error: "E" });
    expect(failed.last).toEqual({ status: "failed", at: now, error: "E", retryAt: now + 1_000 });
    expect([hasRetry(failed), failed.retries]).toEqual([true, 1]);
  });

  it("plans none where it is permanent", () => {
    const failed = recordFailure(contextOf(), { at: now, error: "E", permanent: true });
    expect([hasRetry(failed), failed.retries]).toEqual([false, 0]);
  });

  it("plans none that would not come before the next time", () => {
    const context = contextOf();
    expect(hasRetry(recordFailure(context, { at: (context.nextAt ?? 0) - 999, error: "E" }))).toBe(false);
    expect(hasRetry(recordFailure(context, { at: (context.nextAt ?? 0) - 1_001, error: "E" }))).toBe(true);
  });

  it("is retried at most three times between two times, each before the next", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1_000, max: 24 * hour }),
        fc.integer({ min: 0, max: 2 * minute }),
        fc.array(fc.integer({ min: 1, max: 10 * minute }), { minLength: 8, maxLength: 8 }),
        (everyMs, minSpacingMs, runs) => {
          let context = recordDue(contextOf({ everyMs, minSpacingMs }), { at: now });
          let retries = 0;
          let at = now;
          for (const ran of runs) {
            context = recordFailure(recordStart(context, { at }), { at: at + ran, error: "E" });
            if (context.retryAt === null) break;
            expect(context.retryAt).toBeGreaterThan(at + ran);
            expect(context.retryAt).toBeLessThan(context.nextAt ?? 0);
            at = context.retryAt;
            retries += 1;
          }
          expect(retries).toBeLessThanOrEqual(3);
        },
      ),
    );
  });

  it("has all retries again after a run", () => {
    const ran = recordCompletion({ ...contextOf(), retries: 3 }, { at: now, durationMs: 5 });
    expect([ran.retries, ran.last]).toEqual([0, { status: "ran", at: now, durationMs: 5 }]);
  });

  it("to ask answers who asked by hand, from when it failed", () => {
    const context = recordRequest(contextOf());
    const broken = recordBreak(context, { at: now + 5, error: "no lane" });
    expect(broken.requested).toBe(false);
    expect(broken.last).toMatchObject({ status: "failed", at: now + 5, error: "no lane" });
  });

  it("to ask plans no retry where heartbeats are off", () => {
    expect(hasRetry(recordBreak(contextOf({ enabled: false }), { at: now, error: "E" }))).toBe(false);
  });
});

describe("an abort (B28)", () => {
  const running = recordStart(contextOf(), { at: now });
  const decided = ["preempted", "interrupted", "aborted", "reset"] as const;
  const open = ["stalled", "timeout", "closed", "lost"] as const;

  it("decides the result at once, or leaves it open for a reply", () => {
    for (const reason of decided)
      expect(isOutcomeOpen(recordAbort(running, { at: now, reason }))).toBe(false);
    for (const reason of open) expect(isOutcomeOpen(recordAbort(running, { at: now, reason }))).toBe(true);
    expect(isOutcomeOpen(running)).toBe(true);
  });

  it("for a person's message is a preemption, else a failure that nobody retries", () => {
    const last = (reason: HeartbeatAbort) => recordAbort(running, { at: now, reason }).last;
    expect(last("preempted")).toEqual({ status: "preempted", at: now });
    expect(last("aborted")).toEqual({ status: "failed", at: now, error: "TURN_ABORTED", retryAt: null });
    expect(last("stalled")).toBe(running.last);
  });

  it("that decided stays the result, whatever the turn still does", () => {
    for (const reason of decided) {
      const aborted = recordAbort(running, { at: now, reason });
      for (const over of [
        recordFailure(aborted, { at: now + 1, error: "E" }),
        recordReclaim(aborted, { at: now + 1 }),
        recordEnd(aborted, { at: now + 1 }),
      ]) {
        expect([over.last, over.abort, over.retryAt]).toEqual([aborted.last, null, null]);
      }
    }
  });

  it("that ends in a reclaim is a failure with its code and without a retry", () => {
    const reclaimed = (reason: HeartbeatAbort) =>
      recordReclaim(recordAbort(running, { at: now, reason }), { at: now });
    expect(reclaimed("stalled").last).toEqual({
      status: "failed",
      at: now,
      error: "TURN_STALLED",
      retryAt: null,
    });
    expect(reclaimed("timeout").last).toMatchObject({ error: "TURN_TIMEOUT" });
    expect(reclaimed("closed").last).toBe(running.last);
    expect(reclaimed("lost").last).toMatchObject({ error: "TURN_FENCED" });
    expect(recordReclaim(running, { at: now }).last).toMatchObject({ error: "TURN_FENCED" });
    expect(hasRetry(reclaimed("stalled"))).toBe(false);
  });
});

describe("every context", () => {
  it("is JSON", () => {
    const context = recordFailure(recordStart(recordRequest(contextOf()), { at: now }), {
      at: now,
      error: "E",
    });
    expect(JSON.parse(JSON.stringify(context))).toEqual(context);
  });

  it("is left as it was by what is computed from it", () => {
    const context = contextOf();
    const before = structuredClone(context);
    recordStart(context, { at: now });
    recordFailure(context, { at: now, error: "E" });
    expect(context).toEqual(before);
  });
});
