import { expect, test } from "vitest";
import { failingStore } from "./failing-store.ts";
import { createFixture } from "./fixture.ts";
import { ran } from "./ran.ts";

/** Session a runs "work", so that what comes waits. */
async function working(options: Parameters<typeof createFixture>[0] = {}) {
  const fixture = await createFixture(options);
  const work = await fixture.keeper.send("a", "work", { id: "work" });
  await fixture.clock.settle();
  return { ...fixture, work };
}

const cancelled = { status: "cancelled", reason: "cancelled" } as const;

test("B23a cancel() withdraws a message that waits, and says so", async () => {
  const { keeper, clock, turns, of } = await working();
  const receipt = await keeper.send("a", "waiting", { id: "waiting" });
  await keeper.send("a", "next");
  await expect(receipt.cancel("changed my mind")).resolves.toBe(true);
  await expect(receipt.outcome).resolves.toEqual(cancelled);
  await expect(receipt.reply()).rejects.toMatchObject({ code: "MESSAGE_CANCELLED" });
  await clock.settle();
  expect(of("message.cancelled")).toMatchObject([
    { sessionKey: "a", id: "waiting", reason: "cancelled", note: "changed my mind" },
  ]);
  expect(keeper.session("a")?.waiting).toBe(1);
  turns[0]!.resolve("ok");
  await clock.settle();
  expect(ran(turns)).toEqual([["work"], ["next"]]);
});

test("B23a cancel() withdraws work of every mode that waits", async () => {
  const { keeper, clock, turns } = await working();
  await keeper.pause("b");
  for (const [sessionKey, mode] of [
    ["a", "followup"],
    ["a", "collect"],
    ["a", "steer"],
    ["b", "reject"],
    ["b", "interrupt"],
  ] as const) {
    const receipt = await keeper.send(sessionKey, mode, { mode });
    await expect(receipt.cancel()).resolves.toBe(true);
    await expect(receipt.outcome).resolves.toEqual(cancelled);
  }
  await keeper.resume("b");
  turns[0]!.resolve("ok");
  await clock.advance(60_000);
  expect(ran(turns)).toEqual([["work"]]);
});

test("B23a cancel() withdraws a host's event that waits, and says so", async () => {
  const { keeper, clock, turns, of } = await working();
  const event = await keeper.notify("a", { kind: "build" }, { id: "build" });
  const quiet = await keeper.notify("b", { kind: "quiet" }, { wake: false });
  await expect(event.cancel("stale")).resolves.toBe(true);
  await expect(quiet.cancel()).resolves.toBe(true);
  await expect(event.outcome).resolves.toEqual(cancelled);
  await clock.settle();
  expect(of("event.cancelled")).toMatchObject([{ id: "build", reason: "cancelled", note: "stale" }, {}]);
  turns[0]!.resolve("ok");
  await clock.settle();
  expect(ran(turns)).toEqual([["work"]]);
});

test("B23a cancel() withdraws a message and an event that back off, and what waited behind runs", async () => {
  const { keeper, clock, turns, work } = await working();
  const event = await keeper.notify("b", { kind: "build" });
  await clock.settle();
  await keeper.send("a", "behind");
  for (const turn of turns) turn.reject(new Error("model down"));
  await clock.settle();
  expect(keeper.explain("a").blockedBy).toBe("backoff");
  await expect(work.cancel()).resolves.toBe(true);
  await expect(event.cancel()).resolves.toBe(true);
  await clock.settle();
  expect(ran(turns)).toEqual([["work"], [], ["behind"]]);
  expect(keeper.explain("b").blockedBy).toBe("nothing-to-do");
  await clock.advance(60_000);
  expect(turns).toHaveLength(3);
});

test("B23a cancel() of one message of a batch that backs off leaves the others to be tried again", async () => {
  const { keeper, clock, turns } = await createFixture({ lane: { mode: "collect", debounceMs: 0 } });
  const receipts = await Promise.all([1, 2, 3].map((body) => keeper.send("a", body)));
  await clock.settle();
  turns[0]!.reject(new Error("model down"));
  await clock.settle();
  await expect(receipts[0]!.cancel()).resolves.toBe(true);
  await clock.advance(500);
  expect(ran(turns)).toEqual([
    [1, 2, 3],
    [2, 3],
  ]);
});

