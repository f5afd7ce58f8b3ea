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
  const host = spawn(process.execPath, [script, path, ...scripts], { stdio: ["ignore", "pipe", "inherit"] });
  const [line] = (await once(host.stdout, "data")) as [Buffer];
  const pids = JSON.parse(line.toString()) as readonly number[];
  onTestFinished(() => {
    for (const pid of pids) if (!isOver(pid)) process.kill(-pid, "SIGKILL");
  });
  host.kill("SIGKILL");
  await once(host, "exit");
  return pids;
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
  const written = (name: string): string =>
    existsSync(join(folder, name)) ? readFileSync(join(folder, name), "utf8").trim() : "";
  const pids = await orphan(
    path,
    "exec sleep 600",
    `sleep 600 & echo $! > ${folder}/child; wait`,
    `trap '' TERM; echo $$ > ${folder}/stubborn; while :; do sleep 1; done`,
    `(trap '' TERM; sleep 600) & echo $! > ${folder}/left; wait`,
  );
  while (["child", "stubborn", "left"].some((name) => written(name) === ""))
    await new Promise((resolve) => setImmediate(resolve));
  expect(pids.map((pid) => isOver(pid))).toEqual([false, false, false, false]);
  const children = [Number(written("child")), Number(written("left"))];
  const shown = await takeOver(path, 4);
  expect([...pids, ...children].map((pid) => isOver(pid))).toEqual([true, true, true, true, true, true]);
  expect([...shown.keys()].toSorted()).toEqual(["session-0", "session-1", "session-2", "session-3"]);
  for (const completions of shown.values())
    expect(completions).toMatchObject([{ status: "lost", exitCode: null, signal: null }]);
});

it("B37 leaves a process alone that has the number of a command by now, and reports the command as lost", async () => {
  const path = join(temporaryFolder(), "store.db");
  const bystander = await childProcesses.start(
    { command: "sleep", args: ["600"], cwd: undefined, env: undefined },
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
