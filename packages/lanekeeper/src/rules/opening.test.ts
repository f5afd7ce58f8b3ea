import { expect, test } from "vitest";
import { type Answering, answeringStore } from "./answering-store.ts";
import { failingStore } from "./failing-store.ts";
import { createFixture } from "./fixture.ts";
import { ran } from "./ran.ts";

/** Milliseconds in which a lane has tried again what its store failed. */
const againMs = 60_000;

test("B33 a turn that was opened while the answer was lost runs, also if the mailbox seems empty then", async () => {
  const store = failingStore();
  const { keeper, clock, turns } = await createFixture({ store, lane: { passivateAfterMs: 0 } });
  store.fail(["openTurn"], "loses the answer");
  const receipt = await keeper.send("s", "held");
  await clock.settle();
  store.fail(["openTurn"]);
  expect(await keeper.clear("s")).toBe(0);
  expect(keeper.explain("s").blockedBy).toBe("store");
  await clock.advance(againMs);
  expect(ran(turns)).toEqual([["held"]]);
  turns[0]!.resolve("done");
  expect(await receipt.reply()).toBe("done");
});

test("B9 what ended while the store failed to open its turn starts none", async () => {
  const store = failingStore();
  const { keeper, clock, turns } = await createFixture({ store });
  store.fail(["openTurn"], "rejects");
  await keeper.send("s", "dropped", { expiresInMs: 10 });
  await clock.advance(20);
  store.fail(["openTurn"]);
  await clock.advance(againMs);
  expect(turns).toEqual([]);
  expect(keeper.explain("s").blockedBy).toBe("nothing-to-do");
  await keeper.send("s", "next");
  await clock.settle();
  expect(ran(turns)).toEqual([["next"]]);
});

test("B9 what ended while the store failed to open its turn starts none, also where giving it back fails at first", async () => {
  const store = failingStore();
  const { keeper, clock, turns } = await createFixture({ store });
  store.fail(["openTurn"], "rejects");
  const receipt = await keeper.send("s", "withdrawn");
  await clock.settle();
  expect(await receipt.cancel()).toBe(true);
  store.fail(["openTurn"]);
  store.fail(["settleTurn"], "rejects");
  await clock.advance(againMs);
  expect(keeper.explain("s").blockedBy).toBe("store");
  store.fail(["settleTurn"]);
  await clock.advance(againMs);
  expect(keeper.explain("s").blockedBy).toBe("nothing-to-do");
  expect(turns).toEqual([]);
});

test("B12 a turn that was opened while the answer was lost counts in its own group", async () => {
  const store = failingStore();
  const capacity = { turns: 3, groups: { batch: { limit: 1 } } };
  const { keeper, clock, turns } = await createFixture({ store, capacity });
  store.fail(["openTurn"], "loses the answer");
  await keeper.send("first", "held", { group: "batch" });
  await clock.settle();
  await keeper.send("first", "of no group");
  store.fail(["openTurn"]);
  await keeper.send("second", "next", { group: "batch" });
  await clock.advance(againMs);
  expect(ran(turns)).toEqual([["next"]]);
  turns[0]!.resolve("done");
  await clock.settle();
  expect(ran(turns)).toEqual([["next"], ["held"]]);
});

test("B12 work of another group that came while the store failed to open a turn has a slot of its own group", async () => {
  const store = failingStore();
  const capacity = { turns: 3, groups: { batch: { limit: 1 } } };
  const { keeper, clock, turns } = await createFixture({ store, capacity });
  await keeper.send("first", "of batch", { group: "batch" });
  store.fail(["openTurn"], "rejects");
  await keeper.notify("second", { kind: "of none" });
  await clock.settle();
  await keeper.send("second", "of batch, too", { group: "batch" });
  store.fail(["openTurn"]);
  await clock.advance(againMs);
  expect(ran(turns)).toEqual([["of batch"]]);
  turns[0]!.resolve("done");
  await clock.settle();
  expect(ran(turns)).toEqual([["of batch"], ["of batch, too"]]);
  expect(turns[1]!.turn.events).toMatchObject([{ kind: "of none" }]);
});

