import { describe, expect, it } from "vitest";
import type { Outcome } from "./outcome.ts";
import { createPendingOutcomes, PendingOutcome, type OpenWork } from "./pending-outcomes.ts";

const completed: Outcome = { status: "completed", turnId: "turn-1", reply: 7, attempts: 1 };
const cancelled: Outcome = { status: "cancelled", reason: "cleared" };

describe("a pending outcome", () => {
  it("settles for whoever asked before and whoever asks after", async () => {
    const pending = new PendingOutcome();
    const before = pending.promise;
    pending.settle(completed);
    expect(await before).toBe(completed);
    expect(await pending.promise).toBe(completed);
    const unasked = new PendingOutcome();
    unasked.settle(completed);
    expect(await unasked.promise).toBe(completed);
  });

  it("settles once, and is one promise for all", async () => {
    const pending = new PendingOutcome();
    expect(pending.promise).toBe(pending.promise);
    pending.settle(completed);
    pending.settle(cancelled);
    expect(await pending.promise).toBe(completed);
  });
});

const work = (seq: number): OpenWork => ({
  seq,
  id: `m${seq}`,
  sessionKey: seq < 3 ? "s" : "t",
  incarnation: undefined,
});

describe("pending outcomes", () => {
  it("know the work of a session that has none yet", () => {
    const outcomes = createPendingOutcomes();
    for (const seq of [2, 3, 1]) outcomes.of(work(seq));
    outcomes.settle(1, completed);
    expect(outcomes.openIn("s").map(({ id }) => id)).toEqual(["m2"]);
  });

  it("tell those who wait for one piece of work, and nobody else", async () => {
    const outcomes = createPendingOutcomes();
    const [first, second] = [outcomes.of(work(1)), outcomes.of(work(2))];
    expect(outcomes.of(work(1))).toBe(first);
    outcomes.settle(1, completed);
    expect(await first.promise).toBe(completed);
    outcomes.settle(1, cancelled);
    outcomes.settle(9, cancelled);
    outcomes.settle(2, cancelled);
    expect(await second.promise).toBe(cancelled);
  });

  it("all settle when the keeper closes, also those asked for later (I1, B33)", async () => {
    const outcomes = createPendingOutcomes();
    const [open, settled] = [outcomes.of(work(1)), outcomes.of(work(2))];
    outcomes.settle(2, completed);
    outcomes.suspendAll();
    outcomes.settle(1, completed);
    outcomes.suspendAll();
    const all = await Promise.all(
      [open, settled, outcomes.of(work(1)), outcomes.of(work(3))].map(({ promise }) => promise),
    );
    const suspended = { status: "suspended" };
    expect(all).toEqual([suspended, completed, suspended, suspended]);
  });
});
