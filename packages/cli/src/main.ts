#!/usr/bin/env node
import { nodeFault } from "./node-version.ts";

const fault = nodeFault(process.versions.node);
if (fault === undefined) {
  // Not loaded before: what it needs may be missing from an older Node.js.
  const { runCommandLine } = await import("./command-line.ts");
  process.exitCode = await runCommandLine(process.argv.slice(2));
} else {
  process.stderr.write(`${fault}\n`);
  process.exitCode = 2;
}
