import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { CrashFact } from "./crash-checker.ts";

/** The process that is killed. */
export const crashScript = new URL("crash-script.ts", import.meta.url);
/** A keeper is killed so long after it began to serve at most, in milliseconds. */
const servingMs = 200;

/** A variable of the environment of every process that is killed, and of whatever it starts. */
const mark = "LANEKEEPER_CRASH_LIVES";

/** What a process was doing when it ended. */
export type Phase = "opening" | "serving" | "closing" | "closed";

/** When a process is killed: in that phase, after that share of the time which the phase takes. */
export interface Death {
  readonly phase: Exclude<Phase, "closed">;
  readonly share: number;
  /** The share of its time of service after which one that is to close is told so. */
  readonly closeAfter: number;
}

/** A store file, and the lives of the processes that have it one after the other. */
export class CrashLives {
  readonly folder: string = mkdtempSync(join(tmpdir(), "lanekeeper-crash-"));
  readonly path: string = join(this.folder, "store.db");
  readonly log: string = join(this.folder, "facts.jsonl");
  /** How long the phases took that went by, in milliseconds: the last of each. */
  readonly #took = { opening: 40, closing: 40 };
  #count = 0;

  /** Everything noted so far. */
  get facts(): readonly CrashFact[] {
    const lines = existsSync(this.log) ? readFileSync(this.log, "utf8").split("\n") : [];
    return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as CrashFact);
  }

  /** Processes that still run, the commands' and theirs included; none where the system does not tell. */
  get leftovers(): readonly string[] {
    const isOurs = (pid: string): boolean => {
      try {
        return readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").includes(`${mark}=${this.folder}`);
      } catch {
        return false;
      }
    };
    return existsSync("/proc/self/environ") ? readdirSync("/proc").filter(isOurs) : [];
  }

  /** Messages of which their client knows no answer, by session, in the order in which they were sent. */
  get #unanswered(): Readonly<Record<string, readonly string[]>> {
    const open = new Map<string, Set<string>>();
    for (const fact of this.facts) {
      if (fact.type === "offered") open.set(fact.session, (open.get(fact.session) ?? new Set()).add(fact.id));
      else if (fact.type === "accepted") open.get(fact.session)?.delete(fact.id);
    }
    return Object.fromEntries([...open].map(([session, ids]) => [session, [...ids]]));
  }

  /** Lets a process send and run until it is killed; answers in which phase it was then. It may have closed before. */
  async die(death: Death): Promise<Phase> {
    const { signal, phase } = await this.#live("traffic", death);
    return signal === "SIGKILL" ? phase : "closed";
  }

  /** Lets a process do what is left, unless one of its messages kills it; answers by which signal it ended. */
  async finish(mode: "finish" | "poisoned"): Promise<NodeJS.Signals | null> {
    return (await this.#live(mode)).signal;
  }

  async #live(
    mode: "traffic" | "finish" | "poisoned",
    death?: Death,
  ): Promise<{ readonly signal: NodeJS.Signals | null; readonly phase: Phase }> {
    const life = `life${++this.#count}`;
    const child = spawn(
      process.execPath,
      [fileURLToPath(crashScript), this.path, this.log, life, mode, JSON.stringify(this.#unanswered)],
      { stdio: ["ignore", "pipe", "inherit"], env: { ...process.env, [mark]: this.folder } },
    );
    let phase = "opening" as Phase;
    let began = performance.now();
    const timers: NodeJS.Timeout[] = [];
    const after = (ms: number, signal: NodeJS.Signals): void =>
      void timers.push(setTimeout(() => child.kill(signal), ms));
    const enter = (next: string): void => {
      const now = performance.now();
      if (next === "serving") this.#took.opening = now - began;
      phase = next as Phase;
      began = now;
      if (death === undefined) return;
      if (next === "serving" && death.phase === "closing") after(death.closeAfter * servingMs, "SIGTERM");
      if (next === death.phase) after(death.share * { ...this.#took, serving: servingMs }[next], "SIGKILL");
    };
    child.stdout.setEncoding("utf8").on("data", (text: string) => text.trim().split("\n").forEach(enter));
    const [exitCode, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
    for (const timer of timers) clearTimeout(timer);
    if (phase === "closing" && exitCode === 0) this.#took.closing = performance.now() - began;
    if (exitCode !== null && exitCode !== 0) throw new Error(`${life} ended by itself with ${exitCode}`);
    return { signal, phase };
  }
}
