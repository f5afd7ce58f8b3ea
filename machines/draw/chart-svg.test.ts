import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { type Chart, chartOf, statesOf, transitionsOf } from "./chart-model.ts";
import { layOut } from "./chart-layout.ts";
import { drawChart } from "./chart-svg.ts";
import { drawList } from "./draw-list.ts";
import { sampleMachine } from "./sample.machine.ts";
import { escapeXml } from "./svg-text.ts";

const chart = chartOf(sampleMachine);
const svg = drawChart(chart, await layOut(chart));

function marksIn(text: string, attribute: string): readonly string[] {
  return [...text.matchAll(new RegExp(`${attribute}="([^"]*)"`, "g"))]
    .map(([, value]) => value ?? "")
    .toSorted();
}

function statesIn(of: Chart): readonly string[] {
  return statesOf(of.root)
    .map(({ id }) => escapeXml(id))
    .toSorted();
}

function transitionsIn(of: Chart): readonly string[] {
  return transitionsOf(of)
    .map(({ id }) => escapeXml(id))
    .toSorted();
}

describe("a chart's picture", () => {
  it("shows every state and every transition once", () => {
    expect(marksIn(svg, "data-state")).toEqual(statesIn(chart));
    expect(marksIn(svg, "data-transition")).toEqual(transitionsIn(chart));
  });

  it.each(drawList)("shows every state and every transition of $name once", async ({ name, machine }) => {
    const drawn = await readFile(join(import.meta.dirname, "..", name, `${name}.svg`), "utf8");
    const real = chartOf(machine);
    expect(marksIn(drawn, "data-state")).toEqual(statesIn(real));
    expect(marksIn(drawn, "data-transition")).toEqual(transitionsIn(real));
  });

  it("is the same every time", async () => {
    expect(drawChart(chartOf(sampleMachine), await layOut(chartOf(sampleMachine)))).toBe(svg);
  });

  it("dashes delayed edges only", () => {
    const delayed = transitionsOf(chart).filter(
      ({ trigger, targets }) => trigger.kind === "after" && targets.length > 0,
    );
    expect(svg.match(/stroke-dasharray="4 3"/g)).toHaveLength(delayed.length);
  });

  it("gives final states a second border", () => {
    const finals = statesOf(chart.root).filter(({ kind }) => kind === "final");
    expect(svg.match(/rx="5" fill="none"/g)).toHaveLength(finals.length);
  });
});
