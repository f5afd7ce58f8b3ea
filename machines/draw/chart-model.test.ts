import { describe, expect, it } from "vitest";
import { type ChartTransition, chartOf, statesOf, transitionsOf } from "./chart-model.ts";
import { sampleMachine } from "./sample.machine.ts";

const chart = chartOf(sampleMachine);

/** All transitions of one state as `trigger [guard] / actions > targets`. */
function told(state: string): readonly string[] {
  return transitionsOf(chart)
    .filter(({ source }) => source === state)
    .map(tell);
}

function tell({ trigger, guard, actions, targets, reenter }: ChartTransition): string {
  const parts = [
    trigger.text,
    guard && `[${guard.text}]`,
    actions.length > 0 && `/ ${actions.map(({ text }) => text).join(", ")}`,
    targets.length > 0 && `> ${targets.join(", ")}`,
    reenter && "again",
  ];
  return parts.filter((part) => typeof part === "string").join(" ");
}

describe("a chart's model", () => {
  it("holds every state of the machine, parents before children", () => {
    expect(statesOf(chart.root).map(({ path }) => path.join("."))).toEqual([
      "",
      "idle",
      "busy",
      "busy.asking",
      "busy.choosing",
      "busy.finished",
      "stalled",
      "stalled.left",
      "stalled.left.up",
      "stalled.left.down",
      "stalled.right",
      "done",
    ]);
  });

  it("knows where a compound state is entered, and that a parallel one has no choice", () => {
    const initial = new Map(statesOf(chart.root).map((state) => [state.id, state.initial]));
    expect(initial.get("sample")).toEqual(["sample.idle"]);
    expect(initial.get("sample.busy")).toEqual(["sample.busy.asking"]);
    expect(initial.get("sample.stalled")).toEqual([]);
  });

  it("tells wildcards and transitions into its own children of the root", () => {
    expect(told("sample")).toEqual(["* / ring", "alarm.raised > sample.stalled"]);
  });

  it("spells out combined guards, plain params, and events that are ignored", () => {
    expect(told("sample.idle")).toEqual([
      "start [isOpen and (not isLate)] / ring > sample.busy",
      "start > sample.done",
      "ping / note(ping)",
      "hush",
    ]);
  });

  it("says invoked actors' ends and delays in the words of the config", () => {
    expect(told("sample.busy.asking").toSorted()).toEqual([
      "after 50 ms / ring",
      "after patience > sample.stalled",
      "onDone answer > sample.busy.choosing",
      "onError answer / note(failed) > sample.idle",
    ]);
  });

  it("keeps always transitions in their order", () => {
    expect(told("sample.busy.choosing")).toEqual([
      "always [isLate] > sample.busy.asking",
      "always > sample.busy.finished",
    ]);
  });

  it("tells a compound state's own end from its events", () => {
    expect(told("sample.busy").toSorted()).toEqual([
      "abort > sample.done",
      "again > sample.busy again",
      "onDone > sample.done",
    ]);
  });

  it("lists entry, exit and invoked actors without the timers XState adds", () => {
    const asking = statesOf(chart.root).find(({ id }) => id === "sample.busy.asking");
    expect(asking).toMatchObject({ entry: [], exit: [], invokes: [{ id: "answer", source: "fetch" }] });
  });

  it("gives every transition its own id", () => {
    const ids = transitionsOf(chart).map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
  });
});
