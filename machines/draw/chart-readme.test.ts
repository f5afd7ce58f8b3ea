import { describe, expect, it } from "vitest";
import { chartOf } from "./chart-model.ts";
import { writeReadme } from "./chart-readme.ts";
import { sampleMachine } from "./sample.machine.ts";

const page = writeReadme(chartOf(sampleMachine), "sample");

/** The cells of one row of the page's tables, by its first cell. */
function rowOf(name: string): readonly string[] | undefined {
  const rows = page.split("\n").filter((line) => line.startsWith("| "));
  return rows
    .map((line) =>
      line
        .slice(2, -2)
        .split(" | ")
        .map((cell) => cell.trim()),
    )
    .find(([cell]) => cell === name);
}

describe("a chart's page", () => {
  it("opens with a mark that it is generated, the machine's name and its picture", () => {
    expect(page).toMatch(/^<!-- Drawn from sample\.machine\.ts .* -->\n\n# sample\n/);
    expect(page).toContain("Shows one of everything, with &lt;brackets> & more.");
    expect(page).toContain("![Statechart of sample](./sample.svg)");
  });

  it("lists states by path with their descriptions", () => {
    expect(page).toContain("Waits \\| for a start.");
    expect(rowOf("`busy.finished`")).toEqual(["`busy.finished`", "Final."]);
    expect(rowOf("`stalled`")).toEqual(["`stalled`", "Parallel."]);
  });

  it("lists every name with the states that use it", () => {
    expect(rowOf("`start`")?.[1]).toBe("`idle`");
    expect(rowOf("`*`")?.[1]).toBe("everywhere");
    expect(rowOf("`isLate`")?.[1]).toBe("`idle`, `busy.choosing`");
    expect(rowOf("`ring`")?.[1]).toBe("everywhere, `idle`, `busy`, `busy.asking`");
    expect(rowOf("`note`")?.[1]).toBe("`idle`, `busy.asking`");
    expect(rowOf("`fetch`")?.[1]).toBe("`busy.asking`");
    expect(rowOf("`patience`")?.[1]).toBe("`busy.asking`");
  });
});
