import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { machineBootClock } from "@lanekeeper/sqlite";
import { expect, it } from "vitest";
import { runScript } from "../system/child-script.ts";
import { openLeases, take, temporaryFolder } from "./lease-files.ts";

const sorted = (tokens: readonly bigint[]): bigint[] =>
  [...new Set(tokens)].toSorted((a, b) => (a < b ? -1 : 1));

it("B49 B52 loses no step of two processes that write one file, and ends both by itself", async () => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, "counter"), "0");
  const rounds = 20;
  const script = new URL("contender-script.ts", import.meta.url);
  const ends = await Promise.all([1, 2].map(() => runScript(script, { args: [folder, String(rounds)] })));
  const clean = { exitCode: 0, signal: null, stdout: "closed", stderr: "" };
  expect(ends).toEqual([clean, clean]);
  expect(readFileSync(join(folder, "counter"), "utf8")).toBe(String(2 * rounds));
  const tokens = readFileSync(join(folder, "tokens"), "utf8").trim().split("\n").map(BigInt);
  expect(tokens).toHaveLength(2 * rounds);
  expect(tokens).toEqual(sorted(tokens));
});

/** Runs the endless script until it has printed so many tokens, then kills it (kill -9); its tokens. */
function killAfter(count: number, path: string, owner: string): Promise<bigint[]> {
  return new Promise((resolve, reject) => {
    const script = fileURLToPath(new URL("endless-script.ts", import.meta.url));
    const child = spawn(process.execPath, [script, path, owner], { stdio: ["ignore", "pipe", "inherit"] });
    let printed = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      printed += text;
      if (printed.split("\n").length > count) child.kill("SIGKILL");
    });
    child.once("error", reject);
    child.once("close", (_code, signal) => {
      if (signal !== "SIGKILL") return reject(new Error(`the script ended by itself: ${signal}`));
      // A line that was cut off is no token.
      resolve(printed.slice(0, printed.lastIndexOf("\n")).split("\n").map(BigInt));
    });
  });
}

it("B51 B52 replaces a holder that was killed within its TTL, with a larger token, whenever that was", async () => {
  const path = join(temporaryFolder(), "leases.db");
  // The machine's clock, which this test can put ahead.
  let aheadMs = 0;
  const machine = machineBootClock();
  const bootClock = { ...machine, sinceBootMs: () => machine.sinceBootMs() + aheadMs };
  const leases = openLeases(path, { bootClock });
  let largest = 0n;
  for (const count of [1, 2, 3, 7, 20]) {
    const tokens = await killAfter(count, path, `victim ${count}`);
    for (const token of tokens) largest = token > largest ? token : largest;
    expect(tokens[0]).toBeGreaterThan(0n);
    aheadMs += 60_000;
    for (let index = 0; index < 5; index++) {
      const token = await take(leases, `lock ${index}`, "survivor");
      expect(token).toBeGreaterThan(largest);
      largest = token;
      await leases.release(`lock ${index}`, "survivor", token);
    }
    aheadMs = 0;
  }
});
