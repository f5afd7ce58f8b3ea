import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { chartOf } from "./chart-model.ts";
import { layOut } from "./chart-layout.ts";
import { writeReadme } from "./chart-readme.ts";
import { drawChart } from "./chart-svg.ts";
import type { Drawing } from "./draw-list.ts";

/** A generated file. */
export interface ChartFile {
  /** Relative to the folder of all machines. */
  readonly path: string;
  readonly text: string;
}

/** Draws a machine's picture and writes its page, in memory. */
export async function drawFiles({ name, machine }: Drawing): Promise<readonly ChartFile[]> {
  const chart = chartOf(machine);
  const placed = await layOut(chart);
  return [
    { path: join(name, `${name}.svg`), text: drawChart(chart, placed) },
    { path: join(name, "README.md"), text: writeReadme(chart, name) },
  ];
}

/** Writes generated files below a folder. */
export async function writeFiles(files: readonly ChartFile[], folder: string): Promise<void> {
  await Promise.all(files.map(({ path, text }) => writeFile(join(folder, path), text)));
}

/** Says for each file below a folder that is missing or not as drawn what is wrong with it, in one line. */
export async function findStaleFiles(
  files: readonly ChartFile[],
  folder: string,
): Promise<readonly string[]> {
  const found = await Promise.all(
    files.map(async ({ path, text }) => {
      const current = await readFile(join(folder, path), "utf8").catch(() => undefined);
      if (current === undefined) return [`${path} is missing`];
      return current === text ? [] : [`${path} is not what its machine draws`];
    }),
  );
  return found.flat();
}
