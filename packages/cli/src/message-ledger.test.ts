import type { Outcome } from "lanekeeper";
import { describe, expect, it } from "vitest";
import { createMessageLedger, type ToldOutcome } from "./message-ledger.ts";

const completed = (reply: string): Outcome<string> => ({
  status: "completed",
  turnId: "t",
  reply,
  attempts: 1,
});
const reclaimed: ToldOutcome = { status: "reclaimed" };

/** A ledger of one session that accepted these messages at 0, 10, 20 … ms. */
function accept(...ids: readonly string[]) {
  const ledger = createMessageLedger(3);
  for (const [index, id] of ids.entries()) {
    ledger.offer(id, "home", index * 10);
    ledger.accept(id);
  }
  const finish = { isInterrupted: false };
  return {
    ...ledger,
    start: (id: string, attempt = 1, at = 100) => ledger.start(id, "home", attempt, at),
    startElsewhere: (id: string) => ledger.start(id, "elsewhere", 1, 100),
    /** Runs a message from its start to its outcome. */
    handle(id: string, attempt = 1) {
      ledger.start(id, "home", attempt, 100);
      ledger.answer(id);
      ledger.settle(id, completed(id));
    },
    open: () => ledger.open,
    counts() {
      const { orderViolations, duplicated, lost } = ledger.tally(finish);
      return { orderViolations, duplicated, lost };
    },
  };
}

describe("a faultless history", () => {
  it("has no violation", () => {
    const ledger = accept("a", "b", "c");
    ledger.start("a");
    ledger.answer("a");
    ledger.start("b");
    ledger.settle("a", completed("a"));
    ledger.start("b", 2);
    ledger.answer("b");
    ledger.settle("b", completed("b"));
    ledger.start("c");
    ledger.giveUp("c");
    ledger.settle("c", reclaimed);
    expect(ledger.counts()).toEqual({ orderViolations: 0, duplicated: 0, lost: [] });
    expect(ledger.open()).toBe(0);
  });

  it("counts outcomes and waits", () => {
    const ledger = accept("a", "b");
    ledger.start("a", 1, 5);
    ledger.answer("a");
    ledger.settle("a", completed("a"));
    ledger.start("b", 1, 40);
    ledger.start("b", 2, 90);
    ledger.giveUp("b");
    ledger.settle("b", reclaimed);
    const tally = ledger.tally({ isInterrupted: false });
    expect(tally).toMatchObject({ accepted: 2, refused: 0, waitsMs: [5, 30] });
    expect(tally.outcomes).toMatchObject({ completed: 1, reclaimed: 1, failed: 0 });
  });
});

describe("I1 order", () => {
  it("finds a message that overtakes one that has not started", () => {
    const ledger = accept("a", "b");
    ledger.handle("b");
    ledger.handle("a");
    expect(ledger.counts()).toEqual({ orderViolations: 1, duplicated: 0, lost: [] });
  });

  it("finds a message that overtakes one that is to be tried again", () => {
    const ledger = accept("a", "b");
    ledger.start("a");
    ledger.handle("b");
    ledger.handle("a", 2);
    expect(ledger.counts()).toEqual({ orderViolations: 1, duplicated: 0, lost: [] });
  });

  it.each(["refused", "settled", "given up"])("lets a message follow one that was %s", (end) => {
    const ledger = accept("a", "b");
    if (end === "refused") ledger.refuse("a");
    if (end === "settled") ledger.settle("a", { status: "cancelled" });
    if (end === "given up") ledger.giveUp("a");
    ledger.handle("b");
    expect(ledger.counts().orderViolations).toBe(0);
  });

  it("does not compare sessions", () => {
    const ledger = createMessageLedger(3);
    ledger.offer("a", "one", 0);
    ledger.offer("b", "other", 0);
    ledger.start("b", "other", 1, 0);
    expect(ledger.tally({ isInterrupted: false }).orderViolations).toBe(0);
  });
});

describe("I2 duplicates", () => {
  it("finds the same attempt twice", () => {
    const ledger = accept("a");
    ledger.start("a");
    ledger.handle("a");
    expect(ledger.counts()).toEqual({ orderViolations: 0, duplicated: 1, lost: [] });
  });

  it("finds another attempt after the answer, before the outcome is known", () => {
    const ledger = accept("a");
    ledger.start("a");
    ledger.answer("a");
    ledger.start("a", 2);
    expect(ledger.counts().duplicated).toBe(1);
  });

  it("finds another attempt after the outcome", () => {
    const ledger = accept("a");
    ledger.start("a");
    ledger.settle("a", reclaimed);
    ledger.start("a", 2);
    expect(ledger.counts().duplicated).toBe(1);
  });

  it("finds another attempt after the last", () => {
    const ledger = accept("a");
    ledger.start("a", 3);
    ledger.giveUp("a");
    ledger.start("a", 4);
    expect(ledger.counts().duplicated).toBe(1);
  });
});

