import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { chartOf, transitionsOf } from "../draw/chart-model.ts";
import { drawList } from "../draw/draw-list.ts";
import { escapeXml } from "../draw/svg-text.ts";
import { untakenIn } from "./coverage.ts";
import { coverageCommand, findDifferences, nameIn, readPage, writePage } from "./coverage-page.ts";

const machines = dirname(import.meta.dirname);
/** What a failure says: what is wrong, and what mends it. */
const withRemedy = (line: string): string => `${line}: run \`${coverageCommand}\``;

describe.each(drawList)("the committed coverage of $name", ({ name, machine }) => {
  const chart = chartOf(machine);
  const read = (file: string): Promise<string> => readFile(join(machines, name, file), "utf8");

  it("names exactly the states and transitions that the machine has", async () => {
    const page = await read("coverage.md");
    const isAsWritten = page === writePage(chart, name, readPage(chart, page));
    const faults = [...findDifferences(chart, page), ...(isAsWritten ? [] : ["coverage.md was changed"])];
    expect(faults.map(withRemedy)).toEqual([]);
  });

  it("has a test of behaviour for each", async () => {
    const untaken = untakenIn(readPage(chart, await read("coverage.md")));
    const remedy = (id: string): string =>
      withRemedy(`${nameIn(chart, id)}: test it in packages/lanekeeper/src/rules or delete it, then`);
    expect(untaken.map(remedy)).toEqual([]);
  });

  it("has a picture of the same transitions", async () => {
    const picture = await read(`${name}.coverage.svg`);
    const drawn = new Set([...picture.matchAll(/data-transition="([^"]*)"/g)].map(([, id]) => id ?? ""));
    const real = new Set(transitionsOf(chart).map(({ id }) => escapeXml(id)));
    const missing = [...real].filter((id) => !drawn.has(id)).map((id) => `not drawn: ${id}`);
    const old = [...drawn].filter((id) => !real.has(id)).map((id) => `no longer there: ${id}`);
    expect([...missing, ...old].map(withRemedy)).toEqual([]);
  });
});
