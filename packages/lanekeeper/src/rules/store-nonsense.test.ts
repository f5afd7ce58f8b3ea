import { describe, expect, it } from "vitest";
import { failingStore } from "./failing-store.ts";
import { createFixture } from "./fixture.ts";

const faults = ["answers nonsense", "answers nonsense later"] as const;

describe.each(faults)("a store that %s", (fault) => {
  it.each(["waiting", "openTurn", "settleTurn"] as const)(
    "B33 has failed: its lane asks again for %s, crashes never and loses nothing",
    async (step) => {
      const store = failingStore();
      const { keeper, clock, turns, of } = await createFixture({ store, capacity: { turns: 1 } });
      store.fail([step], fault);
      const receipt = await keeper.send("s", 1);
      await clock.settle();
      turns[0]?.resolve("done");
      await clock.advance(10_000);
      expect(keeper.stats()).toMatchObject({ running: 0, health: "degraded" });
      expect(keeper.explain("s").blockedBy).toBe("store");
      store.fail([step]);
      await clock.advance(10_000);
      turns[0]!.resolve("done");
      expect(await receipt.outcome).toMatchObject({ status: "completed", reply: "done", attempts: 1 });
      expect(turns).toHaveLength(1);
      expect(of("lane.crashed")).toEqual([]);
    },
  );

  it("B33 has failed: a reset of which it makes nothing rejects, and the session goes on", async () => {
    const store = failingStore();
    const { keeper, clock, turns, of } = await createFixture({ store });
    store.fail(["restart"], fault);
    await expect(keeper.reset("s")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    store.fail(["restart"]);
    await keeper.reset("s");
    await keeper.send("s", 1);
    await clock.settle();
    expect(turns).toHaveLength(1);
    expect(of("session.reset")).toHaveLength(1);
    expect(of("lane.crashed")).toEqual([]);
  });
});
