import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it } from "vitest";

const run = promisify(execFile);
const drawing = join(import.meta.dirname, "..", "..", "machines", "draw", "main.ts");

it("finds no statechart, picture or table, that is older than its machine", async () => {
  await expect(run(process.execPath, [drawing, "--check"])).resolves.toMatchObject({ stderr: "" });
});
