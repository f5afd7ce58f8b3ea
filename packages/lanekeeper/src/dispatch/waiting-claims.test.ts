import { describe, expect, it } from "vitest";
import { createAgents } from "./agents.ts";
import type { Demand, Slots } from "./dispatcher.ts";
import { createGroups } from "./groups.ts";
import type { Priority } from "./priority.ts";
import { Slot, type SlotOwner } from "./slot.ts";
import { createWaitingClaims } from "./waiting-claims.ts";

const owner: SlotOwner = { change: () => {}, lend: () => ({ end: () => {} }), release: () => {} };

function createQueue(slots: Slots = { turns: 1, groups: new Map() }) {
  const groups = createGroups(slots);
  const agents = createAgents(0);
  const waiting = createWaitingClaims(groups, agents);
  return {
    groups,
    agents,
    waiting,
    add(sessionKey: string, priority: Priority, wish: { agent?: string; group?: string; now?: number } = {}) {
      const demand: Demand = { priority, group: wish.group };
      const request = { sessionKey, agent: wish.agent ?? "a", demand, granted() {}, lost() {} };
      const slot = new Slot(owner, request, demand, groups.of(wish.group));
      waiting.add(slot, wish.now ?? 0);
      return slot;
    },
    next: () => waiting.next()?.request.sessionKey,
  };
}

describe("waiting claims", () => {
  it("put the highest priority first, and within it the longest wait (B14, B15)", () => {
    const { waiting, add, next } = createQueue();
    const slots = [add("a", "background"), add("b", "normal"), add("c", "foreground"), add("d", "normal")];
    for (const [index, sessionKey] of [
      [2, "c"],
      [1, "b"],
      [3, "d"],
      [0, "a"],
    ] as const) {
      expect(next()).toBe(sessionKey);
      waiting.remove(slots[index]!);
    }
    expect(next()).toBe(undefined);
    expect(waiting.size).toBe(0);
  });

  it("are raised a step for each full 15 s, at most to foreground, and then go by how long they have waited (B14)", () => {
    const { waiting, add, next } = createQueue();
    add("old", "background");
    add("young", "foreground", { now: 1 });
    waiting.raise(14_999);
    expect(next()).toBe("young");
    add("normal", "normal", { now: 14_999 });
    waiting.raise(15_000);
    expect(next()).toBe("young");
    waiting.raise(29_999);
    expect(next()).toBe("young");
    waiting.raise(30_000);
    expect(next()).toBe("old");
  });

  it("are raised two steps at once when nobody asked for 30 s (B14)", () => {
    const { waiting, add, next } = createQueue();
    add("old", "background");
    add("young", "foreground", { now: 30_000 });
    waiting.raise(30_000);
    expect(next()).toBe("old");
  });

  it("keep the time they have waited when they are judged anew (I2)", () => {
    const { waiting, add, next } = createQueue();
    const first = add("first", "foreground");
    add("second", "normal", { now: 10 });
    waiting.change(first, { priority: "background", group: undefined });
    expect(next()).toBe("second");
    waiting.raise(15_000);
    expect(next()).toBe("first");
    waiting.change(first, { priority: "normal", group: undefined });
    waiting.change(first, { priority: "background", group: undefined });
    waiting.raise(15_010);
    expect(next()).toBe("second");
    waiting.raise(30_000);
    expect(next()).toBe("first");
  });

  it("of a group without room are passed over, whatever their priority (B14)", () => {
    const { groups, add, next } = createQueue({
      turns: 3,
      groups: new Map([["chat", { limit: 1, reserved: 0 }]]),
    });
    add("chat", "foreground", { group: "chat" });
    add("none", "background");
    expect(next()).toBe("chat");
    groups.take(groups.of("chat"));
    expect(next()).toBe("none");
    groups.take(groups.of(undefined));
    groups.take(groups.of(undefined));
    expect(next()).toBe(undefined);
  });

  it("move to no group when theirs is gone, and back when it is there again (B16)", () => {
    const chat: Slots = { turns: 2, groups: new Map([["chat", { limit: 1, reserved: 0 }]]) };
    const { groups, waiting, add, next } = createQueue(chat);
    const slot = add("chat", "normal", { group: "chat" });
    groups.take(groups.of("chat"));
    expect([next(), slot.waitsFor]).toEqual([undefined, "group"]);
    groups.replace({ turns: 2, groups: new Map() });
    waiting.regroup();
    expect([next(), slot.waitsFor]).toEqual(["chat", "capacity"]);
    groups.replace(chat);
    waiting.regroup();
    expect([next(), slot.waitsFor]).toEqual([undefined, "group"]);
  });

  it("are found by their session, the longest wait first", () => {
    const { waiting, add } = createQueue();
    const [first, second, third] = [add("s", "normal"), add("s", "foreground"), add("s", "normal")];
    waiting.remove(second);
    expect(waiting.ofSession("s")).toBe(first);
    waiting.remove(first);
    expect(waiting.ofSession("s")).toBe(third);
    waiting.remove(third);
    expect(waiting.ofSession("s")).toBe(undefined);
  });

  it("leave nothing of their agent behind", () => {
    const { agents, waiting, add } = createQueue();
    const slots = [add("s", "normal"), add("t", "background")];
    const agent = agents.of("a");
    waiting.remove(slots[0]!);
    expect(agents.of("a")).toBe(agent);
    waiting.remove(slots[1]!);
    expect(agents.of("a")).not.toBe(agent);
  });
});
