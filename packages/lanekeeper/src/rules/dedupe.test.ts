import { expect, test } from "vitest";
import { queueModes } from "../lanes/queue-mode.ts";
import { memoryStore } from "../store/memory-store.ts";
import { createFixture } from "./fixture.ts";
import { ran } from "./ran.ts";

for (const mode of queueModes) {
  test(`B23 the same id gives the same work in mode ${mode}: waiting, running and ended`, async () => {
    const { keeper, clock, turns, of } = await createFixture({ lane: { mode, debounceMs: 500 } });
    const send = (body: string) => keeper.send("a", body, { id: "once" });
    const receipts = [await send("first"), await send("while it waits")];
    await clock.advance(500);
    receipts.push(await send("while it runs"));
    await clock.settle();
    expect(turns[0]!.turn.signal.aborted).toBe(false);
    expect(turns[0]!.turn.takeSteering()).toEqual([]);
    turns[0]!.resolve("done");
    await clock.settle();
    receipts.push(await send("when it has ended"));
    for (const receipt of receipts) {
      expect(receipt).toMatchObject({ id: "once", sessionKey: "a", acceptedAt: receipts[0]!.acceptedAt });
      await expect(receipt.outcome).resolves.toMatchObject({ status: "completed", reply: "done" });
      await expect(receipt.reply()).resolves.toBe("done");
    }
    await clock.advance(60_000);
    expect(ran(turns)).toEqual([["first"]]);
    expect(of("message.duplicate").map(({ id }) => id)).toEqual(["once", "once", "once"]);
    expect(of("message.accepted")).toHaveLength(1);
  });
}

test("B23 a duplicate that names another mode does nothing of it", async () => {
  const { keeper, clock, turns, of } = await createFixture();
  await keeper.send("a", "work", { id: "work" });
  await clock.settle();
  await keeper.send("a", "waiting", { id: "waiting" });
  for (const id of ["work", "waiting"]) {
    await keeper.send("a", "again", { id, mode: "interrupt" });
    await keeper.send("a", "again", { id, mode: "steer" });
    await keeper.send("a", "again", { id, mode: "collect" });
  }
  await clock.settle();
  expect(turns[0]!.turn.signal.aborted).toBe(false);
  expect(turns[0]!.turn.takeSteering()).toEqual([]);
  expect(of("message.duplicate")).toHaveLength(6);
  turns[0]!.resolve("ok");
  await clock.settle();
  expect(ran(turns)).toEqual([["work"], ["waiting"]]);
});

test("B23 in mode reject a duplicate gives the receipt of the same work, and other work LANE_BUSY", async () => {
  const { keeper, clock, turns } = await createFixture({ lane: { mode: "reject" } });
  const first = await keeper.send("a", "work", { id: "once" });
  await clock.settle();
  const again = await keeper.send("a", "work", { id: "once" });
  await expect(keeper.send("a", "other")).rejects.toMatchObject({ code: "LANE_BUSY" });
  turns[0]!.resolve("done");
  await expect(again.reply()).resolves.toBe("done");
  expect(again.acceptedAt).toBe(first.acceptedAt);
});

test("B23 a duplicate is known where new work is refused: LANE_FULL, OVERLOADED", async () => {
  const { keeper, clock } = await createFixture({ lane: { cap: 1 }, capacity: { turns: 1, waiting: 2 } });
  await keeper.send("a", "work");
  await clock.settle();
  await keeper.send("a", "waiting", { id: "waiting" });
  await expect(keeper.send("a", "no")).rejects.toMatchObject({ code: "LANE_FULL" });
  await expect(keeper.send("a", "again", { id: "waiting" })).resolves.toMatchObject({ id: "waiting" });
  await keeper.send("b", "waiting");
  await expect(keeper.send("c", "no")).rejects.toMatchObject({ code: "OVERLOADED" });
  await expect(keeper.send("a", "again", { id: "waiting" })).resolves.toMatchObject({ id: "waiting" });
});

