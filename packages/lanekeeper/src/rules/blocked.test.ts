import { expect, test } from "vitest";
import { createFixture } from "./fixture.ts";
import { failingStore } from "./failing-store.ts";

const summary = "A session has work that cannot start.";

test("B32 a lane without a slot says so within 2 s, then every 30 s while it lasts", async () => {
  const { keeper, clock, turns, of } = await createFixture({ capacity: { turns: 1 } });
  await keeper.send("holder", 1);
  await clock.advance(10_000);
  await keeper.send("a", 2);
  await clock.advance(1_999);
  expect(of("lane.blocked")).toEqual([]);
  await clock.advance(1);
  expect(of("lane.blocked")).toMatchObject([
    {
      sessionKey: "a",
      reason: "capacity",
      capacity: 1,
      running: 1,
      waiting: 1,
      oldestTurnMs: 12_000,
      blockedMs: 2_000,
    },
  ]);
  await clock.advance(29_999);
  expect(of("lane.blocked")).toHaveLength(1);
  await clock.advance(1);
  expect(of("lane.blocked").map(({ blockedMs }) => blockedMs)).toEqual([2_000, 32_000]);
  turns[0]!.resolve("done");
  await clock.advance(100_000);
  expect(of("lane.blocked")).toHaveLength(2);
});

test("B32 each blocked lane says so within 2 s, whenever others became blocked", async () => {
  const { keeper, clock, of } = await createFixture({ capacity: { turns: 1 } });
  await keeper.send("holder", 1);
  await clock.settle();
  const said: string[] = [];
  for (const [sessionKey, afterMs] of [
    ["a", 0],
    ["b", 500],
    ["c", 4_500],
    ["d", 10_000],
  ] as const) {
    await clock.advance(afterMs);
    await keeper.send(sessionKey, 1);
    said.push(sessionKey);
    await clock.settle();
  }
  await clock.advance(2_000);
  const first = Map.groupBy(of("lane.blocked"), ({ sessionKey }) => sessionKey);
  expect([...first.keys()]).toEqual(said);
  for (const [notice] of first.values()) expect(notice!.blockedMs).toBeLessThanOrEqual(2_000);
});

test("B32 a lane that is granted its slot within 2 s says nothing", async () => {
  const { keeper, clock, turns, of, logs } = await createFixture({ capacity: { turns: 1 } });
  await keeper.send("holder", 1);
  await keeper.send("a", 2);
  await clock.advance(1_999);
  turns[0]!.resolve("done");
  await clock.advance(60_000);
  expect(of("lane.blocked")).toEqual([]);
  expect(logs.filter(({ message }) => message === summary)).toEqual([]);
});

test("B32 the log has one summary line per reason and 30 s, however many lanes wait", async () => {
  const { keeper, clock, of, logs } = await createFixture({ capacity: { turns: 1 } });
  await keeper.send("holder", 1);
  await clock.settle();
  for (let session = 0; session < 50; session++) {
    await keeper.send(`session ${session}`, 1);
    await clock.advance(100);
  }
  await clock.advance(85_000);
  const times = of("lane.blocked").map(({ at }) => at);
  const lines = logs.filter(({ message }) => message === summary);
  expect(times).toHaveLength(150);
  expect(lines).toHaveLength(3);
  expect(lines[0]!).toMatchObject({ level: "warn", fields: { reason: "capacity", capacity: 1, running: 1 } });
  expect(lines[1]!.fields).toMatchObject({ heldBack: 49, waiting: 50 });
});

test("B32 says so with nothing else arriving, and to the log also when nobody looks", async () => {
  const { keeper, clock, logs, turns } = await createFixture({ capacity: { turns: 1 } });
  await keeper.send("holder", 1);
  await keeper.notify("a", { kind: "note" });
  await clock.advance(2_000);
  expect(logs.filter(({ message }) => message === summary)).toHaveLength(1);
  expect(turns).toHaveLength(1);
});

