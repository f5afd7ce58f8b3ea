import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Slots } from "./dispatcher.ts";
import { createGroups, type Group, isFull } from "./groups.ts";

const names = ["a", "b", "c"] as const;
const anyName = fc.constantFrom(undefined, ...names);
const anyBudget = fc.record({ limit: fc.nat(5), reserved: fc.nat(3) });
const anySlots: fc.Arbitrary<Slots> = fc.record({
  turns: fc.nat(8),
  groups: fc.dictionary(fc.constantFrom(...names), anyBudget).map((all) => new Map(Object.entries(all))),
});
const anyStep = fc.oneof(
  { weight: 4, arbitrary: fc.record({ take: anyName }) },
  { weight: 3, arbitrary: fc.record({ giveBack: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ slots: anySlots }) },
);

describe("groups", () => {
  it("answer what counting all slots anew answers (B12, I1–I3)", () => {
    fc.assert(
      fc.property(anySlots, fc.array(anyStep, { maxLength: 60 }), (first, steps) => {
        const groups = createGroups(first);
        let slots = first;
        const held: Group[] = [];
        const heldBy = (name: string | undefined): number =>
          held.filter((group) => group.name === name).length;
        const hasRoom = (name: string | undefined): boolean => {
          let free = slots.turns - held.length;
          for (const [other, { reserved }] of slots.groups) {
            if (other !== name) free -= Math.max(0, reserved - heldBy(other));
          }
          const limit = name === undefined ? Infinity : slots.groups.get(name)!.limit;
          return free > 0 && heldBy(name) < limit;
        };
        for (const step of steps) {
          if ("take" in step) {
            const group = groups.of(step.take);
            if (!groups.hasRoom(group)) continue;
            groups.take(group);
            held.push(group);
          } else if ("giveBack" in step) {
            const [group] = held.splice(step.giveBack % Math.max(1, held.length), 1);
            if (group !== undefined) groups.giveBack(group);
          } else {
            ({ slots } = step);
            groups.replace(slots);
          }
          expect(groups).toMatchObject({ turns: slots.turns, held: held.length });
          for (const name of [undefined, ...names]) {
            const group = groups.of(name);
            expect(group.name).toBe(name !== undefined && slots.groups.has(name) ? name : undefined);
            expect(group.held).toBe(heldBy(group.name));
            expect(groups.hasRoom(group)).toBe(hasRoom(group.name));
          }
        }
      }),
    );
  });

  it("count what is held in a group that was gone for a while when it is defined again (I2)", () => {
    const chat: Slots = { turns: 4, groups: new Map([["chat", { limit: 2, reserved: 0 }]]) };
    const groups = createGroups(chat);
    const before = groups.of("chat");
    groups.take(before);
    groups.take(before);
    expect(isFull(groups.of("chat"))).toBe(true);
    groups.replace({ turns: 4, groups: new Map() });
    expect(groups.of("chat")).toBe(groups.of(undefined));
    expect(groups.of("chat")).toMatchObject({ held: 0 });
    groups.replace(chat);
    expect(isFull(groups.of("chat"))).toBe(true);
    groups.giveBack(before);
    expect(groups.hasRoom(groups.of("chat"))).toBe(true);
  });

  it("forget a group that is no longer defined with its last slot", () => {
    const chat: Slots = { turns: 4, groups: new Map([["chat", { limit: 2, reserved: 0 }]]) };
    const groups = createGroups(chat);
    const before = groups.of("chat");
    groups.take(before);
    groups.replace({ turns: 4, groups: new Map() });
    groups.giveBack(before);
    groups.replace(chat);
    expect(groups.of("chat")).not.toBe(before);
  });
});
