import {
  heartbeatRunnerMachine,
  lockHolderMachine,
  sessionLaneMachine,
  supervisorMachine,
} from "@lanekeeper/machines";
import { describe, expect, it } from "vitest";
import {
  type AnyStateMachine,
  and,
  assign,
  cancel,
  createMachine,
  emit,
  enqueueActions,
  fromCallback,
  fromPromise,
  fromTransition,
  log,
  not,
  raise,
  sendParent,
  sendTo,
  setup,
  spawnChild,
  stopChild,
} from "xstate";
import { type ChartPlan, type Leaf, matches, planChart, UnsupportedChartError } from "./chart-plan.ts";

const implementations = {
  actors: {
    callback: fromCallback(() => {}),
    promise: fromPromise(async () => {}),
    reducer: fromTransition(() => 0, 0),
    machine: createMachine({}),
  },
  actions: {
    act: () => {},
    fill: assign(() => ({})),
    fillOne: assign({ count: 1 }),
    raise: raise({ type: "x" }),
    send: sendTo("y", { type: "x" }),
    sendUp: sendParent({ type: "x" }),
    cancel: cancel("x"),
    spawn: spawnChild("callback"),
    stop: stopChild("x"),
    emit: emit({ type: "x" }),
    log: log("x"),
    enqueue: enqueueActions(() => {}),
  },
  guards: { isOpen: () => true, isShut: not("isOpen"), isBoth: and(["isOpen", "isShut"]) },
  delays: { soon: 10 },
};

function build(config: object): AnyStateMachine {
  const machine: unknown = setup(implementations as object).createMachine(config as never);
  return machine as AnyStateMachine;
}

/** A chart with a state "a" like this; what is not typed is what is to be refused. */
function chart(a: object, top: object = {}): AnyStateMachine {
  const config = { id: "chart", initial: "a", states: { a, b: {}, end: { type: "final" } }, ...top };
  return build(config);
}

