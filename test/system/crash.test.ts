import { checkCrashes } from "./crash-checker.ts";
import { CrashLives, crashScript, type Death, type Phase } from "./crash-lives.ts";
import { runScript } from "./child-script.ts";
import { sqliteStore } from "@lanekeeper/sqlite";
import { type Chance, createChance } from "@lanekeeper/testing";
import { createLanekeeper } from "lanekeeper";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, type TestContext } from "vitest";

/** In CI; `LANEKEEPER_SOAK` multiplies it. */
const stores = 8 * Number(process.env["LANEKEEPER_SOAK"] ?? 1);
const killsPerStore = 50;
const seeds = Array.from({ length: stores }, (_, index) => index + 1);

/** Their files stay where the test fails, their processes never. */
function createLives({ onTestFinished }: TestContext): CrashLives {
  const lives = new CrashLives();
  onTestFinished(({ task }) => {
    for (const pid of lives.leftovers) process.kill(Number(pid), "SIGKILL");
    if (task.result?.state !== "fail") rmSync(lives.folder, { recursive: true, force: true });
  });
  return lives;
}

function chooseDeath(chance: Chance): Death {
  return {
    phase: chance.pick(["opening", "opening", "serving", "serving", "closing"]),
    share: chance.next(),
    closeAfter: chance.next(),
  };
}

/** Node keeps what it compiled: a process that is killed so often starts in less than half the time. */
const compiled = mkdtempSync(join(tmpdir(), "lanekeeper-compiled-"));
beforeAll(async () => {
  process.env["NODE_COMPILE_CACHE"] = compiled;
  const lives = new CrashLives();
  await lives.finish("finish");
  rmSync(lives.folder, { recursive: true });
});
afterAll(() => {
  delete process.env["NODE_COMPILE_CACHE"];
  rmSync(compiled, { recursive: true });
});

describe.concurrent("B55 B30 a process that is killed under load, while it recovers and while it closes, loses nothing that it accepted, keeps order and runs nothing twice that was over:", () => {
  it.for(seeds)(`${killsPerStore} kills, seed %i`, { timeout: 600_000 }, async (seed, context) => {
    const lives = createLives(context);
    const chance = createChance(seed);
    const ends: Record<Phase, number> = { opening: 0, serving: 0, closing: 0, closed: 0 };
    for (let kills = 0; kills < killsPerStore;) {
      const phase = await lives.die(chooseDeath(chance));
      ends[phase] += 1;
      if (phase !== "closed") kills += 1;
    }
    expect(await lives.finish("finish")).toBeNull();
    const report = checkCrashes(lives.facts);
    expect(report.faults, `What was noted and stored is in ${lives.folder}`).toEqual([]);
    expect(lives.leftovers).toEqual([]);
    expect(report.accepted).toBeGreaterThan(killsPerStore);
    expect(report.commands).toBeGreaterThan(0);
    expect(report.repeated).toBeGreaterThan(0);
    for (const phase of ["opening", "serving", "closing"] as const) expect(ends[phase]).toBeGreaterThan(0);
  });
});

it("B30 a process is killed three times by a message; then that is dead-lettered, and its session goes on", async (context) => {
  const lives = createLives(context);
  // A turn that close ends is no attempt.
  const keeper = await createLanekeeper({
    store: sqliteStore(lives.path),
    turn: () => new Promise(() => {}),
    lane: { abortGraceMs: 0 },
    logger: { debug() {}, info() {}, warn() {}, error() {} },
  });
  await keeper.send("a", { kill: true }, { id: "poison" });
  await keeper.send("a", {}, { id: "after" });
  await keeper.close();
  const ends: (string | null)[] = [];
  for (let life = 1; life <= 4; life++) ends.push(await lives.finish("poisoned"));
  expect(ends).toEqual(["SIGKILL", "SIGKILL", "SIGKILL", null]);
  expect(lives.facts.filter(({ type }) => type !== "shown")).toMatchObject([
    { type: "started", id: "poison", attempt: 1 },
    { type: "started", id: "poison", attempt: 2 },
    { type: "started", id: "poison", attempt: 3 },
    { type: "started", id: "after", attempt: 1 },
    { type: "buried", id: "poison" },
  ]);
});

it("B59 a process gives its store free when it is killed or closes, and whoever has it is named to the next", async (context) => {
  const { path } = createLives(context);
  const holder = sqliteStore(path);
  const keeper = await createLanekeeper({ store: holder, turn: () => "ok" });
  const { exitCode, stderr } = await runScript(crashScript, {
    args: [path, `${path}.log`, "other", "finish"],
  });
  expect(exitCode).toBe(1);
  expect(stderr).toContain("STORE_IN_USE");
  expect(stderr).toContain(`Process ${process.pid} on `);
  await keeper.close();
  const { exitCode: next } = await runScript(crashScript, { args: [path, `${path}.log`, "next", "finish"] });
  expect(next).toBe(0);
});