test("B23a cancel() is false for what a turn holds, and changes nothing", async () => {
  const { keeper, clock, turns, work, of } = await working();
  const event = await keeper.notify("b", { kind: "build" });
  await clock.settle();
  await expect(work.cancel()).resolves.toBe(false);
  await expect(event.cancel()).resolves.toBe(false);
  await keeper.abort("a");
  await expect(work.cancel()).resolves.toBe(false);
  turns[1]!.resolve("done");
  await expect(event.outcome).resolves.toMatchObject({ status: "completed", reply: "done" });
  expect(of("message.cancelled").filter(({ reason }) => reason === "cancelled")).toEqual([]);
  expect(of("event.cancelled")).toEqual([]);
});

test("B23a cancel() is false for what has ended in any way, also the second time", async () => {
  const { keeper, clock, turns, work } = await working({ lane: { cap: 1, overflow: "drop-newest" } });
  const waiting = await keeper.send("a", "waiting");
  const dropped = await keeper.send("a", "dropped");
  await expect(waiting.cancel()).resolves.toBe(true);
  turns[0]!.resolve("ok");
  await clock.settle();
  for (const receipt of [work, waiting, dropped]) await expect(receipt.cancel()).resolves.toBe(false);
  await expect(waiting.outcome).resolves.toEqual(cancelled);
});

test("B23a cancel() is false for a command's completion", async () => {
  const { keeper, clock, turns } = await working();
  const report = await keeper.reportExec({ execId: "job", sessionKey: "a", exitCode: 0 });
  if (!report.routed) throw new Error("not routed");
  await expect(report.receipt.cancel()).resolves.toBe(false);
  turns[0]!.resolve("ok");
  await clock.settle();
  expect(turns[1]!.turn.events).toMatchObject([{ id: "job" }]);
});

test("B23a of two cancels of the same work one is true", async () => {
  const { keeper } = await working();
  const receipt = await keeper.send("a", "waiting");
  const answers = await Promise.all([receipt.cancel(), receipt.cancel()]);
  expect(answers.filter(Boolean)).toHaveLength(1);
});

test("B23a the receipts of a duplicate and of attach() cancel the same work", async () => {
  const { keeper } = await working();
  const first = await keeper.send("a", 1, { id: "one" });
  const duplicate = await keeper.send("a", 1, { id: "one" });
  await expect(duplicate.cancel()).resolves.toBe(true);
  await expect(first.outcome).resolves.toEqual(cancelled);
  const second = await keeper.send("a", 2, { id: "two" });
  await expect((await keeper.attach("a", "two"))!.cancel()).resolves.toBe(true);
  await expect(second.outcome).resolves.toEqual(cancelled);
});

test("B23a steering that a failed turn had taken is cancelled while it backs off, or given again, never both", async () => {
  const { keeper, clock, turns } = await working();
  const receipt = await keeper.send("a", "taken", { mode: "steer" });
  turns[0]!.turn.takeSteering();
  turns[0]!.reject(new Error("model down"));
  await clock.settle();
  const isCancelled = await receipt.cancel();
  await clock.advance(500);
  expect(turns[1]!.turn.takeSteering()).toHaveLength(isCancelled ? 0 : 1);
  turns[1]!.resolve("done");
  await expect(receipt.outcome).resolves.toMatchObject({ status: isCancelled ? "cancelled" : "completed" });
  await clock.advance(60_000);
  expect(ran(turns)).toEqual([["work"], ["work"]]);
});

