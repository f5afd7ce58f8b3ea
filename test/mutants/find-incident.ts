import * as fc from "fast-check";
import { keeperProperty, locksProperty } from "@lanekeeper/testing";
import { parameters } from "./incidents.ts";

/**
 * Run in a copy of the repository: checks a property of the runtime that the copy has, and prints what came of it, as JSON.
 */
const details =
  process.argv[2] === "locks"
    ? await fc.check(locksProperty(), parameters)
    : await fc.check(keeperProperty(), parameters);
const commands = (details.counterexample?.at(-1) ?? []) as Iterable<{ readonly hasRan?: boolean }>;
const found = {
  failed: details.failed,
  runs: details.numRuns,
  commands: [...commands].filter(({ hasRan }) => hasRan !== false).map(String),
};
process.stdout.write(JSON.stringify(found));
process.exit(0);
