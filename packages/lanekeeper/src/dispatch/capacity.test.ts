import { describe, expect, it } from "vitest";
import { createCapacity } from "./capacity.ts";
import type { Claim, GroupBudget } from "./dispatcher.ts";
import type { Priority } from "./priority.ts";
import type { Slot } from "./slot.ts";

interface Wish {
  readonly agent?: string;
  readonly priority?: Priority;
  readonly group?: string;
  readonly granted?: () => void;
}

function createHouse(turns: number, groups: Record<string, GroupBudget> = {}) {
  const clock = { now: 0 };
  const slotsOf = (count: number) => ({ turns: count, groups: new Map(Object.entries(groups)) });
  const capacity = createCapacity(slotsOf(turns), () => clock.now);
  const granted: string[] = [];
  /** Claims that hold a slot, in the order in which they were told. */
  const held: Claim[] = [];
  const claim = (sessionKey: string, wish: Wish = {}): Claim => {
    let one: Claim | undefined = undefined;
    const { agent = "agent", priority = "normal", group } = wish;
    one = capacity.claim({
      sessionKey,
      agent,
      demand: { priority, group },
      granted() {
        granted.push(sessionKey);
        if (one !== undefined) held.push(one);
        wish.granted?.();
      },
      lost() {},
    });
    if (one.isHeld && !held.includes(one)) held.push(one);
    return one;
  };
  return {
    capacity,
    clock,
    granted,
    held,
    claim,
    resize: (count: number) => capacity.resize(slotsOf(count)),
    /** Releases the slot that has been held longest. */
    release: () => held.shift()!.release(),
  };
}

