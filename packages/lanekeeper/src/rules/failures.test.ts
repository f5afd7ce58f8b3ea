import { describe, expect, it } from "vitest";
import { memoryStore } from "../store/memory-store.ts";
import { storeDeadlineMs } from "../store/store-requests.ts";
import type { StoreHost } from "../store/store.ts";
import { createSimulatedClock } from "../time/simulated-clock.ts";
import { failingStore } from "./failing-store.ts";
import { bugged } from "./faulty-dispatcher.ts";
import { createFixture, deferred } from "./fixture.ts";

describe("a crash inside a lane", () => {
  it("B7 rebuilds the lane from the store, keeps what its turn did, and others never notice", async () => {
    const { keeper, clock, events } = await createFixture({
      turn: () => "done",
      dispatcher: bugged({ sessionKey: "bad", times: 1 }),
    });
    const first = await keeper.send("bad", 1);
    const second = await keeper.send("bad", 2);
    const other = await keeper.send("good", 1);
    await clock.settle();
    expect(events.filter(({ type }) => type === "lane.crashed")).toMatchObject([
      { sessionKey: "bad", error: { message: "a bug in an action" }, rebuildInMs: 0 },
    ]);
    expect(await other.outcome).toMatchObject({ status: "completed" });
    expect(await first.outcome).toMatchObject({ status: "completed", reply: "done" });
    expect(await second.outcome).toMatchObject({ status: "completed", reply: "done" });
    expect(keeper.session("bad")).toMatchObject({ state: "idle", waiting: 0 });
    expect(keeper.stats()).toMatchObject({ running: 0, waiting: 0 });
  });

  it("B30 tries the work of a turn that its lane's crash ended again, up to maxCrashes times, then dead-letters it", async () => {
    const started: number[] = [];
    const { keeper, clock, events } = await createFixture({
      lane: { stallAfterMs: 1_000, reclaimAfterMs: 2_000, abortGraceMs: 0, maxCrashes: 2 },
      turn: ({ attempt }) => (started.push(attempt), new Promise(() => {})),
      dispatcher: bugged({ sessionKey: "bad", times: 3 }),
    });
    const receipt = await keeper.send("bad", 1);
    await clock.advance(600_000);
    expect(started.slice(0, 3)).toEqual([1, 2, 3]);
    expect(await receipt.outcome).toMatchObject({ status: "reclaimed", reason: "crashed" });
    expect(await keeper.deadLetters()).toMatchObject([{ reason: "crashed" }]);
    expect(events.filter(({ type }) => type === "lane.crashed")).toHaveLength(3);
    expect(keeper.session("bad")?.state ?? "idle").toBe("idle");
  });

  it("B31 rebuilds a lane that crashes again and again with growing pauses", async () => {
    const { keeper, clock, events } = await createFixture({
      turn: () => "done",
      dispatcher: bugged({ sessionKey: "bad", times: 6 }),
    });
    for (let index = 0; index < 4; index++) await keeper.send("bad", index);
    await clock.advance(600_000);
    const pauses = events.flatMap((event) => (event.type === "lane.crashed" ? [event.rebuildInMs] : []));
    expect(pauses[0]).toBe(0);
    expect(pauses.slice(1)).toEqual(pauses.slice(1).toSorted((a, b) => a - b));
    expect(pauses[1]).toBeGreaterThan(500);
    expect(keeper.stats()).toMatchObject({ waiting: 0, completed: 4 });
  });
});

