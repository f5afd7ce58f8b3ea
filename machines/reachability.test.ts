import { describe, expect, it } from "vitest";
import { assign, createActor, fromCallback, setup } from "xstate";
import { explore, stateOf } from "./reachability.ts";

const effects: string[] = [];

const doorMachine = setup({
  types: {
    context: {} as { readonly knocks: number },
    events: {} as
      | { readonly type: "door.knock" }
      | { readonly type: "door.open"; readonly key: string }
      | { readonly type: "door.burn" },
    input: {} as { readonly knocks: number },
  },
  actors: {
    bell: fromCallback(() => {
      effects.push("bell");
    }),
  },
  actions: {
    countKnock: assign(({ context }) => ({ knocks: context.knocks + 1 })),
    shout: () => {
      effects.push("shout");
    },
  },
  guards: {
    isRightKey: (_, params: { readonly key: string }) => params.key === "right",
    isPatient: ({ context }) => context.knocks < 3,
    isDark: () => true,
  },
  delays: { closingTime: 1_000 },
}).createMachine({
  id: "door",
  context: ({ input }) => ({ knocks: input.knocks }),
  initial: "closed",
  states: {
    closed: {
      invoke: { id: "bell", src: "bell", onError: { target: "broken" } },
      on: {
        "door.knock": { guard: "isPatient", actions: ["countKnock", "shout"] },
        "door.open": {
          guard: { type: "isRightKey", params: ({ event }) => ({ key: event.key }) },
          target: "opening",
        },
      },
    },
    opening: { always: [{ guard: "isDark", target: "open.lit" }, { target: "open" }] },
    open: {
      initial: "unlit",
      after: { closingTime: { target: "closed" } },
      states: { unlit: {}, lit: { on: { "door.burn": { target: "#door.burnt" } } } },
    },
    broken: { on: { "door.knock": { target: "broken" } } },
    burnt: { type: "final" },
    painted: {},
  },
});

const walk = {
  input: { knocks: 0 },
  events: [
    { type: "door.knock" },
    { type: "door.open", key: "right" },
    { type: "door.open", key: "wrong" },
    { type: "door.burn" },
  ],
  openGuards: ["isDark"],
} as const;

describe("explore", () => {
  it("reaches what events, timers, failing actors and both answers of an open guard lead to", () => {
    expect(explore(doorMachine, walk).reached).toEqual([
      "closed",
      "opening",
      "open.unlit",
      "open.lit",
      "broken",
      "burnt",
    ]);
  });

  it("names the states nothing leads to", () => {
    expect(explore(doorMachine, walk).unreached).toEqual(["painted"]);
    expect(explore(doorMachine, { ...walk, events: walk.events.slice(0, 1) }).unreached).toEqual([
      "opening",
      "open",
      "open.unlit",
      "open.lit",
      "burnt",
      "painted",
    ]);
  });

  it("names a state that nothing leaves, with a shortest way into it", () => {
    expect(explore(doorMachine, walk).trapped).toEqual([
      { state: "broken", after: ["xstate.error.actor.bell"] },
    ]);
  });

  it("finds a trap that only one context springs", () => {
    const wary = setup({
      types: { context: {} as { readonly tired: boolean } },
      guards: { isRested: ({ context }) => !context.tired },
    }).createMachine({
      context: { tired: false },
      initial: "up",
      states: {
        up: { on: { tire: { actions: assign({ tired: true }) }, sit: { target: "down" } } },
        down: {
          initial: "still",
          states: { still: { on: { rise: { guard: "isRested", target: "#(machine).up" } } } },
        },
      },
    });
    expect(explore(wary, { events: [{ type: "tire" }, { type: "sit" }, { type: "rise" }] }).trapped).toEqual([
      { state: "down", after: ["tire", "sit"] },
      { state: "down.still", after: ["tire", "sit"] },
    ]);
  });

  it("does not call a state trapped that ends in a final one", () => {
    const ending = setup({}).createMachine({
      initial: "over",
      states: {
        over: {
          initial: "soon",
          states: { soon: { on: { end: { target: "now" } } }, now: { type: "final" } },
        },
      },
    });
    expect(explore(ending, { events: [{ type: "end" }] })).toEqual({
      reached: ["over.soon", "over.now"],
      unreached: [],
      trapped: [],
      unfed: [],
    });
  });

  it("names events it was given no sample of", () => {
    expect(explore(doorMachine, { ...walk, events: [{ type: "door.open", key: "right" }] }).unfed).toEqual([
      "door.burn",
      "door.knock",
    ]);
  });

  it("feeds a wildcard the samples that match it", () => {
    const listener = setup({}).createMachine({
      initial: "quiet",
      states: { quiet: { on: { "sound.*": { target: "alert" } } }, alert: { type: "final" } },
    });
    expect(explore(listener, { events: [{ type: "sound.heard" }] }).reached).toEqual(["quiet", "alert"]);
  });

  it("runs no effect", () => {
    explore(doorMachine, walk);
    expect(effects).toEqual([]);
  });

  it("throws when the context never repeats, and not when told what matters of it", () => {
    const counter = setup({ types: { context: {} as { readonly count: number } } }).createMachine({
      context: { count: 0 },
      initial: "counting",
      states: {
        counting: { on: { tick: { actions: assign({ count: ({ context }) => context.count + 1 }) } } },
      },
    });
    const ticks = { events: [{ type: "tick" as const }], limit: 50 };
    expect(() => explore(counter, ticks)).toThrow("Traversal limit exceeded");
    expect(explore(counter, { ...ticks, distinguish: () => null }).reached).toEqual(["counting"]);
  });
});

describe("stateOf", () => {
  it("names the leaf a snapshot is in", () => {
    const nested = setup({}).createMachine({
      initial: "open",
      states: { open: { initial: "lit", states: { lit: {} } } },
    });
    expect(stateOf(createActor(nested).start().getSnapshot())).toBe("open.lit");
  });
});
