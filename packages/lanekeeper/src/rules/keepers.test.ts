import { expect, test } from "vitest";
import { LanekeeperError } from "../keeper/errors.ts";
import { createLanekeeper } from "../keeper/create-lanekeeper.ts";
import { memoryStore } from "../store/memory-store.ts";
import { createSimulatedClock } from "../time/simulated-clock.ts";
import { failingStore } from "./failing-store.ts";
import { createFixture, type Fixture } from "./fixture.ts";

test("B59 two keepers in one process share nothing", async () => {
  const clock = createSimulatedClock();
  const one = await createFixture({ clock, capacity: { turns: 1 } });
  const two = await createFixture({ clock, capacity: { turns: 1 } });
  await one.keeper.send("a", "of one", { id: "same" });
  await two.keeper.send("a", "of two", { id: "same" });
  await clock.settle();
  expect(one.turns.map(({ turn }) => turn.messages[0]!.body)).toEqual(["of one"]);
  expect(two.turns.map(({ turn }) => turn.messages[0]!.body)).toEqual(["of two"]);

  await one.keeper.pause();
  await one.keeper.expectExec("a", "job-1");
  await expect(two.keeper.reportExec({ execId: "job-1", exitCode: 0 })).resolves.toMatchObject({
    reason: "unknown-exec",
  });
  one.keeper.setCapacity({ turns: 5 });
  await clock.settle();
  expect(two.keeper.stats()).toMatchObject({ capacity: 1, running: 1, known: 1 });
  expect(two.of("capacity.changed")).toEqual([]);
  expect(two.of("session.paused")).toEqual([]);

  const closing = one.keeper.close();
  await clock.advance(15_000);
  await closing;
  expect(two.turns[0]!.turn.signal.aborted).toBe(false);
  two.turns[0]!.resolve("done");
  await clock.settle();
  expect(two.keeper.stats()).toMatchObject({ health: "ok", completed: 1 });
});

test("B59 a turn of one keeper is outside for another that drains", async () => {
  const clock = createSimulatedClock();
  const two = await createFixture({ clock });
  const one = await createFixture({ clock, turn: () => two.keeper.send("b", "from another keeper") });
  await two.keeper.drain();
  const receipt = await one.keeper.send("a", 1);
  await clock.advance(600_000);
  await expect(receipt.outcome).resolves.toMatchObject({ status: "failed", error: { code: "DRAINING" } });
});

test("B59 a store serves one keeper at a time", async () => {
  const store = memoryStore();
  const { keeper, clock, turns } = await createFixture({ store });
  await expect(createLanekeeper({ store, clock, turn: () => "never" })).rejects.toMatchObject({
    code: "STORE_IN_USE",
  });
  await keeper.send("a", 1);
  await clock.settle();
  expect(turns).toHaveLength(1);
  expect(keeper.stats().health).toBe("ok");
});

test("B59 a store is free again once its keeper has closed, not before", async () => {
  const store = memoryStore();
  const { keeper, clock } = await createFixture({ store });
  await keeper.send("a", "phantom");
  await clock.settle();
  const closing = keeper.close();
  await clock.settle();
  await expect(createLanekeeper({ store, clock, turn: () => "never" })).rejects.toMatchObject({
    code: "STORE_IN_USE",
  });
  await clock.advance(15_000);
  await closing;
  const later = await createFixture({ store, clock });
  await expect(later.keeper.mailbox("a")).resolves.toHaveLength(1);
});

test("B59 a keeper that is refused its options leaves the store free", async () => {
  const store = memoryStore();
  const options = { store, turn: () => "never", capacity: { turns: 0 } };
  await expect(createLanekeeper(options)).rejects.toMatchObject({ code: "INVALID_OPTION" });
  await expect(createFixture({ store })).resolves.toBeDefined();
});

test("B58 a later keeper on the same store runs what was suspended, in order, with the same attempt", async () => {
  const store = memoryStore();
  const clock = createSimulatedClock();
  const first = await createFixture({ store, clock });
  const running = await first.keeper.send("a", "ran", { id: "ran" });
  await first.keeper.send("a", "waited");
  await first.keeper.notify("quiet", { kind: "note" }, { wake: false });
  await clock.settle();
  const closing = first.keeper.close();
  await clock.advance(15_000);
  await closing;
  expect(await running.outcome).toEqual({ status: "suspended" });

  const second = await createFixture({
    store,
    clock,
    turn: ({ messages, attempt }) => [messages[0]!.body, attempt],
  });
  const attached = await second.keeper.attach("a", "ran");
  await clock.settle();
  expect(await attached!.reply()).toEqual(["ran", 1]);
  expect(second.keeper.stats()).toMatchObject({ completed: 2, waiting: 1, live: 1 });
});

