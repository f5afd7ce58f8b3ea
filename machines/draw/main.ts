import { dirname } from "node:path";
import { readOptions } from "../../.tools/read-options.ts";
import { drawFiles, findStaleFiles, writeFiles } from "./chart-files.ts";
import { drawList } from "./draw-list.ts";

const help = `Usage: npm run charts -- [--check]

Draws every machine of the draw list into its folder.

  --check  writes nothing, and fails where a file is not what would be drawn
  --help   this text
`;
const { check } = readOptions({ check: { type: "boolean", default: false } }, help);
const folder = dirname(import.meta.dirname);

const files = (await Promise.all(drawList.map(drawFiles))).flat();
if (check) {
  const stale = await findStaleFiles(files, folder);
  for (const line of stale) console.error(`machines/${line}: run \`pnpm charts\``);
  if (stale.length > 0) process.exitCode = 1;
} else {
  await writeFiles(files, folder);
}