describe("I3 losses", () => {
  it("finds an accepted message without an outcome", () => {
    const ledger = accept("a", "b");
    ledger.handle("a");
    expect(ledger.open()).toBe(1);
    expect(ledger.counts().lost).toEqual(["b"]);
  });

  it("finds a message that was completed though nobody answered it", () => {
    const ledger = accept("a");
    ledger.settle("a", completed("a"));
    expect(ledger.counts().lost).toEqual(["a"]);
  });

  it("finds a message that was completed with another's answer", () => {
    const ledger = accept("a", "b");
    ledger.handle("a");
    ledger.start("b");
    ledger.answer("b");
    ledger.settle("b", completed("a"));
    expect(ledger.counts().lost).toEqual(["b"]);
  });

  it("finds a message that was suspended, unless the replay was interrupted", () => {
    const ledger = accept("a");
    ledger.settle("a", { status: "suspended" });
    expect(ledger.counts().lost).toEqual(["a"]);
    expect(ledger.tally({ isInterrupted: true }).lost).toEqual([]);
  });

  it("finds a message shown to another session", () => {
    const ledger = accept("a");
    ledger.startElsewhere("a");
    ledger.handle("a");
    expect(ledger.counts().lost).toEqual(["a"]);
  });

  it("does not miss what was refused", () => {
    const ledger = createMessageLedger(3);
    ledger.offer("a", "home", 0);
    ledger.refuse("a");
    expect(ledger.tally({ isInterrupted: false })).toMatchObject({ lost: [], refused: 1, accepted: 0 });
  });
});

describe("B55 after a restart", () => {
  type Ledger = ReturnType<typeof accept>;
  const kill = (ledger: Ledger, id: string, { attempt = 1, hasThrown = false, wasClosing = false } = {}) => {
    ledger.restart();
    ledger.reopen(id, { attempt, hasThrown, wasClosing });
  };

  it.each(["running", "answered", "given up"])(
    "a message whose last turn was %s may run again, later",
    (end) => {
      const ledger = accept("a", "b");
      ledger.start("a");
      if (end === "answered") ledger.answer("a");
      if (end === "given up") ledger.giveUp("a");
      kill(ledger, "a");
      ledger.handle("a", 2);
      ledger.handle("b");
      expect(ledger.counts()).toEqual({ orderViolations: 0, duplicated: 0, lost: [] });
    },
  );

  it("finds one that runs again with the same attempt, or after its outcome was told, or that another overtakes", () => {
    const ledger = accept("a", "b", "c");
    ledger.handle("a");
    ledger.start("b");
    kill(ledger, "b");
    ledger.start("b");
    expect(ledger.counts().duplicated).toBe(1);
    ledger.start("a", 2);
    expect(ledger.counts().duplicated).toBe(2);
    ledger.start("c");
    expect(ledger.counts().orderViolations).toBe(1);
  });

  it("takes the attempt of a turn again that closing handed back, and what was suspended as open", () => {
    const ledger = accept("a");
    ledger.start("a");
    ledger.settle("a", { status: "suspended" });
    expect(ledger.open()).toBe(0);
    kill(ledger, "a", { wasClosing: true });
    expect(ledger.open()).toBe(1);
    expect(ledger.unsettled()).toEqual([{ id: "a", sessionKey: "home" }]);
    ledger.handle("a");
    expect(ledger.counts()).toEqual({ orderViolations: 0, duplicated: 0, lost: [] });
    expect(ledger.unsettled()).toEqual([]);
  });

  it("knows an offer that is repeated", () => {
    const ledger = accept("a");
    ledger.offer("b", "home", 10);
    kill(ledger, "a");
    ledger.offer("b", "home", 50);
    ledger.start("a");
    ledger.settle("a", reclaimed);
    ledger.start("b", 1, 60);
    expect(ledger.tally({ isInterrupted: false })).toMatchObject({ orderViolations: 0, waitsMs: [100, 50] });
  });

  it("lets a failure that may not have been recorded be one or none", () => {
    for (const isRecorded of [true, false]) {
      const ledger = accept("a", "b");
      ledger.start("a");
      ledger.fail("a");
      kill(ledger, "a", { hasThrown: true });
      for (const attempt of [2, 3]) {
        ledger.start("a", attempt);
        ledger.fail("a");
      }
      if (!isRecorded) {
        ledger.start("a", 4);
        ledger.fail("a");
      }
      ledger.handle("b");
      expect(ledger.counts()).toMatchObject({ orderViolations: 0, duplicated: 0 });
      ledger.start("a", 5);
      expect(ledger.counts().duplicated).toBe(1);
    }
  });
});
