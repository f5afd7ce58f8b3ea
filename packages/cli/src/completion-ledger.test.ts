import { describe, expect, it } from "vitest";
import { createCompletionLedger } from "./completion-ledger.ts";

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
