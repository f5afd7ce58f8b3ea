import { describe, expect, it } from "vitest";
import type { LanekeeperOptions } from "../keeper/options.ts";
import { memoryStore } from "../store/memory-store.ts";
import type { Store } from "../store/store.ts";
import { bodies, createFixture, type Fixture } from "./fixture.ts";

const sessions = 1_500;
const last = `s${sessions - 1}`;

/** A store that a keeper left with one message in each of many sessions. */
async function fillStore(): Promise<Store> {
  const store = memoryStore();
  const { keeper, clock } = await createFixture({ store });
  await keeper.pause();
  for (let index = 0; index < sessions; index++) await keeper.send(`s${String(index).padStart(4, "0")}`, 1);
  await keeper.resume();
  await clock.settle();
  await store.close();
  return store;
}

/** The next keeper, when it is ready and most of its lanes are still to start. */
async function createNext(
  options: Pick<Partial<LanekeeperOptions>, "capacity" | "turn"> = {},
): Promise<Fixture> {
  const next = await createFixture({ store: await fillStore(), capacity: { turns: sessions }, ...options });
  expect(next.keeper.stats().live).toBeLessThan(sessions / 2);
  return next;
}

/** What ran in a session. */
function ranIn({ turns }: Fixture, sessionKey: string): readonly unknown[] {
  return turns.filter(({ turn }) => turn.sessionKey === sessionKey).map(({ turn }) => bodies(turn));
}

describe("many sessions with work", () => {
  it("B58 run their first turns while most of their lanes are still to start", async () => {
    let next: Fixture | undefined = undefined as Fixture | undefined;
    const live: number[] = [];
    next = await createNext({
      capacity: { turns: 1 },
      // The first may run before the test is given the keeper.
      turn: () => void live.push(next?.keeper.stats().live ?? 0),
    });
    await next.clock.settle();
    expect(live[0]).toBeLessThan(sessions / 2);
    expect(live).toHaveLength(sessions);
    expect(next.keeper.stats()).toMatchObject({ live: sessions, waiting: 0, completed: sessions });
  });

  it("B58 start in the order of their keys", async () => {
    const next = await createNext();
    await next.clock.settle();
    const keys = next.turns.map(({ turn }) => turn.sessionKey);
    expect(keys).toHaveLength(sessions);
    expect(keys).toEqual(keys.toSorted());
  });

  it("B8 have one lane each, also where something is asked of one before it has started", async () => {
    const next = await createNext();
    const { keeper, clock } = next;
    expect(keeper.session(last)).toBeUndefined();
    await Promise.all([keeper.send(last, 2), keeper.reset(last), keeper.notify(last, { kind: "note" })]);
    await clock.settle();
    expect(keeper.stats()).toMatchObject({ live: sessions, running: sessions, waiting: 1 });
    expect(ranIn(next, last)).toEqual([[1]]);
    for (const { resolve } of next.turns) resolve("done");
    await clock.settle();
    expect(ranIn(next, last)).toEqual([[1], [2]]);
  });

  it("B34 start no turn where what waited was cleared before the lane has started", async () => {
    const next = await createNext();
    await expect(next.keeper.clear(last)).resolves.toBe(1);
    await next.clock.settle();
    expect(next.turns).toHaveLength(sessions - 1);
    expect(ranIn(next, last)).toEqual([]);
  });

  it("B21 are busy for a message of mode reject before their lanes have started", async () => {
    const { keeper } = await createNext();
    await expect(keeper.send(last, 2, { mode: "reject" })).rejects.toMatchObject({ code: "LANE_BUSY" });
    await expect(keeper.forget(last)).resolves.toBe(false);
  });

  it("B58 start no lane once the keeper has closed", async () => {
    const { keeper, clock, turns } = await createNext({ capacity: { turns: 1 } });
    const closed = keeper.close();
    await clock.advance(60_000);
    await closed;
    const { length } = turns;
    await clock.advance(60_000);
    expect(turns).toHaveLength(length);
    expect(keeper.stats()).toMatchObject({ live: 0 });
  });
});
