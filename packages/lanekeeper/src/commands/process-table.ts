import { execFile, execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
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
  /** The processes that live, lead a session and a group, and show this process their environments. */
  sessionLeaders(): readonly SessionLeader[];
}

/** A process of a group. */
export interface GroupMember {
  readonly pid: number;
  readonly mark: string;
}

/** A process that leads a session and a group. */
export interface SessionLeader extends GroupMember {
  /** The number of its parent: of another process once that which started it is over. */
  readonly parent: number;
  /** When it started, on the system's own scale. */
  readonly started: number;
  readonly environment: Readonly<Record<string, string>>;
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
    return livingProcesses()
      .filter((one) => one.group === group)
      .map(({ pid, mark }) => ({ pid, mark }));
  },
  sessionLeaders() {
    return livingProcesses().flatMap(({ pid, mark, parent, group, session, started }) => {
      const environment = group === pid && session === pid ? readEnvironment(pid) : undefined;
      return environment === undefined ? [] : [{ pid, mark, parent, started, environment }];
    });
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
  // It prints environments behind arguments, so that nobody can tell where one begins.
  sessionLeaders: () => [],
};

interface Stat {
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  readonly started: number;
  readonly mark: string;
  readonly isDead: boolean;
}

function livingProcesses(): readonly (Stat & { readonly pid: number })[] {
  return readdirSync("/proc").flatMap((name) => {
    const pid = Number(name);
    const stat = Number.isInteger(pid) ? readStat(pid) : undefined;
    return stat === undefined || stat.isDead ? [] : [{ pid, ...stat }];
  });
}

function readStat(pid: number): Stat | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The command's name stands in brackets before the rest, and may have any in it.
    const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
    const [state = "", parent, group, session] = fields;
    const started = fields[startField];
    return {
      parent: Number(parent),
      group: Number(group),
      session: Number(session),
      started: Number(started),
      mark: `${bootId()}:${started}`,
      isDead: /[ZX]/.test(state),
    };
  } catch {
    return undefined;
  }
}

/** Of `/proc/<pid>/stat` without the two fields before the state: when it started. */
const startField = 19;

/** As it was when its program began; undefined for a process of another user, and for one of another container. */
function readEnvironment(pid: number): Readonly<Record<string, string>> | undefined {
  try {
    // The same numbers name other processes there.
    if (readlinkSync(`/proc/${pid}/ns/pid`) !== readlinkSync("/proc/self/ns/pid")) return undefined;
    const entries = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0");
    return Object.fromEntries(entries.map((entry) => entry.split(/=(.*)/s, 2)) as [string, string][]);
  } catch {
    return undefined;
  }
}

function bootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}
