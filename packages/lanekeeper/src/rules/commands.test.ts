import { describe, expect, test } from "vitest";
import type { ExecOptions } from "../commands/execution.ts";
import type { Processes } from "../commands/processes.ts";
import { scriptedProcesses } from "../commands/scripted-processes.ts";
import { failingStore } from "./failing-store.ts";
import { createFixture, type Fixture } from "./fixture.ts";

/** What real processes do is in `commands-real.test.ts`. */

describe("B38", () => {
  test("B38 a command that outlives its time gets SIGTERM, and is timed out", async () => {
    const { keeper, clock, processes, turns, of } = await createFixture();
    const execution = await keeper.exec("a", "slow", ["--very"], { timeoutMs: 10_000 });
    await clock.advance(9_999);
    expect(processes.started[0]!.signals).toEqual([]);
    await clock.advance(1);
    expect(processes.started[0]!.signals).toEqual(["SIGTERM"]);
    await expect(execution.done).resolves.toMatchObject({ status: "timed-out", signal: "SIGTERM" });
    expect(turns[0]!.turn.events[0]!.body).toMatchObject({ status: "timed-out", command: "slow --very" });
    expect(of("exec.completed")).toMatchObject([{ status: "timed-out", execId: execution.execId }]);
  });

  test("B38 a command that ignores SIGTERM gets SIGKILL after the grace", async () => {
    const { keeper, clock, processes } = await createFixture({
      processes: scriptedProcesses({ obeys: ["SIGKILL"] }),
    });
    const execution = await keeper.exec("a", "stubborn", [], { timeoutMs: 10_000, killGraceMs: 3_000 });
    await clock.advance(12_999);
    expect(processes.started[0]!.signals).toEqual(["SIGTERM"]);
    await clock.advance(1);
    expect(processes.started[0]!.signals).toEqual(["SIGTERM", "SIGKILL"]);
    await expect(execution.done).resolves.toMatchObject({ status: "timed-out", signal: "SIGKILL" });
  });

  test("B38 a command may run an hour and has five seconds of grace by default", async () => {
    const { keeper, clock, processes } = await createFixture({
      processes: scriptedProcesses({ obeys: ["SIGKILL"] }),
    });
    await keeper.exec("a", "slow");
    await clock.advance(3_599_999);
    expect(processes.started[0]!.signals).toEqual([]);
    await clock.advance(5_000);
    expect(processes.started[0]!.signals).toEqual(["SIGTERM"]);
    await clock.advance(1);
    expect(processes.started[0]!.signals).toEqual(["SIGTERM", "SIGKILL"]);
  });

  test("B38 the keeper's exec options are the defaults of every command", async () => {
    const { keeper, clock, processes } = await createFixture({
      exec: { timeoutMs: 1_000, cwd: "/srv", env: { A: "1", B: "1" }, tailChars: 3 },
    });
    const execution = await keeper.exec("a", "slow", [], { env: { B: "2" } });
    expect(processes.started[0]).toMatchObject({ cwd: "/srv", env: { A: "1", B: "2" } });
    processes.started[0]!.write("abcdef");
    await clock.advance(1_000);
    await expect(execution.done).resolves.toMatchObject({ status: "timed-out", output: "def" });
  });

  test("B38 kill sends SIGTERM and, after the grace, SIGKILL; a named signal is sent as it is", async () => {
    const { keeper, clock, processes } = await createFixture({
      processes: scriptedProcesses({ obeys: ["SIGKILL"] }),
    });
    const execution = await keeper.exec("a", "stubborn");
    execution.kill("SIGUSR1");
    expect(processes.started[0]!.signals).toEqual(["SIGUSR1"]);
    execution.kill();
    execution.kill();
    await clock.advance(5_000);
    expect(processes.started[0]!.signals).toEqual(["SIGUSR1", "SIGTERM", "SIGKILL"]);
    await expect(execution.done).resolves.toMatchObject({ status: "killed", signal: "SIGKILL" });
  });

  test("B38 an ended command is never signalled again: its process group may be another's by now", async () => {
    const signalled: string[] = [];
    const scripted = scriptedProcesses();
    const { keeper, clock } = await createFixture<Processes>({
      processes: {
        async start(command, listener) {
          const started = await scripted.start(command, listener);
          return {
            pid: started.pid,
            kill: (signal) => {
              signalled.push(signal);
              return started.kill(signal);
            },
          };
        },
      },
    });
    const execution = await keeper.exec("a", "quick", [], { timeoutMs: 1_000 });
    scripted.started[0]!.end(0);
    await clock.settle();
    execution.kill();
    execution.kill("SIGKILL");
    await clock.advance(60_000);
    expect(signalled).toEqual([]);
  });

  test("B38 a command that ends at once has started before it ended, and leaves no timer", async () => {
    const { keeper, clock, events } = await createFixture({
      processes: scriptedProcesses({ onStart: (process) => process.end(0) }),
      exec: { notify: "never" },
      forgetAfterMs: 0,
    });
    const execution = await keeper.exec("a", "quick", [], { timeoutMs: 123_456 });
    await expect(execution.done).resolves.toMatchObject({ status: "completed" });
    await clock.settle();
    expect(events.map(({ type }) => type).filter((type) => type.startsWith("exec."))).toEqual([
      "exec.started",
      "exec.completed",
      "exec.refused",
    ]);
    expect(clock.nextTimerInMs()).toBeUndefined();
  });

  test("B38 keeps the end of the output, and says that it was truncated", async () => {
    const { keeper, processes } = await createFixture();
    const short = await keeper.exec("a", "talk", [], { tailChars: 5 });
    const long = await keeper.exec("a", "talk", [], { tailChars: 5 });
    processes.started[0]!.write("12345");
    processes.started[0]!.end(0);
    for (let line = 0; line < 10_000; line++) processes.started[1]!.write(`line ${line}\n`);
    processes.started[1]!.end(0);
    await expect(short.done).resolves.toMatchObject({ output: "12345", truncated: false });
    await expect(long.done).resolves.toMatchObject({ output: "9999\n", truncated: true });
  });

  test("B38 never cuts a character in two, in a command's output or a report's", async () => {
    const { keeper, clock, processes, turns } = await createFixture({ exec: { tailChars: 3 } });
    const execution = await keeper.exec("a", "talk");
    processes.started[0]!.write("a🙂🙂");
    processes.started[0]!.end(0);
    await expect(execution.done).resolves.toMatchObject({ output: "🙂", truncated: true });
    await clock.settle();
    turns[0]!.resolve("seen");
    await keeper.reportExec({ execId: "job-1", sessionKey: "a", exitCode: 0, output: "a🙂🙂" });
    await clock.settle();
    expect(turns[1]!.turn.events[0]!.body).toMatchObject({ output: "🙂", truncated: true });
  });

  test("B38 a command that cannot be started rejects with EXEC_FAILED and is no event", async () => {
    const { keeper, clock, turns, events } = await createFixture({
      processes: scriptedProcesses({ missing: ["nope"] }),
    });
    await expect(keeper.exec("a", "nope", ["--now"])).rejects.toMatchObject({
      code: "EXEC_FAILED",
      details: { sessionKey: "a", command: "nope", args: ["--now"] },
    });
    await clock.advance(86_400_000);
    expect(turns).toEqual([]);
    expect(events).toEqual([]);
    await expect(keeper.mailbox("a")).resolves.toEqual([]);
  });

  test("B38 a command that the store cannot record is not started", async () => {
    const store = failingStore();
    const { keeper, processes } = await createFixture({ store });
    store.fail(["recordExecution"], "rejects");
    await expect(keeper.exec("a", "build")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect(processes.started).toEqual([]);
  });

  test("B38 a command that cannot be started rejects with EXEC_FAILED also when the store fails", async () => {
    const store = failingStore();
    const { keeper } = await createFixture({ store, processes: scriptedProcesses({ missing: ["nope"] }) });
    store.fail(["forgetExecution"], "rejects");
    await expect(keeper.exec("a", "nope")).rejects.toMatchObject({ code: "EXEC_FAILED" });
  });

  test("B38 a start that hangs fails by its deadline, and what starts too late is killed and no event", async () => {
    const scripted = scriptedProcesses();
    const gate = Promise.withResolvers<void>();
    const { keeper, clock, turns } = await createFixture<Processes>({
      processes: {
        async start(command, listener) {
          await gate.promise;
          return scripted.start(command, listener);
        },
      },
    });
    const started = keeper.exec("a", "stuck").catch((error: unknown) => error);
    await clock.advance(30_000);
    await expect(started).resolves.toMatchObject({ code: "EXEC_FAILED" });
    gate.resolve();
    await clock.advance(60_000);
    expect(scripted.started[0]!.signals).toEqual(["SIGKILL"]);
    expect(turns).toEqual([]);
  });

  test.each<[ExecOptions["notify"], number, string, boolean]>([
    ["always", 0, "", true],
    ["output-or-failure", 0, "", false],
    ["output-or-failure", 0, "said", true],
    ["output-or-failure", 1, "", true],
    ["never", 1, "said", false],
  ])("B38 with notify %j, exit code %i and output %j the completion is an event: %s", async (...given) => {
    const [notify, exitCode, output, isEvent] = given;
    const fixture = await createFixture();
    const execution = await fixture.keeper.exec("a", "work", [], { notify });
    fixture.processes.started[0]!.write(output);
    fixture.processes.started[0]!.end(exitCode);
    await expect(execution.done).resolves.toMatchObject({ exitCode, output });
    await expectEvent(fixture, isEvent);
  });

  test.each<[ExecOptions["notify"], number, string, boolean]>([
    ["output-or-failure", 0, "", false],
    ["output-or-failure", 1, "", true],
    ["never", 1, "said", false],
  ])(
    "B38 by default notify %j a report with exit code %i and output %j is an event: %s",
    async (...given) => {
      const [notify, exitCode, output, isEvent] = given;
      const fixture = await createFixture({ exec: { notify } });
      await fixture.keeper.expectExec("a", "job-1");
      await expect(fixture.keeper.reportExec({ execId: "job-1", exitCode, output })).resolves.toMatchObject(
        isEvent ? { routed: true } : { routed: false, reason: "silent" },
      );
      await expectEvent(fixture, isEvent);
    },
  );

  test("B38 a report of a command that was started here to be silent is silent", async () => {
    const fixture = await createFixture();
    const { execId } = await fixture.keeper.exec("a", "work", [], { notify: "never" });
    await expect(fixture.keeper.reportExec({ execId, exitCode: 0 })).resolves.toEqual({
      routed: false,
      reason: "silent",
    });
    await expectEvent(fixture, false);
  });
});

async function expectEvent({ clock, turns, of }: Fixture, isEvent: boolean): Promise<void> {
  await clock.settle();
  expect(turns).toHaveLength(isEvent ? 1 : 0);
  expect(of("exec.refused").map(({ reason }) => reason)).toEqual(isEvent ? [] : ["silent"]);
}