describe("capacity under load", () => {
  it("B12 never gives a group more than its limit, nor what is reserved for another, however many wait", () => {
    const { capacity, held, claim, release } = createHouse(8, {
      busy: { limit: 5, reserved: 1 },
      quiet: { limit: 2, reserved: 2 },
    });
    const inGroup = new Map<Claim, string>();
    let index = 0;
    const load = (group: string | undefined): void => {
      const wish: Wish = { agent: `a${index % 7}`, priority: "foreground", ...(group && { group }) };
      inGroup.set(claim(`s${index++}`, wish), group ?? "none");
    };
    const count = (group: string): number => held.filter((one) => inGroup.get(one) === group).length;
    for (let round = 0; round < 200; round++) {
      for (let wanted = 0; wanted < 3; wanted++) load("busy");
      if (round >= 100) load(undefined);
      release();
      expect(count("busy")).toBeLessThanOrEqual(5);
      expect(count("busy") + count("none")).toBeLessThanOrEqual(6);
      expect(capacity.held).toBeLessThanOrEqual(8);
    }
    expect(count("busy") + count("none")).toBe(6);
    for (const key of ["q1", "q2"]) {
      expect(claim(key, { group: "quiet", priority: "background" }).isHeld).toBe(true);
    }
    expect(claim("q3", { group: "quiet" }).waitsFor).toBe("group");
  });

  it("B12 gives a slot at once to whom it fits while others wait for their full group", () => {
    const { capacity, claim } = createHouse(3, { chat: { limit: 1, reserved: 0 } });
    for (const key of ["a", "b", "c"]) claim(key, { group: "chat" });
    expect(capacity).toMatchObject({ held: 1, waiting: 2 });
    expect(claim("d").isHeld).toBe(true);
    expect(claim("e", { priority: "background" }).isHeld).toBe(true);
    expect(claim("f").waitsFor).toBe("capacity");
  });

  it("B14 gives a background claim a slot within 30 s and one release, whatever another agent claims", () => {
    const { clock, claim, release } = createHouse(1);
    let index = 0;
    const load = (): void => void claim(`f${index++}`, { agent: "busy", priority: "foreground" });
    load();
    // The agent that waits has just had a slot.
    claim("before", { agent: "patient", priority: "foreground" });
    for (let waiting = 0; waiting < 100; waiting++) load();
    release();
    const since = clock.now;
    const patient = claim("patient", { agent: "patient", priority: "background" });
    while (!patient.isHeld && clock.now - since < 60_000) {
      clock.now += 700;
      load();
      release();
    }
    expect(clock.now - since).toBeGreaterThanOrEqual(30_000);
    expect(clock.now - since).toBeLessThan(30_000 + 700);
  });

  it("B15 lets another agent's first turn wait for at most one release", () => {
    const { claim, release } = createHouse(3);
    for (let index = 0; index < 1_000; index++) claim(`busy ${index}`, { agent: "busy" });
    for (const agent of ["other", "third", "fourth"]) {
      const first = claim(agent, { agent });
      expect(first.isHeld).toBe(false);
      // The busy one may have one before it, if somebody else had the last.
      for (let releases = 0; releases < 2 && !first.isHeld; releases++) release();
      expect(first.isHeld).toBe(true);
    }
  });

  it("B15 lets no agent wait for ever for agents that come after it", () => {
    const { claim, release } = createHouse(2);
    for (const agent of ["old", "odd"]) claim(agent, { agent });
    const patient = claim("patient", { agent: "old" });
    for (let index = 0; index < 100 && !patient.isHeld; index++) {
      claim(`new ${index}`, { agent: `new ${index}` });
      claim(`newer ${index}`, { agent: `newer ${index}` });
      release();
    }
    expect(patient.isHeld).toBe(true);
  });

  it("B15 lets agents take turns, however unequal their queues", () => {
    const { granted, claim, release } = createHouse(1);
    for (let index = 0; index < 100; index++) claim(`a${index}`, { agent: "a" });
    for (let index = 0; index < 3; index++) claim(`b${index}`, { agent: "b" });
    for (let index = 0; index < 2; index++) claim(`c${index}`, { agent: "c" });
    for (let turn = 0; turn < 8; turn++) release();
    expect(granted).toEqual(["a0", "b0", "c0", "a1", "b1", "c1", "a2", "b2", "a3"]);
  });

  it("B15 counts a slot that was free as one given to its agent", () => {
    const { granted, claim, release } = createHouse(2);
    claim("a1", { agent: "a" });
    claim("b1", { agent: "b" });
    claim("b2", { agent: "b" });
    claim("a2", { agent: "a" });
    release();
    expect(granted).toEqual(["a1", "b1", "a2"]);
  });

  it("B15 does not count a borrowed slot as one given", () => {
    const { granted, claim, release } = createHouse(2);
    claim("a0", { agent: "a" });
    const lender = claim("b0", { agent: "b" });
    release();
    claim("c0", { agent: "c" });
    lender.lend("a1");
    expect(claim("a1", { agent: "a" }).isBorrowed).toBe(true);
    claim("b1", { agent: "b" });
    claim("a2", { agent: "a" });
    // The first has lent its slot, and its borrower keeps it.
    release();
    release();
    expect(granted).toEqual(["a0", "b0", "c0", "a1", "a2"]);
  });

  it.for([
    { agents: 1, what: "one agent" },
    { agents: 50, what: "some agents" },
    { agents: Infinity, what: "an agent for each" },
  ])("B15 chooses in steps that grow at most as the logarithm of what waits, of $what", ({ agents }) => {
    for (const waiting of [10, 100, 1_000, 10_000]) {
      const { clock, held, claim, release } = createHouse(1);
      let reads = 0;
      const counted = new Set<object>();
      /** Whoever compares claims or agents reads one of these. */
      const count = (thing: object | undefined, property: string): void => {
        if (thing === undefined || counted.has(thing)) return;
        counted.add(thing);
        let value: unknown = (thing as Record<string, unknown>)[property];
        Object.defineProperty(thing, property, {
          get: () => (reads++, value),
          set(next: unknown) {
            value = next;
          },
        });
      };
      claim("first");
      for (let index = 0; index < waiting; index++) {
        const slot = claim(`s${index}`, { agent: `a${index % agents}` }) as Slot;
        count(slot, "order");
        count(slot.agent, "lastGrant");
      }
      let most = 0;
      for (let choice = 0; choice < Math.min(waiting, 200); choice++) {
        clock.now++;
        reads = 0;
        release();
        most = Math.max(most, reads);
      }
      expect(held).toHaveLength(1);
      // Two heaps give up their first: two comparisons a level, of two to four reads each.
      expect(most).toBeLessThanOrEqual(10 * Math.log2(waiting));
    }
  });
});