describe("a chart", () => {
  const go = (more: object) => ({ on: { go: { target: "b", ...more } } });
  const nested = (more: object, inner: object = {}) => ({ initial: "in", states: { in: inner }, ...more });

  it.each<readonly [what: string, says: RegExp, machine: AnyStateMachine]>([
    ["a parallel state", /parallel of chart\.a/, chart({ type: "parallel", states: { x: {}, y: {} } })],
    ["a parallel root", /parallel of chart/, chart({}, { type: "parallel", initial: undefined })],
    [
      "a history state",
      /history of chart\.a\.old/,
      chart(nested({ states: { in: {}, old: { type: "history" } } })),
    ],
    ["no states", /states of plain/, createMachine({ id: "plain" })],
    ["an inline action", /inline function in actions/, chart(go({ actions: () => {} }))],
    ["an inline entry action", /inline function in actions/, chart({ entry: [() => {}] })],
    ["an inline exit action", /inline function in actions/, chart({ exit: () => {} })],
    ["an inline guard", /inline function in guards/, chart(go({ guard: () => true }))],
    [
      "an inline guard on an eventless step",
      /inline function/,
      chart({ always: { guard: () => true, target: "b" } }),
    ],
    ["raise on entry", /inline function/, chart({ entry: raise({ type: "x" }) })],
    ["cancel on exit", /inline function/, chart({ exit: cancel("x") })],
    ["raise by name", /xstate\.raise in actions\.raise/, chart({ entry: "raise" })],
    ["cancel by name", /xstate\.cancel in actions\.cancel/, chart({ exit: "cancel" })],
    ["sendTo", /xstate\.sendTo in actions\.send/, chart(go({ actions: "send" }))],
    ["sendParent", /xstate\.sendTo in actions\.sendUp/, chart(go({ actions: "sendUp" }))],
    ["spawnChild", /xstate\.spawnChild in actions\.spawn/, chart(go({ actions: "spawn" }))],
    ["stopChild", /xstate\.stopChild in actions\.stop/, chart(go({ actions: "stop" }))],
    ["emit", /xstate\.emit in actions\.emit/, chart(go({ actions: "emit" }))],
    ["log", /xstate\.log in actions\.log/, chart(go({ actions: "log" }))],
    ["enqueueActions", /xstate\.enqueueActions in actions\.enqueue/, chart(go({ actions: "enqueue" }))],
    [
      "an assignment per property",
      /fillOne of machine chart assigns per property/,
      chart(go({ actions: "fillOne" })),
    ],
    ["a guard made of another", /isShut of machine chart is made of other/, chart(go({ guard: "isShut" }))],
    ["a guard made of others", /isBoth of machine chart is made of other/, chart(go({ guard: "isBoth" }))],
    [
      "an action without a name's implementation",
      /actions\.none of machine chart/,
      chart(go({ actions: "none" })),
    ],
    ["an unknown guard", /guards\.none of machine chart/, chart(go({ guard: { type: "none" } }))],
    ["an unknown delay", /delay none/, chart({ after: { none: "b" } })],
    ["an unknown actor", /invoke x of chart\.a/, chart({ invoke: { id: "x", src: "none" } })],
    ["an invoked promise", /invoke x of chart\.a/, chart({ invoke: { id: "x", src: "promise" } })],
    [
      "an invoked transition function",
      /invoke x of chart\.a/,
      chart({ invoke: { id: "x", src: "reducer" } }),
    ],
    ["an invoked machine", /invoke x of chart\.a/, chart({ invoke: { id: "x", src: "machine" } })],
    ["an inline actor", /invoke x of chart\.a/, chart({ invoke: { id: "x", src: fromCallback(() => {}) } })],
    [
      "a system id",
      /system id of invoke x of chart\.a/,
      chart({ invoke: { id: "x", src: "callback", systemId: "y" } }),
    ],
    [
      "several targets",
      /several targets in chart\.a/,
      chart(nested({ on: { go: { target: [".in", ".in"] } } })),
    ],
    [
      "actions of an initial transition",
      /initial transition of chart\.a/,
      chart(nested({ initial: { target: "in", actions: "act" } })),
    ],
    [
      "actions of the first transition",
      /initial transition of chart/,
      chart({}, { initial: { target: "a", actions: "act" } }),
    ],
    ["onDone", /xstate\.done\.state\.chart\.a, told when/, chart(nested({ onDone: "b" }, { type: "final" }))],
    [
      "a wildcard that means onDone",
      /\*, told when/,
      chart(nested({}, { type: "final" }), { on: { "*": ".b" } }),
    ],
    ["output", /output of chart/, chart({}, { output: {} })],
    [
      "an exit action of a final state",
      /at the end of chart\.end/,
      chart({}, { states: { a: {}, end: { type: "final", exit: "act" } } }),
    ],
    ["an exit action of a root that ends", /at the end of chart\.end/, chart({}, { exit: "act" })],
    [
      "a root that is entered again",
      /reenter of chart/,
      chart({}, { on: { go: { target: ".b", reenter: true } } }),
    ],
    [
      "an eventless step to nowhere",
      /without a target of chart\.a/,
      chart({ always: { guard: "isOpen", actions: "act" } }),
    ],
  ])("with %s is refused", (_what, says, machine) => {
    expect(() => planChart(machine)).toThrow(UnsupportedChartError);
    expect(() => planChart(machine)).toThrow(says);
  });

  it("with none of these is planned", () => {
    const machine = chart(
      {
        ...nested({ onDone: "b" }),
        ...go({ guard: "isOpen", actions: ["act", "fill"] }),
        after: { soon: "b", 5: "b" },
      },
      { on: { "*": { actions: "act" } } },
    );
    expect(planChart(machine).leaves.map(({ detail }) => detail)).toEqual(["a.in", "b", "end"]);
  });

  it("of ours is planned", () => {
    const machines = [sessionLaneMachine, heartbeatRunnerMachine, lockHolderMachine, supervisorMachine];
    expect(machines.map((machine) => planChart(machine as AnyStateMachine).initial.detail)).toEqual([
      "idle",
      "idle.waiting",
      "idle.unasked",
      "serving",
    ]);
  });
});