test("B33 a keeper that cannot read what its store holds gives the store back", async () => {
  const store = failingStore();
  store.fail(["page"], "rejects");
  await expect(createFixture({ store })).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  store.fail(["page"]);
  store.fail(["pauses"], "rejects");
  await expect(createFixture({ store })).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  store.fail(["pauses"]);
  expect((await createFixture({ store })).keeper.stats().health).toBe("ok");
});

test("B33 a keeper that fails while it reads what its store holds has started nothing", async () => {
  const inner = failingStore();
  const clock = createSimulatedClock();
  const first = await createFixture({ store: inner, clock });
  for (let index = 0; index < 501; index++) await first.keeper.send(`s${index}`, index);
  const closing = first.keeper.close();
  await clock.advance(15_000);
  await closing;

  let pages = 0;
  const store = {
    ...inner,
    open: async (host: Parameters<typeof inner.open>[0]) => {
      const mailboxes = await inner.open(host);
      const page: typeof mailboxes.page = (query) => {
        if (++pages === 2) throw new Error("gone");
        return mailboxes.page(query);
      };
      return new Proxy(mailboxes, {
        get: (target, step) => (step === "page" ? page : Reflect.get(target, step)),
      });
    },
  };
  const started: string[] = [];
  const turn = ({ sessionKey }: { sessionKey: string }): void => void started.push(sessionKey);
  await expect(createFixture({ store, clock, turn })).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  await clock.advance(60_000);
  expect([pages, started]).toEqual([2, []]);

  await createFixture({ store: inner, clock, turn });
  await clock.settle();
  expect(started).toHaveLength(501);
});

/** What the keeper said of its health, and why. */
const healthOf = ({ of }: Pick<Fixture, "of">): readonly string[] =>
  of("health.changed").map(({ health, reason }) => `${health} (${reason})`);

test("B33 health degrades with more zombies than are tolerated, by default as many as there are turns", async () => {
  const fixture = await createFixture({ capacity: { turns: 1 }, lane: { abortGraceMs: 100 } });
  const { keeper, clock, turns } = fixture;
  for (const key of ["a", "b"]) {
    await keeper.send(key, 1);
    await clock.settle();
    await keeper.abort(key);
    await clock.advance(100);
    expect(keeper.stats()).toMatchObject({ zombies: turns.length, health: key === "a" ? "ok" : "degraded" });
  }
  expect(healthOf(fixture)).toEqual(["degraded (zombies)"]);
  turns[0]!.resolve("late");
  await clock.settle();
  expect(keeper.stats()).toMatchObject({ zombies: 1, health: "ok" });
  expect(healthOf(fixture)).toEqual(["degraded (zombies)", "ok (recovered)"]);
});

test("B16 setCapacity changes how many zombies are tolerated, also by the number of turns alone", async () => {
  const fixture = await createFixture({ capacity: { turns: 1, zombies: 0 }, lane: { abortGraceMs: 100 } });
  const { keeper, clock } = fixture;
  await keeper.send("a", 1);
  await clock.settle();
  await keeper.abort("a");
  await clock.advance(100);
  for (const capacity of [{ turns: 1, zombies: 1 }, { turns: 5, zombies: 0 }, { turns: 1 }]) {
    keeper.setCapacity(capacity);
    await clock.settle();
  }
  expect(healthOf(fixture)).toEqual([
    "degraded (zombies)",
    "ok (recovered)",
    "degraded (zombies)",
    "ok (recovered)",
  ]);
});

