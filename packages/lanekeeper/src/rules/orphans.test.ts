import { describe, expect, it } from "vitest";
import type { Processes } from "../commands/processes.ts";
import { type ScriptedProcesses, scriptedProcesses } from "../commands/scripted-processes.ts";
import { createLanekeeper } from "../keeper/create-lanekeeper.ts";
import type { Lanekeeper } from "../keeper/keeper.ts";
import { recordInMemory } from "../recording/record-in-memory.ts";
import type { Recorder } from "../keeper/interposer.ts";
import { replayRecording } from "../recording/replay-recording.ts";
import { memoryStore } from "../store/memory-store.ts";
import type { Store } from "../store/store.ts";
import type { SimulatedClock } from "../time/simulated-clock.ts";
import { failingStore } from "./failing-store.ts";
import { createFixture } from "./fixture.ts";

const killGraceMs = 3_000;

interface Orphaned {
  readonly store: Store;
  readonly clock: SimulatedClock;
  readonly processes: ScriptedProcesses;
  readonly execId: string;
}

/** A command whose keeper's process died: its store was taken from it, and nobody told it. */
async function createOrphan(obeys?: readonly NodeJS.Signals[]): Promise<Orphaned> {
  const store = memoryStore();
  const processes = scriptedProcesses({ areFound: true, ...(obeys === undefined ? {} : { obeys }) });
  const { keeper, clock } = await createFixture({ store, processes });
  const { execId } = await keeper.exec("a", "work", []);
  await store.close();
  await clock.advance(1);
  return { store, clock, processes, execId };
}

interface Opening {
  /** Undefined until the keeper is there. */
  readonly keeper: Lanekeeper | undefined;
  /** The status of each completion that a turn was shown. */
  readonly shown: readonly string[];
  readonly warnings: readonly string[];
  close(): Promise<void>;
}

/** Opens the next keeper on the store, without waiting for it. */
function open({ store, clock }: Orphaned, processes: Processes, recorder?: Recorder): Opening {
  const opening = {
    keeper: undefined as Lanekeeper | undefined,
    shown: [] as string[],
    warnings: [] as string[],
  };
  const silent = { debug() {}, info() {}, error() {} };
  const opened = createLanekeeper({
    store,
    clock,
    processes,
    ...(recorder === undefined ? {} : { recorder }),
    exec: { killGraceMs },
    logger: { ...silent, warn: (_, message) => void opening.warnings.push(message) },
    turn({ events }) {
      for (const { body } of events) opening.shown.push((body as { readonly status: string }).status);
    },
  });
  void opened.then((keeper) => (opening.keeper = keeper));
  return Object.assign(opening, { close: async () => (await opened).close() });
}

describe("B37 a command that ran when its keeper died", () => {
  it("is ended, and reported as lost once it is over, before the next keeper runs a turn", async () => {
    const orphan = await createOrphan();
    const next = open(orphan, orphan.processes);
    await orphan.clock.advance(20);
    expect(orphan.processes.started.map(({ signals }) => signals)).toEqual([["SIGTERM"]]);
    expect(next.keeper).toBeDefined();
    expect(next.shown).toEqual(["lost"]);
    await next.close();
  });

  it("is sent SIGKILL after the grace if SIGTERM does not end it, and reported then", async () => {
    const orphan = await createOrphan(["SIGKILL"]);
    const next = open(orphan, orphan.processes);
    const signals = (): readonly string[] =>
      orphan.processes.started[0]!.signals.filter((signal) => signal !== "SIGCONT");
    await orphan.clock.advance(killGraceMs - 20);
    expect([signals(), next.keeper]).toEqual([["SIGTERM"], undefined]);
    await orphan.clock.advance(40);
    expect(signals()).toEqual(["SIGTERM", "SIGKILL"]);
    expect(next.shown).toEqual(["lost"]);
    await next.close();
  });

  it("is reported as lost five seconds after a SIGKILL that does not end it either", async () => {
    const orphan = await createOrphan([]);
    const next = open(orphan, orphan.processes);
    await orphan.clock.advance(killGraceMs + 4_900);
    expect(next.shown).toEqual([]);
    await orphan.clock.advance(200);
    expect(next.shown).toEqual(["lost"]);
    await next.close();
  });

  it("keeps every turn of the next keeper waiting until it is over, also that which is shown another's end", async () => {
    const store = memoryStore();
    const processes = scriptedProcesses({
      areFound: true,
      obeys: ({ command }) => (command === "stubborn" ? ["SIGKILL"] : ["SIGTERM"]),
    });
    const { keeper, clock } = await createFixture({ store, processes });
    const { execId } = await keeper.exec("a", "obedient", []);
    await keeper.exec("b", "stubborn", []);
    await store.close();
    const next = open({ store, clock, processes, execId }, processes);
    await clock.advance(killGraceMs - 20);
    expect(processes.started.map(({ hasEnded }) => hasEnded)).toEqual([true, false]);
    expect([next.shown, next.keeper]).toEqual([[], undefined]);
    await clock.advance(40);
    expect(next.shown).toEqual(["lost", "lost"]);
    await next.close();
  });

  it("is sent nothing if it has ended meanwhile, or if its number is another's by now", async () => {
    const ended = await createOrphan();
    ended.processes.started[0]!.end(0);
    const another = await createOrphan();
    const { mailboxes, giveBack } = await openMailboxes(another);
    await mailboxes.recordProcess({
      execId: another.execId,
      process: { pid: 1_000, mark: "an earlier one" },
    });
    await giveBack();
    for (const orphan of [ended, another]) {
      const next = open(orphan, orphan.processes);
      await orphan.clock.advance(0);
      expect(next.shown).toEqual(["lost"]);
      expect(orphan.processes.started[0]!.signals).toEqual([]);
      await next.close();
    }
  });

  it("is reported as lost where processes cannot be found, and where looking fails or hangs", async () => {
    const finds: readonly [Processes["find"], number][] = [
      [undefined, 0],
      [() => Promise.reject(new Error("no table")), 1],
      [() => new Promise(() => {}), 1],
    ];
    for (const [find, warnings] of finds) {
      const orphan = await createOrphan();
      const { start } = orphan.processes;
      const next = open(orphan, { start, ...(find === undefined ? {} : { find }) });
      await orphan.clock.advance(10_000);
      expect(next.shown).toEqual(["lost"]);
      expect(next.warnings.filter((text) => text.includes("could not be looked for"))).toHaveLength(warnings);
      await next.close();
    }
  });
});

