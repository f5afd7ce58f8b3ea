import { execFile } from "node:child_process";
import { globSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const run = promisify(execFile);
const pages = globSync("[0-9][0-9]-*.ts", { cwd: import.meta.dirname }).toSorted();
const readme = await readFile(join(import.meta.dirname, "..", "..", "README.md"), "utf8");

describe.concurrent("the examples", { timeout: 60_000 }, () => {
  it.for(pages)("%s runs as it stands, holds what it asserts, and ends by itself", async (page) => {
    const { stderr } = await run(process.execPath, [join(import.meta.dirname, page)]);
    expect(stderr).toBe("");
  });
});

it("links every example from the README", () => {
  expect(pages.length).toBeGreaterThanOrEqual(10);
  expect(pages.filter((page) => !readme.includes(`(test/examples/${page})`))).toEqual([]);
});
