import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it, onTestFinished } from "vitest";

const run = promisify(execFile);
const page = join(import.meta.dirname, "..", "..", "packages/testing/README.md");
const [, parts = ""] = (await readFile(page, "utf8")).split(/^## The parts$/m);
const examples = Array.from(parts.matchAll(/^```ts\n([\s\S]*?)^```/gm), ([, code]) => code!);

/** Runs an example as it stands: it asserts what it says, and ends by itself. */
async function runExample(code: string): Promise<string> {
  const folder = await mkdtemp(join(import.meta.dirname, "parts-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "example.ts");
  await writeFile(file, `${code}console.log("came to its end");\n`);
  return (await run(process.execPath, [file])).stdout;
}

it("has an example of virtual time, of a scripted store and of scripted leases", () => {
  for (const part of ["createVirtualTime", "scriptStore", "scriptLeases"])
    expect(examples.some((code) => code.includes(`= ${part}(`))).toBe(true);
});

it.each(examples.map((code) => [/\{ (.*) \} from "@lanekeeper\/testing"/.exec(code)?.[1], code]))(
  "the example of %s asserts what is so",
  async (_, code) => {
    expect(await runExample(code)).toBe("came to its end\n");
  },
  60_000,
);