describe("capacity", () => {
  it("tells of one slot after the other, never inside another's telling (I3)", () => {
    const { claim, capacity, granted } = createHouse(2);
    const seen: string[] = [];
    claim("a", {
      granted() {
        seen.push("a begins");
        const inner = claim("b", { granted: () => seen.push("b") });
        seen.push(`b ${inner.isHeld ? "has a slot" : "waits"}, ${capacity.held} held`);
        seen.push("a ends");
      },
    });
    expect(seen).toEqual(["a begins", "b has a slot, 2 held", "a ends", "b"]);
    expect(granted).toEqual(["a", "b"]);
  });

  it("never tells of a slot that was given back before its claim was told of it", () => {
    const { claim, resize, capacity, granted } = createHouse(1);
    claim("a");
    claim("b", { granted: () => third.release() });
    const third = claim("c");
    claim("d");
    resize(3);
    expect(granted).toEqual(["a", "b", "d"]);
    expect(capacity).toMatchObject({ held: 3, waiting: 0 });
  });

  it("tells everybody of their slots when one of them throws, then throws that", () => {
    const { claim, resize, capacity, granted } = createHouse(1);
    const broken = new Error("broken");
    claim("a");
    claim("b", {
      granted() {
        throw broken;
      },
    });
    claim("c");
    expect(() => resize(3)).toThrow(broken);
    expect(granted).toEqual(["a", "b", "c"]);
    expect(capacity).toMatchObject({ held: 3, waiting: 0 });
    expect(claim("d").waitsFor).toBe("capacity");
  });

  it("judges a claim that changes by what it is now, and gives it a slot at once if that has room", () => {
    const { claim } = createHouse(2, { chat: { limit: 1, reserved: 0 } });
    claim("a", { group: "chat" });
    const second = claim("b", { group: "chat" });
    expect(second.waitsFor).toBe("group");
    second.change({ priority: "background", group: undefined });
    expect([second.isHeld, second.waitsFor]).toEqual([true, undefined]);
    second.change({ priority: "foreground", group: "chat" });
    expect(claim("c").waitsFor).toBe("capacity");
  });

  it("B10a lends a slot down a chain and takes it back link by link", () => {
    const { claim, capacity, granted } = createHouse(1);
    const a = claim("a");
    a.lend("b");
    const b = claim("b");
    const ofB = b.lend("c");
    const c = claim("c");
    a.lend("d");
    const d = claim("d");
    expect([a, b, c, d].map(({ isHeld }) => isHeld)).toEqual([true, true, true, false]);
    expect(capacity).toMatchObject({ held: 1, waiting: 1 });
    // What it awaited has ended: it runs on.
    ofB.end();
    c.release();
    expect(d.isHeld).toBe(false);
    b.release();
    expect(d.isBorrowed).toBe(true);
    d.release();
    expect(capacity.held).toBe(1);
    a.release();
    expect(capacity.held).toBe(0);
    expect(granted).toEqual(["a", "b", "c", "d"]);
  });

  it("B10a lends a slot while all that share it wait: what the last of them awaits first", () => {
    const { claim, capacity, granted } = createHouse(1);
    const a = claim("a");
    for (const key of ["b", "late", "d"]) a.lend(key);
    const b = claim("b");
    const d = claim("d");
    expect(d.isHeld).toBe(false);
    const [ofB] = [b.lend("c"), b.lend("e")];
    expect([d.isHeld, d.isBorrowed]).toEqual([true, true]);
    const [c, e] = [claim("c"), claim("e")];
    expect([c.isHeld, e.isHeld]).toEqual([false, false]);
    const late = claim("late");
    d.release();
    expect([c.isHeld, late.isHeld]).toEqual([true, false]);
    ofB.end();
    c.release();
    expect(e.isHeld).toBe(true);
    // Its first lender leaves: the slot stays with those that share it.
    a.release();
    expect([b.isBorrowed, e.isBorrowed, capacity.held]).toEqual([false, true, 1]);
    expect(granted).toEqual(["a", "b", "d", "c", "e"]);
  });

  it("B10a makes the borrower own the slot when all its lenders have ended", () => {
    const { claim, capacity } = createHouse(1);
    const [a, b, c] = ["a", "b", "c"].map((key) => claim(key)) as [Claim, Claim, Claim];
    a.lend("b");
    b.lend("c");
    a.release();
    b.release();
    expect([c.isHeld, c.isBorrowed]).toEqual([true, false]);
    expect(capacity.held).toBe(1);
    const next = claim("next");
    expect(next.isHeld).toBe(false);
    c.release();
    expect(next.isHeld).toBe(true);
  });

  it("B10a ends a claim's loans with its release", () => {
    const { claim, release } = createHouse(1);
    const parent = claim("parent");
    parent.lend("child");
    parent.release();
    claim("other");
    const child = claim("child");
    expect([child.isHeld, child.waitsFor]).toEqual([false, "capacity"]);
    release();
    release();
    expect([child.isHeld, child.isBorrowed]).toEqual([true, false]);
  });

  it("B10a starts what is awaited though its group is full and nothing more is granted", () => {
    const { claim, capacity } = createHouse(1, { jobs: { limit: 1, reserved: 0 } });
    const parent = claim("parent", { group: "jobs" });
    const child = claim("child", { group: "jobs" });
    const other = claim("other");
    expect([child.waitsFor, other.waitsFor]).toEqual(["group", "capacity"]);
    capacity.hold();
    parent.lend("child");
    expect([child.isHeld, child.isBorrowed]).toEqual([true, true]);
    child.release();
    parent.release();
    expect(other.isHeld).toBe(false);
    expect(capacity).toMatchObject({ held: 0, waiting: 1 });
  });
});
