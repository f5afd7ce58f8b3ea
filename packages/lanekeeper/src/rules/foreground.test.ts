import { expect, test } from "vitest";
import type { LanekeeperOptions } from "../keeper/options.ts";
import { scriptedProcesses } from "../commands/scripted-processes.ts";
import { createFixture, type Fixture, type HeldTurn } from "./fixture.ts";

/** A keeper in which session `a` runs a turn. */
async function withRunningTurn(
  options: Partial<Pick<LanekeeperOptions, "lane">> & { readonly obeys?: readonly NodeJS.Signals[] } = {},
): Promise<Fixture & { readonly held: HeldTurn }> {
  const fixture = await createFixture({
    processes: scriptedProcesses({ obeys: options.obeys }),
    lane: options.lane,
  });
  await fixture.keeper.send("a", "work", { id: "work" });
  await fixture.clock.settle();
  return { ...fixture, held: fixture.turns[0]! };
}

test("B38a a foreground command's result goes to done and is no event", async () => {
  const { held, processes, clock, turns, of } = await withRunningTurn();
  const execution = await held.turn.exec("test", ["all"], { foreground: true });
  expect(of("exec.started")).toMatchObject([{ sessionKey: "a", command: "test", isForeground: true }]);
  processes.started[0]!.write("1 passed");
  processes.started[0]!.end(0);
  await expect(execution.done).resolves.toMatchObject({ status: "completed", output: "1 passed" });
  held.resolve("ok");
  await clock.settle();
  expect(turns).toHaveLength(1);
  expect(of("exec.routed")).toEqual([]);
});

test("B38a a failed foreground command is no event either", async () => {
  const { held, processes, clock, turns } = await withRunningTurn();
  const execution = await held.turn.exec("test", [], { foreground: true, timeoutMs: 1_000 });
  await clock.advance(1_000);
  expect(processes.started[0]!.signals).toEqual(["SIGTERM"]);
  await expect(execution.done).resolves.toMatchObject({ status: "timed-out" });
  held.resolve("ok");
  await clock.settle();
  expect(turns).toHaveLength(1);
});

test("B38a output of a foreground command is progress", async () => {
  const { held, processes, clock, keeper, of } = await withRunningTurn({
    lane: { stallAfterMs: 1_000, reclaimAfterMs: 5_000 },
  });
  await held.turn.exec("test", [], { foreground: true });
  for (let second = 0; second < 20; second++) {
    await clock.advance(900);
    processes.started[0]!.write(".");
  }
  expect(of("lane.stalled")).toEqual([]);
  await clock.advance(1_000);
  expect(keeper.session("a")?.state).toBe("stalled");
  processes.started[0]!.write(".");
  await clock.settle();
  expect(keeper.session("a")?.state).toBe("busy");
  expect(of("lane.recovered")).toHaveLength(1);
});

test("B38a output of a background command is no progress", async () => {
  const { held, processes, clock, keeper } = await withRunningTurn({
    lane: { stallAfterMs: 1_000, reclaimAfterMs: 5_000 },
  });
  await held.turn.exec("serve");
  await clock.advance(900);
  processes.started[0]!.write(".");
  await clock.advance(100);
  expect(keeper.session("a")?.state).toBe("stalled");
});

test("B38a a foreground command is killed when its turn is aborted", async () => {
  const { held, processes, keeper, clock, turns } = await withRunningTurn({ obeys: ["SIGKILL"] });
  const execution = await held.turn.exec("test", [], { foreground: true, killGraceMs: 1_000 });
  await keeper.abort("a");
  await clock.settle();
  expect(processes.started[0]!.signals).toEqual(["SIGTERM"]);
  await clock.advance(1_000);
  expect(processes.started[0]!.signals).toEqual(["SIGTERM", "SIGKILL"]);
  await expect(execution.done).resolves.toMatchObject({ status: "killed" });
  held.reject(held.turn.signal.reason);
  await clock.settle();
  expect(turns).toHaveLength(1);
});

test.each([
  ["reset", async ({ keeper }: Fixture) => void keeper.reset("a").catch(() => {})],
  ["stall", async (fixture: Fixture) => fixture.clock.advance(600_000)],
  ["close", async (fixture: Fixture) => void fixture.keeper.close()],
])("B38a a foreground command is killed at a %s of its turn", async (_, stop) => {
  const fixture = await withRunningTurn();
  const execution = await fixture.held.turn.exec("test", [], { foreground: true });
  await stop(fixture);
  await fixture.clock.settle();
  expect(fixture.processes.started[0]!.signals).toEqual(["SIGTERM"]);
  await expect(execution.done).resolves.toMatchObject({ status: "killed" });
});

test("B38a a foreground command that is being started when its turn is aborted is killed", async () => {
  const { held, processes, keeper, clock } = await withRunningTurn();
  const starting = held.turn.exec("test", [], { foreground: true });
  const aborting = keeper.abort("a");
  const execution = await starting;
  await aborting;
  await clock.settle();
  expect(processes.started[0]!.signals).toEqual(["SIGTERM"]);
  await expect(execution.done).resolves.toMatchObject({ status: "killed" });
});

test("B38a a foreground command is left alone when its turn completes, and is then an event", async () => {
  const { held, processes, clock, turns } = await withRunningTurn();
  const { execId, done } = await held.turn.exec("test", [], { foreground: true });
  held.resolve("never mind");
  await clock.settle();
  expect(processes.started[0]!.signals).toEqual([]);
  processes.started[0]!.end(0);
  await expect(done).resolves.toMatchObject({ status: "completed" });
  await clock.settle();
  expect(turns[1]!.turn).toMatchObject({ cause: "event", events: [{ id: execId, kind: "exec.completed" }] });
});

test("B38a a background command outlives its aborted turn, and its completion is an event", async () => {
  const { held, processes, keeper, clock, turns } = await withRunningTurn();
  const { execId } = await held.turn.exec("serve");
  await keeper.abort("a");
  held.reject(held.turn.signal.reason);
  await clock.settle();
  expect(processes.started[0]!.signals).toEqual([]);
  processes.started[0]!.end(0);
  await clock.settle();
  expect(turns[1]!.turn.events.map(({ id }) => id)).toEqual([execId]);
});

test("B38a a completion of the turn's own background command waits for the next turn", async () => {
  const { held, processes, clock, turns } = await withRunningTurn();
  const { execId, done } = await held.turn.exec("build");
  processes.started[0]!.end(0);
  await expect(done).resolves.toMatchObject({ status: "completed" });
  await clock.settle();
  expect(held.turn.events).toEqual([]);
  held.resolve("started it");
  await clock.settle();
  expect(turns[1]!.turn.events.map(({ id }) => id)).toEqual([execId]);
});

test("B38a a turn that was told to stop starts no command", async () => {
  const { held, processes, keeper, clock } = await withRunningTurn();
  await keeper.abort("a");
  await clock.settle();
  for (const foreground of [true, false]) {
    await expect(held.turn.exec("test", [], { foreground })).rejects.toMatchObject({ code: "TURN_FENCED" });
  }
  await expect(held.turn.expectExec("job-1")).rejects.toMatchObject({ code: "TURN_FENCED" });
  expect(processes.started).toEqual([]);
});

test("B38a only a turn may run a command in the foreground", async () => {
  const { keeper, processes } = await withRunningTurn();
  const options = { foreground: true } as object;
  await expect(keeper.exec("a", "test", [], options)).rejects.toMatchObject({ code: "INVALID_OPTION" });
  expect(processes.started).toEqual([]);
});
