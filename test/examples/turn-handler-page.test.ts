import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it, onTestFinished } from "vitest";

const run = promisify(execFile);
const page = "packages/testing/docs/property-test-your-turn-handler.md";
const text = await readFile(join(import.meta.dirname, "..", "..", page), "utf8");
const [printed = "", shrinking = ""] = Array.from(
  text.matchAll(/^```ts\n([\s\S]*?)^```/gm),
  ([, code]) => code!,
);
/** The seeds are the same each time here. */
const sample = printed.replace("{ numRuns: 20 }", "{ numRuns: 20, seed: 1 }");

/** The same without the line that it is there to find missing. */
const broken = sample.replace(/^ *turn\.assertCurrent\(\);.*\n/m, "");

/** Runs a sample of the page as a reader would: a test by Node's own test runner. */
async function runSample(
  code: string,
  options: readonly string[] = ["--test"],
): Promise<{ readonly code: number; readonly output: string }> {
  const folder = await mkdtemp(join(import.meta.dirname, "docs-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "handler.test.ts");
  await writeFile(file, code);
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  return run(process.execPath, [...options, file], { env }).then(
    ({ stdout }) => ({ code: 0, output: stdout }),
    (error: { readonly code: number; readonly stdout: string }) => ({
      code: error.code,
      output: error.stdout,
    }),
  );
}

it("tests a turn handler in about thirty lines, as the page says", async () => {
  const lines = sample.slice(sample.indexOf("function charging(")).split("\n").length;
  expect(lines).toBeLessThanOrEqual(30);
  const { code, output } = await runSample(sample);
  expect([code, output]).toEqual([0, expect.stringContaining("pass 1")]);
}, 120_000);

it("fails where the handler forgets to look whether its turn still counts", async () => {
  expect(broken).not.toBe(sample);
  const { code, output } = await runSample(broken);
  expect([code, output]).toEqual([1, expect.stringContaining("Property failed")]);
}, 120_000);

it("makes what the broken handler does as small as the page says", async () => {
  const [, found] = /^```text\n([\s\S]*?)^```/m.exec(text) ?? [];
  const { code, output } = await runSample(broken.slice(0, broken.indexOf("test(")) + shrinking, []);
  expect([code, output]).toEqual([0, found]);
}, 120_000);
