import { execFile, execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { promisify } from "node:util";

/**
 * What the system knows of its processes.
 *
 * I1. No two processes have the same number and the same mark: a mark is when the process started, on this boot.
 * I2. A system that cannot say gives no mark and no members; it never guesses.
 */
export interface ProcessTable {
  /** The mark of a process; undefined where there is none of that number. */
  markOf(pid: number): Promise<string | undefined>;
  /** The processes of a group that live. */
  membersOf(group: number): readonly GroupMember[];
}

/** A process of a group. */
export interface GroupMember {
  readonly pid: number;
  readonly mark: string;
}

/** The table of this system: `/proc` where there is one, else what `ps` prints. */
export function openProcessTable(): ProcessTable {
  return existsSync("/proc/self/stat") ? procTable : psTable;
}

/** Linux. Times are clock ticks since the boot. */
export const procTable: ProcessTable = {
  async markOf(pid) {
    return readStat(pid)?.mark;
  },
  membersOf(group) {
    const members: GroupMember[] = [];
    for (const name of readdirSync("/proc")) {
      const pid = Number(name);
      const stat = Number.isInteger(pid) ? readStat(pid) : undefined;
      if (stat?.group === group && !stat.isDead) members.push({ pid, mark: stat.mark });
    }
    return members;
  },
};

const run = promisify(execFile);
const psOptions = {
  encoding: "utf8",
  env: { ...process.env, LC_ALL: "C", TZ: "UTC" },
  timeout: 5_000,
} as const;

/** Everywhere else. Times are to the second. */
export const psTable: ProcessTable = {
  async markOf(pid) {
    try {
      const { stdout } = await run("ps", ["-p", String(pid), "-o", "lstart="], psOptions);
      const mark = stdout.trim();
      return mark === "" ? undefined : mark;
    } catch {
      return undefined;
    }
  },
  membersOf(group) {
    let text: string;
    try {
      const columns = ["-o", "pid=", "-o", "pgid=", "-o", "stat=", "-o", "lstart="];
      text = execFileSync("ps", ["-A", ...columns], { ...psOptions, stdio: ["ignore", "pipe", "ignore"] });
    } catch {
      return [];
    }
    return text.split("\n").flatMap((line) => {
      const [pid, pgid, state = "", ...mark] = line.trim().split(/\s+/);
      return Number(pgid) === group && !/^[ZX]/.test(state)
        ? [{ pid: Number(pid), mark: mark.join(" ") }]
        : [];
    });
  },
};

interface Stat {
  readonly group: number;
  readonly mark: string;
  readonly isDead: boolean;
}

function readStat(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command's name stands in brackets before the rest, and may have any in it.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const [state = "", , group] = fields;
    return { group: Number(group), mark: `${bootId()}:${fields[startField]}`, isDead: /[ZX]/.test(state) };
  } catch {
    return undefined;
  }
}

/** Of `/proc/<pid>/stat` without the two fields before the state: when it started. */
const startField = 19;

function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}
