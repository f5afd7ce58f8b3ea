import { type CrashFact, checkCrashes } from "./crash-checker.ts";
import { runScript } from "./child-script.ts";
import { sqliteStore } from "@lanekeeper/sqlite";
import { createChance } from "@lanekeeper/testing";
import { createLanekeeper } from "lanekeeper";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";

/** In CI; `LANEKEEPER_SOAK` multiplies it. */
const kills = 20 * Number(process.env["LANEKEEPER_SOAK"] ?? 1);
/** A process that is killed lives so long at most, in milliseconds, once its keeper is open. */
const longestLifeMs = 250;
const script = new URL("crash-script.ts", import.meta.url);

interface Scene {
  readonly path: string;
  readonly log: string;
}

function createScene(): Scene {
  const folder = mkdtempSync(join(tmpdir(), "lanekeeper-crash-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return { path: join(folder, "store.db"), log: join(folder, "facts.jsonl") };
}

/** Lets a process live for a while once its keeper is open, or until it ends by itself, and kills it. */
function live({ path, log }: Scene, life: string, lifeMs: number | undefined): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const child = spawn(
      process.execPath,
      [fileURLToPath(script), path, log, life, lifeMs === undefined ? "finish" : "traffic"],
      {
        stdio: ["ignore", "pipe", "inherit"],
      },
    );
    child.stdout.once("data", () => {
      if (lifeMs !== undefined) setTimeout(() => child.kill("SIGKILL"), lifeMs);
    });
    child.once("error", reject);
    child.once("close", (_, signal) => resolve(signal));
  });
}

function factsOf({ log }: Scene): readonly CrashFact[] {
  const lines = readFileSync(log, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as CrashFact);
}

describe("a process that is killed", () => {
  it(
    `B55 loses nothing that it accepted, keeps order and runs nothing twice that was told: ${kills} kills under load`,
    async () => {
      const scene = createScene();
      const chance = createChance(1);
      for (let life = 0; life < kills; life++)
        expect(await live(scene, `life${life}`, chance.below(longestLifeMs))).toBe("SIGKILL");
      expect(await live(scene, "last", undefined)).toBeNull();
      const report = checkCrashes(factsOf(scene));
      expect(report.faults).toEqual([]);
      expect(report.accepted).toBeGreaterThan(kills);
      expect(report.repeated).toBeGreaterThan(0);
    },
    60_000 + kills * 10_000,
  );

  it("B30 by a message is killed three times by it; then that is dead-lettered, and its session goes on", async () => {
    const scene = createScene();
    // A turn that close ends is no attempt.
    const keeper = await createLanekeeper({
      store: sqliteStore(scene.path),
      turn: () => new Promise(() => {}),
      lane: { abortGraceMs: 0 },
      logger: { debug() {}, info() {}, warn() {}, error() {} },
    });
    await keeper.send("a", { kill: true }, { id: "poison" });
    await keeper.send("a", {}, { id: "after" });
    await keeper.close();
    const ends: (string | null)[] = [];
    for (const life of ["1", "2", "3", "4"]) ends.push(await live(scene, life, undefined));
    expect(ends).toEqual(["SIGKILL", "SIGKILL", "SIGKILL", null]);
    const facts = factsOf(scene);
    expect(facts.filter(({ type }) => type !== "shown")).toMatchObject([
      { type: "started", id: "poison", attempt: 1 },
      { type: "started", id: "poison", attempt: 2 },
      { type: "started", id: "poison", attempt: 3 },
      { type: "started", id: "after", attempt: 1 },
      { type: "buried", id: "poison" },
    ]);
  });

  it("B59 gives its store free, and whoever has it is named to the next", async () => {
    const { path } = createScene();
    const holder = sqliteStore(path);
    const keeper = await createLanekeeper({ store: holder, turn: () => "ok" });
    const { exitCode, stderr } = await runScript(script, { args: [path, `${path}.log`, "other", "finish"] });
    expect(exitCode).toBe(1);
    expect(stderr).toContain("STORE_IN_USE");
    expect(stderr).toContain(`Process ${process.pid} on `);
    await keeper.close();
    const { exitCode: next } = await runScript(script, { args: [path, `${path}.log`, "next", "finish"] });
    expect(next).toBe(0);
  });
});
