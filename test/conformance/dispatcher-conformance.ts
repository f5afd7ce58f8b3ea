import type { Claim, Dispatcher, GroupBudget, Priority, Slots } from "lanekeeper/ports";
import { describe, expect, it } from "vitest";

/** Makes a new dispatcher with so many slots, on a monotonic clock of the suite's (milliseconds). */
export type CreateDispatcher = (slots: Slots, now: () => number) => Dispatcher;

/** What a claim of the suite is judged by, and what happens when it is granted. */
interface Wish {
  readonly agent?: string;
  readonly priority?: Priority;
  readonly group?: string;
  readonly granted?: () => void;
}

/** Lets a dispatcher that grants later grant. */
const settle = async (): Promise<void> => {
  for (let round = 0; round < 3; round++) await new Promise((resolve) => setImmediate(resolve));
};

const slotsOf = (turns: number, groups: Record<string, GroupBudget> = {}): Slots => ({
  turns,
  groups: new Map(Object.entries(groups)),
});

/** Sessions that claim slots, and who was granted one, in order. */
function createClaimants(dispatcher: Dispatcher): {
  readonly granted: readonly string[];
  claim(sessionKey: string, wish?: Wish): Claim;
} {
  const order: string[] = [];
  return {
    granted: order,
    claim: (sessionKey, { agent = "agent", priority = "normal", group, granted } = {}) =>
      dispatcher.claim({
        sessionKey,
        agent,
        demand: { priority, group },
        granted() {
          order.push(sessionKey);
          granted?.();
        },
        lost() {},
      }),
  };
}