describe("a plan", () => {
  const tree = (): ChartPlan =>
    planChart(
      build({
        id: "tree",
        tags: "root",
        initial: "a",
        on: { top: ".b", same: { actions: "act" }, "deep.*": { actions: "act" } },
        states: {
          a: {
            tags: ["outer", "both"],
            initial: "in",
            after: { soon: { target: "b" } },
            on: { self: "a", again: { target: "a", reenter: true }, inside: ".other", "deep.er": ".other" },
            states: {
              in: { tags: "both", on: { top: { target: "other", guard: "isOpen" }, up: "#tree.b" } },
              other: { invoke: { id: "x", src: "callback", input: 7 } },
            },
          },
          b: { type: "final" },
        },
      }),
    );
  const leaf = (detail: string): Leaf => tree().leaves.find((one) => one.detail === detail)!;
  const ways = (from: string, type: string) =>
    leaf(from)
      .byEvent.get(type)!
      .map(({ exits, entries, to }) => [
        ...exits.map(({ id }) => `-${id}`),
        ...entries.map(({ id }) => `+${id}`),
        `=${to?.detail}`,
      ]);

  it("names each state a machine can rest in, as XState does", () => {
    const { leaves, initial } = tree();
    expect(
      leaves.map(({ detail, state, value, isTopFinal, tags }) => [
        detail,
        state,
        value,
        isTopFinal,
        [...tags],
      ]),
    ).toEqual([
      ["a.in", "a", { a: "in" }, false, ["both", "outer", "root"]],
      ["a.other", "a", { a: "other" }, false, ["outer", "both", "root"]],
      ["b", "b", "b", true, ["root"]],
    ]);
    expect(initial.detail).toBe("a.in");
    expect(tree().initialEntries.map(({ id }) => id)).toEqual(["tree", "tree.a", "tree.a.in"]);
  });

  it("leaves from the innermost and enters from the outermost (I2)", () => {
    expect(ways("a.in", "up")).toEqual([["-tree.a.in", "-tree.a", "+tree.b", "=b"]]);
    expect(ways("a.in", "inside")).toEqual([["-tree.a.in", "+tree.a.other", "=a.other"]]);
    expect(ways("a.other", "self")).toEqual([["-tree.a.other", "+tree.a.in", "=a.in"]]);
    expect(ways("a.other", "again")).toEqual([
      ["-tree.a.other", "-tree.a", "+tree.a", "+tree.a.in", "=a.in"],
    ]);
    expect(ways("a.in", "same")).toEqual([["=undefined"]]);
  });

  it("asks the inner states first, then those around them", () => {
    expect(ways("a.in", "top").map((way) => way.at(-1))).toEqual(["=a.other", "=b"]);
    expect(ways("a.other", "top").map((way) => way.at(-1))).toEqual(["=b"]);
    expect(ways("a.in", "deep.er").map((way) => way.at(-1))).toEqual(["=a.other", "=undefined"]);
    expect(leaf("b").wildcards.map(({ descriptor, plans }) => [descriptor, plans.length])).toEqual([
      ["deep.*", 1],
    ]);
  });

  it("knows what each state has running", () => {
    const [around] = leaf("a.in").byEvent.get("up")![0]!.exits.slice(-1);
    expect(around?.delays).toEqual([{ event: { type: "xstate.after.soon.tree.a" }, delay: 10 }]);
    const [entered] = leaf("a.in").byEvent.get("inside")![0]!.entries;
    expect(entered?.invokes.map(({ id, errorType }) => [id, errorType])).toEqual([
      ["x", "xstate.error.actor.x"],
    ]);
    expect(entered?.invokes[0]?.input?.({ context: {}, event: { type: "x" }, self: undefined })).toBe(7);
  });
});

describe("a descriptor", () => {
  it.each([
    ["a.b", "a.b", true],
    ["a.b", "a", false],
    ["a.*", "a.b", true],
    ["a.*", "a.b.c", true],
    ["a.*", "a", true],
    ["a.*", "ab", false],
    ["*", "anything", true],
    ["a*", "ab", false],
  ])("%s means %s: %s", (descriptor, type, isMeant) => {
    expect(matches(type, descriptor)).toBe(isMeant);
  });
});
