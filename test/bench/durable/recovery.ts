import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { median } from "../rounds.ts";

/** Work that a process has left when it was killed. */
export interface Backlog {
  readonly sessions: number;
  readonly messagesEach: number;
}

/** What the next process needed until it could go on: milliseconds from asking for its keeper, and megabytes. */
export interface Recovery {
  /** The keeper is there: it takes messages. */
  readonly readyMs: number;
  /** Processor time until then, of which the process itself took some before. */
  readonly readyCpuMs: number;
  /** The first turn runs. */
  readonly firstTurnMs: number;
  /** Every session with work has its lane. */
  readonly allLanesMs: number;
  readonly waiting: number;
  readonly live: number;
  /** Resident when the keeper is there, and at most. */
  readonly readyMegabytes: number;
  readonly mostMegabytes: number;
}

/** Slots of both keepers: as many turns were running when the first process was killed. */
export const slots = 64;
const script = fileURLToPath(import.meta.resolve("./recovery-script.ts"));
const run = promisify(execFile);

/** Kills a process that has accepted a backlog, and opens its file in another; the medians of some rounds. */
export async function measureRecovery(backlog: Backlog, rounds: number): Promise<Recovery> {
  const found: Recovery[] = [];
  for (let round = 0; round < rounds; round++) found.push(await openOnce(backlog));
  const names = Object.keys(found[0]!) as (keyof Recovery)[];
  const medians = names.map((name) => [name, median(found.map((recovery) => recovery[name]))]);
  return Object.fromEntries(medians) as Record<keyof Recovery, number>;
}

async function openOnce({ sessions, messagesEach }: Backlog): Promise<Recovery> {
  const folder = await mkdtemp(join(tmpdir(), "lanekeeper-bench-"));
  const path = join(folder, "store.db");
  try {
    await ask("fill", path, String(sessions), String(messagesEach));
    return JSON.parse(await ask("open", path, String(sessions))) as Recovery;
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Runs a step in a process of its own, which kills itself when it is done. Answers what it wrote. */
async function ask(...args: readonly string[]): Promise<string> {
  try {
    const { stdout } = await run(process.execPath, [script, ...args]);
    return stdout;
  } catch (error) {
    const { signal, stdout } = error as { readonly signal?: string; readonly stdout?: string };
    if (signal !== "SIGKILL") throw error;
    return stdout ?? "";
  }
}
