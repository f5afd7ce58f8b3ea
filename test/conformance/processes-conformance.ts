import type { ProcessCommand, Processes, StartedProcess } from "lanekeeper/ports";
import { describe, expect, it } from "vitest";

/** What the commands of this suite do. An implementation says which command line does each. */
export interface Commands {
  /** Writes "out" to stdout, then "err" to stderr, and exits with 3. */
  readonly writesAndFails: ProcessCommand;
  /** Exits with 0 and writes nothing. */
  readonly succeeds: ProcessCommand;
  /** Reads its input to the end, writes what it read, and exits with 0. */
  readonly reads: ProcessCommand;
  /** Writes "ready" and then runs until it is killed. */
  readonly runsOn: ProcessCommand;
  /** The same, and SIGTERM does not end it. */
  readonly ignoresTerm: ProcessCommand;
  /** Writes a million characters and exits with 0. */
  readonly writesALot: ProcessCommand;
  /** Cannot be started. */
  readonly missing: ProcessCommand;
}

/** An implementation of the port, and how it does what the suite needs. */
export interface ProcessesUnderTest {
  readonly processes: Processes;
  readonly commands: Commands;
}

/** How a command that was started went. */
export interface Run {
  readonly process: StartedProcess;
  /** What it has written until now. */
  readonly text: string;
  /** Everything that was called: "output" and "ended", in order. */
  readonly calls: readonly string[];
  /** Resolves when it has ended. */
  readonly ended: Promise<{ readonly exitCode: number | null; readonly signal: string | null }>;
  /** Resolves when its output contains a text. */
  written(text: string): Promise<void>;
}

/** Starts a command and listens to it. */
export async function run(processes: Processes, command: ProcessCommand): Promise<Run> {
  const { promise: ended, resolve: end } = Promise.withResolvers<Awaited<Run["ended"]>>();
  const waiting: { readonly text: string; readonly resolve: () => void }[] = [];
  const calls: string[] = [];
  let text = "";
  const listener = {
    output(more: string) {
      calls.push("output");
      text += more;
      for (const wanted of waiting) if (text.includes(wanted.text)) wanted.resolve();
    },
    ended(exitCode: number | null, signal: string | null) {
      calls.push("ended");
      end({ exitCode, signal });
    },
  };
  return {
    process: await processes.start(command, listener),
    get text() {
      return text;
    },
    calls,
    ended,
    written: (wanted) =>
      new Promise((resolve) => {
        if (text.includes(wanted)) resolve();
        else waiting.push({ text: wanted, resolve });
      }),
  };
}

/** Lets whatever comes after the end of a command come. */
const settle = async (): Promise<void> => {
  for (let round = 0; round < 20; round++) await new Promise((resolve) => setImmediate(resolve));
};

