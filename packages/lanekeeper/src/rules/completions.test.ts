import { describe, expect, test } from "vitest";
import type { ExecCompletion } from "../commands/execution.ts";
import { memoryStore } from "../store/memory-store.ts";
import { scriptedProcesses } from "../commands/scripted-processes.ts";
import type { Turn } from "../turns/turn.ts";
import { bodies, createFixture } from "./fixture.ts";

const channel = "agent:main:discord:channel:1";
const main = "agent:main:main";

/** The completions that a turn holds. */
function completions(turn: Turn | undefined): readonly ExecCompletion[] {
  const events = turn?.events ?? [];
  return events.filter(({ kind }) => kind === "exec.completed").map(({ body }) => body as ExecCompletion);
}

describe("B34", () => {
  test("B34 routes a completion to the session that started it, and to no other", async () => {
    const { keeper, clock, processes, turns, of } = await createFixture();
    await keeper.notify(main, { kind: "note" }, { wake: false });
    const { execId } = await keeper.exec(channel, "build");
    processes.started[0]!.end(0);
    await clock.settle();

    expect(turns).toHaveLength(1);
    expect(turns[0]!.turn).toMatchObject({ sessionKey: channel, cause: "event" });
    expect(turns[0]!.turn.events).toMatchObject([
      { id: execId, kind: "exec.completed", body: { execId, sessionKey: channel, status: "completed" } },
    ]);
    expect(of("exec.routed")).toMatchObject([{ sessionKey: channel, execId }]);
    await expect(keeper.mailbox(main)).resolves.toHaveLength(1);
  });

  test("B34 a turn's background command comes back to the turn's own session", async () => {
    const { keeper, clock, processes, turns } = await createFixture();
    await keeper.send(channel, "build it");
    await clock.settle();
    const { execId } = await turns[0]!.turn.exec("build", ["--all"]);
    turns[0]!.resolve("started");
    await clock.settle();
    processes.started[0]!.write("done\n");
    processes.started[0]!.end(1);
    await clock.settle();

    expect(turns[1]!.turn.sessionKey).toBe(channel);
    expect(completions(turns[1]?.turn)).toMatchObject([
      { execId, command: "build --all", status: "failed", exitCode: 1, signal: null, output: "done\n" },
    ]);
  });

  test("B34 an announced command finds the session that announced it, though its report names none", async () => {
    const { keeper, clock, turns } = await createFixture();
    await keeper.expectExec(channel, "job-1");
    const result = await keeper.reportExec({ execId: "job-1", exitCode: 0, output: "ok" });
    expect(result).toMatchObject({ routed: true, sessionKey: channel, receipt: { id: "job-1" } });
    await clock.settle();
    expect(completions(turns[0]?.turn)).toMatchObject([
      { execId: "job-1", sessionKey: channel, output: "ok" },
    ]);
    turns[0]!.resolve("seen");
    if (!result.routed) throw new Error("not routed");
    await expect(result.receipt.outcome).resolves.toMatchObject({ status: "completed", reply: "seen" });
  });

  test("B34 a turn announces a command for its own session", async () => {
    const { keeper, clock, turns } = await createFixture();
    await keeper.send(channel, "go");
    await clock.settle();
    await turns[0]!.turn.expectExec("job-1");
    await expect(keeper.reportExec({ execId: "job-1", exitCode: 0 })).resolves.toMatchObject({
      routed: true,
      sessionKey: channel,
    });
  });

  test("B34 refuses a report that names another session than the remembered one", async () => {
    const { keeper, clock, turns, of } = await createFixture();
    await keeper.expectExec(channel, "job-1");
    const report = { execId: "job-1", sessionKey: main, exitCode: 0 };
    await expect(keeper.reportExec(report)).resolves.toEqual({ routed: false, reason: "session-mismatch" });
    await clock.settle();
    expect(turns).toHaveLength(0);
    expect(of("exec.refused")).toMatchObject([
      { execId: "job-1", sessionKey: main, reason: "session-mismatch" },
    ]);

    await expect(keeper.reportExec({ ...report, sessionKey: channel })).resolves.toMatchObject({
      routed: true,
    });
  });

  test("B34 refuses a report of a command nobody knows unless it names a session", async () => {
    const { keeper, clock, turns, of } = await createFixture();
    await expect(keeper.reportExec({ execId: "job-9", exitCode: 0 })).resolves.toEqual({
      routed: false,
      reason: "unknown-exec",
    });
    expect(of("exec.refused")).toMatchObject([{ execId: "job-9", reason: "unknown-exec" }]);
    await expect(
      keeper.reportExec({ execId: "job-9", sessionKey: channel, exitCode: 0 }),
    ).resolves.toMatchObject({ routed: true, sessionKey: channel });
    await clock.settle();
    expect(turns[0]!.turn.sessionKey).toBe(channel);
  });

  test("B34 an announcement of an id that belongs to another session is refused and changes nothing", async () => {
    const { keeper } = await createFixture();
    await keeper.expectExec(channel, "job-1");
    await expect(keeper.expectExec(main, "job-1")).rejects.toMatchObject({ code: "INVALID_OPTION" });
    await expect(keeper.expectExec(channel, "job-1")).resolves.toBeUndefined();
    await expect(keeper.reportExec({ execId: "job-1", exitCode: 0 })).resolves.toMatchObject({
      sessionKey: channel,
    });
  });

  test("B34 tells by signal and exit code how a reported command ended", async () => {
    const { keeper, clock, turns } = await createFixture({ capacity: { turns: 1 } });
    await keeper.send(channel, "busy");
    await clock.settle();
    await keeper.reportExec({ execId: "ok", sessionKey: channel, exitCode: 0 });
    await keeper.reportExec({ execId: "bad", sessionKey: channel, exitCode: 3 });
    await keeper.reportExec({ execId: "shot", sessionKey: channel, exitCode: null, signal: "SIGKILL" });
    turns[0]!.resolve("over");
    await clock.settle();
    expect(completions(turns[1]?.turn).map(({ execId, status }) => [execId, status])).toEqual([
      ["ok", "completed"],
      ["bad", "failed"],
      ["shot", "killed"],
    ]);
  });
});