test("B23 a duplicate of a dropped message drops nothing", async () => {
  for (const overflow of ["drop-oldest", "drop-newest", "summarize"] as const) {
    const { keeper, clock, turns, of } = await createFixture({ lane: { cap: 1, overflow } });
    await keeper.send("a", "work");
    await clock.settle();
    await keeper.send("a", "one", { id: "one" });
    await keeper.send("a", "two", { id: "two" });
    const dropped = of("message.dropped")[0]!.id;
    const again = await keeper.send("a", "again", { id: dropped });
    await expect(again.outcome).resolves.toEqual({ status: "dropped", reason: "overflow" });
    await clock.settle();
    expect(of("message.dropped")).toHaveLength(1);
    turns[0]!.resolve("ok");
    await clock.settle();
    expect(ran(turns)).toEqual([["work"], [dropped === "one" ? "two" : "one"]]);
  }
});

test("B23 an id is known until dedupeMs after its outcome, however the work ended", async () => {
  const { keeper, clock, turns } = await createFixture({
    lane: { dedupeMs: 1_000, cap: 1, overflow: "drop-newest", retry: { attempts: 1 } },
  });
  const ids = ["completed", "failed", "interrupted", "now", "cancelled", "dropped", "expired", "cleared"];
  const send = (id: string, options = {}) => keeper.send("a", id, { id, ...options });
  await send("completed");
  await clock.settle();
  turns[0]!.resolve("ok");
  await clock.settle();
  await send("failed");
  await clock.settle();
  turns[1]!.reject(new Error("model down"));
  await clock.settle();
  await send("interrupted");
  await clock.settle();
  await send("now", { mode: "interrupt" });
  await clock.settle();
  turns[2]!.reject(new Error("stopped"));
  await clock.settle();
  await (await send("cancelled")).cancel();
  await send("expired", { expiresInMs: 1 });
  await send("dropped");
  await clock.advance(1);
  await send("cleared");
  await keeper.clear("a");
  turns[3]!.resolve("ok");
  await clock.settle();
  const known = async () => Promise.all(ids.map((id) => keeper.attach("a", id)));
  await clock.advance(998);
  for (const receipt of await known()) {
    await expect(receipt!.outcome).resolves.toEqual(await (await send(receipt!.id)).outcome);
  }
  expect(turns).toHaveLength(4);
  await clock.advance(2);
  await expect(known()).resolves.toEqual(ids.map(() => undefined));
  const again = await send("completed");
  await clock.settle();
  turns[4]!.resolve("anew");
  await expect(again.outcome).resolves.toMatchObject({ reply: "anew", attempts: 1 });
});

test("B23 an id is known until dedupeMs after its outcome, however long its work took", async () => {
  const { keeper, clock, turns } = await createFixture({ lane: { dedupeMs: 1_000 } });
  await keeper.send("a", "slow", { id: "slow" });
  await clock.advance(60_000);
  turns[0]!.resolve("done");
  await clock.advance(999);
  await expect((await keeper.send("a", "again", { id: "slow" })).reply()).resolves.toBe("done");
  await clock.advance(1);
  await expect(keeper.attach("a", "slow")).resolves.toBeUndefined();
});

test("B23 with dedupeMs 0 an id is known until its outcome and no longer", async () => {
  const { keeper, clock, turns } = await createFixture({ lane: { dedupeMs: 0 } });
  await keeper.send("a", 1, { id: "once" });
  await clock.settle();
  await keeper.send("a", "again", { id: "once" });
  turns[0]!.resolve("ok");
  await clock.settle();
  await expect(keeper.attach("a", "once")).resolves.toBeUndefined();
  await keeper.send("a", 2, { id: "once" });
  await clock.settle();
  expect(ran(turns)).toEqual([[1], [2]]);
});

