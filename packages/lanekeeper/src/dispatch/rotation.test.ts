import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createAgents } from "./agents.ts";
import { createGroups } from "./groups.ts";
import { Rotation } from "./rotation.ts";
import { Slot, type SlotOwner } from "./slot.ts";

const owner: SlotOwner = { change: () => {}, lend: () => ({ end: () => {} }), release: () => {} };
const none = createGroups({ turns: 1, groups: new Map() }).of(undefined);

function createRotation() {
  const rotation = new Rotation();
  const agents = createAgents(100);
  let made = 0;
  return {
    rotation,
    agents,
    /** A claim that came after those made before, in the rotation or not yet. */
    make(agent: string, isIn = true): Slot {
      const demand = { priority: "normal", group: undefined } as const;
      const request = { sessionKey: "s", agent, demand, granted() {}, lost() {} };
      const slot = new Slot(owner, request, demand, none);
      slot.agent = agents.of(agent);
      slot.order = ++made;
      if (isIn) rotation.add(slot);
      return slot;
    },
    next: () => rotation.first?.slots.first,
  };
}

describe("a rotation", () => {
  it("puts the claim that waited longest first among agents never given a slot (B15)", () => {
    const { rotation, make, next } = createRotation();
    const [a1, b1, a2] = [make("a"), make("b"), make("a")];
    expect(next()).toBe(a1);
    rotation.remove(a1);
    expect(next()).toBe(b1);
    rotation.remove(b1);
    expect(next()).toBe(a2);
    rotation.remove(a2);
    expect(next()).toBe(undefined);
  });

  it("takes a claim that comes late and has waited longer at its place", () => {
    const { rotation, make, next } = createRotation();
    const early = make("a", false);
    make("b");
    make("a");
    rotation.add(early);
    expect(next()).toBe(early);
  });

  it("lets agents take turns in the order of their last grants, each with its longest wait (B15)", () => {
    const anyStep = fc.record({
      act: fc.constantFrom("add", "add", "withdraw", "grant", "grant elsewhere"),
      agent: fc.constantFrom("a", "b", "c", "d"),
      at: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(anyStep, { maxLength: 60, size: "max" }), (steps) => {
        const { rotation, agents, make, next } = createRotation();
        let inside: Slot[] = [];
        const take = (slot: Slot | undefined): void => {
          if (slot === undefined) return;
          rotation.remove(slot);
          inside = inside.filter((one) => one !== slot);
        };
        for (const { act, agent, at } of steps) {
          if (act === "add") inside.push(make(agent));
          else if (act === "withdraw") take(inside[at % Math.max(1, inside.length)]);
          else if (act === "grant elsewhere") agents.give(agents.of(agent));
          else {
            const first = next();
            take(first);
            if (first !== undefined) agents.give(agents.of(first.request.agent));
          }
          const [best] = inside.toSorted(
            (a, b) => a.agent!.lastGrant - b.agent!.lastGrant || a.order - b.order,
          );
          expect(next()).toBe(best);
        }
      }),
    );
  });
});
