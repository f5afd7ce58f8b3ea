import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { runScript } from "../system/child-script.ts";
import { type RedisServer, startRedis } from "./redis-server.ts";

let server: RedisServer;
let folder: string;

beforeAll(async () => {
  server = await startRedis();
  folder = mkdtempSync(join(tmpdir(), "lanekeeper-contention-"));
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

it("B49 B52 loses no step of two processes that write one file, and ends both by itself", async () => {
  writeFileSync(join(folder, "counter"), "0");
  const script = new URL("contender-script.ts", import.meta.url);
  const rounds = 100;
  const ends = await Promise.all(
    [1, 2].map(() => runScript(script, { args: [server.url, folder, String(rounds)] })),
  );
  const clean = { exitCode: 0, signal: null, stdout: "closed", stderr: "" };
  expect(ends).toEqual([clean, clean]);
  expect(readFileSync(join(folder, "counter"), "utf8")).toBe(String(2 * rounds));
  const tokens = readFileSync(join(folder, "tokens"), "utf8").trim().split("\n").map(BigInt);
  expect(tokens).toHaveLength(2 * rounds);
  expect(tokens).toEqual([...new Set(tokens)].toSorted((a, b) => (a < b ? -1 : 1)));
});