/** A command whose keeper's process died when it had started it, and before the store had heard who it is. */
async function createUnknown(): Promise<Orphaned> {
  const store = failingStore();
  store.fail(["recordProcess"], "hangs");
  const processes = scriptedProcesses({ areFound: true, obeys: ["SIGKILL"] });
  const { keeper, clock } = await createFixture({ store, processes });
  void keeper.exec("a", "work", []);
  await clock.advance(1);
  await store.close();
  store.fail(["recordProcess"]);
  return { store, clock, processes, execId: processes.started[0]!.execId };
}

describe("B37 a command that was started, and whose keeper died before its process was recorded", () => {
  it("is found by its id and ended like any other", async () => {
    const orphan = await createUnknown();
    const next = open(orphan, orphan.processes);
    await orphan.clock.advance(killGraceMs + 100);
    const { signals } = orphan.processes.started[0]!;
    expect(signals.filter((signal) => signal !== "SIGCONT")).toEqual(["SIGTERM", "SIGKILL"]);
    expect(next.shown).toEqual(["lost"]);
    await next.close();
  });

  it("is reported as lost where nobody can be found by an id, and where looking throws, fails or hangs", async () => {
    const finds: readonly [Processes["findStarted"], number][] = [
      [undefined, 0],
      [async () => undefined, 0],
      [
        () => {
          throw new Error("no table");
        },
        1,
      ],
      [() => Promise.reject(new Error("no table")), 1],
      [() => new Promise(() => {}), 1],
    ];
    for (const [findStarted, warnings] of finds) {
      const orphan = await createUnknown();
      const { start } = orphan.processes;
      const next = open(orphan, { start, ...(findStarted === undefined ? {} : { findStarted }) });
      await orphan.clock.advance(10_000);
      expect(next.shown).toEqual(["lost"]);
      expect(next.warnings.filter((text) => text.includes("could not be looked for"))).toHaveLength(warnings);
      await next.close();
    }
  });
});

it.each([
  ["find", () => createOrphan(["SIGKILL"])],
  ["findStarted", createUnknown],
])("B37 a recording of how it was ended is played again exactly: %s", async (what, create) => {
  const orphan = await create();
  const recorder = recordInMemory();
  const next = open(orphan, orphan.processes, recorder);
  await orphan.clock.advance(killGraceMs + 100);
  expect(next.shown).toEqual(["lost"]);
  await next.close();
  const asked = recorder.recording.entries.filter(
    (entry) => entry.type === "asked" && entry.port === "processes",
  );
  expect(asked[0]).toMatchObject({ what });
  expect(asked.length).toBeGreaterThan(100);
  await expect(replayRecording(recorder.recording)).resolves.toMatchObject({ isWhole: true });
});

it("B55 the process of a command is recorded before exec resolves; where it cannot be, the command runs all the same", async () => {
  const orphan = await createOrphan();
  const { mailboxes, giveBack } = await openMailboxes(orphan);
  expect(await mailboxes.execution(orphan.execId)).toMatchObject({
    state: "running",
    process: { pid: 1_000, mark: "scripted 1000" },
  });
  await giveBack();
  const store = failingStore();
  store.fail(["recordProcess"], "rejects");
  const processes = scriptedProcesses({ areFound: true });
  const { keeper } = await createFixture({ store, processes });
  const { done } = await keeper.exec("a", "work", []);
  processes.started[0]!.end(0);
  await expect(done).resolves.toMatchObject({ status: "completed" });
});

/** The mailboxes of a store that no keeper has. */
async function openMailboxes({ store, clock }: Pick<Orphaned, "store" | "clock">) {
  const mailboxes = await store.open({ clock, createId: () => "made" });
  return { mailboxes, giveBack: () => store.close() };
}
