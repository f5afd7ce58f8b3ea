import { describe, expect, it } from "vitest";
import {
  assign,
  createActor,
  fromCallback,
  initialTransition,
  setup,
  SimulatedClock,
  transition,
} from "xstate";
import { startCounting, type Tally } from "./counting.ts";

/** A machine with a transition of every kind. */
function createLamp(id: string) {
  return setup({
    types: { context: {} as { readonly pressed: number } },
    actors: {
      bulb: fromCallback(() => {
        throw new Error("burnt out");
      }),
    },
    actions: { count: assign(({ context }) => ({ pressed: context.pressed + 1 })) },
    guards: { isOften: ({ context }) => context.pressed > 1 },
    delays: { patience: 10 },
  }).createMachine({
    id,
    context: { pressed: 0 },
    initial: "off",
    on: { "noise.*": { actions: "count" }, hush: {} },
    states: {
      off: { entry: "count", on: { press: [{ guard: "isOften", target: "broken" }, { target: "on" }] } },
      on: { initial: "dim", after: { patience: { target: "off" } }, states: { dim: {} } },
      broken: { invoke: { id: "bulb", src: "bulb", onError: { target: "gone" } } },
      gone: { always: { target: "over" } },
      over: { type: "final" },
    },
  });
}

function countsOf(tally: Tally): Readonly<Record<string, number>> {
  return Object.fromEntries([...tally].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

describe("counting", () => {
  it("counts every entry and every transition: its alternative, delays, eventless ones, errors, wildcards", () => {
    const tally = startCounting(["counted"]);
    const clock = new SimulatedClock();
    const lamp = createActor(createLamp("counted").provide({}), { clock }).start();
    for (const type of ["press", "noise.loud", "hush", "press"]) lamp.send({ type });
    clock.increment(10);
    lamp.send({ type: "press" });
    expect(lamp.getSnapshot().status).toBe("done");
    expect(countsOf(tally)).toEqual({
      counted: 1,
      "counted.broken": 1,
      "counted.broken:onError bulb:0": 1,
      "counted.gone": 1,
      "counted.gone:always:0": 1,
      "counted.off": 2,
      "counted.off:press:0": 1,
      "counted.off:press:1": 1,
      "counted.on": 1,
      "counted.on.dim": 1,
      "counted.on:after patience:0": 1,
      "counted.over": 1,
      "counted:hush:0": 1,
      "counted:noise.*:0": 1,
    });
  });

  it("counts pure walks too (I3)", () => {
    const tally = startCounting(["counted"]);
    const lamp = createLamp("counted");
    const [snapshot] = initialTransition(lamp);
    transition(lamp, snapshot, { type: "press" });
    expect(tally.get("counted.off:press:1")).toBe(1);
  });

  it("leaves other machines as they are, and what they do is the same (I1, I2)", () => {
    const tally = startCounting(["counted"]);
    const [plain, counted] = ["plain", "counted"].map((id) => {
      const lamp = createActor(createLamp(id)).start();
      lamp.send({ type: "press" });
      lamp.send({ type: "noise.low" });
      return lamp.getSnapshot();
    });
    expect([counted!.value, counted!.context]).toEqual([plain!.value, plain!.context]);
    expect(Object.keys(plain!.machine.implementations.actions)).toEqual(["count"]);
    expect([...tally.keys()].every((id) => id.startsWith("counted"))).toBe(true);
  });

  it("counts into the last tally alone", () => {
    const first = startCounting(["counted"]);
    const lamp = createLamp("counted");
    const second = startCounting(["counted"]);
    createActor(lamp).start();
    expect(first.size).toBe(0);
    expect(second.get("counted.off")).toBe(1);
  });
});