test("B23 work that backs off is known, and so is what a turn has taken", async () => {
  const { keeper, clock, turns } = await createFixture();
  await keeper.send("a", "work", { id: "work" });
  await clock.settle();
  await keeper.send("a", "steering", { id: "steering", mode: "steer" });
  turns[0]!.turn.takeSteering();
  await clock.settle();
  const again = await keeper.send("a", "steering", { id: "steering", mode: "steer" });
  expect(turns[0]!.turn.takeSteering()).toEqual([]);
  turns[0]!.reject(new Error("model down"));
  await clock.settle();
  await keeper.send("a", "work", { id: "work" });
  await keeper.send("a", "steering", { id: "steering", mode: "steer" });
  await clock.advance(500);
  expect(turns[1]!.turn.takeSteering()).toMatchObject([{ id: "steering" }]);
  turns[1]!.resolve("done");
  await expect(again.outcome).resolves.toMatchObject({ reply: "done", attempts: 2 });
  await clock.advance(60_000);
  expect(ran(turns)).toEqual([["work"], ["work"]]);
});

test("B23 refused work is not remembered, whatever refused it", async () => {
  const { keeper, clock, turns } = await createFixture({ lane: { cap: 1 } });
  await keeper.send("a", "work");
  await clock.settle();
  await expect(keeper.send("a", 1, { id: "busy", mode: "reject" })).rejects.toMatchObject({
    code: "LANE_BUSY",
  });
  const waiting = await keeper.send("a", "waiting");
  await expect(keeper.send("a", 1, { id: "full" })).rejects.toMatchObject({ code: "LANE_FULL" });
  const signal = AbortSignal.abort();
  await expect(keeper.send("a", 1, { id: "aborted", signal })).rejects.toBe(signal.reason);
  await waiting.cancel();
  for (const id of ["busy", "full", "aborted"]) {
    await expect(keeper.attach("a", id)).resolves.toBeUndefined();
    turns.at(-1)!.resolve("ok");
    await clock.settle();
    await keeper.send("a", id, { id });
    await clock.settle();
  }
  expect(ran(turns)).toEqual([["work"], ["busy"], ["full"], ["aborted"]]);
});

test("B23 messages and events share their session's ids", async () => {
  const { keeper, clock, turns, of } = await createFixture();
  await keeper.pause("a");
  const message = await keeper.send("a", 1, { id: "message" });
  const event = await keeper.notify("a", { kind: "build" }, { id: "event" });
  const asEvent = await keeper.notify("a", { kind: "build" }, { id: "message" });
  const asMessage = await keeper.send("a", 1, { id: "event" });
  await keeper.resume("a");
  await clock.settle();
  turns[0]!.resolve("both");
  for (const receipt of [message, event, asEvent, asMessage])
    await expect(receipt.reply()).resolves.toBe("both");
  expect(turns).toHaveLength(1);
  expect(of("event.duplicate")).toMatchObject([{ id: "message" }]);
  expect(of("message.duplicate")).toMatchObject([{ id: "event" }]);
});

test("B23 outcome and reply are kept as long as the id is, and across keepers on one store", async () => {
  const store = memoryStore();
  const first = await createFixture({ store, turn: () => "done", lane: { dedupeMs: 5_000 } });
  await (
    await first.keeper.send("a", 1, { id: "once" })
  ).outcome;
  await first.keeper.close();
  const second = await createFixture({ store, clock: first.clock, lane: { dedupeMs: 5_000 } });
  await first.clock.advance(4_999);
  await expect((await second.keeper.attach("a", "once"))!.reply()).resolves.toBe("done");
  await expect((await second.keeper.send("a", 2, { id: "once" })).reply()).resolves.toBe("done");
  await first.clock.advance(1);
  await expect(second.keeper.attach("a", "once")).resolves.toBeUndefined();
  expect(second.turns).toEqual([]);
});

test("B23 an event that was replaced is known, and a duplicate of it replaces nothing", async () => {
  const { keeper, of } = await createFixture();
  await keeper.pause("a");
  const notify = (id: string) => keeper.notify("a", { kind: "status", key: "status" }, { id });
  await notify("old");
  await notify("new");
  const again = await notify("old");
  await expect(again.outcome).resolves.toEqual({ status: "dropped", reason: "replaced" });
  expect(of("event.replaced")).toHaveLength(1);
  await expect(keeper.mailbox("a")).resolves.toMatchObject([{ id: "new" }]);
});
