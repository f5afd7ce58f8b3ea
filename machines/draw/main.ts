/**
 * Draws every machine of the draw list into its folder. With `--check` it writes nothing and fails if a file is not
 * what would be drawn.
 */
import { dirname } from "node:path";
import { parseArgs } from "node:util";
import { drawFiles, findStaleFiles, writeFiles } from "./chart-files.ts";
import { drawList } from "./draw-list.ts";

const { values } = parseArgs({ options: { check: { type: "boolean", default: false } } });
const folder = dirname(import.meta.dirname);

const files = (await Promise.all(drawList.map(drawFiles))).flat();
if (values.check) {
  const stale = await findStaleFiles(files, folder);
  for (const line of stale) console.error(`machines/${line}: run \`pnpm charts\``);
  if (stale.length > 0) process.exitCode = 1;
} else {
  await writeFiles(files, folder);
}
