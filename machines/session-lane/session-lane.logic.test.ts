import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type AbortReason,
  type BatchSummary,
  type Conclusion,
  conclude,
  createLaneContext,
  endBackoff,
  endDebounce,
  hasWork,
  isBackingOff,
  isDebouncing,
  isHeldBack,
  isInterrupted,
  isOutcomeOpen,
  isPaused,
  isReclaiming,
  type LaneContext,
  type LaneTurn,
  type MailboxSummary,
  recordAbort,
  recordEnd,
  recordMailbox,
  recordPause,
  recordSettled,
  recordTurn,
  recordWake,
  type TurnEnd,
} from "./session-lane.logic.ts";

const empty: MailboxSummary = {
  version: 1,
  messages: 0,
  events: 0,
  quiet: 0,
  steering: 0,
  retry: null,
  batch: null,
  interrupt: false,
  pressing: false,
  priority: "normal",
  group: null,
};
const batch: BatchSummary = { firstSeq: 7, firstMono: 0, lastMono: 0, count: 1 };
const turn: LaneTurn = { id: "turn-1", cause: "message", attempt: 1, startedAt: 1_000 };

function summary(part: Partial<MailboxSummary> = {}): MailboxSummary {
  return { ...empty, ...part };
}

function lane(mailbox: Partial<MailboxSummary> = {}, part: Partial<LaneContext> = {}): LaneContext {
  const context = createLaneContext({
    sessionKey: "chat",
    cap: 3,
    mailbox: summary(mailbox),
    wakeDue: false,
    pausedBy: { session: false, keeper: false },
  });
  return { ...context, ...part };
}

const summaries: fc.Arbitrary<MailboxSummary> = fc.record({
  version: fc.nat(20),
  messages: fc.nat(3),
  events: fc.nat(3),
  quiet: fc.nat(3),
  steering: fc.nat(2),
  retry: fc.option(fc.record({ holding: fc.constantFrom("message", "event"), at: fc.nat(3) })),
  batch: fc.option(
    fc.record({
      firstSeq: fc.nat(3),
      firstMono: fc.nat(3),
      lastMono: fc.nat(3),
      count: fc.integer({ min: 1, max: 4 }),
    }),
  ),
  interrupt: fc.boolean(),
  pressing: fc.boolean(),
  priority: fc.constantFrom("foreground", "normal", "background"),
  group: fc.constantFrom(null, "webhook"),
});
const contexts: fc.Arbitrary<LaneContext> = fc.record({
  sessionKey: fc.constant("chat"),
  cap: fc.constant(3),
  mailbox: summaries,
  elapsedRetryAt: fc.option(fc.nat(3)),
  quietBatch: fc.option(fc.nat(3)),
  wakeDue: fc.boolean(),
  heartbeatDue: fc.boolean(),
  isUnconfirmed: fc.boolean(),
  pausedBy: fc.record({ session: fc.boolean(), keeper: fc.boolean() }),
  turn: fc.option(fc.constant(turn)),
  abort: fc.option(
    fc.constantFrom<AbortReason>("stalled", "timeout", "aborted", "interrupted", "reset", "closed", "lost"),
  ),
  conclusion: fc.option(fc.constantFrom<Conclusion>("completed", "failed", "reclaimed", "cancelled")),
});

describe("a lane that has just been started", () => {
  it("knows what the store said, and runs nothing", () => {
    const mailbox = summary({ version: 7, quiet: 2 });
    const pausedBy = { session: true, keeper: false };
    expect(createLaneContext({ sessionKey: "chat", cap: 9, mailbox, wakeDue: true, pausedBy })).toEqual({
      sessionKey: "chat",
      cap: 9,
      mailbox,
      elapsedRetryAt: null,
      quietBatch: null,
      wakeDue: true,
      heartbeatDue: false,
      isUnconfirmed: false,
      pausedBy,
      turn: null,
      abort: null,
      conclusion: null,
    });
  });
});

