import { describe, expect, it } from "vitest";
import { chartOf } from "../draw/chart-model.ts";
import { sampleMachine } from "../draw/sample.machine.ts";
import { coverageOf, idsOf, untakenIn } from "./coverage.ts";
import { findDifferences, nameIn, readPage, writePage } from "./coverage-page.ts";
import { drawCoverage } from "./coverage-picture.ts";

const chart = chartOf(sampleMachine);
const start = "sample.idle:start:1";
/** Everything once by a rule's test, but for one that only the chart's own tests take. */
const counts = new Map(
  idsOf(chart).map((id) => [id, id === start ? { charts: 7 } : { rules: 1, races: 120 }]),
);
const coverage = coverageOf(chart, counts);
const page = writePage(chart, "sample", coverage);

describe("coverage", () => {
  it("adds up what tests of behaviour took, apart from the tests of the chart", () => {
    expect(coverage.get("sample.busy")).toEqual({
      behaviour: "100+",
      rules: "1+",
      races: "100+",
      simulation: "–",
      elsewhere: "–",
      charts: "–",
    });
    expect(coverage.get(start)).toMatchObject({ behaviour: "–", charts: "1+" });
  });

  it("finds what no test of behaviour takes, and names it as its page does", () => {
    expect(untakenIn(coverage)).toEqual([start]);
    expect(nameIn(chart, start)).toBe("`idle` · `start`, 2 of 2 · `done`");
    expect(untakenIn(coverageOf(chart, new Map()))).toEqual(idsOf(chart));
  });

  it("keeps what was known where a count is close to it", () => {
    const busy = new Map([["sample.busy", { rules: 90 }]]);
    expect(coverageOf(chart, busy).get("sample.busy")?.rules).toBe("1+");
    const before = coverageOf(chart, new Map([["sample.busy", { rules: 100 }]]));
    expect(coverageOf(chart, busy, before).get("sample.busy")?.rules).toBe("100+");
  });
});

describe("its page", () => {
  it("is read as it was written", () => {
    expect(readPage(chart, page)).toEqual(coverage);
    expect(findDifferences(chart, page)).toEqual([]);
  });

  it("names each alternative, what ignores an event, and what is entered from everywhere", () => {
    const cells = page.split("\n").map((line) =>
      line
        .split("|")
        .map((cell) => cell.trim())
        .slice(1, 4),
    );
    expect(cells).toContainEqual(["`idle`", "`start [isOpen and (not isLate)] / ring`, 1 of 2", "`busy`"]);
    expect(cells).toContainEqual(["`idle`", "`hush (ignored)`", "stays"]);
    expect(cells).toContainEqual(["everywhere", "`alarm.raised`", "`stalled`"]);
    expect(cells).toContainEqual(["`busy.asking`", "`after patience`", "`stalled`"]);
  });

  it("differs from a chart that has something more, or something less", () => {
    const line = page.split("\n").find((text) => text.includes("`hush (ignored)`"))!;
    expect(findDifferences(chart, page.replace(`${line}\n`, ""))).toEqual([
      "not counted: `idle` · `hush (ignored)` · stays",
    ]);
    expect(findDifferences(chart, page.replace("`hush (ignored)`", "`shout (ignored)`"))).toEqual([
      "not counted: `idle` · `hush (ignored)` · stays",
      "no longer there: `idle` · `shout (ignored)` · stays",
    ]);
    expect(findDifferences(chart, "")).toHaveLength(idsOf(chart).length);
  });
});

describe("its picture", () => {
  it("says of everything how often it was taken, and alarms of what never was", async () => {
    const picture = await drawCoverage(chart, coverage);
    const notes = [...picture.matchAll(/class="(note|alarm)">([^<]*)</g)].map(([, look, text]) => [
      look,
      text,
    ]);
    expect(notes.filter(([look]) => look === "alarm")).toEqual([["alarm", "never"]]);
    expect(new Set(notes.filter(([look]) => look === "note").map(([, text]) => text))).toEqual(
      new Set(["100+"]),
    );
    expect(picture).toContain(">busy 100+<");
    expect(picture).toContain("prefers-color-scheme:dark");
  });
});