test.each(["rejects", "hangs"] as const)(
  "B32 a lane whose turn the store does not open says so within 2 s, then every 30 s: it %s",
  async (fault) => {
    const store = failingStore();
    const { keeper, clock, turns, of, logs } = await createFixture({ store });
    store.fail(["openTurn"], fault);
    await keeper.send("a", 1);
    await clock.advance(2_000);
    expect(of("lane.blocked")).toMatchObject([{ sessionKey: "a", reason: "store", blockedMs: 2_000 }]);
    await clock.advance(90_000);
    expect(of("lane.blocked").map(({ blockedMs }) => blockedMs)).toEqual([2_000, 32_000, 62_000, 92_000]);
    expect(logs.filter(({ message }) => message === summary)).toHaveLength(4);
    store.fail(["openTurn"]);
    await clock.advance(60_000);
    expect(turns).toHaveLength(1);
    const before = of("lane.blocked").length;
    await clock.advance(60_000);
    expect(of("lane.blocked")).toHaveLength(before);
  },
);

test("B32 a lane whose ended turn the store does not record says so likewise", async () => {
  const store = failingStore();
  const { keeper, clock, turns, of } = await createFixture({ store });
  await keeper.send("a", 1);
  await clock.settle();
  await keeper.send("a", 2);
  store.fail(["settleTurn"], "rejects");
  turns[0]!.resolve("done");
  await clock.advance(62_000);
  expect(of("lane.blocked").map(({ reason, blockedMs }) => [reason, blockedMs])).toEqual([
    ["store", 2_000],
    ["store", 32_000],
    ["store", 62_000],
  ]);
  store.fail(["settleTurn"]);
  await clock.advance(10_000);
  expect(turns).toHaveLength(2);
});

test("B32 a lane that wants nothing of the store any more says nothing any more", async () => {
  const store = failingStore();
  const { keeper, clock, of } = await createFixture({ store });
  store.fail(["waiting"], "rejects");
  for (const sessionKey of ["cleared", "paused"]) await keeper.send(sessionKey, 1);
  await clock.advance(10_000);
  await keeper.clear("cleared");
  await keeper.pause("paused");
  await clock.advance(10_000);
  const before = of("lane.blocked").length;
  await clock.advance(200_000);
  expect(of("lane.blocked")).toHaveLength(before);
  await keeper.resume("paused");
  await clock.advance(2_000);
  expect(of("lane.blocked").at(-1)).toMatchObject({ sessionKey: "paused", blockedMs: 2_000 });
});

test("B32 a paused or draining keeper is no want of capacity", async () => {
  const { keeper, clock, of } = await createFixture({ capacity: { turns: 1 } });
  await keeper.send("holder", 1);
  await keeper.pause("paused");
  await keeper.send("paused", 1);
  await keeper.send("waiting", 1);
  await clock.settle();
  const drained = keeper.drain({ timeoutMs: 60_000 });
  await clock.advance(60_000);
  await drained;
  expect(of("lane.blocked")).toEqual([]);
});

test("B32 the reason is what it waits for at that moment, and each reason has its line in the log", async () => {
  const { keeper, clock, of, logs } = await createFixture({
    capacity: { turns: 2, groups: { g: { limit: 1 } } },
  });
  await keeper.send("holder", 1, { group: "g" });
  await keeper.send("a", 1, { group: "g" });
  await clock.advance(10_000);
  await keeper.send("b", 1);
  await keeper.send("c", 1);
  await clock.advance(2_000);
  keeper.setCapacity({ turns: 2 });
  await clock.advance(20_000);
  expect(of("lane.blocked").map(({ sessionKey, reason }) => [sessionKey, reason])).toEqual([
    ["a", "group"],
    ["c", "capacity"],
    ["a", "capacity"],
  ]);
  expect(logs.filter(({ message }) => message === summary).map(({ fields }) => fields["reason"])).toEqual([
    "group",
    "capacity",
  ]);
});

test("B32 a parent that waits for its child is not blocked, and its child only while it has no slot", async () => {
  const { keeper, clock, of } = await createFixture({
    capacity: { turns: 1 },
    turn: async ({ sessionKey }): Promise<unknown> => {
      if (sessionKey === "parent") {
        const receipts = [await keeper.send("x", 1), await keeper.send("y", 1)];
        return Promise.all(receipts.map((receipt) => receipt.reply()));
      }
      return new Promise((resolve) => void clock.setTimeout(() => resolve("done"), 10_000));
    },
  });
  await keeper.send("parent", 1);
  await clock.advance(30_000);
  expect(of("lane.blocked").map(({ sessionKey, blockedMs }) => [sessionKey, blockedMs])).toEqual([
    ["y", 2_000],
  ]);
});