describe("a mailbox summary", () => {
  it("is taken over where it is newer", () => {
    const told = summary({ version: 2, messages: 3 });
    expect(recordMailbox(lane(), { mailbox: told })).toEqual(lane({ version: 2, messages: 3 }));
  });

  it("is ignored where it is older or the same (I2)", () => {
    const context = lane({ version: 5, messages: 1 });
    for (const version of [0, 4, 5])
      expect(recordMailbox(context, { mailbox: summary({ version }) })).toBe(context);
  });

  it("that is stale does not keep a turn from opening or settling (I2)", () => {
    const known = lane({ version: 5, messages: 1 }, { wakeDue: true, elapsedRetryAt: 9, quietBatch: 7 });
    const stale = summary({ version: 4, messages: 9 });
    const opened = recordTurn(known, { turn, mailbox: stale });
    expect(opened).toEqual({ ...known, turn, wakeDue: false });
    const ended = { ...opened, abort: "stalled", conclusion: "reclaimed" } as const;
    expect(recordSettled(ended, { mailbox: stale })).toEqual({ ...opened, turn: null });
  });

  it("that is newer comes with the turn's opening and its settling", () => {
    const opened = recordTurn(lane(), { turn, mailbox: summary({ version: 2, messages: 1 }) });
    expect(opened.mailbox.messages).toBe(1);
    expect(recordSettled(opened, { mailbox: summary({ version: 3 }) }).mailbox).toEqual(
      summary({ version: 3 }),
    );
  });

  it("leaves the newest, in whatever order and by whatever way the answers arrive (I2)", () => {
    const take = [
      (context: LaneContext, mailbox: MailboxSummary) => recordMailbox(context, { mailbox }),
      (context: LaneContext, mailbox: MailboxSummary) => recordTurn(context, { turn, mailbox }),
      (context: LaneContext, mailbox: MailboxSummary) => recordSettled(context, { mailbox }),
    ] as const;
    fc.assert(
      fc.property(fc.array(fc.tuple(summaries, fc.constantFrom(...take))), (told) => {
        let context = lane({ version: 0 });
        let newest = context.mailbox;
        for (const [mailbox, record] of told) {
          context = record(context, mailbox);
          if (mailbox.version > newest.version) newest = mailbox;
          expect(context.mailbox).toBe(newest);
        }
      }),
    );
  });
});

describe("a lane's notes", () => {
  it("hold a wake until the next turn, which satisfies it (B40)", () => {
    const woken = recordWake(lane());
    expect(woken).toEqual(lane({}, { wakeDue: true }));
    expect(recordTurn(woken, { turn, mailbox: empty }).wakeDue).toBe(false);
  });

  it("keep the pause of the session and of the keeper apart (B59a)", () => {
    const session = recordPause(lane(), { scope: "session", paused: true });
    const both = recordPause(session, { scope: "keeper", paused: true });
    expect([isPaused(lane()), isPaused(session), isPaused(both)]).toEqual([false, true, true]);
    expect(recordPause(both, { scope: "keeper", paused: false })).toEqual(session);
    expect(recordPause(session, { scope: "session", paused: false })).toEqual(lane());
  });

  it("of an abort hold the last reason", () => {
    const stalled = recordAbort(lane(), { reason: "stalled" });
    expect(recordAbort(stalled, { reason: "reset" })).toEqual(lane({}, { abort: "reset" }));
  });

  it("of an end hold what it means for the work", () => {
    const aborted = lane({}, { abort: "stalled" });
    expect(recordEnd(aborted, { end: "returned" }).conclusion).toBe("completed");
    expect(recordEnd(aborted, { end: "expired" }).conclusion).toBe("reclaimed");
    expect(recordEnd(lane(), { end: "threw" }).conclusion).toBe("failed");
  });

  it("of the turn are gone once its work is settled", () => {
    const ended = lane({}, { turn, abort: "stalled", conclusion: "reclaimed" });
    expect(recordSettled(ended, { mailbox: empty })).toEqual(lane());
  });
});

describe("a turn's end", () => {
  const meanings: readonly (readonly [AbortReason | null, Conclusion, Conclusion, Conclusion])[] = [
    [null, "completed", "failed", "failed"],
    ["stalled", "completed", "reclaimed", "reclaimed"],
    ["timeout", "completed", "reclaimed", "reclaimed"],
    ["closed", "completed", "handed-back", "handed-back"],
    ["aborted", "cancelled", "cancelled", "cancelled"],
    ["interrupted", "cancelled", "cancelled", "cancelled"],
    ["reset", "cancelled", "cancelled", "cancelled"],
    ["lost", "crashed", "crashed", "crashed"],
  ];
  const ends: readonly TurnEnd[] = ["returned", "threw", "expired"];

  it.each(meanings)("after the abort %s is %s, %s or %s (B28, B30, B58)", (abort, ...meaning) => {
    expect(ends.map((end) => conclude(abort, end))).toEqual(meaning);
  });

  it("is still open after a stall, a time-out and close, and a rejection is a reclaim after the first two (B28)", () => {
    const open = meanings.filter(([abort]) => isOutcomeOpen(lane({}, { abort }))).map(([abort]) => abort);
    expect(open).toEqual(["stalled", "timeout", "closed"]);
    const reclaiming = meanings.filter(([abort]) => isReclaiming(lane({}, { abort })));
    expect(reclaiming.map(([abort]) => abort)).toEqual(["stalled", "timeout"]);
  });

  it("is decided by an interrupt that waits, as long as it is open or the turn was told nothing (B20, B28)", () => {
    const deciding = meanings.filter(([abort]) => isInterrupted(lane({ interrupt: true }, { abort })));
    expect(deciding.map(([abort]) => abort)).toEqual([null, "stalled", "timeout", "closed"]);
    for (const [abort] of meanings) expect(isInterrupted(lane({ messages: 1 }, { abort }))).toBe(false);
  });

  it("can be completed only while its outcome is open", () => {
    for (const [abort, returned] of meanings)
      expect(returned === "completed").toBe(abort === null || isOutcomeOpen(lane({}, { abort })));
  });
});