test("B58 health goes from degraded by draining to closed, and says each once", async () => {
  const store = failingStore();
  const fixture = await createFixture({ store });
  const { keeper, clock } = fixture;
  store.fail(["append"], "rejects");
  await expect(keeper.send("a", 1)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  await expect(keeper.send("a", 1)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  expect(keeper.stats().health).toBe("degraded");
  store.fail(["append"]);
  await keeper.send("a", 1);
  await clock.settle();
  expect(keeper.stats().health).toBe("ok");
  store.fail(["append"], "rejects");
  await expect(keeper.send("a", 1)).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  await keeper.drain({ timeoutMs: 0 });
  expect(keeper.stats().health).toBe("draining");
  const closing = keeper.close();
  await clock.advance(15_000);
  await closing;
  expect(keeper.stats().health).toBe("closed");
  expect(healthOf(fixture)).toEqual([
    "degraded (store)",
    "ok (recovered)",
    "degraded (store)",
    "draining (draining)",
    "closed (closing)",
  ]);
});

/** A keeper with a turn that returns, one that goes on and work that waits, whose store another keeper has now. */
async function withoutItsStore() {
  const store = memoryStore();
  const clock = createSimulatedClock();
  const first = await createFixture({ store, clock, lane: { abortGraceMs: 1_000 } });
  const receipts = [];
  for (const [key, body] of [
    ["a", "returns"],
    ["a", "waits"],
    ["b", "goes on"],
  ] as const)
    receipts.push(await first.keeper.send(key, body));
  await clock.settle();
  await store.close();
  const next = await createFixture({ store, clock });
  first.turns[0]!.resolve("late");
  await clock.settle();
  return { first, next, clock, receipts };
}

test("B59 a keeper whose store was taken away says so once, stops its turns and closes itself", async () => {
  const { first, next, clock, receipts } = await withoutItsStore();
  const { keeper, turns, logs } = first;
  expect(keeper.stats().health).toBe("closed");
  expect(healthOf(first)).toEqual(["closed (store-in-use)"]);
  expect(first.of("store.failed")).toMatchObject([{ error: { code: "STORE_IN_USE" } }]);
  expect(logs.filter(({ message }) => message.includes("store"))).toHaveLength(1);
  expect(turns[1]!.turn.signal.aborted).toBe(true);
  expect(() => turns[1]!.turn.assertCurrent()).toThrow(expect.objectContaining({ code: "TURN_FENCED" }));
  await clock.advance(1_000);
  for (const { outcome } of receipts) await expect(outcome).resolves.toEqual({ status: "suspended" });
  await expect(keeper.close()).resolves.toBeUndefined();
  const { length } = first.events;
  await clock.advance(600_000);
  expect(first.events).toHaveLength(length);
  expect(next.turns.map(({ turn }) => turn.messages[0]!.body)).toEqual(["returns", "goes on"]);
});

test("B59 what is asked of a keeper whose store was taken away is told why, and what to do", async () => {
  const { first, clock } = await withoutItsStore();
  const { keeper } = first;
  for (const _ of ["while it closes", "when it has closed"]) {
    await expect(keeper.send("a", 1)).rejects.toMatchObject({
      code: "STORE_IN_USE",
      message: expect.stringContaining("Create a keeper") as string,
    });
    expect(() => keeper.wake("a")).toThrow(expect.objectContaining({ code: "STORE_IN_USE" }));
    for (const key of ["a", "b", "never seen"])
      expect(keeper.explain(key)).toMatchObject({
        blockedBy: "closed",
        sentence: expect.stringContaining("another keeper") as string,
      });
    await clock.advance(60_000);
  }
});

test("B59 an idle keeper learns of it by the first call that needs the store", async () => {
  const store = memoryStore();
  const fixture = await createFixture({ store });
  await store.close();
  expect(fixture.keeper.stats().health).toBe("ok");
  await expect(fixture.keeper.send("a", 1)).rejects.toMatchObject({ code: "STORE_IN_USE" });
  expect(fixture.keeper.stats().health).toBe("closed");
  expect(healthOf(fixture)).toEqual(["closed (store-in-use)"]);
});

test("B57 a store that refuses a step as in use, and is the keeper's still, has failed and is asked again", async () => {
  const inner = memoryStore();
  let isRefusing = false;
  const store = {
    ...inner,
    open: async (host: Parameters<typeof inner.open>[0]) => {
      const mailboxes = await inner.open(host);
      return new Proxy(mailboxes, {
        get(target, step) {
          if (step === "openTurn" && isRefusing) throw new LanekeeperError("STORE_IN_USE", "not now");
          return Reflect.get(target, step) as unknown;
        },
      });
    },
  };
  const fixture = await createFixture({ store });
  isRefusing = true;
  await fixture.keeper.send("a", 1);
  await fixture.clock.settle();
  expect(fixture.keeper.stats().health).toBe("degraded");
  isRefusing = false;
  await fixture.clock.advance(10_000);
  expect(fixture.turns).toHaveLength(1);
  expect(healthOf(fixture)).toEqual(["degraded (store)", "ok (recovered)"]);
});
