import { describe, expect, it } from "vitest";
import { createGroups } from "./groups.ts";
import { createLoans } from "./loans.ts";
import { Slot, type SlotOwner } from "./slot.ts";

const owner: SlotOwner = { change: () => {}, lend: () => ({ end: () => {} }), release: () => {} };
const none = createGroups({ turns: 1, groups: new Map() }).of(undefined);

function newSlot(): Slot {
  const demand = { priority: "normal", group: undefined } as const;
  return new Slot(owner, { sessionKey: "s", agent: "a", demand, granted() {}, lost() {} }, demand, none);
}

describe("loans", () => {
  it("are found by their session, the oldest whose slot is free: all that share it lend (I2)", () => {
    const loans = createLoans();
    const [first, second, borrower] = [newSlot(), newSlot(), newSlot()];
    expect(loans.lenderFor("child")).toBe(undefined);
    loans.open(first, "child");
    loans.open(second, "child");
    expect(loans.lenderFor("child")).toBe(first);
    first.borrower = borrower;
    borrower.lender = first;
    expect([loans.isFree(first), loans.isFree(borrower), loans.isFree(second)]).toEqual([false, false, true]);
    expect(loans.lenderFor("child")).toBe(second);
    const onward = loans.open(borrower, "grandchild");
    expect(loans.lenderFor("child")).toBe(first);
    expect(loans.lenderFor("grandchild")).toBe(borrower);
    onward.end();
    loans.endAll(second);
    expect(loans.lenderFor("child")).toBe(undefined);
    expect(loans.lenderFor("other")).toBe(undefined);
  });

  it("to one session twice are two: it is lent to until both have ended", () => {
    const loans = createLoans();
    const lender = newSlot();
    const both = [loans.open(lender, "child"), loans.open(lender, "child")] as const;
    both[0].end();
    both[0].end();
    expect(loans.lenderFor("child")).toBe(lender);
    both[1].end();
    expect(loans.lenderFor("child")).toBe(undefined);
    expect([...loans.sessionsOf(lender)]).toEqual([]);
  });

  it("of one lender are in the order in which it lent, and end together", () => {
    const loans = createLoans();
    const [lender, other] = [newSlot(), newSlot()];
    const first = loans.open(lender, "a");
    for (const sessionKey of ["b", "c"]) loans.open(lender, sessionKey);
    loans.open(other, "c");
    first.end();
    expect([...loans.sessionsOf(lender)]).toEqual(["b", "c"]);
    loans.endAll(lender);
    expect([...loans.sessionsOf(lender)]).toEqual([]);
    expect(["a", "b", "c"].map((key) => loans.lenderFor(key))).toEqual([undefined, undefined, other]);
  });
});
