import { spawnSync } from "node:child_process";
import { expect, it } from "vitest";

/** Checks a property in a process of its own; gives its exit code, none where it did not end by itself, and what it says. */
function checkElsewhere(property: string): readonly [exitCode: number | null, said: string] {
  const program = `
    import * as fc from "fast-check";
    import { memoryStore } from "lanekeeper";
    import { keeperProperty, locksProperty, scriptStore } from "@lanekeeper/testing";
    const { failed } = await fc.check(${property}, { seed: 1, numRuns: 20 });
    process.stdout.write(failed ? "failed" : "passed");
  `;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "--eval", program], {
    cwd: import.meta.dirname,
    encoding: "utf8",
    timeout: 20_000,
  });
  return [status, stdout + stderr];
}
/** Gives a store back to no keeper after the first. */
const closesForGood = `() => {
  let opened = 0;
  return scriptStore(memoryStore(), (step) => (step === "open" && ++opened > 1 ? { fault: "fails" } : undefined));
}`;

it.each([
  ["keeperProperty", "passed", "keeperProperty()"],
  ["keeperProperty", "failed", `keeperProperty({ createStore: ${closesForGood} })`],
  ["locksProperty", "passed", "locksProperty()"],
])("B58 %s leaves nothing that keeps the process alive when it has %s", (_, verdict, property) => {
  expect(checkElsewhere(property)).toEqual([0, verdict]);
});
