import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { basename } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { findGroup, findStartedGroup, killGroup, namesOf } from "./process-group.ts";
import {
  type GroupMember,
  openProcessTable,
  procTable,
  type ProcessTable,
  psTable,
  type SessionLeader,
} from "./process-table.ts";

/** A group of real processes, led by a shell that writes the number of its child; it is killed with the test. */
async function startGroup(
  script = "sleep 600 & echo $!; wait",
  names?: Readonly<Record<string, string>>,
): Promise<{ readonly leader: number; readonly child: number }> {
  const env = { ...process.env, ...names };
  const shell = spawn("sh", ["-c", script], { detached: true, stdio: ["ignore", "pipe", "ignore"], env });
  const leader = shell.pid!;
  onTestFinished(() => void killGroup(leader, "SIGKILL"));
  const [line] = (await once(shell.stdout, "data")) as [Buffer];
  return { leader, child: Number(line.toString()) };
}

const programOf = (pid: number): string =>
  basename(execFileSync("ps", ["-p", String(pid), "-o", "comm="], { encoding: "utf8" }).trim());
const tick = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const tables: readonly [string, ProcessTable][] = [["ps", psTable]];

describe.each(existsSync("/proc/self/stat") ? [...tables, ["proc", procTable] as const] : tables)(
  "the process table of %s",
  (_, table) => {
    it("has a mark for each process, the same each time, and none where there is no process", async () => {
      const mark = await table.markOf(process.pid);
      expect(mark).toMatch(/\S/);
      expect(await table.markOf(process.pid)).toBe(mark);
      expect(await table.markOf(2 ** 30)).toBeUndefined();
    });

    it("lists the living of a group, with their marks", async () => {
      const { leader, child } = await startGroup();
      const members = table.membersOf(leader);
      expect(new Set(members.map(({ pid }) => pid))).toEqual(new Set([leader, child]));
      for (const { pid, mark } of members) expect(mark).toBe(await table.markOf(pid));
      expect(table.membersOf(2 ** 30)).toEqual([]);
    });

    it("does not list a process that is over and that its parent has not buried", async () => {
      // A shell may bury its children; the program that takes its place does not.
      const { leader, child } = await startGroup("sleep 600 & echo $!; exec sleep 600");
      while (programOf(leader) !== "sleep") await tick();
      process.kill(child, "SIGKILL");
      while (table.membersOf(leader).some(({ pid }) => pid === child)) await tick();
      expect(process.kill(child, 0)).toBe(true);
      expect(table.membersOf(leader).map(({ pid }) => pid)).toEqual([leader]);
    });

    it("finds a group by who leads it, and ends it", async () => {
      const { leader } = await startGroup();
      const group = findGroup(table, { pid: leader, mark: (await table.markOf(leader))! });
      expect(group?.kill("SIGTERM")).toBe(true);
      while (table.membersOf(leader).length > 0) await tick();
      expect(group?.kill("SIGTERM")).toBe(false);
    });
  },
);

it("opens the table that this system has", async () => {
  expect(openProcessTable()).toBe(existsSync("/proc/self/stat") ? procTable : psTable);
});

describe("a group whose number may be another's by now", () => {
  /** A table that a test sets. */
  function createTable(...members: GroupMember[]) {
    const table = {
      members,
      markOf: async () => undefined,
      membersOf: () => table.members,
      sessionLeaders: () => [],
    };
    return table;
  }
  const leader = { pid: 42, mark: "then" };

  it("is not found where nobody has the number, where another has it, or where its leader is gone", () => {
    for (const members of [[], [{ pid: 42, mark: "later" }], [{ pid: 43, mark: "then" }]])
      expect(findGroup(createTable(...members), leader)).toBeUndefined();
  });

  it("gets no signal once nobody of it is left, whoever has the number then", () => {
    const table = createTable(leader);
    const group = findGroup(table, leader);
    table.members = [{ pid: 42, mark: "later" }];
    expect(group?.kill("SIGKILL")).toBe(false);
    table.members = [];
    expect(group?.kill("SIGKILL")).toBe(false);
  });

  it("is the same group as long as somebody of it lives, also one who came later", async () => {
    const real = await startGroup();
    const [first, second, third] = [
      { pid: 1, mark: "then" },
      { pid: 2, mark: "then" },
      { pid: 3, mark: "then" },
    ];
    const ours = { pid: real.leader, mark: "then" };
    const table = createTable(ours, first);
    const group = findGroup(table, ours);
    for (const members of [[first, second], [second, third], [third]]) {
      table.members = members;
      expect(group?.kill("SIGCONT")).toBe(true);
    }
    table.members = [first];
    expect(group?.kill("SIGCONT")).toBe(false);
  });
});

describe("a group of which only the command's id is known", () => {
  const starter = 41;
  const named = (pid: number, more: Partial<SessionLeader> = {}): SessionLeader => ({
    pid,
    mark: `mark of ${pid}`,
    parent: 1,
    started: 7,
    environment: namesOf("id", starter),
    ...more,
  });
  const pidOf = (...leaders: readonly SessionLeader[]): number | undefined =>
    findStartedGroup(
      {
        markOf: async () => undefined,
        membersOf: (group) => leaders.filter(({ pid }) => pid === group),
        sessionLeaders: () => leaders,
      },
      "id",
    )?.identity.pid;

  it("is found where whoever started it is over, and not where that still runs it", () => {
    expect(pidOf(named(42))).toBe(42);
    expect(pidOf(named(42, { parent: starter }))).toBeUndefined();
    expect(pidOf(named(42, { parent: starter }), named(43))).toBe(43);
  });

  it("is nobody's who has another id, or none, or does not say who started it", () => {
    for (const environment of [namesOf("another", starter), {}, { LANEKEEPER_EXEC_ID: "id" }])
      expect(pidOf(named(42, { environment }))).toBeUndefined();
  });

  it("is the command's own, not that of what the command has put into a session of its own", () => {
    expect(pidOf(named(43, { started: 8 }), named(42), named(44, { started: 9 }))).toBe(42);
  });

  it("is not found where environments are not told apart from arguments", () => {
    expect(psTable.sessionLeaders()).toEqual([]);
  });

  it.runIf(existsSync("/proc/self/environ"))("is found in /proc, and ended", async () => {
    const over = 2 ** 30;
    const script = "setsid sleep 600 & echo $!; wait";
    const { leader, child } = await startGroup(script, namesOf("named in proc", over));
    onTestFinished(() => void killGroup(child, "SIGKILL"));
    while (procTable.membersOf(child).length === 0) await tick();
    const found = findStartedGroup(procTable, "named in proc");
    expect(found?.identity).toEqual({ pid: leader, mark: await procTable.markOf(leader) });
    expect(findStartedGroup(procTable, "named in pro")).toBeUndefined();
    expect(found?.kill("SIGKILL")).toBe(true);
    while (procTable.membersOf(leader).length > 0) await tick();
    await startGroup(undefined, namesOf("run by this process", process.pid));
    expect(findStartedGroup(procTable, "run by this process")).toBeUndefined();
  });
});
