import type { AbortReason, Conclusion } from "@lanekeeper/machines";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { PermanentError } from "../keeper/errors.ts";
import { storedItem } from "../rules/stored-item.ts";
import type { Disposition, StoredItem } from "../store/store.ts";
import { type EndedTurn, judge, type Verdict, type VerdictContext } from "./verdict.ts";

const now = 1_000_000;
const broken = new Error("model down");
const permanent = new PermanentError("no such file");

function context(part: Partial<VerdictContext["settings"]> = {}): VerdictContext {
  let ids = 0;
  const retry = { attempts: 3, baseMs: 1_000, maxMs: 60_000 };
  return {
    settings: { retry, maxReclaims: 1, maxCrashes: 2, ...part },
    now,
    random: () => 0.5,
    createId: () => `dead-${++ids}`,
  };
}

const message = storedItem({ seq: 1 });
const event = storedItem({ seq: 2, type: "event" });
/** What has used up every kind of attempt but its last. */
const tried = { failures: 2, reclaims: 1, crashes: 2 };

/** Steering that a turn whose first item is `steers` has taken. */
function taken(steers: number, part: Partial<StoredItem> = {}): StoredItem {
  return storedItem({ seq: 9, mode: "steer", steers, ...part });
}

function judged(
  items: readonly StoredItem[],
  [conclusion, abort]: readonly [Conclusion, AbortReason | null],
  error: Error = broken,
): Verdict {
  const cause = items.some(({ type, steers }) => type === "message" && steers === undefined)
    ? ("message" as const)
    : ("event" as const);
  const turn: EndedTurn = { turnId: "turn-1", cause, items, conclusion, abort, reply: "ok", error };
  return judge(turn, context());
}

/** In a few words what becomes of each item, and of the steering that nobody took. */
function tell({ dispositions, steering }: Verdict): string {
  return [...dispositions.map(tellOne), steering].join("; ");
}
function tellOne(disposition: Disposition): string {
  if (disposition.fate === "return")
    return disposition.retryAt === undefined
      ? `again, ${disposition.counts}`
      : `later, ${disposition.counts}`;
  const { outcome } = disposition;
  const told = "reason" in outcome ? outcome.reason : outcome.status;
  return disposition.fate === "finish" ? told : `dead: ${told}`;
}

type End = readonly [Conclusion, AbortReason | null];
const completed: End = ["completed", null];
const failed: End = ["failed", null];
const stalled: End = ["reclaimed", "stalled"];
const aborted: End = ["cancelled", "aborted"];
const interrupted: End = ["cancelled", "interrupted"];
const reset: End = ["cancelled", "reset"];
const closed: End = ["handed-back", "closed"];
const crashed: End = ["crashed", "lost"];

describe("steering that a turn has taken shares the end of what it steered (B19, I3)", () => {
  it.each<[End, fresh: string, tried: string]>([
    [completed, "completed; completed; released", "completed; completed; released"],
    [failed, "later, failure; later, failure; stays", "dead: failed; dead: failed; released"],
    [stalled, "again, reclaim; again, reclaim; stays", "dead: stalled; dead: stalled; released"],
    [aborted, "aborted; aborted; released", "aborted; aborted; released"],
    [interrupted, "interrupted; interrupted; released", "interrupted; interrupted; released"],
    [reset, "reset; reset; released", "reset; reset; released"],
    [closed, "again, nothing; again, nothing; stays", "again, nothing; again, nothing; stays"],
    [crashed, "again, crash; again, crash; stays", "dead: crashed; dead: crashed; released"],
  ])("a message, in a turn that was %j: %s, or %s", (end, fresh, last) => {
    expect(tell(judged([message, taken(1)], end))).toBe(fresh);
    expect(tell(judged([{ ...message, ...tried }, taken(1)], end))).toBe(last);
  });

  it.each<[End, fresh: string, tried: string]>([
    [completed, "completed; completed; released", "completed; completed; released"],
    [failed, "later, failure; later, failure; stays", "dead: failed; dead: failed; released"],
    [stalled, "again, failure; again, failure; stays", "dead: stalled; dead: stalled; released"],
    [aborted, "again, failure; aborted; released", "dead: aborted; aborted; released"],
    [interrupted, "again, nothing; interrupted; released", "again, nothing; interrupted; released"],
    [reset, "again, nothing; reset; released", "again, nothing; reset; released"],
    [closed, "again, nothing; again, nothing; stays", "again, nothing; again, nothing; stays"],
    [crashed, "again, crash; again, crash; stays", "dead: crashed; dead: crashed; released"],
  ])("an event, in a turn that was %j: %s, or %s", (end, fresh, last) => {
    expect(tell(judged([event, taken(2)], end))).toBe(fresh);
    expect(tell(judged([{ ...event, ...tried }, taken(2)], end))).toBe(last);
  });

  it.each<[End, fresh: string, tried: string]>([
    [completed, "completed; completed; completed; released", "completed; completed; completed; released"],
    [
      failed,
      "later, failure; later, failure; later, failure; stays",
      "dead: failed; dead: failed; dead: failed; released",
    ],
    [
      stalled,
      "again, reclaim; again, reclaim; again, reclaim; stays",
      "dead: stalled; dead: stalled; dead: stalled; released",
    ],
    [
      interrupted,
      "interrupted; interrupted; interrupted; released",
      "interrupted; interrupted; interrupted; released",
    ],
    [
      closed,
      "again, nothing; again, nothing; again, nothing; stays",
      "again, nothing; again, nothing; again, nothing; stays",
    ],
  ])("a batch, in a turn that was %j: %s, or %s (B18)", (end, fresh, last) => {
    const batch = [1, 2].map((seq) => storedItem({ seq, mode: "collect" }));
    expect(tell(judged([...batch, taken(1)], end))).toBe(fresh);
    const again = batch.map((one) => ({ ...one, ...tried }));
    expect(tell(judged([...again, taken(1)], end))).toBe(last);
  });

  it("a message, whatever becomes of the events that rode in its turn", () => {
    const given = { ...message, ...tried };
    expect(tell(judged([given, event, taken(1)], failed))).toBe(
      "dead: failed; again, failure; dead: failed; released",
    );
    expect(tell(judged([message, { ...event, ...tried }, taken(1)], failed))).toBe(
      "later, failure; dead: failed; later, failure; stays",
    );
  });

  it("events, as long as one of them is tried again", () => {
    const given = { ...event, ...tried };
    const other = { ...event, seq: 3 };
    expect(tell(judged([given, other, taken(2)], failed))).toBe(
      "dead: failed; later, failure; later, failure; stays",
    );
    expect(tell(judged([other, given, taken(3)], stalled))).toBe(
      "again, failure; dead: stalled; again, failure; stays",
    );
    expect(tell(judged([given, { ...given, seq: 3 }, taken(2)], failed))).toBe(
      "dead: failed; dead: failed; dead: failed; released",
    );
  });

  it("a turn that failed for good: it is not tried again", () => {
    expect(tell(judged([message, taken(1)], failed, permanent))).toBe("dead: failed; dead: failed; released");
    expect(tell(judged([event, taken(2)], failed, permanent))).toBe("dead: failed; dead: failed; released");
  });

  it("whatever its own count of attempts: it waits for the same instant, and dies with its turn alone", () => {
    const [first, second] = judged([message, taken(1, tried)], failed).dispositions;
    expect(second).toEqual({ ...first, seq: 9 });
    const dead = judged([{ ...message, ...tried }, taken(1)], failed).dispositions;
    expect(dead).toMatchObject([
      { seq: 1, deadLetterId: "dead-1", outcome: { attempts: 6, error: broken } },
      { seq: 9, deadLetterId: "dead-2", reason: "model down", outcome: { attempts: 1, error: broken } },
    ]);
  });

  it("and has the reply of the turn that completed, with its own count of attempts", () => {
    const [, steered] = judged([message, taken(1, { failures: 1 })], completed).dispositions;
    expect(steered).toEqual({
      seq: 9,
      fate: "finish",
      outcome: { status: "completed", turnId: "turn-1", reply: "ok", attempts: 2 },
    });
  });
});

