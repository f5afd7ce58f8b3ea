import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { startVitest } from "vitest/node";
import { readOptions } from "../../.tools/read-options.ts";
import { type ChartFile, writeFiles } from "../draw/chart-files.ts";
import { chartOf } from "../draw/chart-model.ts";
import { drawList } from "../draw/draw-list.ts";
import { type CoverageOrder, orderVariable } from "./coverage-order.ts";
import { coverageOf, untakenIn } from "./coverage.ts";
import { coverageCommand, findDifferences, nameIn, readPage, writePage } from "./coverage-page.ts";
import { drawCoverage } from "./coverage-picture.ts";
import { addTallies } from "./tally-files.ts";

const help = `Usage: npm run statecharts:coverage -- [--check]

Runs the suite, counts what it takes of each machine, and writes that down: a page and a picture in each machine's folder.
Fails where no test of behaviour takes something, and lists that. Takes as long as the suite.

  --check  writes nothing, and fails where the pages are out of date
  --help   this text
`;
const { check } = readOptions({ check: { type: "boolean", default: false } }, help);
const machines = dirname(import.meta.dirname);
const root = dirname(machines);
const complain = (line: string): void => {
  console.error(line);
  process.exitCode = 1;
};

const folder = await mkdtemp(join(tmpdir(), "statecharts-"));
const order: CoverageOrder = { folder, machineIds: drawList.map(({ machine }) => machine.id) };
process.env[orderVariable] = JSON.stringify(order);
const vitest = await startVitest("test", [], {
  root,
  config: join(root, "statecharts.config.ts"),
  watch: false,
});
const counts = await addTallies(folder, root);
await Promise.all([vitest.close(), rm(folder, { recursive: true })]);

// A run that failed has not taken all that the suite takes.
if (process.exitCode === undefined || process.exitCode === 0) {
  const files: ChartFile[] = [];
  for (const { name, machine } of drawList) {
    const chart = chartOf(machine);
    const path = join(name, "coverage.md");
    const page = await readFile(join(machines, path), "utf8").catch(() => "");
    const coverage = coverageOf(chart, counts, readPage(chart, page));
    for (const id of untakenIn(coverage))
      complain(`${name}: no test of behaviour takes ${nameIn(chart, id)}`);
    if (check) {
      for (const line of findDifferences(chart, page))
        complain(`machines/${path}: ${line}: run \`${coverageCommand}\``);
    } else {
      files.push({ path, text: writePage(chart, name, coverage) });
      files.push({ path: join(name, `${name}.coverage.svg`), text: await drawCoverage(chart, coverage) });
    }
  }
  await writeFiles(files, machines);
}