test("B23a cancel() rejects where the store fails, and the work stays", async () => {
  const store = failingStore();
  const { keeper, clock, turns } = await working({ store });
  const receipt = await keeper.send("a", "waiting");
  store.fail(["withdraw"], "rejects");
  await expect(receipt.cancel()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  store.fail(["withdraw"]);
  turns[0]!.resolve("ok");
  await clock.settle();
  expect(ran(turns)).toEqual([["work"], ["waiting"]]);
});

test("B23a cancel() of steering that the store fails leaves it to be taken", async () => {
  const store = failingStore();
  const { keeper, turns } = await working({ store });
  const receipt = await keeper.send("a", "steering", { mode: "steer" });
  store.fail(["withdraw"], "rejects");
  await expect(receipt.cancel()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  expect(turns[0]!.turn.takeSteering()).toMatchObject([{ body: "steering" }]);
});

test("B23a cancel() rejects with CLOSED once the keeper is closed, and is false for what has ended", async () => {
  const { keeper, clock, turns, work } = await working();
  const waiting = await keeper.send("a", "waiting");
  turns[0]!.resolve("ok");
  await work.outcome;
  const closed = keeper.close();
  await clock.advance(15_000);
  await closed;
  await expect(waiting.cancel()).rejects.toMatchObject({ code: "CLOSED" });
  await expect(work.cancel()).resolves.toBe(false);
});

test("B23a a signal aborted already refuses the message with its reason: nothing is accepted", async () => {
  const { keeper, of } = await working();
  const reason = new Error("gone");
  const signal = AbortSignal.abort(reason);
  await expect(keeper.send("a", "no", { id: "no", signal })).rejects.toBe(reason);
  await expect(keeper.mailbox("a")).resolves.toHaveLength(1);
  expect(of("message.accepted")).toHaveLength(1);
  expect(of("message.refused")).toMatchObject([{ sessionKey: "a", id: "no", message: "gone" }]);
  await expect(keeper.send("a", "yes", { id: "no" })).resolves.toMatchObject({ id: "no" });
});

test("B23a a signal aborted while the message is being accepted withdraws it", async () => {
  const { keeper, clock, turns } = await working();
  const controller = new AbortController();
  const sending = keeper.send("a", "no", { signal: controller.signal });
  controller.abort();
  await expect((await sending).outcome).resolves.toEqual(cancelled);
  turns[0]!.resolve("ok");
  await clock.settle();
  expect(ran(turns)).toEqual([["work"]]);
});

test("B23a a signal aborted later withdraws the message while it waits", async () => {
  const { keeper, clock, turns, of } = await working();
  const controller = new AbortController();
  const { outcome } = await keeper.send("a", "waiting", { id: "waiting", signal: controller.signal });
  await clock.advance(5_000);
  controller.abort();
  await expect(outcome).resolves.toEqual(cancelled);
  await clock.settle();
  expect(of("message.cancelled")).toMatchObject([{ id: "waiting", reason: "cancelled" }]);
  turns[0]!.resolve("ok");
  await clock.settle();
  expect(ran(turns)).toEqual([["work"]]);
});

test("B23a a signal withdraws the message while it backs off", async () => {
  const { keeper, clock, turns } = await createFixture();
  const controller = new AbortController();
  const { outcome } = await keeper.send("a", "failing", { signal: controller.signal });
  await clock.settle();
  turns[0]!.reject(new Error("model down"));
  await clock.settle();
  controller.abort();
  await expect(outcome).resolves.toEqual(cancelled);
  await clock.advance(60_000);
  expect(turns).toHaveLength(1);
});

test("B23a a signal aborted while the message's turn runs, or after, changes nothing", async () => {
  const { keeper, clock, turns } = await createFixture();
  const running = new AbortController();
  const { outcome } = await keeper.send("a", "work", { signal: running.signal });
  await clock.settle();
  running.abort();
  await clock.settle();
  expect(turns[0]!.turn.signal.aborted).toBe(false);
  turns[0]!.resolve("done");
  await expect(outcome).resolves.toMatchObject({ status: "completed" });
  const ended = new AbortController();
  const second = await keeper.send("b", "work", { signal: ended.signal });
  await clock.settle();
  turns[1]!.resolve("done");
  await second.outcome;
  ended.abort();
  await clock.settle();
  await expect(second.outcome).resolves.toMatchObject({ status: "completed" });
});

test("B23a the listener on a signal is gone with the outcome", async () => {
  const { keeper, clock, turns } = await createFixture();
  const { signal } = new AbortController();
  const listeners: string[] = [];
  signal.addEventListener = (type: string) => void listeners.push(type);
  signal.removeEventListener = (type: string) => void listeners.splice(listeners.indexOf(type), 1);
  await keeper.send("a", "work", { signal });
  expect(listeners).toEqual(["abort"]);
  await clock.settle();
  turns[0]!.resolve("ok");
  await clock.settle();
  expect(listeners).toEqual([]);
});

test("B23a the signal of a duplicate withdraws nothing: the work is its first sender's", async () => {
  const { keeper, clock, turns } = await working();
  const { outcome } = await keeper.send("a", "waiting", { id: "waiting" });
  const second = new AbortController();
  await keeper.send("a", "again", { id: "waiting", signal: second.signal });
  second.abort();
  await clock.settle();
  turns[0]!.resolve("ok");
  await clock.settle();
  turns[1]!.resolve("done");
  await expect(outcome).resolves.toMatchObject({ status: "completed", reply: "done" });
});