test("B18 a batch that comes as the store is to open again what it failed to open has its quiet", async () => {
  const store = failingStore();
  const lane = { mode: "collect", debounceMs: 500 } as const;
  const { keeper, clock, turns } = await createFixture({ store, lane, capacity: { turns: 1 } });
  store.fail(["openTurn"], "rejects");
  await keeper.notify("s", { kind: "waits" });
  await clock.settle();
  store.fail(["openTurn"]);
  await keeper.send("other", "long", { mode: "followup" });
  await clock.advance(againMs);
  keeper.wake("s");
  keeper.setCapacity({ turns: 2 });
  await keeper.send("s", "batched");
  await clock.advance(499);
  expect(ran(turns)).toEqual([["long"]]);
  await clock.advance(1);
  expect(ran(turns)).toEqual([["long"], ["batched"]]);
  expect(turns[1]!.turn.events).toMatchObject([{ kind: "waits" }]);
});

test("B12 what came since the store was asked what waits is looked at where the slot is of its group", async () => {
  const store = answeringStore();
  const capacity = { turns: 2, groups: { batch: { limit: 1, reserved: 1 } } };
  const { keeper, clock, turns } = await createFixture({ store, capacity });
  await keeper.send("a", "of no group");
  await keeper.send("b", "of batch", { group: "batch" });
  await keeper.notify("s", { kind: "of no group" });
  const receipt = await keeper.send("s", "withdrawn", { group: "batch" });
  await clock.settle();
  const late: (() => void)[] = [];
  const slowly: Answering = (step, answer) =>
    step === "withdraw" || step === "waiting"
      ? new Promise((resolve) => late.push(() => resolve(answer)))
      : Promise.resolve(answer);
  store.answerBy(slowly);
  const isWithdrawn = receipt.cancel();
  turns[1]!.resolve("done");
  await clock.settle();
  await keeper.send("s", "of batch, too", { group: "batch" });
  store.answerBy(undefined);
  for (const answer of late) answer();
  await clock.settle();
  expect(await isWithdrawn).toBe(true);
  expect(ran(turns)).toEqual([["of no group"], ["of batch"], ["of batch, too"]]);
});

test("B9 an event that starts no turn goes back where the heartbeat that it rode with is gone before the store answers", async () => {
  const store = failingStore();
  const heartbeats = [{ agent: "main", sessionKey: "s", everyMs: 3_600_000 }];
  const { keeper, clock, turns } = await createFixture({ store, heartbeats });
  await keeper.notify("s", { kind: "quiet" }, { wake: false });
  store.fail(["openTurn"], "loses the answer");
  const asked = keeper.heartbeat("main").request();
  await clock.settle();
  await keeper.heartbeat("main").disable();
  store.fail(["openTurn"]);
  await clock.advance(againMs);
  await asked;
  expect(turns).toEqual([]);
  expect(keeper.explain("s").blockedBy).toBe("nothing-to-do");
  await keeper.send("s", "next");
  await clock.settle();
  expect(turns.map(({ turn }) => turn.events.map(({ kind }) => kind))).toEqual([["quiet"]]);
});

test.each([
  ["a turn of events", "event"],
  ["a message behind one that interrupts", "message"],
] as const)(
  "B31 %s that backs off is not tried early for a message that has ended before the store answers",
  async (_, failed) => {
    const store = answeringStore();
    const retry = { attempts: 3, baseMs: 10_000, maxMs: 10_000 };
    const { keeper, clock, turns, of } = await createFixture({ store, random: () => 0.5, lane: { retry } });
    await (failed === "event" ? keeper.notify("s", { kind: "news" }) : keeper.send("s", "news"));
    await clock.settle();
    turns[0]!.reject(new Error("this time"));
    await clock.settle();
    const [retrying] = of("turn.retrying");
    const late: (() => void)[] = [];
    store.answerBy((step, answer) =>
      step === "waiting"
        ? new Promise((resolve) => late.push(() => resolve(answer)))
        : Promise.resolve(answer),
    );
    const receipt = await keeper.send("s", "withdrawn", { mode: "interrupt" });
    await clock.settle();
    expect(late).toHaveLength(1);
    expect(await receipt.cancel()).toBe(true);
    store.answerBy(undefined);
    for (const answer of late) answer();
    await clock.settle();
    expect(turns).toHaveLength(1);
    expect(keeper.explain("s").blockedBy).toBe("backoff");
    await clock.advance(10_000);
    expect(of("turn.started")[1]!.at).toBeGreaterThanOrEqual(retrying!.retryAt);
    expect(turns).toHaveLength(2);
  },
);
