import type { AbortReason, Conclusion } from "@lanekeeper/machines";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PermanentError } from "../keeper/errors.ts";
import type { Disposition, StoredItem } from "../store/store.ts";
import { storedItem } from "../rules/stored-item.ts";
import { backoffMs, type EndedTurn, judge, type VerdictContext } from "./verdict.ts";

const now = 1_000_000;
const broken = new Error("model down");

function context(part: Partial<VerdictContext["settings"]> = {}): VerdictContext {
  let ids = 0;
  return {
    settings: {
      retry: { attempts: 3, baseMs: 1_000, maxMs: 60_000 },
      maxReclaims: 1,
      maxCrashes: 2,
      ...part,
    },
    now,
    random: () => 0.5,
    createId: () => `dead-${++ids}`,
  };
}
function item(type: StoredItem["type"], part: Partial<StoredItem> = {}): StoredItem {
  return storedItem({ type, id: "item-1", ...part });
}
type Cause = EndedTurn["cause"];
function ended(items: readonly StoredItem[], part: Partial<EndedTurn> = {}): EndedTurn {
  const cause = items.some(({ type }) => type === "message") ? "message" : "event";
  const rest = { conclusion: "failed", abort: null, reply: undefined, error: broken } as const;
  return { turnId: "turn-1", cause, items, ...rest, ...part };
}

/** In a few words what becomes of each item. */
function fatesOf(turn: EndedTurn, settings: Partial<VerdictContext["settings"]> = {}): string {
  const { dispositions, retryAt } = judge(turn, context(settings));
  return dispositions.map((one) => tell(one, retryAt)).join("; ");
}
function tell(disposition: Disposition, retryAt: number | undefined): string {
  switch (disposition.fate) {
    case "finish":
      return `finished ${tellOutcome(disposition.outcome)}`;
    case "return": {
      const isLater = disposition.retryAt !== undefined;
      expect(disposition.retryAt).toBe(isLater ? retryAt : undefined);
      return `tried again ${isLater ? "later" : "at once"}, counts ${disposition.counts}`;
    }
    case "dead-letter":
      return `dead (${disposition.reason}) ${tellOutcome(disposition.outcome)}`;
  }
}
function tellOutcome(outcome: Extract<Disposition, { fate: "finish" }>["outcome"]): string {
  return "reason" in outcome ? `${outcome.status}: ${outcome.reason}` : outcome.status;
}

const tried = { failures: 2, reclaims: 1, crashes: 2 };
const permanent = new PermanentError("no such file");

type Row = readonly [Conclusion, AbortReason | null, fresh: string, tried: string];
const messages: readonly Row[] = [
  ["completed", null, "finished completed", "finished completed"],
  ["completed", "stalled", "finished completed", "finished completed"],
  ["failed", null, "tried again later, counts failure", "dead (model down) failed"],
  ["reclaimed", "stalled", "tried again at once, counts reclaim", "dead (stalled) reclaimed: stalled"],
  ["reclaimed", "timeout", "tried again at once, counts reclaim", "dead (timeout) reclaimed: timeout"],
  ["cancelled", "aborted", "finished cancelled: aborted", "finished cancelled: aborted"],
  ["cancelled", "interrupted", "finished cancelled: interrupted", "finished cancelled: interrupted"],
  ["cancelled", "reset", "finished cancelled: reset", "finished cancelled: reset"],
  ["handed-back", "closed", "tried again at once, counts nothing", "tried again at once, counts nothing"],
  ["crashed", "lost", "tried again at once, counts crash", "dead (crashed) reclaimed: crashed"],
];
const events: readonly Row[] = [
  ["completed", null, "finished completed", "finished completed"],
  ["failed", null, "tried again later, counts failure", "dead (model down) failed"],
  ["reclaimed", "stalled", "tried again at once, counts failure", "dead (stalled) reclaimed: stalled"],
  ["reclaimed", "timeout", "tried again at once, counts failure", "dead (timeout) reclaimed: timeout"],
  ["cancelled", "aborted", "tried again at once, counts failure", "dead (aborted) cancelled: aborted"],
  ["cancelled", "interrupted", "tried again at once, counts nothing", "tried again at once, counts nothing"],
  ["cancelled", "reset", "tried again at once, counts nothing", "tried again at once, counts nothing"],
  ["handed-back", "closed", "tried again at once, counts nothing", "tried again at once, counts nothing"],
  ["crashed", "lost", "tried again at once, counts crash", "dead (crashed) reclaimed: crashed"],
];

