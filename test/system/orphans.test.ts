import { sqliteStore } from "@lanekeeper/sqlite";
import { createLanekeeper, type ExecCompletion } from "lanekeeper";
import { childProcesses, systemClock } from "lanekeeper/ports";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it, onTestFinished } from "vitest";
import { isOver } from "../conformance/process-end.ts";

const script = fileURLToPath(new URL("orphan-script.ts", import.meta.url));

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "lanekeeper-orphans-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Kills a keeper's process while its commands run; answers their process ids. */
async function orphan(path: string, ...scripts: readonly string[]): Promise<readonly number[]> {
  const args = [script, path, "recorded", ...scripts];
  const host = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(host.stdout, "data")) as [Buffer];
  const pids = JSON.parse(line.toString()) as readonly number[];
  killAfterTest(pids);
  host.kill("SIGKILL");
  await once(host, "exit");
  return pids;
}

function killAfterTest(groups: readonly number[]): void {
  onTestFinished(() => {
    for (const pid of groups) if (!isOver(pid)) process.kill(-pid, "SIGKILL");
  });
}

/** Resolves with the numbers that commands wrote to files of a folder. */
async function numbersIn(folder: string, ...names: readonly string[]): Promise<readonly number[]> {
  const written = (name: string): string =>
    existsSync(join(folder, name)) ? readFileSync(join(folder, name), "utf8") : "";
  while (names.some((name) => !written(name).endsWith("\n")))
    await new Promise((resolve) => setImmediate(resolve));
  return names.map((name) => Number(written(name)));
}

/** Opens the next keeper on a store until its turns were shown so many completions; answers these by session. */
async function takeOver(
  path: string,
  count: number,
): Promise<ReadonlyMap<string, readonly ExecCompletion[]>> {
  const shown = new Map<string, readonly ExecCompletion[]>();
  const { promise: all, resolve } = Promise.withResolvers<void>();
  const keeper = await createLanekeeper({
    store: sqliteStore(path),
    exec: { killGraceMs: 300 },
    logger: { debug() {}, info() {}, warn() {}, error() {} },
    turn({ sessionKey, events }) {
      const completions = events.map(({ body }) => body as ExecCompletion);
      shown.set(sessionKey, [...(shown.get(sessionKey) ?? []), ...completions]);
      if ([...shown.values()].flat().length >= count) resolve();
    },
  });
  await all;
  await keeper.close();
  return shown;
}

it("B37 B55 a keeper ends the commands that ran when its predecessor was killed, whatever they made of themselves", async () => {
  const folder = temporaryFolder();
  const path = join(folder, "store.db");
  const pids = await orphan(
    path,
    "exec sleep 600",
    `sleep 600 & echo $! > ${folder}/child; wait`,
    `trap '' TERM; echo $$ > ${folder}/stubborn; while :; do sleep 1; done`,
    `(trap '' TERM; sleep 600) & echo $! > ${folder}/left; wait`,
  );
  const [child, , left] = await numbersIn(folder, "child", "stubborn", "left");
  expect(pids.map((pid) => isOver(pid))).toEqual([false, false, false, false]);
  const shown = await takeOver(path, 4);
  expect([...pids, child!, left!].map((pid) => isOver(pid))).toEqual([true, true, true, true, true, true]);
  expect([...shown.keys()].toSorted()).toEqual(["session-0", "session-1", "session-2", "session-3"]);
  for (const completions of shown.values())
    expect(completions).toMatchObject([{ status: "lost", exitCode: null, signal: null }]);
});

it.runIf(existsSync("/proc/self/environ"))(
  "B37 B55 a keeper ends commands that its predecessor had just started when it was killed, and of which it had recorded no process",
  async () => {
    const folder = temporaryFolder();
    const path = join(folder, "store.db");
    const scripts = [
      `echo $$ > ${folder}/plain; exec sleep 600`,
      `trap '' TERM; sleep 600 & echo $! > ${folder}/child; echo $$ > ${folder}/stubborn; while :; do sleep 1; done`,
    ];
    const args = [script, path, "unrecorded", ...scripts];
    const host = spawn(process.execPath, args, { stdio: ["ignore", "inherit", "inherit"] });
    onTestFinished(() => void host.kill("SIGKILL"));
    const [plain, child, stubborn] = (await numbersIn(folder, "plain", "child", "stubborn")) as [
      number,
      number,
      number,
    ];
    killAfterTest([plain, stubborn]);
    host.kill("SIGKILL");
    await once(host, "exit");
    const store = sqliteStore(path);
    const mailboxes = await store.open({ clock: systemClock, createId: () => "made" });
    const records = await mailboxes.openExecutions();
    expect(records.map(({ state, process }) => [state, process])).toEqual([
      ["running", undefined],
      ["running", undefined],
    ]);
    await store.close();
    expect([plain, child, stubborn].map((pid) => isOver(pid))).toEqual([false, false, false]);
    const shown = await takeOver(path, 2);
    expect([plain, child, stubborn].map((pid) => isOver(pid))).toEqual([true, true, true]);
    expect([...shown.keys()].toSorted()).toEqual(["session-0", "session-1"]);
    for (const completions of shown.values()) expect(completions).toMatchObject([{ status: "lost" }]);
  },
);

it("B37 leaves a process alone that has the number of a command by now, and reports the command as lost", async () => {
  const path = join(temporaryFolder(), "store.db");
  const bystander = await childProcesses.start(
    { execId: "bystander", command: "sleep", args: ["600"], cwd: undefined, env: undefined },
    { output() {}, ended() {} },
  );
  onTestFinished(() => void bystander.kill("SIGKILL"));
  const { pid, mark = "" } = bystander;
  const store = sqliteStore(path);
  const mailboxes = await store.open({ clock: systemClock, createId: () => "made" });
  for (const [execId, process] of [
    ["another-start", { pid, mark: `${mark}0` }],
    ["another-boot", { pid, mark: `0${mark}` }],
    ["nobody", { pid: 2 ** 30, mark }],
  ] as const) {
    await mailboxes.recordExecution({
      execId,
      sessionKey: execId,
      incarnation: undefined,
      command: "sleep 600",
      startedAt: 1,
      dueAt: undefined,
      state: "running",
    });
    await mailboxes.recordProcess({ execId, process });
  }
  await store.close();
  const shown = await takeOver(path, 3);
  expect(isOver(pid)).toBe(false);
  const statuses = [...shown.values()].flat().map(({ execId, status }) => [execId, status]);
  expect(Object.fromEntries(statuses)).toEqual({
    "another-boot": "lost",
    "another-start": "lost",
    nobody: "lost",
  });
});
