import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, it, onTestFinished } from "vitest";
import { reachRedis } from "./redis-server.ts";

const root = join(import.meta.dirname, "..", "..");

it("runs the example of the package's README as it stands, and it ends by itself", async () => {
  const server = await reachRedis();
  onTestFinished(() => server.stop());
  const page = await readFile(join(root, "packages/redis/README.md"), "utf8");
  const folder = await mkdtemp(join(import.meta.dirname, "readme-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "example.ts");
  await writeFile(file, /```ts\n([\s\S]*?)```/.exec(page)![1]!);
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [file], {
    env: { ...process.env, REDIS_URL: server.url },
  });
  expect({ stdout, stderr }).toEqual({ stdout: "only one process of all is here\n", stderr: "" });
});