describe("work", () => {
  it("is a message, an event that wakes or a wake, and no event that waits for another reason", () => {
    expect(hasWork(lane({ messages: 1 }))).toBe(true);
    expect(hasWork(lane({ events: 1 }))).toBe(true);
    expect(hasWork(lane({}, { wakeDue: true }))).toBe(true);
    expect(hasWork(lane({ quiet: 1 }))).toBe(false);
    expect(hasWork(lane({ steering: 1 }))).toBe(false);
  });

  it("backs off with the message at the head, and stops when that backoff is over", () => {
    const failed = lane({ messages: 2, retry: { holding: "message", at: 50 } });
    expect(isBackingOff(failed)).toBe(true);
    const over = endBackoff(failed);
    expect(over.elapsedRetryAt).toBe(50);
    expect(isBackingOff(over)).toBe(false);
    expect(isBackingOff(lane({ messages: 2 }))).toBe(false);
  });

  it("backs off again for another backoff than the one that is over", () => {
    const over = endBackoff(lane({ messages: 1, retry: { holding: "message", at: 50 } }));
    const again = recordMailbox(over, {
      mailbox: summary({ version: 2, messages: 1, retry: { holding: "message", at: 90 } }),
    });
    expect(isBackingOff(again)).toBe(true);
  });

  it("of a message does not wait for events that back off (B31)", () => {
    const retry = { holding: "event", at: 50 } as const;
    expect(isBackingOff(lane({ events: 1, retry }))).toBe(true);
    expect(isBackingOff(lane({ events: 1, messages: 1, retry }))).toBe(false);
  });

  it("whose backoff ended without one has none that is over", () => {
    expect(endBackoff(lane({}, { elapsedRetryAt: 7 })).elapsedRetryAt).toBe(null);
  });

  it("of a batch waits for quiet until that is over, or it is full (B18)", () => {
    expect(isDebouncing(lane({ messages: 2 }))).toBe(false);
    const waiting = lane({ messages: 2, batch: { ...batch, count: 2 } });
    expect(isDebouncing(waiting)).toBe(true);
    const over = endDebounce(waiting);
    expect(over.quietBatch).toBe(7);
    expect(isDebouncing(over)).toBe(false);
    for (const count of [3, 4]) expect(isDebouncing(lane({ batch: { ...batch, count } }))).toBe(false);
    expect(isDebouncing(lane({ batch: { ...batch, count: 19 } }, { cap: 20 }))).toBe(true);
  });

  it("of a batch whose quiet is over waits no more, also when it grows; of another it does", () => {
    const over = endDebounce(lane({ messages: 1, batch }));
    const told = (version: number, part: Partial<BatchSummary>) =>
      recordMailbox(over, { mailbox: summary({ version, messages: 2, batch: { ...batch, ...part } }) });
    expect(isDebouncing(told(2, { count: 2, lastMono: 90 }))).toBe(false);
    expect(isDebouncing(told(2, { firstSeq: 8 }))).toBe(true);
  });

  it("whose quiet ended without a batch has none that is over", () => {
    expect(endDebounce(lane({}, { quietBatch: 7 })).quietBatch).toBe(null);
  });

  it("starts unless there is none, it is paused, it backs off or it debounces", () => {
    fc.assert(
      fc.property(contexts, (context) => {
        const mayStart = hasWork(context) && !isPaused(context) && !isBackingOff(context);
        expect(isHeldBack(context)).toBe(!mayStart || isDebouncing(context));
      }),
    );
  });
});

describe("every note", () => {
  const notes: readonly ((context: LaneContext, mailbox: MailboxSummary) => LaneContext)[] = [
    (context, mailbox) => recordMailbox(context, { mailbox }),
    (context) => recordWake(context),
    (context) => recordPause(context, { scope: "session", paused: true }),
    (context) => recordPause(context, { scope: "keeper", paused: false }),
    (context) => endBackoff(context),
    (context) => endDebounce(context),
    (context, mailbox) => recordTurn(context, { turn, mailbox }),
    (context) => recordAbort(context, { reason: "timeout" }),
    (context) => recordEnd(context, { end: "threw" }),
    (context, mailbox) => recordSettled(context, { mailbox }),
  ];

  it("gives JSON with the same keys and leaves its argument alone (I1, I3)", () => {
    fc.assert(
      fc.property(contexts, summaries, fc.constantFrom(...notes), (context, mailbox, note) => {
        const before = structuredClone(context);
        const after = note(context, mailbox);
        expect(context).toEqual(before);
        expect(JSON.parse(JSON.stringify(after))).toEqual(after);
        expect(Object.keys(after).toSorted()).toEqual(Object.keys(before).toSorted());
      }),
    );
  });
});
