import { describe, expect, it } from "vitest";
import { createCompletionLedger, isLostCompletion } from "./completion-ledger.ts";

const open = () => {
  const ledger = createCompletionLedger(3);
  ledger.launch("exec-1", "home");
  return ledger;
};

describe("I1", () => {
  it("delivers a completion with the turn of its session that completes with it", () => {
    const ledger = open();
    ledger.show(["exec-1"], "home");
    expect(ledger.open).toBe(1);
    ledger.consume(["exec-1"], "home");
    expect(ledger.open).toBe(0);
    expect(ledger.tally()).toEqual({
      started: 1,
      delivered: 1,
      asLost: 0,
      deadLettered: 0,
      undelivered: [],
      misrouted: [],
      duplicated: 0,
    });
  });

  it("finds a completion that never came", () => {
    expect(open().tally().undelivered).toEqual(["exec-1"]);
  });

  it("finds a completion whose turns all ended in vain before it had its tries", () => {
    const ledger = open();
    for (let turn = 0; turn < 2; turn += 1) {
      ledger.show(["exec-1"], "home");
      ledger.release(["exec-1"]);
    }
    expect(ledger.tally()).toMatchObject({ undelivered: ["exec-1"], deadLettered: 0, duplicated: 0 });
  });

  it("takes a completion that three turns held in vain for a dead letter", () => {
    const ledger = open();
    for (let turn = 0; turn < 3; turn += 1) {
      ledger.show(["exec-1"], "home");
      ledger.release(["exec-1"]);
    }
    expect(ledger.open).toBe(0);
    expect(ledger.tally()).toMatchObject({ undelivered: [], deadLettered: 1 });
  });
});

describe("I2", () => {
  it("finds a completion in another session, which delivers nothing", () => {
    const ledger = open();
    ledger.show(["exec-1"], "elsewhere");
    ledger.consume(["exec-1"], "elsewhere");
    expect(ledger.tally()).toMatchObject({ misrouted: ["exec-1"], undelivered: ["exec-1"], delivered: 0 });
  });

  it("finds a completion in two sessions", () => {
    const ledger = open();
    for (const session of ["elsewhere", "home"]) {
      ledger.show(["exec-1"], session);
      ledger.consume(["exec-1"], session);
    }
    expect(ledger.tally()).toMatchObject({ misrouted: ["exec-1"], undelivered: [], delivered: 1 });
  });

  it("finds a completion that nobody's command made", () => {
    const ledger = open();
    ledger.show(["exec-2"], "home");
    expect(ledger.tally().misrouted).toEqual(["exec-2"]);
  });
});

describe("I3", () => {
  it("finds a completion shown after it was delivered", () => {
    const ledger = open();
    ledger.show(["exec-1"], "home");
    ledger.consume(["exec-1"], "home");
    ledger.show(["exec-1"], "home");
    expect(ledger.tally().duplicated).toBe(1);
  });

  it("finds a completion shown twice in one turn", () => {
    const ledger = open();
    ledger.show(["exec-1", "exec-1"], "home");
    expect(ledger.tally().duplicated).toBe(1);
  });
});

describe("B55 after a restart", () => {
  it("what a session's last turn completed with may be shown once more, by its next turn alone", () => {
    const ledger = open();
    ledger.show(["exec-1"], "home");
    ledger.consume(["exec-1"], "home");
    ledger.restart();
    ledger.reopen(["exec-1"], "home");
    expect(ledger.open).toBe(0);
    ledger.show(["exec-1"], "home");
    expect(ledger.open).toBe(1);
    ledger.consume(["exec-1"], "home");
    expect(ledger.tally()).toMatchObject({ duplicated: 0, delivered: 1, undelivered: [] });
    ledger.show(["exec-1"], "home");
    expect(ledger.tally().duplicated).toBe(1);
  });

  it("a turn that does not show it has settled that it was recorded", () => {
    const ledger = open();
    ledger.show(["exec-1"], "home");
    ledger.consume(["exec-1"], "home");
    ledger.restart();
    ledger.reopen(["exec-1"], "home");
    ledger.show([], "home");
    ledger.show(["exec-1"], "home");
    expect(ledger.tally().duplicated).toBe(1);
  });

  it("a command may have been started of which nothing was written, by that session, and not by one that failed to", () => {
    const ledger = createCompletionLedger(3);
    ledger.launching("home");
    ledger.launching("home");
    ledger.launchFailed("home");
    ledger.restart();
    ledger.show(["unseen", "nobody's"], "home");
    ledger.show(["stray"], "elsewhere");
    ledger.consume(["unseen"], "home");
    expect(ledger.tally()).toMatchObject({ started: 1, delivered: 1, misrouted: ["nobody's", "stray"] });
  });

  it("one that is known to have started is nobody else's, whenever it was", () => {
    const ledger = createCompletionLedger(3);
    ledger.launching("home");
    ledger.launch("exec-1", "home");
    ledger.restart();
    ledger.show(["exec-1", "nobody's"], "home");
    expect(ledger.tally().misrouted).toEqual(["nobody's"]);
  });

  it("one among the dead letters is open no more, unless it is shown again", () => {
    const ledger = open();
    expect([ledger.bury("exec-1"), ledger.bury("exec-1"), ledger.bury("message-1")]).toEqual([
      true,
      false,
      false,
    ]);
    expect(ledger.tally()).toMatchObject({ deadLettered: 1, undelivered: [] });
    ledger.show(["exec-1"], "home");
    expect(ledger.tally()).toMatchObject({ deadLettered: 0, undelivered: ["exec-1"] });
  });
});

it("counts those that say that their command is lost", () => {
  const ledger = open();
  ledger.noteLost("exec-1");
  ledger.noteLost("exec-1");
  expect(ledger.tally().asLost).toBe(1);
  expect([
    isLostCompletion({ status: "lost" }),
    isLostCompletion({ status: "failed" }),
    isLostCompletion(null),
  ]).toEqual([true, false, false]);
});
