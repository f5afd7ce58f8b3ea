import { tmpdir } from "node:os";
import {
  childProcesses,
  type ProcessCommand,
  type ScriptedProcess,
  scriptedProcesses,
} from "lanekeeper/ports";
import { describe, expect, it } from "vitest";
import { isOver, whenOver } from "./process-end.ts";
import { type Commands, describeProcesses, run } from "./processes-conformance.ts";

/** A command line, with the environment and directory of this process. */
function line(command: string, ...args: readonly string[]): ProcessCommand {
  return { execId: "id", command, args, cwd: undefined, env: undefined };
}

const shell = (script: string): ProcessCommand => line("sh", "-c", script);

const commands: Commands = {
  writesAndFails: shell("printf out; printf err >&2; exit 3"),
  succeeds: line("true"),
  reads: line("cat"),
  runsOn: shell("echo ready; exec sleep 60"),
  ignoresTerm: shell("trap '' TERM; echo ready; exec sleep 60"),
  writesALot: shell("head -c 1000000 /dev/zero | tr '\\0' x"),
  missing: line("no-such-command-anywhere"),
};

/** What the same commands do when no system runs them. */
const scripts = new Map<ProcessCommand, (process: ScriptedProcess) => void>([
  [
    commands.writesAndFails,
    (process) => {
      process.write("out");
      process.write("err");
      process.end(3);
    },
  ],
  [commands.succeeds, (process) => process.end(0)],
  [commands.reads, (process) => process.end(0)],
  [commands.runsOn, (process) => process.write("ready\n")],
  [commands.ignoresTerm, (process) => process.write("ready\n")],
  [
    commands.writesALot,
    (process) => {
      for (let chunk = 0; chunk < 100; chunk++) process.write("x".repeat(10_000));
      process.end(0);
      process.write("late");
      process.end(1);
    },
  ],
]);

describeProcesses("real", () => ({ processes: childProcesses, commands }));

describeProcesses("scripted", () => {
  const scriptOf = ({ command, args }: ProcessCommand): ((process: ScriptedProcess) => void) =>
    [...scripts].find(([known]) => known.command === command && known.args.join() === args.join())![1];
  const options = {
    onStart: (process: ScriptedProcess) => scriptOf(process)(process),
    missing: [commands.missing.command],
    areFound: true,
  };
  const obedient = scriptedProcesses(options);
  const stubborn = scriptedProcesses({ ...options, obeys: ["SIGKILL"] });
  return {
    commands,
    processes: {
      start: (command, listener) => {
        const isStubborn = command === commands.ignoresTerm;
        return (isStubborn ? stubborn : obedient).start(command, listener);
      },
      find: (identity) => obedient.find!(identity),
    },
  };
});

describe("real processes", () => {
  it("I1: are started without a shell", async () => {
    const text = "$HOME; exit 3 && `true` | *";
    const started = await run(childProcesses, line("printf", "%s", text));
    expect(await started.ended).toEqual({ exitCode: 0, signal: null });
    expect(started.text).toBe(text);
    const listener = { output() {}, ended() {} };
    await expect(childProcesses.start(line("sh -c true"), listener)).rejects.toMatchObject({
      code: "ENOENT",
    });
  });

  it("I1: lead a process group of their own, all of which receives a signal", async () => {
    const started = await run(childProcesses, shell('sleep 60 & echo "child $! ready"; wait'));
    await started.written("ready");
    const child = Number(/child (\d+)/.exec(started.text)![1]);
    expect(isOver(child)).toBe(false);
    expect(started.process.kill("SIGKILL")).toBe(true);
    expect(await started.ended).toEqual({ exitCode: null, signal: "SIGKILL" });
    await whenOver(child);
  });

  it("end when they exit, also while a process of theirs holds on to their output", async () => {
    const started = await run(childProcesses, shell('sleep 60 & echo "child $! ready"; exit 4'));
    expect(await started.ended).toEqual({ exitCode: 4, signal: null });
    const child = Number(/child (\d+)/.exec(started.text)![1]);
    expect(isOver(child)).toBe(false);
    expect(started.process.kill("SIGKILL")).toBe(true);
    await whenOver(child);
  });

  it("run in the directory and with the environment they are given, added to this process's own", async () => {
    const cwd = tmpdir();
    const script = 'pwd -P; printf "%s %s" "$GREETING" "${PATH:+path}"';
    const started = await run(childProcesses, { ...shell(script), cwd, env: { GREETING: "hello" } });
    await started.ended;
    expect(started.text).toMatch(/^\/.*\nhello path$/);
    const here = await run(childProcesses, shell("pwd -P"));
    await here.ended;
    expect(here.text.split("\n")[0]).not.toBe(started.text.split("\n")[0]);
  });

  it("tell a command its id, and by which process it was started, whatever its environment is to be", async () => {
    const script = 'printf "%s %s" "$LANEKEEPER_EXEC_ID" "$LANEKEEPER_EXEC_STARTER"';
    const env = { LANEKEEPER_EXEC_ID: "another" };
    const started = await run(childProcesses, { ...shell(script), execId: "its own", env });
    await started.ended;
    expect(started.text).toBe(`its own ${process.pid}`);
  });

  it("I5: are not found by a command's id while whoever started them runs", async () => {
    const started = await run(childProcesses, { ...commands.runsOn, execId: "still ours" });
    await started.written("ready");
    expect(await childProcesses.findStarted?.("still ours")).toBeUndefined();
    started.process.kill("SIGKILL");
    await started.ended;
  });

  it("I3: are not started in a directory that does not exist", async () => {
    const calls: string[] = [];
    const listener = { output: () => void calls.push("output"), ended: () => void calls.push("ended") };
    const command = { ...line("true"), cwd: "/no/such/directory/anywhere" };
    await expect(childProcesses.start(command, listener)).rejects.toMatchObject({ code: "ENOENT" });
    expect(calls).toEqual([]);
  });

  it("write text, also where a character comes in pieces", async () => {
    const started = await run(childProcesses, shell("printf '\\342\\202'; sleep 0.02; printf '\\254'"));
    await started.ended;
    expect(started.text).toBe("€");
  });
});
