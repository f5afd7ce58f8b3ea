import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Agent, createAgents, type OrderedByGrant } from "./agents.ts";

const queue: OrderedByGrant = { reorder: () => {} };

function give(agents: ReturnType<typeof createAgents>, ...names: string[]): void {
  for (const name of names) agents.give(agents.of(name));
}

/** The names in the order in which it would be their turn. */
function turnsOf(agents: ReturnType<typeof createAgents>, names: readonly string[]): string[] {
  return names.toSorted((a, b) => agents.of(a).lastGrant - agents.of(b).lastGrant);
}

describe("agents", () => {
  it("are in the order of their last grants, one that comes before whoever was given the last (B15)", () => {
    const agents = createAgents(10);
    give(agents, "a", "b", "c", "a");
    expect(turnsOf(agents, ["a", "b", "c", "d"])).toEqual(["b", "c", "d", "a"]);
  });

  it("keep their turn before all that come later (B15)", () => {
    const agents = createAgents(10);
    give(agents, "served", "other");
    agents.of("first").queues.add(queue);
    give(agents, "third");
    agents.of("second").queues.add(queue);
    expect(turnsOf(agents, ["second", "first", "served"])).toEqual(["served", "first", "second"]);
  });

  it("put everything that waits of an agent in its place again when it is given a slot", () => {
    const agents = createAgents(10);
    const reordered: number[] = [];
    const agent = agents.of("a");
    for (const place of [1, 2]) agent.queues.add({ reorder: () => void reordered.push(place) });
    agents.give(agent);
    expect(reordered).toEqual([1, 2]);
  });

  it("are forgotten when they were given a slot longest ago and nothing of theirs waits", () => {
    const agents = createAgents(2);
    give(agents, "a", "b", "c");
    expect(["a", "b", "c"].map((name) => agents.of(name).lastGrant)).toEqual([2.5, 2, 3]);
  });

  it("are known while something of theirs waits, and leave with the last of it", () => {
    const agents = createAgents(1);
    give(agents, "a");
    const agent = agents.of("a");
    agent.queues.add(queue);
    give(agents, "b");
    expect(agents.of("a")).toBe(agent);
    expect(agent.lastGrant).toBe(1);
    agents.leave(agent);
    expect(agents.of("a")).toBe(agent);
    agent.queues.delete(queue);
    agents.leave(agent);
    expect(agents.of("a")).not.toBe(agent);
  });

  it("are remembered anew when they are given a slot again", () => {
    const agents = createAgents(1);
    give(agents, "a");
    const agent = agents.of("a");
    agent.queues.add(queue);
    give(agents, "b");
    give(agents, "a");
    agent.queues.delete(queue);
    agents.leave(agent);
    expect(agents.of("a")).toBe(agent);
    expect(agents.of("b").lastGrant).toBe(2.5);
  });

  it("keep their order when others are forgotten (I1, I2)", () => {
    const names = ["a", "b", "c", "d", "e"];
    const step = fc.record({
      act: fc.constantFrom("give", "wait", "leave"),
      name: fc.constantFrom(...names),
    });
    fc.assert(
      fc.property(fc.nat(4), fc.array(step, { maxLength: 40 }), (remembered, steps) => {
        const agents = createAgents(remembered);
        const waiting = new Map<string, Agent>();
        const lastGrants = new Map<string, number>();
        let grants = 0;
        for (const { act, name } of steps) {
          if (act === "give") {
            agents.give(agents.of(name));
            lastGrants.set(name, ++grants);
          } else if (act === "wait") {
            const agent = agents.of(name);
            agent.queues.add(queue);
            waiting.set(name, agent);
            if (!lastGrants.has(name)) lastGrants.set(name, grants - 0.5);
          } else {
            waiting.get(name)?.queues.delete(queue);
            if (waiting.has(name)) agents.leave(waiting.get(name)!);
            waiting.delete(name);
          }
          // What is known: those that wait and the last so many that were given a slot.
          const recent = new Set(
            [...lastGrants]
              .filter(([, grant]) => Number.isInteger(grant))
              .toSorted((a, b) => b[1] - a[1])
              .map(([one]) => one)
              .slice(0, remembered),
          );
          for (const one of lastGrants.keys()) {
            if (!recent.has(one) && !waiting.has(one)) lastGrants.delete(one);
          }
          for (const one of names) {
            const agent = agents.of(one);
            expect(agent.lastGrant).toBe(lastGrants.get(one) ?? grants - 0.5);
            agents.leave(agent);
          }
        }
      }),
    );
  });
});
