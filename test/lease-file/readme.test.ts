import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it, onTestFinished } from "vitest";

const root = join(import.meta.dirname, "..", "..");

it("runs the example of the page on lease files as it stands, and it ends by itself", async () => {
  const page = await readFile(join(root, "packages/sqlite/docs/leases.md"), "utf8");
  const folder = await mkdtemp(join(import.meta.dirname, "readme-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "example.ts");
  await writeFile(file, /```ts\n([\s\S]*?)```/.exec(page)![1]!);
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [file], { cwd: folder });
  expect({ stdout, stderr }).toEqual({ stdout: "only one process of this machine is here\n", stderr: "" });
});