describe("steering that nobody took", () => {
  it("stays for the turn that tries the work again, and is released by the last (B19)", () => {
    expect(judged([message], failed).steering).toBe("stays");
    expect(judged([{ ...message, failures: 2 }], failed).steering).toBe("released");
    expect(judged([message], closed).steering).toBe("stays");
    expect(judged([message], interrupted).steering).toBe("released");
    expect(judged([event], aborted).steering).toBe("released");
  });

  it("is released where only the events of a message's turn are tried again", () => {
    expect(judged([{ ...message, ...tried }, event], stalled).steering).toBe("released");
  });
});

describe("every verdict on a turn that was steered", () => {
  const ends = fc.constantFrom(completed, failed, stalled, aborted, interrupted, reset, closed, crashed);
  const counts = { failures: fc.nat(4), reclaims: fc.nat(2), crashes: fc.nat(3) };
  const own = fc.array(
    fc.record({ type: fc.constantFrom<StoredItem["type"]>("message", "event"), ...counts }),
    {
      minLength: 1,
      maxLength: 4,
    },
  );
  const steered = fc.array(fc.record(counts), { maxLength: 3 });

  it("gives each item one disposition, and all that it has taken the same fate (I1, I3)", () => {
    fc.assert(
      fc.property(own, steered, ends, fc.constantFrom(broken, permanent), (parts, more, end, error) => {
        const held = parts.map((part, index) => storedItem({ seq: index + 1, ...part }));
        const steering = more.map((part, index) => taken(1, { seq: index + 11, ...part }));
        const verdict = judged([...held, ...steering], end, error);
        const seqs = verdict.dispositions.map(({ seq }) => seq);
        expect(seqs).toEqual([...held, ...steering].map(({ seq }) => seq));
        const ids = verdict.dispositions.flatMap((one) =>
          one.fate === "dead-letter" ? [one.deadLetterId] : [],
        );
        expect(new Set(ids).size).toBe(ids.length);
        const ofTaken = verdict.dispositions.slice(held.length);
        expect(new Set(ofTaken.map(tellOne)).size).toBeLessThanOrEqual(1);
        expect(ofTaken.every(({ fate }) => (fate === "return") === (verdict.steering === "stays"))).toBe(
          true,
        );
      }),
    );
  });

  it("keeps steering exactly where there is a turn that tries its work again", () => {
    fc.assert(
      fc.property(own, ends, fc.constantFrom(broken, permanent), (parts, end, error) => {
        const held = parts.map((part, index) => storedItem({ seq: index + 1, ...part }));
        const { dispositions, steering } = judged(held, end, error);
        const head = held.findIndex(({ type }) => type === "message");
        const tries = head === -1 ? dispositions : dispositions.slice(head, head + 1);
        const isTriedAgain = end[0] !== "cancelled" && tries.some(({ fate }) => fate === "return");
        expect(steering).toBe(isTriedAgain ? "stays" : "released");
      }),
    );
  });
});
