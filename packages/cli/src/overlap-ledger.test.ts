import { expect, it } from "vitest";
import { createOverlapLedger } from "./overlap-ledger.ts";

function createTurn(sessionKey = "home") {
  let isFenced = false;
  return {
    sessionKey,
    fence: () => (isFenced = true),
    assertCurrent() {
      if (isFenced) throw new Error("fenced");
    },
  };
}

it("finds a turn that begins while another of its session counts", () => {
  const ledger = createOverlapLedger();
  ledger.enter(createTurn());
  ledger.enter(createTurn());
  expect(ledger.overlaps).toBe(1);
});

it("counts one pair once, however often it is seen", () => {
  const ledger = createOverlapLedger();
  const [first, second, third] = [createTurn(), createTurn(), createTurn()];
  for (const turn of [first, second, third]) ledger.enter(turn);
  for (const turn of [first, second, third]) ledger.check(turn);
  expect(ledger.overlaps).toBe(3);
});

it("finds an overlap that only shows during a turn", () => {
  const ledger = createOverlapLedger();
  const phantom = createTurn();
  let isBack = false;
  ledger.enter({
    ...phantom,
    assertCurrent() {
      if (!isBack) throw new Error("fenced");
    },
  });
  const next = createTurn();
  ledger.enter(next);
  expect(ledger.overlaps).toBe(0);
  isBack = true;
  ledger.check(next);
  expect(ledger.overlaps).toBe(1);
});

it("lets a turn follow one that has returned, and one that is fenced though it never returns", () => {
  const ledger = createOverlapLedger();
  const returned = createTurn();
  ledger.enter(returned);
  ledger.leave(returned);
  const phantom = createTurn();
  ledger.enter(phantom);
  phantom.fence();
  const next = createTurn();
  ledger.enter(next);
  ledger.check(phantom);
  ledger.check(next);
  expect(ledger.overlaps).toBe(0);
});

it("lets turns of different sessions run side by side", () => {
  const ledger = createOverlapLedger();
  ledger.enter(createTurn("one"));
  ledger.enter(createTurn("other"));
  expect(ledger.overlaps).toBe(0);
});
