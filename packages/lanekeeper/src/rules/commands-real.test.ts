import { expect, test } from "vitest";
import { childProcesses } from "../commands/child-processes.ts";
import type { Processes } from "../commands/processes.ts";
import { createFixture, type Fixture } from "./fixture.ts";

/** What only real processes show. Time-outs are simulated; what the system does takes as long as it takes. */

interface ObservedProcesses extends Processes {
  /** Resolves when everything written so far satisfies the condition. */
  until(isMet: (output: { readonly text: string; readonly length: number }) => boolean): Promise<void>;
}

/** Real processes whose output the test may wait for. */
function observedProcesses(): ObservedProcesses {
  const output = { text: "", length: 0 };
  const waiting = new Set<() => void>();
  return {
    until: (isMet) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!isMet(output)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    start: (command, listener) =>
      childProcesses.start(command, {
        ...listener,
        output: (text) => {
          listener.output(text);
          output.length += text.length;
          output.text = (output.text + text).slice(-1_000);
          for (const look of waiting) look();
        },
      }),
  };
}

const withRealProcesses = (): Promise<Fixture<ObservedProcesses>> =>
  createFixture({ processes: observedProcesses() });

test("B38 starts a command without a shell: what a shell would expand stays as it is", async () => {
  const { keeper } = await withRealProcesses();
  const hostile = ["$HOME", "`id`", "a b", "*", "; echo broken", '"'];
  const { done } = await keeper.exec("a", process.execPath, [
    "-e",
    "process.stdout.write(JSON.stringify(process.argv.slice(1)))",
    "--",
    ...hostile,
  ]);
  await expect(done).resolves.toMatchObject({ status: "completed", output: JSON.stringify(hostile) });
});

test("B38 a command gets its working directory, its environment, and both streams are kept", async () => {
  const { keeper } = await withRealProcesses();
  const { done, pid } = await keeper.exec(
    "a",
    process.execPath,
    ["-e", "process.stderr.write([process.cwd(), process.env.COLOUR, typeof process.env.PATH].join());"],
    { cwd: "/", env: { COLOUR: "blue" } },
  );
  expect(pid).toBeGreaterThan(0);
  await expect(done).resolves.toMatchObject({ status: "completed", output: "/,blue,string" });
});

test("B38 a time-out signals the whole process group, not the command alone", async () => {
  const { keeper, clock, processes } = await withRealProcesses();
  const script = `
    (trap 'echo child stopped; exit' TERM; echo child ready; while :; do sleep 0.05; done) &
    trap 'wait; echo parent stopped; exit' TERM
    echo parent ready
    wait`;
  const { done } = await keeper.exec("a", "sh", ["-c", script], { timeoutMs: 10_000 });
  await processes.until(({ text }) => text.includes("child ready") && text.includes("parent ready"));
  await clock.advance(10_000);
  const { status, output } = await done;
  expect(status).toBe("timed-out");
  expect(output).toContain("child stopped");
  expect(output).toContain("parent stopped");
});

test("B38 a group that ignores SIGTERM gets SIGKILL", async () => {
  const { keeper, clock, processes } = await withRealProcesses();
  const script = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
  const { done } = await keeper.exec("a", "sh", ["-c", script], { timeoutMs: 10_000, killGraceMs: 2_000 });
  await processes.until(({ text }) => text.includes("ready"));
  await clock.advance(12_000);
  await expect(done).resolves.toMatchObject({ status: "timed-out", exitCode: null, signal: "SIGKILL" });
});

test("B38 what a timed-out command left behind in its group gets SIGKILL after the grace too", async () => {
  const { keeper, clock, processes } = await withRealProcesses();
  // The child holds no pipe of ours and says by the other's end of a pipe of its own whether it lives.
  const script = `
    const { spawn } = require("node:child_process");
    const child = spawn("sh", ["-c", "trap '' TERM; echo ready; while :; do sleep 0.05; done"]);
    child.stdout.once("data", () => console.log(child.pid));
    process.once("SIGTERM", () => process.exit(0));`;
  const { done } = await keeper.exec("a", process.execPath, ["-e", script], { timeoutMs: 10_000 });
  await processes.until(({ text }) => text.endsWith("\n"));
  await clock.advance(10_000);
  const { status, output } = await done;
  expect(status).toBe("timed-out");
  const child = Number(output);
  expect(isAlive(child)).toBe(true);
  await clock.advance(5_000);
  await untilGone(child);
});

test("B38 endless output grows nothing: only its end is kept", async () => {
  const { keeper, clock, processes } = await withRealProcesses();
  const { done } = await keeper.exec("a", "yes", ["endless"], { timeoutMs: 10_000, tailChars: 100 });
  await processes.until(({ length }) => length > 20_000_000);
  await clock.advance(10_000);
  const { status, output, truncated } = await done;
  expect({ status, length: output.length, truncated }).toEqual({
    status: "timed-out",
    length: 100,
    truncated: true,
  });
  expect(output).toContain("endless\nendless\n");
});

test.each([
  ["an unknown command", "/nowhere/to/be/found", {}],
  ["a working directory that does not exist", process.execPath, { cwd: "/nowhere/to/be/found" }],
  ["a folder", "/", {}],
  ["a name with a zero byte", "a\0b", {}],
])("B38 %s rejects with EXEC_FAILED and is no event", async (_, command, options) => {
  const { keeper, clock, events } = await withRealProcesses();
  await expect(keeper.exec("a", command, [], options)).rejects.toMatchObject({ code: "EXEC_FAILED" });
  await clock.advance(86_400_000);
  expect(events).toEqual([]);
});

test("B58 close ends running commands for good", async () => {
  const { keeper, clock, processes } = await withRealProcesses();
  const script = "trap '' TERM; echo ready; while :; do sleep 0.05; done";
  const { done, pid } = await keeper.exec("a", "sh", ["-c", script]);
  await processes.until(({ text }) => text.includes("ready"));
  const closed = keeper.close();
  await clock.advance(5_000);
  await expect(done).resolves.toMatchObject({ status: "killed", signal: "SIGKILL" });
  await closed;
  expect(isAlive(pid)).toBe(false);
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Resolves when the system has buried the process, or it is a zombie that nobody buries; else the test's time is over. */
async function untilGone(pid: number): Promise<void> {
  const { readFile } = await import("node:fs/promises");
  for (;;) {
    const state = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    if (!isAlive(pid) || / [ZX] /.test(state)) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