describe("B35", () => {
  test("B35 accepts a completion once per execId", async () => {
    const { keeper, clock, turns, of } = await createFixture();
    const report = { execId: "job-1", sessionKey: channel, exitCode: 0 };
    await keeper.reportExec(report);
    await expect(keeper.reportExec(report)).resolves.toEqual({ routed: false, reason: "duplicate" });
    await clock.settle();
    turns[0]!.resolve("seen");
    await clock.settle();
    await expect(keeper.reportExec(report)).resolves.toEqual({ routed: false, reason: "duplicate" });
    await expect(keeper.reportExec({ execId: "job-1", exitCode: 0 })).resolves.toEqual({
      routed: false,
      reason: "duplicate",
    });
    await clock.settle();
    expect(turns).toHaveLength(1);
    expect(of("exec.refused").map(({ reason }) => reason)).toEqual(["duplicate", "duplicate", "duplicate"]);
  });

  test("B35 of two reports at once one is taken", async () => {
    const { keeper, clock, turns } = await createFixture();
    const report = { execId: "job-1", sessionKey: channel, exitCode: 0 };
    const results = await Promise.all([keeper.reportExec(report), keeper.reportExec(report)]);
    expect(results.map(({ routed }) => routed)).toEqual([true, false]);
    await clock.settle();
    expect(completions(turns[0]?.turn)).toHaveLength(1);
  });

  test("B35 knows an execId for 24 hours, and a command of its own as long", async () => {
    const { keeper, clock, processes } = await createFixture({ turn: () => "seen" });
    const { execId } = await keeper.exec(channel, "build");
    processes.started[0]!.end(0);
    await clock.advance(86_399_000);
    await expect(keeper.reportExec({ execId, exitCode: 0 })).resolves.toMatchObject({ reason: "duplicate" });
    await clock.advance(2_000);
    await expect(keeper.reportExec({ execId, exitCode: 0 })).resolves.toMatchObject({
      reason: "unknown-exec",
    });
  });

  test("B35 knows an execId across keepers on one store", async () => {
    const store = memoryStore();
    const first = await createFixture({ store, turn: () => "seen" });
    const report = { execId: "job-1", sessionKey: channel, exitCode: 0 };
    await first.keeper.reportExec(report);
    await first.clock.settle();
    await first.keeper.close();
    const second = await createFixture({ store, clock: first.clock });
    await expect(second.keeper.reportExec(report)).resolves.toEqual({ routed: false, reason: "duplicate" });
  });

  test("B35 an execId and a message's id are apart", async () => {
    const { keeper, clock, turns } = await createFixture();
    const receipt = await keeper.send(channel, "hello", { id: "same" });
    await expect(
      keeper.reportExec({ execId: "same", sessionKey: channel, exitCode: 0 }),
    ).resolves.toMatchObject({ routed: true });
    const again = await keeper.send(channel, "hello", { id: "same" });
    expect(again.acceptedAt).toBe(receipt.acceptedAt);
    await clock.settle();
    await expect(keeper.mailbox(channel)).resolves.toHaveLength(2);
    expect(turns).toHaveLength(1);
  });

  test("B35 a completion waits while its session is busy and goes to the very next turn", async () => {
    const { keeper, clock, processes, turns, of } = await createFixture();
    await keeper.send(channel, "first");
    await clock.settle();
    await keeper.send(channel, "second");
    const { execId } = await keeper.exec(channel, "build");
    processes.started[0]!.end(0);
    await clock.settle();

    expect(turns).toHaveLength(1);
    expect(turns[0]!.turn.signal.aborted).toBe(false);
    expect(turns[0]!.turn.events).toEqual([]);
    await expect(keeper.mailbox(channel)).resolves.toMatchObject([{}, {}, { id: execId, type: "event" }]);

    turns[0]!.resolve("done");
    await clock.settle();
    expect(bodies(turns[1]!.turn)).toEqual(["second"]);
    expect(completions(turns[1]?.turn).map((completion) => completion.execId)).toEqual([execId]);
    turns[1]!.resolve("done");
    await clock.settle();
    expect(turns).toHaveLength(2);
    expect(of("turn.aborting")).toEqual([]);
  });

  test("B35 clearing a session with its events leaves its completions", async () => {
    const { keeper, clock, turns } = await createFixture();
    await keeper.pause(channel);
    await keeper.send(channel, "hello");
    await keeper.notify(channel, { kind: "note" });
    await keeper.reportExec({ execId: "job-1", sessionKey: channel, exitCode: 0 });
    await expect(keeper.clear(channel, { events: true })).resolves.toBe(2);
    await keeper.resume(channel);
    await clock.settle();
    expect(turns[0]!.turn.events.map(({ id }) => id)).toEqual(["job-1"]);
  });

  test("B35 a full mailbox makes room for a completion and never drops one", async () => {
    const { keeper, clock, turns, of } = await createFixture({ lane: { eventCap: 1 } });
    await keeper.send(channel, "busy");
    await clock.settle();
    const note = await keeper.notify(channel, { kind: "note" });
    for (const execId of ["job-1", "job-2"]) {
      await expect(keeper.reportExec({ execId, sessionKey: channel, exitCode: 0 })).resolves.toMatchObject({
        routed: true,
      });
    }
    await expect(note.outcome).resolves.toEqual({ status: "dropped", reason: "overflow" });
    expect(of("event.dropped")).toMatchObject([{ id: note.id, reason: "overflow" }]);
    turns[0]!.resolve("over");
    await clock.settle();
    expect(completions(turns[1]?.turn).map(({ execId }) => execId)).toEqual(["job-1", "job-2"]);
  });
});

