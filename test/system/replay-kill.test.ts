import { type Chance, createChance } from "@lanekeeper/testing";
import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, watch, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { runScript, type ScriptEnd } from "./child-script.ts";

/** In CI; `LANEKEEPER_SOAK` multiplies it. Each is killed up to three times. */
const replays = 4 * Number(process.env["LANEKEEPER_SOAK"] ?? 1);
const main = new URL("../../packages/cli/src/main.ts", import.meta.url);
const bundledTrace = new URL("../../packages/cli/traces/chat-20-minutes.jsonl", import.meta.url);
const messages = 60;

interface Scene {
  readonly folder: string;
  readonly journal: string;
  readonly args: readonly string[];
}

/** A stretch of the bundled trace of few sessions, so that messages wait for each other, and a store that is not there yet. */
function createScene(chance: Chance, speed: string): Scene {
  const folder = mkdtempSync(join(tmpdir(), "lanekeeper-replay-kill-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const trace = join(folder, "trace.jsonl");
  const begin = chance.below(2_000);
  const lines = readFileSync(bundledTrace, "utf8")
    .split("\n")
    .slice(begin, begin + messages)
    .map((line) => JSON.parse(line) as { readonly at: number });
  const arrivals = lines.map((line) => ({
    ...line,
    at: line.at - lines[0]!.at,
    session: `session-${chance.below(20)}`,
    outputTokens: chance.below(300),
  }));
  writeFileSync(trace, arrivals.map((arrival) => JSON.stringify(arrival)).join("\n"));
  const store = join(folder, "replay.db");
  const shares = ["--hang", "0.03", "--crash", "0.1", "--exec", "0.3", "--capacity", "8"];
  const args = [
    "replay",
    trace,
    "--speed",
    speed,
    ...shares,
    "--report",
    "json",
    "--store",
    `sqlite:${store}`,
  ];
  return { folder, journal: `${store}.journal`, args };
}

function countLines({ journal }: Scene): number {
  return existsSync(journal) ? readFileSync(journal, "utf8").split("\n").length - 1 : 0;
}

/** Lets a replay go on until it has written so many lines more, and kills it; or without a number until it ends by itself. */
function live(scene: Scene, lines: number | undefined): Promise<LifeEnd> {
  return new Promise((resolve, reject) => {
    const last = lines === undefined ? Number.POSITIVE_INFINITY : countLines(scene) + lines;
    const child = spawn(process.execPath, [fileURLToPath(main), ...scene.args], {
      stdio: ["ignore", "pipe", "ignore"],
    });
    let stdout = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    const watcher = watch(scene.folder, () => {
      if (countLines(scene) >= last) child.kill("SIGKILL");
    });
    child.once("error", reject);
    child.once("close", (exitCode, signal) => {
      watcher.close();
      resolve({ exitCode, signal, stdout });
    });
  });
}

type LifeEnd = Pick<ScriptEnd, "exitCode" | "signal" | "stdout">;

interface Report {
  readonly completed: number;
  readonly failed: number;
  readonly reclaimed: number;
  readonly commands: { readonly started: number; readonly delivered: number; readonly deadLettered: number };
}

describe("B55 B56 a replay on a file that is killed in its middle and started again ends with the same four zeros:", () => {
  it.for(Array.from({ length: replays }, (_, seed) => [seed, seed % 2 === 0 ? "max" : "600"] as const))(
    "replay %i, at speed %s",
    { timeout: 120_000 },
    async ([seed, speed]) => {
      const chance = createChance(seed);
      const scene = createScene(chance, speed);
      const wanted = 1 + chance.below(3);
      let kills = 0;
      // The first line says what is replayed, the second that a life of it has begun.
      let ended = await live(scene, 2 + chance.below(99));
      for (; ended.signal === "SIGKILL"; kills += 1)
        ended = await live(scene, kills + 1 < wanted ? 1 + chance.below(100) : undefined);
      expect(kills).toBeGreaterThan(0);
      expect(ended).toMatchObject({ exitCode: 0, signal: null });
      const report = JSON.parse(ended.stdout) as Report;
      expect(report).toMatchObject({
        end: "complete",
        lives: kills + 1,
        sent: messages,
        orderViolations: 0,
        overlaps: 0,
        lost: 0,
        duplicated: 0,
      });
      expect(report.completed + report.failed + report.reclaimed).toBe(messages);
      const { started, delivered, deadLettered } = report.commands;
      expect(delivered + deadLettered).toBe(started);
    },
  );

  it("a second one beside it is refused, and disturbs nothing", async () => {
    const scene = createScene(createChance(1), "20");
    const child = spawn(process.execPath, [fileURLToPath(main), ...scene.args], { stdio: "ignore" });
    const ended = new Promise((resolve) => child.once("close", resolve));
    await new Promise<void>((resolve) => {
      const watcher = watch(scene.folder, () => {
        if (countLines(scene) < 10) return;
        watcher.close();
        resolve();
      });
    });
    const second = await runScript(main, { args: scene.args });
    expect(second).toMatchObject({ exitCode: 2, stdout: "" });
    expect(second.stderr).toContain(`Process ${child.pid} on `);
    child.kill("SIGKILL");
    await ended;
    const faster = { ...scene, args: scene.args.with(3, "max") };
    const refused = await runScript(main, { args: faster.args });
    expect(refused.stderr).toContain("is the store of a replay with speed 20, not max");
    expect(refused.exitCode).toBe(2);
  });
});