describe("a message", () => {
  it.each(messages)(
    "whose turn was %s (%s) is %s, or %s (B28, B30, B31)",
    (conclusion, abort, fresh, last) => {
      const turn = { conclusion, abort };
      expect(fatesOf(ended([item("message")], turn))).toBe(fresh);
      expect(fatesOf(ended([item("message", tried)], turn))).toBe(last);
    },
  );

  it("whose turn failed for good is not tried again (B31)", () => {
    expect(fatesOf(ended([item("message")], { error: permanent }))).toBe("dead (no such file) failed");
  });

  it("is not tried again where its settings allow one attempt, no reclaim and no crash", () => {
    const once = { retry: { attempts: 1, baseMs: 0, maxMs: 0 }, maxReclaims: 0, maxCrashes: 0 };
    const turn = [item("message")];
    expect(fatesOf(ended(turn), once)).toMatch(/^dead/);
    expect(fatesOf(ended(turn, { conclusion: "reclaimed", abort: "stalled" }), once)).toMatch(/^dead/);
    expect(fatesOf(ended(turn, { conclusion: "crashed", abort: "lost" }), once)).toMatch(/^dead/);
  });

  it("counts its attempts in its outcome", () => {
    const again = { failures: 1, reclaims: 1, crashes: 1 };
    const [finished] = judge(
      ended([item("message", again)], { conclusion: "completed", reply: 7 }),
      context(),
    ).dispositions;
    expect(finished).toEqual({
      seq: 1,
      fate: "finish",
      outcome: { status: "completed", turnId: "turn-1", reply: 7, attempts: 4 },
    });
    const [dead] = judge(ended([item("message", { failures: 2 })]), context()).dispositions;
    expect(dead).toEqual({
      seq: 1,
      fate: "dead-letter",
      deadLetterId: "dead-1",
      reason: "model down",
      outcome: { status: "failed", turnId: "turn-1", error: broken, attempts: 3, deadLetterId: "dead-1" },
    });
  });

  it("of a turn that failed without an error fails with one", () => {
    const [dead] = judge(ended([item("message", tried)], { error: undefined }), context()).dispositions;
    expect(dead).toMatchObject({ reason: "failed", outcome: { error: new Error("The turn failed.") } });
  });
});

describe("an event", () => {
  it.each(events)("whose own turn was %s (%s) is %s, or %s (B31a)", (conclusion, abort, fresh, last) => {
    for (const cause of ["event", "wake"] as const) {
      const turn = { conclusion, abort, cause };
      expect(fatesOf(ended([item("event")], turn))).toBe(fresh);
      expect(fatesOf(ended([item("event", tried)], turn))).toBe(last);
    }
  });

  it.each(events)(
    "that rode in a message's turn that was %s (%s) is %s, or %s, and waits for no backoff of its own (B31a)",
    (conclusion, abort, fresh, last) => {
      const rider = (part: Partial<StoredItem>) =>
        fatesOf(ended([item("message"), item("event", { seq: 2, ...part })], { conclusion, abort })).split(
          "; ",
        )[1];
      expect(rider({})).toBe(fresh.replace("later", "at once"));
      expect(rider(tried)).toBe(last);
    },
  );

  it("of its own turn that failed for good is not tried again; of a message's it is (B31)", () => {
    for (const cause of ["event", "wake"] as const)
      expect(fatesOf(ended([item("event")], { cause, error: permanent }))).toBe("dead (no such file) failed");
    const both = ended([item("message"), item("event", { seq: 2 })], { error: permanent });
    expect(fatesOf(both)).toBe("dead (no such file) failed; tried again at once, counts failure");
  });
});

describe("a turn", () => {
  it("that is tried again waits, longer after each failure of its message (B31)", () => {
    const after = (failures: number) =>
      judge(ended([item("message", { failures }), item("event", { seq: 2, failures: 2 })]), context())
        .retryAt;
    expect([after(0), after(1)]).toEqual([now + 500, now + 1_000]);
    expect(after(2)).toBe(undefined);
  });

  it("of events waits by the one that failed most", () => {
    const many = [
      item("event"),
      item("event", { seq: 2, failures: 1 }),
      item("event", { seq: 3, failures: 9 }),
    ];
    const { retryAt, dispositions } = judge(ended(many), context());
    expect(retryAt).toBe(now + 30_000);
    expect(dispositions.map(({ fate }) => fate)).toEqual(["return", "return", "dead-letter"]);
  });

  it("that held nothing has nothing to try again", () => {
    for (const conclusion of ["completed", "failed", "reclaimed", "handed-back"] as const)
      expect(judge(ended([], { cause: "wake", conclusion }), context())).toEqual({
        dispositions: [],
        retryAt: undefined,
        steering: "released",
      });
  });
});