/** What every dispatcher keeps to (the port's I1–I4), and who of those that wait goes first. */
export function describeDispatcher(name: string, createDispatcher: CreateDispatcher): void {
  const create = (turns: number, groups?: Record<string, GroupBudget>) => {
    let now = 0;
    const dispatcher = createDispatcher(slotsOf(turns, groups), () => now);
    const pass = (ms: number): void => void (now += ms);
    return { dispatcher, pass, ...createClaimants(dispatcher) };
  };

  describe(`dispatcher: ${name}`, () => {
    it("grants as many slots as there are, and no more", async () => {
      const { dispatcher, claim, granted } = create(2);
      const claims = ["a", "b", "c", "d"].map((key) => claim(key));
      await settle();
      expect(granted).toEqual(["a", "b"]);
      expect(claims.map(({ isHeld }) => isHeld)).toEqual([true, true, false, false]);
      expect(dispatcher).toMatchObject({ held: 2, waiting: 2, turns: 2 });
    });

    it("I1: counts a slot before it tells anybody of it", async () => {
      const { dispatcher, claim } = create(1);
      const seen: { held: number; waiting: number }[] = [];
      const look = (): void => void seen.push({ held: dispatcher.held, waiting: dispatcher.waiting });
      const first = claim("a", { granted: look });
      claim("b", { granted: look });
      await settle();
      first.release();
      await settle();
      expect(seen).toEqual([
        { held: 1, waiting: 0 },
        { held: 1, waiting: 0 },
      ]);
    });

    it("I2: gives a released slot to who waited longest, once", async () => {
      const { dispatcher, claim, granted } = create(1);
      const first = claim("a");
      claim("b");
      claim("c");
      await settle();
      first.release();
      await settle();
      expect(first.isHeld).toBe(false);
      first.release();
      first.release();
      await settle();
      expect(granted).toEqual(["a", "b"]);
      expect(dispatcher).toMatchObject({ held: 1, waiting: 1 });
    });

    it("never grants a claim that was released while it waited", async () => {
      const { dispatcher, claim, granted } = create(1);
      const first = claim("a");
      const second = claim("b");
      claim("c");
      await settle();
      second.release();
      expect(dispatcher.waiting).toBe(1);
      first.release();
      second.release();
      await settle();
      expect(granted).toEqual(["a", "c"]);
      expect(second.isHeld).toBe(false);
      expect(dispatcher).toMatchObject({ held: 1, waiting: 0 });
    });

    it("is empty again when everything was released", async () => {
      const { dispatcher, claim, granted } = create(3);
      const claims = Array.from({ length: 50 }, (_, index) => claim(`s${index}`));
      for (const one of claims) {
        await settle();
        one.release();
      }
      await settle();
      expect(new Set(granted).size).toBe(50);
      expect(dispatcher).toMatchObject({ held: 0, waiting: 0 });
    });

    it("lets a session claim anew after its release, behind those that wait", async () => {
      const { claim, granted } = create(1);
      const first = claim("a");
      const second = claim("b");
      await settle();
      first.release();
      claim("a");
      await settle();
      second.release();
      await settle();
      expect(granted).toEqual(["a", "b", "a"]);
    });

    it("lets nobody overtake those that wait", async () => {
      const { dispatcher, claim, granted } = create(1);
      const first = claim("a");
      claim("b", { granted: () => claim("d") });
      claim("c");
      await settle();
      first.release();
      await settle();
      expect(granted).toEqual(["a", "b"]);
      dispatcher.resize(slotsOf(3));
      await settle();
      expect(granted).toEqual(["a", "b", "c", "d"]);
    });

    it("grants on when a claim is given back as soon as it is granted", async () => {
      const { dispatcher, claim, granted } = create(1);
      const first = claim("a");
      const claims = new Map<string, Claim>();
      for (const key of ["b", "c", "d"])
        claims.set(key, claim(key, { granted: () => claims.get(key)!.release() }));
      await settle();
      first.release();
      await settle();
      expect(granted).toEqual(["a", "b", "c", "d"]);
      expect(dispatcher).toMatchObject({ held: 0, waiting: 0 });
    });

    it("B16: starts who waits when slots are added", async () => {
      const { dispatcher, claim, granted } = create(1);
      for (const key of ["a", "b", "c", "d"]) claim(key);
      await settle();
      dispatcher.resize(slotsOf(3));
      await settle();
      expect(granted).toEqual(["a", "b", "c"]);
      expect(dispatcher).toMatchObject({ held: 3, waiting: 1, turns: 3 });
    });

    it("B16: evicts nobody when slots are taken away, and grants none until there is one", async () => {
      const { dispatcher, claim, granted } = create(3);
      const claims = ["a", "b", "c", "d"].map((key) => claim(key));
      await settle();
      dispatcher.resize(slotsOf(1));
      expect(claims.map(({ isHeld }) => isHeld)).toEqual([true, true, true, false]);
      expect(dispatcher).toMatchObject({ held: 3, waiting: 1, turns: 1 });
      claims[0]!.release();
      claims[1]!.release();
      await settle();
      expect(granted).toEqual(["a", "b", "c"]);
      claims[2]!.release();
      await settle();
      expect(granted).toEqual(["a", "b", "c", "d"]);
      expect(dispatcher).toMatchObject({ held: 1, waiting: 0 });
    });

    it("grants nothing more once it was told to hold, and leaves what is held", async () => {
      const { dispatcher, claim, granted } = create(1);
      const first = claim("a");
      claim("b");
      await settle();
      dispatcher.hold();
      expect(first.isHeld).toBe(true);
      first.release();
      dispatcher.resize(slotsOf(10));
      const late = claim("c");
      await settle();
      expect(granted).toEqual(["a"]);
      expect(late.isHeld).toBe(false);
      expect(dispatcher).toMatchObject({ held: 0, waiting: 2, turns: 10 });
    });

    it("B12: gives a group no more than its limit, and says that it is full", async () => {
      const { dispatcher, claim, granted } = create(3, { chat: { limit: 1, reserved: 0 } });
      const first = claim("a", { group: "chat" });
      const second = claim("b", { group: "chat" });
      claim("c");
      await settle();
      expect(granted).toEqual(["a", "c"]);
      expect([first.waitsFor, second.waitsFor]).toEqual([undefined, "group"]);
      first.release();
      await settle();
      expect(granted).toEqual(["a", "c", "b"]);
      expect(second.waitsFor).toBe(undefined);
      expect(dispatcher).toMatchObject({ held: 2, waiting: 0 });
    });

    it("B12: gives nobody else what is reserved for a group", async () => {
      const { claim, granted } = create(2, {
        chat: { limit: 2, reserved: 1 },
        jobs: { limit: 2, reserved: 0 },
      });
      claim("a", { group: "jobs" });
      const other = claim("b", { group: "jobs" });
      const none = claim("c");
      const unknown = claim("d", { group: "never defined" });
      await settle();
      expect(granted).toEqual(["a"]);
      expect([other, none, unknown].map(({ waitsFor }) => waitsFor)).toEqual(Array(3).fill("capacity"));
      claim("e", { group: "chat" });
      await settle();
      expect(granted).toEqual(["a", "e"]);
    });

    it("B14: gives the slot to the highest priority, and to a changed one by what it is now", async () => {
      const { claim, granted } = create(1);
      const first = claim("a");
      claim("b", { priority: "background" });
      const third = claim("c", { priority: "background" });
      claim("d", { priority: "normal" });
      await settle();
      third.change({ priority: "foreground", group: undefined });
      first.release();
      await settle();
      third.release();
      await settle();
      expect(granted).toEqual(["a", "c", "d"]);
    });

    it("B14: raises what waits a step for each 15 s", async () => {
      const { claim, granted, pass } = create(1);
      const first = claim("a");
      const second = claim("b", { priority: "background" });
      await settle();
      pass(15_000);
      claim("c");
      await settle();
      first.release();
      await settle();
      second.release();
      await settle();
      expect(granted).toEqual(["a", "b", "c"]);
    });

    it("B15: gives the slot to the agent that was given one longest ago", async () => {
      const { claim, granted } = create(1);
      const claims = ["a1", "a2", "a3", "b1", "b2", "c1"].map((key) => claim(key, { agent: key[0]! }));
      for (const index of [0, 3, 5, 1, 4, 2]) {
        await settle();
        expect(claims[index]!.isHeld).toBe(true);
        claims[index]!.release();
      }
      expect(granted).toEqual(["a1", "b1", "c1", "a2", "b2", "a3"]);
    });

    it("B16: runs what waits for a group that is no longer defined in no group", async () => {
      const { dispatcher, claim, granted } = create(2, { chat: { limit: 1, reserved: 1 } });
      claim("a", { group: "chat" });
      claim("b", { group: "chat" });
      await settle();
      expect(granted).toEqual(["a"]);
      dispatcher.resize(slotsOf(2));
      await settle();
      expect(granted).toEqual(["a", "b"]);
    });

    it("I4: grants what a holder lends, beyond the capacity and to one session at a time", async () => {
      const { dispatcher, claim, granted } = create(1);
      const parent = claim("parent");
      const children = [claim("x"), claim("y"), claim("z")];
      await settle();
      parent.lend("y");
      parent.lend("x");
      await settle();
      expect(granted).toEqual(["parent", "y"]);
      expect([parent, ...children].map(({ isHeld }) => isHeld)).toEqual([true, false, true, false]);
      expect([parent, ...children].map(({ isBorrowed }) => isBorrowed)).toEqual([false, false, true, false]);
      expect(dispatcher).toMatchObject({ held: 1, waiting: 2 });
      children[1]!.release();
      await settle();
      expect(granted).toEqual(["parent", "y", "x"]);
      expect(dispatcher).toMatchObject({ held: 1, waiting: 1 });
    });

    it("I4: grants a session that was lent a slot when it claims, also when told to hold", async () => {
      const { dispatcher, claim, granted } = create(1);
      const parent = claim("parent");
      await settle();
      const loan = parent.lend("child");
      dispatcher.hold();
      const child = claim("child");
      await settle();
      expect(granted).toEqual(["parent", "child"]);
      loan.end();
      loan.end();
      expect(child.isHeld).toBe(true);
      child.release();
      claim("child");
      await settle();
      expect(granted).toEqual(["parent", "child"]);
      expect(dispatcher).toMatchObject({ held: 1, waiting: 1 });
    });

    it("I4: counts a lent slot in its lender's group, whatever the borrower's", async () => {
      const { dispatcher, claim, granted } = create(3, { chat: { limit: 1, reserved: 0 } });
      const parent = claim("parent", { group: "chat" });
      await settle();
      parent.lend("child");
      const child = claim("child");
      parent.release();
      const next = claim("next", { group: "chat" });
      await settle();
      expect(next.waitsFor).toBe("group");
      expect(dispatcher).toMatchObject({ held: 1, waiting: 1 });
      child.release();
      await settle();
      expect(granted).toEqual(["parent", "child", "next"]);
    });

    it("I4: hands a lent slot back to the nearest lender that still holds it", async () => {
      const { dispatcher, claim, granted } = create(1);
      const parent = claim("parent");
      await settle();
      parent.lend("child");
      const child = claim("child");
      await settle();
      child.lend("grandchild");
      const grandchild = claim("grandchild");
      claim("other");
      await settle();
      child.release();
      expect(dispatcher).toMatchObject({ held: 1, waiting: 1 });
      parent.lend("sibling");
      claim("sibling");
      await settle();
      expect(granted).toEqual(["parent", "child", "grandchild"]);
      grandchild.release();
      await settle();
      expect(granted).toEqual(["parent", "child", "grandchild", "sibling"]);
    });

    it("gives a loan that does nothing where no slot is held", async () => {
      const { claim, granted } = create(1);
      const first = claim("a");
      const second = claim("b");
      const third = claim("c");
      await settle();
      const loan = second.lend("c");
      first.release();
      first.lend("c");
      await settle();
      expect(granted).toEqual(["a", "b"]);
      expect(third.isHeld).toBe(false);
      loan.end();
    });
  });
}
