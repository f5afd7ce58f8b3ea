import { expect, test } from "vitest";
import { failingStore } from "./failing-store.ts";
import { createFixture } from "./fixture.ts";
import { ran } from "./ran.ts";

const lane = { mode: "reject" } as const;
const busy = { code: "LANE_BUSY" };

test("B21 accepts a message while the session is idle, also one that was never seen or sleeps", async () => {
  const { keeper, clock, turns } = await createFixture({ lane: { ...lane, passivateAfterMs: 1_000 } });
  await keeper.send("a", "never seen");
  await clock.settle();
  turns[0]!.resolve("ok");
  await clock.settle();
  await keeper.send("a", "idle");
  await clock.settle();
  turns[1]!.resolve("ok");
  await clock.advance(1_000);
  expect(keeper.session("a")).toBeUndefined();
  await keeper.send("a", "asleep");
  await clock.settle();
  expect(ran(turns)).toEqual([["never seen"], ["idle"], ["asleep"]]);
});

test("B21 refuses a message while a turn runs, and says so", async () => {
  const { keeper, clock, turns, of } = await createFixture({ lane });
  await keeper.send("a", 1, { mode: "followup" });
  await clock.settle();
  await expect(keeper.send("a", 2, { id: "two" })).rejects.toMatchObject(busy);
  await clock.settle();
  expect(of("message.refused")).toMatchObject([{ sessionKey: "a", id: "two", reason: "LANE_BUSY" }]);
  turns[0]!.resolve("ok");
  await clock.advance(60_000);
  expect(ran(turns)).toEqual([[1]]);
});

test("B21 of two sent at once it accepts the first", async () => {
  const { keeper, clock, turns } = await createFixture({ lane });
  const sent = await Promise.allSettled([keeper.send("a", 1), keeper.send("a", 2)]);
  expect(sent).toMatchObject([{ status: "fulfilled" }, { status: "rejected", reason: busy }]);
  await clock.settle();
  expect(ran(turns)).toEqual([[1]]);
});

test("B21 refuses in every state that is not idle", async () => {
  const { keeper, clock, turns } = await createFixture({ lane, capacity: { turns: 5 } });
  const send = async (sessionKey: string, mode: "followup" | "collect" = "followup"): Promise<void> => {
    await keeper.send(sessionKey, "work", { mode });
    await clock.settle();
  };
  const turnOf = (sessionKey: string) => turns.findLast(({ turn }) => turn.sessionKey === sessionKey)!;
  await keeper.pause("busy.paused");
  await send("busy.paused");
  await send("stalled.running");
  await clock.advance(119_000);
  await send("busy.backingOff");
  await send("busy.aborting");
  await send("busy.running");
  await clock.advance(1_000);
  await send("busy.debouncing", "collect");
  turnOf("busy.backingOff").reject(new Error("model down"));
  await keeper.abort("busy.aborting");
  await clock.settle();
  for (const other of ["one", "two", "busy.waitingForCapacity"]) await send(other);
  const details = ["paused", "backingOff", "aborting", "running", "debouncing", "waitingForCapacity"];
  for (const detail of [...details.map((leaf) => `busy.${leaf}`), "stalled.running"]) {
    expect(keeper.session(detail)?.detail).toBe(detail);
    await expect(keeper.send(detail, "no")).rejects.toMatchObject(busy);
  }
});

test("B21 refuses while the end of a turn cannot be recorded, also of one that was reclaimed", async () => {
  const store = failingStore();
  const { keeper, clock, turns } = await createFixture({ lane, store });
  for (const key of ["busy.unsettled", "reclaimed.unsettled"]) await keeper.send(key, "work");
  await clock.advance(614_999);
  store.fail(["settleTurn"], "rejects");
  turns[0]!.resolve("ok");
  await clock.advance(1);
  for (const detail of ["busy.unsettled", "reclaimed.unsettled"]) {
    expect(keeper.session(detail)?.detail).toBe(detail);
    await expect(keeper.send(detail, "no")).rejects.toMatchObject(busy);
  }
});

test("B21 refuses while an event or a wake turn runs", async () => {
  const { keeper, clock } = await createFixture({ lane });
  await keeper.notify("a", { kind: "build" });
  keeper.wake("b", { coalesceMs: 0 });
  await clock.settle();
  for (const key of ["a", "b"]) await expect(keeper.send(key, "no")).rejects.toMatchObject(busy);
});

test("B21 refuses as soon as an event or a message was accepted, before its turn starts", async () => {
  const { keeper } = await createFixture({ lane });
  const sent = await Promise.allSettled([
    keeper.notify("a", { kind: "build" }),
    keeper.send("a", "no"),
    keeper.send("b", "yes", { mode: "followup" }),
    keeper.send("b", "no"),
  ]);
  expect(sent.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled", "rejected"]);
});

test("B21 a session with only events that wait for another reason is idle: the message takes them along", async () => {
  const { keeper, clock, turns } = await createFixture({ lane });
  await keeper.notify("a", { kind: "quiet" }, { wake: false });
  await clock.settle();
  await keeper.send("a", "yes");
  await clock.settle();
  expect(turns[0]!.turn.events).toMatchObject([{ kind: "quiet" }]);
});

test("B21 a paused session without work is idle: it accepts one message", async () => {
  const { keeper, clock } = await createFixture({ lane });
  await keeper.pause("a");
  await keeper.send("a", "yes");
  await clock.settle();
  await expect(keeper.send("a", "no")).rejects.toMatchObject(busy);
});

test("B21 accepts again as soon as the outcome of what ran is known", async () => {
  const { keeper, clock, turns } = await createFixture({ lane });
  const first = await keeper.send("a", 1);
  await clock.settle();
  turns[0]!.resolve("ok");
  await first.outcome;
  await keeper.send("a", 2);
  await clock.settle();
  expect(ran(turns)).toEqual([[1], [2]]);
});

test("B21 the mode of a message wins over its lane's", async () => {
  const { keeper, clock } = await createFixture({ lane });
  await keeper.send("a", 1);
  await clock.settle();
  await expect(keeper.send("a", 2, { mode: "followup" })).resolves.toMatchObject({ sessionKey: "a" });
  await keeper.send("b", 1, { mode: "followup" });
  await expect(keeper.send("b", 2, { mode: "reject" })).rejects.toMatchObject(busy);
});

test("B21 LANE_BUSY comes before LANE_FULL, and drops nothing", async () => {
  const { keeper, clock, of } = await createFixture({ lane: { cap: 1, overflow: "drop-oldest" } });
  await keeper.send("a", "running");
  await clock.settle();
  await keeper.send("a", "waiting");
  await expect(keeper.send("a", "no", { mode: "reject" })).rejects.toMatchObject(busy);
  expect(of("message.dropped")).toEqual([]);
  await expect(keeper.mailbox("a")).resolves.toHaveLength(2);
});