describe("a store that fails", () => {
  it.each(["rejects", "throws", "hangs"] as const)(
    "B33 refuses a send with STORE_UNAVAILABLE where the store %s",
    async (fault) => {
      const store = failingStore();
      const { keeper, clock, of } = await createFixture({ store });
      store.fail(["append"], fault);
      const refused = keeper.send("s", 1).catch((error: unknown) => error);
      await clock.advance(30_000);
      expect(await refused).toMatchObject({ code: "STORE_UNAVAILABLE" });
      expect(of("store.failed")).toHaveLength(1);
      expect(keeper.stats().health).toBe("degraded");
      store.fail(["append"]);
      await keeper.send("s", 2);
      expect(keeper.stats().health).toBe("ok");
      await clock.settle();
      expect(of("store.recovered")).toHaveLength(1);
    },
  );

  it("B57 says once that a store takes no changes, however often that can be read meanwhile", async () => {
    const store = failingStore();
    const { keeper, clock, of } = await createFixture({ store, turn: () => "done" });
    await keeper.pause();
    const { id, outcome } = await keeper.send("s", 1);
    store.fail(["openTurn", "append"], "rejects");
    await keeper.resume();
    await clock.advance(60_000);
    expect(await keeper.mailbox("s")).toMatchObject([{ id }]);
    expect(await keeper.attach("s", id)).toBeDefined();
    keeper.wake("other", { reason: "why" });
    await expect(keeper.send("s", 2)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await clock.advance(60_000);
    expect(of("health.changed")).toMatchObject([{ health: "degraded", reason: "store" }]);
    expect(of("store.recovered")).toEqual([]);
    store.fail(["openTurn", "append"]);
    await clock.advance(60_000);
    expect(await outcome).toMatchObject({ status: "completed" });
    expect(of("store.recovered")).toHaveLength(1);
    expect(keeper.stats().health).toBe("ok");
  });

  it("B26a takes no store for dead that had no time to answer, because the process was suspended", async () => {
    const store = failingStore();
    const { keeper, clock, of } = await createFixture({ store });
    store.fail(["append"], "hangs");
    const refused = keeper.send("s", 1).catch((error: unknown) => error);
    await clock.advance(10_000);
    await clock.suspend(600_000);
    await clock.advance(10_000);
    expect(of("store.failed")).toEqual([]);
    await clock.advance(20_000);
    expect(await refused).toMatchObject({ code: "STORE_UNAVAILABLE" });
  });

  it.each(["rejects", "throws", "hangs"] as const)(
    "B33 frees the slot of a turn whose end the store %s, keeps its session busy and its outcome open until it is recorded",
    async (fault) => {
      const store = failingStore();
      const { keeper, clock, turns, of } = await createFixture({ store, capacity: { turns: 1 } });
      const receipt = await keeper.send("s", 1);
      await keeper.send("s", 2);
      await clock.settle();
      store.fail(["settleTurn"], fault);
      turns[0]!.resolve("kept");
      await clock.advance(40_000);
      expect(keeper.stats().running).toBe(0);
      expect(keeper.session("s")!.state).toBe("busy");
      expect(turns).toHaveLength(1);
      expect(await Promise.race([receipt.outcome, Promise.resolve("open")])).toBe("open");
      await clock.advance(5_000);
      expect(["store", "running"]).toContain(keeper.explain("s").blockedBy);
      store.fail(["settleTurn"]);
      await clock.advance(40_000);
      expect(await receipt.outcome).toMatchObject({ status: "completed", reply: "kept" });
      expect(turns).toHaveLength(2);
      expect(of("turn.completed")).toHaveLength(1);
    },
  );

  it.each(["waiting", "openTurn"] as const)(
    "B33 gives the slot back while the store fails %s, and goes on by itself",
    async (step) => {
      const store = failingStore();
      const { keeper, clock, turns, of } = await createFixture({ store, capacity: { turns: 1 } });
      store.fail([step], "rejects");
      await keeper.send("s", 1);
      await clock.advance(1);
      expect(keeper.stats().running).toBe(0);
      expect(keeper.explain("s")).toMatchObject({ blockedBy: "store" });
      await clock.advance(10_000);
      store.fail([step]);
      await clock.advance(6_000);
      expect(turns).toHaveLength(1);
      expect(of("store.recovered").length).toBeGreaterThan(0);
    },
  );

  it("B33 opens one turn where the store's answer to the opening came too late", async () => {
    const store = failingStore();
    const { keeper, clock, turns } = await createFixture({ store });
    store.fail(["openTurn"], "hangs");
    await keeper.send("s", 1);
    await clock.advance(29_000);
    store.fail(["openTurn"]);
    await clock.advance(10_000);
    expect(turns).toHaveLength(1);
    turns[0]!.resolve("once");
    await clock.settle();
    expect(keeper.stats()).toMatchObject({ completed: 1, running: 0 });
  });

  it("B33 rejects a reset that the store fails, and the session goes on", async () => {
    const store = failingStore();
    const { keeper, clock, turns } = await createFixture({ store });
    await keeper.pause("s");
    await keeper.send("s", 1);
    store.fail(["restart"], "rejects");
    await expect(keeper.reset("s")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await keeper.resume("s");
    await clock.settle();
    expect(turns).toHaveLength(1);
  });

  it("B33 runs a message whose acceptance was answered with an error that was none, once it is sent again", async () => {
    const store = failingStore();
    const { keeper, clock, turns } = await createFixture({ store });
    store.fail(["append"], "loses the answer");
    await expect(keeper.send("s", "x", { id: "m" })).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    store.fail(["append"]);
    const receipt = await keeper.send("s", "x", { id: "m" });
    await clock.settle();
    turns[0]!.resolve("run");
    expect(await receipt.reply()).toBe("run");
    await clock.settle();
    expect(turns).toHaveLength(1);
  });

  it("B35 shows a completion whose record was answered with an error that was none, once", async () => {
    const store = failingStore();
    const { keeper, clock, turns, processes } = await createFixture({ store });
    await keeper.exec("s", "make");
    store.fail(["completeExecution"], "loses the answer");
    processes.started[0]!.end(0);
    await clock.settle();
    store.fail(["completeExecution"]);
    await clock.advance(60_000);
    expect(turns.map(({ turn }) => turn.events.map(({ kind }) => kind))).toEqual([["exec.completed"]]);
  });

  it("B55 gives a settlement that is asked again after a lost answer the same answer", async () => {
    const store = failingStore();
    const { keeper, clock, turns, of } = await createFixture({ store, lane: { retry: { attempts: 1 } } });
    const receipt = await keeper.send("s", 1);
    await clock.settle();
    store.fail(["settleTurn"], "loses the answer");
    turns[0]!.reject(new Error("for good"));
    await clock.settle();
    store.fail(["settleTurn"]);
    await clock.advance(10_000);
    expect(await receipt.outcome).toMatchObject({ status: "failed" });
    expect(of("deadLetter.added")).toHaveLength(1);
  });

  it("B19 ends a turn that took steering whose withdrawal was answered with an error that was none", async () => {
    const store = failingStore();
    const { keeper, clock, turns } = await createFixture({ store });
    const steered = await keeper.send("s", 1);
    await clock.settle();
    const steering = await keeper.send("s", 2, { mode: "steer" });
    store.fail(["withdraw"], "loses the answer");
    await expect(steering.cancel()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    store.fail(["withdraw"]);
    turns[0]!.turn.takeSteering();
    turns[0]!.resolve("steered");
    await clock.advance(60_000);
    expect(await Promise.race([steered.outcome, Promise.resolve("open")])).toMatchObject({
      status: "completed",
      reply: "steered",
    });
    expect(keeper.explain("s")).toMatchObject({ blockedBy: "nothing-to-do" });
    expect(await Promise.race([steering.outcome, Promise.resolve("open")])).not.toBe("open");
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("disk");
      },
    ],
    ["rejects", () => Promise.reject(new Error("disk"))],
  ])("B33 rejects createLanekeeper with STORE_UNAVAILABLE where opening the store %s", async (_, open) => {
    const store = { ...failingStore(), open };
    await expect(createFixture({ store })).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  });

  it("B33 rejects createLanekeeper where opening the store is not answered, and gives it back when it is", async () => {
    const store = memoryStore();
    const opening = deferred<void>();
    const late = { ...store, open: async (host: StoreHost) => opening.promise.then(() => store.open(host)) };
    const clock = createSimulatedClock();
    const refused = createFixture({ store: late, clock }).catch((error: unknown) => error);
    await clock.advance(storeDeadlineMs);
    expect(await refused).toMatchObject({ code: "STORE_UNAVAILABLE" });
    opening.resolve();
    await clock.settle();
    expect((await createFixture({ store })).keeper.stats().health).toBe("ok");
  });

  it("B33 rejects createLanekeeper where neither reading the store nor giving it back is answered", async () => {
    const inner = failingStore();
    inner.fail(["page"], "rejects");
    const store = { ...inner, close: () => new Promise<never>(() => {}) };
    const clock = createSimulatedClock();
    const refused = createFixture({ store, clock }).catch((error: unknown) => error);
    await clock.advance(storeDeadlineMs);
    expect(await refused).toMatchObject({ code: "STORE_UNAVAILABLE" });
  });

  it("B60 a lane that started while another question about its session failed is not said to wait for the store", async () => {
    const store = failingStore();
    const { keeper, clock, turns } = await createFixture({
      store,
      lane: { passivateAfterMs: storeDeadlineMs + 10_000 },
    });
    store.fail(["session"], "hangs");
    await keeper.send("s", 1);
    await clock.settle();
    store.fail(["session"]);
    await keeper.send("s", 2);
    await clock.settle();
    for (const turn of turns) turn.resolve("done");
    await clock.settle();
    turns[1]!.resolve("done");
    await clock.advance(2 * storeDeadlineMs);
    expect(keeper.explain("s").blockedBy).toBe("nothing-to-do");
    await expect(keeper.send("s", 3, { mode: "reject" })).resolves.toMatchObject({ sessionKey: "s" });
  });

  it("B5 goes on with ids of its own where createId fails, and says so", async () => {
    let isBroken = false;
    let count = 0;
    const createId = (): string => {
      if (isBroken) throw new Error("no more ids");
      return `id-${count++}`;
    };
    const { keeper, clock, turns, logs } = await createFixture({ createId });
    isBroken = true;
    const receipt = await keeper.send("s", 1, { id: "given" });
    await clock.settle();
    turns[0]!.resolve("ran");
    expect(await receipt.reply()).toBe("ran");
    expect(logs.some(({ message }) => message.includes("createId"))).toBe(true);
  });
});
