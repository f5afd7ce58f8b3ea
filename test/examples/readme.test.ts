import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const run = promisify(execFile);
const root = join(import.meta.dirname, "..", "..");

/** The first block of a language in a page. */
function blockOf(page: string, language: string): string {
  const block = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(page)?.[1];
  if (block === undefined) throw new RangeError(`the page has no ${language} block`);
  return block;
}

it("prints what the README says when its twenty lines are run as they stand", async () => {
  const page = await readFile(join(root, "README.md"), "utf8");
  const folder = await mkdtemp(join(import.meta.dirname, "readme-"));
  try {
    const file = join(folder, "example.ts");
    await writeFile(file, blockOf(page, "ts"));
    const { stdout } = await run(process.execPath, [file]);
    expect(stdout).toBe(blockOf(page, "text"));
  } finally {
    await rm(folder, { recursive: true });
  }
});

it("keeps the README's example to about twenty lines", async () => {
  const page = await readFile(join(root, "README.md"), "utf8");
  const lines = blockOf(page, "ts")
    .split("\n")
    .filter((line) => line.trim() !== "");
  expect(lines.length).toBeLessThanOrEqual(24);
});