describe("every verdict", () => {
  const conclusions: readonly (readonly [Conclusion, AbortReason | null])[] = messages.map(
    ([conclusion, abort]) => [conclusion, abort],
  );
  const items = fc
    .array(
      fc.record({
        type: fc.constantFrom<StoredItem["type"]>("message", "event"),
        failures: fc.nat(4),
        reclaims: fc.nat(2),
        crashes: fc.nat(3),
        wakes: fc.boolean(),
      }),
      { maxLength: 6 },
    )
    .map((parts) => parts.map(({ type, ...part }, index) => item(type, { ...part, seq: index + 1 })))
    .map((all) =>
      all.filter(
        (one, index) => one.type === "event" || all.findIndex(({ type }) => type === "message") === index,
      ),
    );
  const settings = fc.record({
    retry: fc.record({
      attempts: fc.integer({ min: 1, max: 4 }),
      baseMs: fc.nat(5_000),
      maxMs: fc.nat(90_000),
    }),
    maxReclaims: fc.nat(2),
    maxCrashes: fc.nat(2),
  });
  const errors = fc.constantFrom(undefined, broken, permanent);

  it("gives every item exactly one disposition, in order, and each dead letter an id of its own (I1)", () => {
    fc.assert(
      fc.property(
        items,
        settings,
        fc.constantFrom(...conclusions),
        errors,
        (held, allowed, [conclusion, abort], error) => {
          const { dispositions, retryAt } = judge(
            ended(held, { conclusion, abort, error }),
            context(allowed),
          );
          expect(dispositions.map(({ seq }) => seq)).toEqual(held.map(({ seq }) => seq));
          const ids = dispositions.flatMap((one) => (one.fate === "dead-letter" ? [one.deadLetterId] : []));
          expect(new Set(ids).size).toBe(ids.length);
          const times = dispositions.flatMap((one) => (one.fate === "return" ? [one.retryAt] : []));
          expect(times.filter((time) => time !== undefined && time !== retryAt)).toEqual([]);
          expect(retryAt === undefined || (times.length > 0 && retryAt >= now)).toBe(true);
        },
      ),
    );
  });

  it("lets no item be tried for ever: every way but close, reset and interrupt is counted (I2, B31, B31a)", () => {
    const uncounted: readonly (AbortReason | null)[] = ["closed", "reset", "interrupted"];
    const counted = conclusions.filter(([, abort]) => !uncounted.includes(abort));
    const life = fc.infiniteStream(
      fc.constantFrom(...counted.filter(([conclusion]) => conclusion !== "completed")),
    );
    const type = fc.constantFrom<StoredItem["type"]>("message", "event");
    const cause = fc.constantFrom<Cause>("message", "event", "wake");
    fc.assert(
      fc.property(type, cause, settings, life, (kind, eventCause, allowed, ends) => {
        let current = item(kind);
        const bound = allowed.retry.attempts + allowed.maxReclaims + allowed.maxCrashes;
        for (let turns = 1; ; turns++) {
          expect(turns).toBeLessThanOrEqual(bound);
          const [conclusion, abort] = ends.next().value!;
          const turn = ended([current], {
            cause: kind === "message" ? "message" : eventCause,
            conclusion,
            abort,
          });
          const [disposition] = judge(turn, context(allowed)).dispositions;
          if (disposition?.fate !== "return") return;
          const add = (what: string) => (disposition.counts === what ? 1 : 0);
          current = {
            ...current,
            failures: current.failures + add("failure"),
            reclaims: current.reclaims + add("reclaim"),
            crashes: current.crashes + add("crash"),
          };
        }
      }),
    );
  });
});

describe("a backoff", () => {
  const retry = { attempts: 3, baseMs: 1_000, maxMs: 60_000 };

  it("doubles up to its limit and is shortened by chance", () => {
    const [none, half, most] = [0, 0.5, 0.999_999].map(
      (chance) => (failures: number) => backoffMs(failures, retry, () => chance),
    );
    expect([0, 1, 2, 6, 60].map(half!)).toEqual([500, 1_000, 2_000, 30_000, 30_000]);
    expect([0, 5, 5_000].map(none!)).toEqual([0, 0, 0]);
    expect([0, 6, 5_000].map(most!)).toEqual([1_000, 60_000, 60_000]);
  });

  it("is whole milliseconds within its limits, whatever chance returns", () => {
    const chances = fc.oneof(fc.double(), fc.constantFrom(1, -1, Number.NaN, Infinity));
    fc.assert(
      fc.property(
        fc.nat(1_000),
        fc.nat(100_000),
        fc.nat(100_000),
        chances,
        (failures, baseMs, maxMs, chance) => {
          const ms = backoffMs(failures, { baseMs, maxMs }, () => chance);
          expect(Number.isInteger(ms) && ms >= 0 && ms <= Math.min(maxMs, baseMs * 2 ** failures)).toBe(true);
        },
      ),
    );
  });

  it("is no wait for a base of 0, after however many failures", () => {
    expect(backoffMs(5_000, { baseMs: 0, maxMs: 1_000 }, () => 0.5)).toBe(0);
  });
});
