import { describe, expect, it } from "vitest";
import { createFixture } from "./fixture.ts";

describe("capacity", () => {
  it("B12 never runs more turns than there are slots", async () => {
    let running = 0;
    let most = 0;
    const { keeper, clock, turns } = await createFixture({ capacity: { turns: 3 } });
    for (let index = 0; index < 20; index++) await keeper.send(`s${index}`, index);
    for (let index = 0; index < 20; index++) {
      await clock.settle();
      running = turns.length - index;
      most = Math.max(most, running, keeper.stats().running);
      turns[index]!.resolve(undefined);
    }
    await clock.settle();
    expect(most).toBe(3);
    expect(keeper.stats()).toMatchObject({ running: 0, completed: 20 });
  });

  it("B12 gives the next slot to the lane that has waited longest", async () => {
    const { keeper, clock, turns } = await createFixture({ capacity: { turns: 1 } });
    await keeper.send("a", 1);
    await keeper.send("a", 2);
    await keeper.send("b", 1);
    await keeper.send("c", 1);
    for (let index = 0; index < 4; index++) {
      await clock.settle();
      turns[index]!.resolve(undefined);
    }
    await clock.settle();
    expect(turns.map(({ turn }) => turn.sessionKey)).toEqual(["a", "b", "c", "a"]);
  });

  it("B13 runs no stall or time-out clock while a lane waits for capacity", async () => {
    const { keeper, clock, turns, of } = await createFixture({
      capacity: { turns: 1 },
      lane: { stallAfterMs: 1_000, reclaimAfterMs: 2_000, turnTimeoutMs: 86_400_000 },
    });
    await keeper.send("holder", 1);
    await keeper.send("waiter", 1);
    const beat = setIntervalOn(clock, 500, () => turns[0]!.turn.progress());
    await clock.advance(3_600_000);
    beat.stop();
    expect(keeper.session("waiter")).toMatchObject({ state: "busy", detail: "busy.waitingForCapacity" });
    expect(of("lane.stalled")).toEqual([]);
    turns[0]!.resolve(undefined);
    await clock.settle();
    expect(keeper.session("waiter")!.detail).toBe("busy.running");
  });

  it("B16 starts waiting turns when capacity is raised and evicts nobody when it is lowered", async () => {
    const { keeper, clock, turns, of } = await createFixture({ capacity: { turns: 1 } });
    for (const key of ["a", "b", "c", "d"]) await keeper.send(key, 1);
    await clock.settle();
    keeper.setCapacity({ turns: 3 });
    await clock.settle();
    expect(turns).toHaveLength(3);
    keeper.setCapacity({ turns: 1 });
    await clock.settle();
    expect(keeper.stats()).toMatchObject({ running: 3, capacity: 1 });
    turns[0]!.resolve(undefined);
    turns[1]!.resolve(undefined);
    await clock.settle();
    expect(turns).toHaveLength(3);
    turns[2]!.resolve(undefined);
    await clock.settle();
    expect(turns).toHaveLength(4);
    expect(of("capacity.changed")).toMatchObject([
      { previous: 1, turns: 3 },
      { previous: 3, turns: 1 },
    ]);
  });

  it.each([[{ turns: 0 }], [{ turns: Number.NaN }], [{ turns: 1.5 }], [{ turns: -1 }], [{}], [null]])(
    "B16 refuses the capacity %j and changes nothing",
    async (capacity) => {
      const { keeper } = await createFixture({ capacity: { turns: 2 } });
      expect(() => keeper.setCapacity(capacity as never)).toThrow(
        expect.objectContaining({ code: "INVALID_OPTION", message: expect.stringContaining("capacity") }),
      );
      expect(keeper.stats().capacity).toBe(2);
    },
  );
});

/** Calls back every so often on simulated time. */
function setIntervalOn(
  clock: { setTimeout(callback: () => void, ms: number): unknown; clearTimeout(handle: unknown): void },
  everyMs: number,
  callback: () => void,
): { stop(): void } {
  let handle: unknown;
  const tick = (): void => {
    callback();
    handle = clock.setTimeout(tick, everyMs);
  };
  handle = clock.setTimeout(tick, everyMs);
  return { stop: () => clock.clearTimeout(handle) };
}