/** What every way to run commands keeps to (the port's I1–I3). */
export function describeProcesses(name: string, create: () => ProcessesUnderTest): void {
  describe(`processes: ${name}`, () => {
    it("tells what a command writes to stdout and stderr, and how it ends", async () => {
      const { processes, commands } = create();
      const started = await run(processes, commands.writesAndFails);
      expect(await started.ended).toEqual({ exitCode: 3, signal: null });
      expect(started.text).toContain("out");
      expect(started.text).toContain("err");
    });

    it("gives each its own process id", async () => {
      const { processes, commands } = create();
      const runs = await Promise.all([1, 2, 3].map(() => run(processes, commands.succeeds)));
      const pids = runs.map(({ process }) => process.pid);
      expect(new Set(pids).size).toBe(3);
      expect(pids.every((pid) => Number.isInteger(pid) && pid > 0)).toBe(true);
      await Promise.all(runs.map(({ ended }) => ended));
    });

    it("I2: tells the end exactly once, after the last output", async () => {
      const { processes, commands } = create();
      const started = await run(processes, commands.writesALot);
      expect(await started.ended).toEqual({ exitCode: 0, signal: null });
      await settle();
      expect(started.calls.filter((call) => call === "ended")).toHaveLength(1);
      expect(started.calls.at(-1)).toBe("ended");
      expect(started.text).toHaveLength(1_000_000);
    });

    it("I2: tells the end of a command that wrote nothing", async () => {
      const { processes, commands } = create();
      const started = await run(processes, commands.succeeds);
      expect(await started.ended).toEqual({ exitCode: 0, signal: null });
      expect(started.text).toBe("");
    });

    it("gives a command no input: what reads is at the end at once", async () => {
      const { processes, commands } = create();
      const started = await run(processes, commands.reads);
      expect(await started.ended).toEqual({ exitCode: 0, signal: null });
      expect(started.text).toBe("");
    });

    it("tells output as it comes, not at the end", async () => {
      const { processes, commands } = create();
      const started = await run(processes, commands.runsOn);
      await started.written("ready");
      expect(started.calls).not.toContain("ended");
      started.process.kill("SIGKILL");
      await started.ended;
    });

    it("ends a command by a signal, and says by which", async () => {
      const { processes, commands } = create();
      const started = await run(processes, commands.runsOn);
      await started.written("ready");
      expect(started.process.kill("SIGTERM")).toBe(true);
      expect(await started.ended).toEqual({ exitCode: null, signal: "SIGTERM" });
    });

    it("says that nobody is left to receive a signal after the end", async () => {
      const { processes, commands } = create();
      const started = await run(processes, commands.succeeds);
      await started.ended;
      expect(started.process.kill("SIGTERM")).toBe(false);
      expect(started.process.kill("SIGKILL")).toBe(false);
      await settle();
      expect(started.calls.filter((call) => call === "ended")).toHaveLength(1);
    });

    it("ends with SIGKILL what SIGTERM does not end", async () => {
      const { processes, commands } = create();
      const started = await run(processes, commands.ignoresTerm);
      await started.written("ready");
      expect(started.process.kill("SIGTERM")).toBe(true);
      await settle();
      expect(started.calls).not.toContain("ended");
      expect(started.process.kill("SIGKILL")).toBe(true);
      expect(await started.ended).toEqual({ exitCode: null, signal: "SIGKILL" });
    });

    it("runs many at once and ends each by itself", async () => {
      const { processes, commands } = create();
      const survivor = await run(processes, commands.runsOn);
      await survivor.written("ready");
      const runs = await Promise.all(Array.from({ length: 10 }, () => run(processes, commands.runsOn)));
      await Promise.all(runs.map(({ written }) => written("ready")));
      for (const { process } of runs) process.kill("SIGTERM");
      const ends = await Promise.all(runs.map(({ ended }) => ended));
      expect(ends.every(({ signal }) => signal === "SIGTERM")).toBe(true);
      expect(survivor.calls).not.toContain("ended");
      survivor.process.kill("SIGKILL");
      await survivor.ended;
    });

    it("I4: finds by its identity what was started, as long as it runs, and ends it", async () => {
      const { processes, commands } = create();
      const started = await run(processes, commands.runsOn);
      await started.written("ready");
      const { pid, mark = "" } = started.process;
      expect(mark).not.toBe("");
      expect(await processes.find?.({ pid, mark: `not ${mark}` })).toBeUndefined();
      const found = await processes.find?.({ pid, mark });
      expect(found).toMatchObject({ pid, mark });
      expect(found?.kill("SIGTERM")).toBe(true);
      expect(await started.ended).toEqual({ exitCode: null, signal: "SIGTERM" });
      expect(found?.kill("SIGTERM")).toBe(false);
      expect(await processes.find?.({ pid, mark })).toBeUndefined();
    });

    it("I3: rejects what cannot be started, and calls nobody", async () => {
      const { processes, commands } = create();
      const calls: string[] = [];
      const listener = {
        output: () => void calls.push("output"),
        ended: () => void calls.push("ended"),
      };
      await expect(processes.start(commands.missing, listener)).rejects.toMatchObject({ code: "ENOENT" });
      await settle();
      expect(calls).toEqual([]);
    });
  });
}
