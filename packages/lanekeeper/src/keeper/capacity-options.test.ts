import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { assertGroup, completeCapacity } from "./capacity-options.ts";

/** What is thrown at a capacity. */
function refusal(capacity: unknown): unknown {
  try {
    completeCapacity(capacity);
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("a capacity", () => {
  it("has no groups and no limit to what waits, and tolerates as many zombies as turns, unless told otherwise", () => {
    expect(completeCapacity({ turns: 3 })).toEqual({
      turns: 3,
      groups: new Map(),
      zombies: 3,
      waiting: undefined,
    });
    const nothing = { groups: undefined, zombies: undefined, waiting: undefined };
    expect(completeCapacity({ turns: 3, ...nothing })).toEqual(completeCapacity({ turns: 3 }));
    expect(completeCapacity({ turns: 3, zombies: 0, waiting: 9 })).toMatchObject({ zombies: 0, waiting: 9 });
  });

  it("has groups by their names, that reserve nothing unless told otherwise (B12)", () => {
    const { groups } = completeCapacity({
      turns: 2,
      groups: {
        webhook: { limit: 4 },
        batch: { limit: 2, reserved: 1 },
        "a b": { limit: 1, reserved: undefined },
      },
    });
    expect(groups).toEqual(
      new Map([
        ["webhook", { limit: 4, reserved: 0 }],
        ["batch", { limit: 2, reserved: 1 }],
        ["a b", { limit: 1, reserved: 0 }],
      ]),
    );
  });

  it("has a group of whatever name", () => {
    for (const name of ["constructor", "prototype", "toString", "0"]) {
      const { groups } = completeCapacity({ turns: 1, groups: { [name]: { limit: 1 } } });
      expect([...groups.keys()]).toEqual([name]);
    }
  });

  it("is refused where a group reserves more than it may use", () => {
    expect(refusal({ turns: 9, groups: { batch: { limit: 1, reserved: 2 } } })).toMatchObject({
      code: "INVALID_OPTION",
      message: "capacity.groups.batch.reserved must be at most the group's limit, 1; got 2.",
    });
  });

  it("is refused where all groups together reserve more than there is", () => {
    const groups = { batch: { limit: 2, reserved: 1 }, webhook: { limit: 2, reserved: 2 } };
    expect(completeCapacity({ turns: 3, groups }).groups.size).toBe(2);
    expect(refusal({ turns: 2, groups })).toMatchObject({
      code: "INVALID_OPTION",
      details: { option: "capacity.groups" },
      message: expect.stringContaining("reserve 2 slots together at most (capacity.turns)") as string,
    });
  });

  it("that is taken can keep every promise: no group has more reserved than it may use, and all fit", () => {
    const budget = fc.record({ limit: fc.integer({ min: 1, max: 4 }), reserved: fc.nat(4) });
    const capacities = fc.record({
      turns: fc.integer({ min: 1, max: 6 }),
      groups: fc.dictionary(fc.constantFrom("a", "b", "c"), budget, { noNullPrototype: true }),
    });
    fc.assert(
      fc.property(capacities, (capacity) => {
        const budgets = Object.values(capacity.groups);
        const total = budgets.reduce((sum, { reserved }) => sum + reserved, 0);
        const isKept = total <= capacity.turns && budgets.every(({ limit, reserved }) => reserved <= limit);
        expect(refusal(capacity) === undefined).toBe(isKept);
      }),
    );
  });
});

describe("a group that work names", () => {
  const capacity = completeCapacity({ turns: 1, groups: { webhook: { limit: 1 }, batch: { limit: 1 } } });

  it("is one of the capacity's, or none", () => {
    expect(() => assertGroup("send.group", undefined, capacity)).not.toThrow();
    expect(() => assertGroup("send.group", "batch", capacity)).not.toThrow();
  });

  it("is refused otherwise, and told which there are (B12)", () => {
    expect(() => assertGroup("send.group", "mail", capacity)).toThrow(
      'send.group must be one of capacity.groups: webhook, batch; got "mail".',
    );
    expect(() => assertGroup("notify.group", "mail", completeCapacity({ turns: 1 }))).toThrow(
      'notify.group must be left out: capacity.groups defines none; got "mail".',
    );
  });
});