describe("B37", () => {
  test("B37 reports an announced command whose time passed as lost, once", async () => {
    const { keeper, clock, turns, of } = await createFixture();
    await keeper.expectExec(channel, "job-1", { timeoutMs: 60_000 });
    await clock.advance(59_999);
    expect(turns).toHaveLength(0);
    await clock.advance(1);
    expect(completions(turns[0]?.turn)).toMatchObject([
      { execId: "job-1", sessionKey: channel, status: "lost", exitCode: null, signal: null, output: "" },
    ]);
    expect(of("exec.lost")).toMatchObject([{ sessionKey: channel, execId: "job-1" }]);
    await expect(keeper.reportExec({ execId: "job-1", exitCode: 0 })).resolves.toMatchObject({
      reason: "duplicate",
    });
  });

  test("B37 waits 24 hours for an announced command by default", async () => {
    const { keeper, clock, of } = await createFixture({ turn: () => "seen" });
    await keeper.expectExec(channel, "job-1");
    await clock.advance(86_399_999);
    expect(of("exec.lost")).toEqual([]);
    await clock.advance(1);
    expect(of("exec.lost")).toHaveLength(1);
  });

  test("B37 loses no announced command that was reported in time", async () => {
    const { keeper, clock, turns, of } = await createFixture();
    await keeper.expectExec(channel, "job-1", { timeoutMs: 1_000 });
    await keeper.reportExec({ execId: "job-1", exitCode: 0 });
    await clock.advance(10_000);
    expect(of("exec.lost")).toEqual([]);
    expect(turns).toHaveLength(1);
  });

  test("B37 reports a process that not even SIGKILL ends as lost", async () => {
    const { keeper, clock, turns, of } = await createFixture({
      processes: scriptedProcesses({ obeys: [] }),
    });
    const execution = await keeper.exec(channel, "wedged", [], { timeoutMs: 1_000, killGraceMs: 1_000 });
    await clock.advance(60_000);
    await expect(execution.done).resolves.toMatchObject({ status: "lost", exitCode: null });
    expect(completions(turns[0]?.turn)).toMatchObject([{ execId: execution.execId, status: "lost" }]);
    expect(of("exec.lost")).toHaveLength(1);
  });
});
