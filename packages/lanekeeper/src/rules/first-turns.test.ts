import { expect, test } from "vitest";
import { scriptedProcesses } from "../commands/scripted-processes.ts";
import { createLanekeeper } from "../keeper/create-lanekeeper.ts";
import type { Lanekeeper } from "../keeper/keeper.ts";
import type { LanekeeperEvent } from "../seeing/events.ts";
import { answeringStore, inImmediate, inMicrotask } from "./answering-store.ts";
import { createFixture } from "./fixture.ts";

test.each([
  ["at once", undefined],
  ["in a microtask", inMicrotask],
  ["in an immediate", inImmediate],
] as const)(
  "B58 the host has its keeper, and is told of all, before the first turn starts on a store that answers %s",
  async (_, answering) => {
    const store = answeringStore(answering);
    const before = await createFixture({ store });
    for (const session of ["a", "b"]) {
      await before.keeper.exec(session, "command");
      await before.keeper.send(session, "waits");
    }
    await before.keeper.pause();
    await before.keeper.send("c", "waits");
    await before.keeper.resume();
    await store.close();
    await before.clock.advance(1);
    const hosts: Lanekeeper[] = [];
    const known: boolean[] = [];
    const events: LanekeeperEvent[] = [];
    const keeper = await createLanekeeper({
      store,
      clock: before.clock,
      processes: scriptedProcesses(),
      logger: { debug() {}, info() {}, warn() {}, error() {} },
      turn: () => void known.push(hosts.length > 0),
    });
    hosts.push(keeper);
    expect(known).toEqual([]);
    keeper.events$.subscribe((event) => void events.push(event));
    expect(keeper.explain("c")).toMatchObject({ blockedBy: null });
    await before.clock.advance(100);
    expect(known.length).toBeGreaterThanOrEqual(3);
    expect(known).not.toContain(false);
    expect(events.filter(({ type }) => type === "turn.started")).toHaveLength(known.length);
  },
);

test.each([
  ["at once", undefined],
  ["in a microtask", inMicrotask],
  ["in an immediate", inImmediate],
] as const)(
  "B58 a keeper that is closed as soon as it is there starts nothing, and the next runs it all, on a store that answers %s",
  async (_, answering) => {
    const store = answeringStore(answering);
    const before = await createFixture({ store });
    for (const session of ["a", "b"]) await before.keeper.send(session, "waits");
    const closed = before.keeper.close();
    await before.clock.advance(20_000);
    await closed;
    const closedAtOnce = await createFixture({ store, clock: before.clock });
    const closing = closedAtOnce.keeper.close();
    await before.clock.advance(20_000);
    await closing;
    expect(closedAtOnce.turns).toEqual([]);
    const next = await createFixture({ store, clock: before.clock });
    await before.clock.settle();
    expect(next.turns.map(({ turn }) => [turn.sessionKey, turn.attempt])).toEqual([
      ["a", 1],
      ["b", 1],
    ]);
  },
);
