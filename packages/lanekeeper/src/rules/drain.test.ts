import { expect, test } from "vitest";
import { answeringStore, inImmediate, inMicrotask } from "./answering-store.ts";
import { bodies, createFixture, deferred } from "./fixture.ts";

const draining = { code: "DRAINING" };

test("B58 a drain refuses new work from outside with DRAINING, says so, and has changed nothing", async () => {
  const { keeper, clock, processes, turns, of } = await createFixture();
  await keeper.drain();
  await expect(keeper.send("a", "late", { id: "late" })).rejects.toMatchObject(draining);
  await expect(keeper.notify("a", { kind: "note" }, { id: "note" })).rejects.toMatchObject(draining);
  await expect(keeper.exec("a", "build")).rejects.toMatchObject(draining);
  await expect(keeper.expectExec("a", "job-1")).rejects.toMatchObject(draining);
  await clock.settle();
  expect(of("message.refused")).toMatchObject([{ sessionKey: "a", id: "late", reason: "DRAINING" }]);
  expect(of("event.refused")).toMatchObject([{ sessionKey: "a", id: "note", reason: "DRAINING" }]);
  expect(of("exec.refused").map(({ reason }) => reason)).toEqual(["draining", "draining"]);
  expect(turns).toEqual([]);
  expect(processes.started).toEqual([]);
  expect(keeper.stats()).toMatchObject({ health: "draining", known: 0, live: 0 });
});

test("B58 a drain still records completions, reported or of its own commands", async () => {
  const { keeper, clock, processes, turns } = await createFixture();
  const { execId } = await keeper.exec("a", "build");
  await keeper.drain();
  processes.started[0]!.end(0);
  await expect(keeper.reportExec({ execId: "job-1", sessionKey: "b", exitCode: 0 })).resolves.toMatchObject({
    routed: true,
  });
  await clock.settle();
  await expect(keeper.mailbox("a")).resolves.toMatchObject([{ id: execId, type: "event" }]);
  await expect(keeper.mailbox("b")).resolves.toMatchObject([{ id: "job-1", type: "event" }]);
  expect(turns).toEqual([]);
});

test("B58 a drain still records what a running turn sends, announces or runs", async () => {
  const go = deferred<void>();
  const { keeper, clock, processes } = await createFixture({
    turn: async (turn) => {
      await go.promise;
      await keeper.send("b", "from a turn", { id: "message" });
      await keeper.notify("b", { kind: "note" }, { id: "event" });
      await keeper.expectExec("b", "job-1");
      await turn.exec("build", [], { foreground: true });
      return "sent";
    },
  });
  const receipt = await keeper.send("a", "work");
  await clock.settle();
  const drained = keeper.drain();
  await clock.settle();
  go.resolve();
  await expect(receipt.outcome).resolves.toMatchObject({ status: "completed", reply: "sent" });
  await expect(drained).resolves.toMatchObject({ drained: true });
  expect(processes.started).toHaveLength(1);
  await expect(keeper.mailbox("b")).resolves.toMatchObject([{ id: "message" }, { id: "event" }]);
});

test("B58 a context left over from an ended turn counts for nothing in a drain", async () => {
  const go = deferred<void>();
  const late = deferred<unknown>();
  const { keeper, clock } = await createFixture({
    turn: () => {
      void go.promise.then(() => keeper.send("b", "late")).catch((error: unknown) => late.resolve(error));
      return "done";
    },
  });
  await keeper.send("a", "work");
  await clock.settle();
  await keeper.drain();
  go.resolve();
  await expect(late.promise).resolves.toMatchObject(draining);
});

test("B58 a drain starts nothing new: what waits stays in the store", async () => {
  const { keeper, clock, turns } = await createFixture({ capacity: { turns: 1 } });
  await keeper.send("a", "running");
  await clock.settle();
  await keeper.send("a", "next", { id: "next" });
  await keeper.send("b", "other", { id: "other" });
  const drained = keeper.drain();
  await clock.settle();
  turns[0]!.resolve("done");
  await expect(drained).resolves.toEqual({ drained: true, running: 0, waiting: 2 });
  await clock.advance(600_000);
  expect(turns).toHaveLength(1);
  await expect(keeper.mailbox("a")).resolves.toMatchObject([{ id: "next" }]);
  await expect(keeper.mailbox("b")).resolves.toMatchObject([{ id: "other" }]);
});

test("B58 a drain starts no retry of a turn that failed meanwhile", async () => {
  const { keeper, clock, turns } = await createFixture();
  await keeper.send("a", "work", { id: "work" });
  await clock.settle();
  const drained = keeper.drain();
  await clock.settle();
  turns[0]!.reject(new Error("model down"));
  await expect(drained).resolves.toMatchObject({ drained: true, waiting: 1 });
  await clock.advance(600_000);
  expect(turns).toHaveLength(1);
  await expect(keeper.mailbox("a")).resolves.toMatchObject([{ id: "work", attempts: 1 }]);
});

test("B58 a drain resolves at its time-out with what still runs, and lets it run", async () => {
  const { keeper, clock, turns } = await createFixture();
  const receipt = await keeper.send("a", "long");
  await clock.settle();
  await keeper.send("a", "next");
  const drained = keeper.drain({ timeoutMs: 5_000 });
  await clock.advance(5_000);
  await expect(drained).resolves.toEqual({ drained: false, running: 1, waiting: 1 });
  expect(turns[0]!.turn.signal.aborted).toBe(false);
  turns[0]!.resolve("done");
  await expect(receipt.outcome).resolves.toMatchObject({ status: "completed" });
  await expect(keeper.drain({ timeoutMs: 0 })).resolves.toMatchObject({ drained: true });
});

test("B58 a drain without work resolves at once, without a time-out waits as long as it takes", async () => {
  const { keeper, clock, turns } = await createFixture({
    lane: { stallAfterMs: 50_000_000, reclaimAfterMs: 60_000_000 },
  });
  await keeper.send("a", "long");
  await clock.settle();
  let isDrained = false;
  const drained = keeper.drain().then(() => (isDrained = true));
  await clock.advance(40_000_000);
  expect(isDrained).toBe(false);
  turns[0]!.resolve("done");
  await drained;
});

test("B58 a drain is one-way, whether asked for once or again", async () => {
  const { keeper, clock, turns, of } = await createFixture();
  await Promise.all([keeper.drain(), keeper.drain()]);
  await keeper.resume();
  keeper.setCapacity({ turns: 50 });
  keeper.wake("a");
  await clock.advance(10_000);
  await expect(keeper.send("a", "late")).rejects.toMatchObject(draining);
  expect(turns).toEqual([]);
  expect(of("health.changed").map(({ health }) => health)).toEqual(["draining"]);
});

test("B58 a drain waits for reclaimed turns no longer than the reclaim takes", async () => {
  const { keeper, clock } = await createFixture({
    lane: { stallAfterMs: 1_000, reclaimAfterMs: 5_000, abortGraceMs: 2_000 },
  });
  await keeper.send("a", "phantom");
  await clock.settle();
  const drained = keeper.drain();
  await clock.advance(7_000);
  await expect(drained).resolves.toEqual({ drained: true, running: 0, waiting: 0 });
});

test("B58 a drain is settled by a close", async () => {
  const { keeper, clock, turns } = await createFixture();
  await keeper.send("a", "long");
  await clock.settle();
  const drained = keeper.drain();
  await clock.settle();
  const closed = keeper.close();
  await clock.settle();
  turns[0]!.resolve("done");
  await expect(drained).resolves.toMatchObject({ running: expect.any(Number) as number });
  await closed;
});

test("B58 a drain lets a turn that is being aborted take its grace", async () => {
  const { keeper, clock, turns } = await createFixture();
  await keeper.send("a", "long");
  await keeper.send("a", "next");
  await clock.settle();
  await keeper.abort("a");
  let isDrained = false;
  const drained = keeper.drain().then(() => (isDrained = true));
  await clock.settle();
  expect(isDrained).toBe(false);
  turns[0]!.reject(new Error("stopped"));
  await drained;
  await clock.settle();
  expect(turns.map(({ turn }) => bodies(turn))).toEqual([["long"]]);
});

test("B10a what a turn awaited that was told to stop starts no more in a drain", async () => {
  const { keeper, clock, of } = await createFixture({
    capacity: { turns: 1 },
    turn: async ({ sessionKey }): Promise<unknown> => {
      if (sessionKey !== "parent") return "never";
      await keeper.pause("child");
      return (await keeper.send("child", "ask")).reply();
    },
  });
  const asked = await keeper.send("parent", "go");
  await clock.settle();
  const drained = keeper.drain();
  await keeper.abort("parent");
  await keeper.resume("child");
  await expect(drained).resolves.toEqual({ drained: true, running: 0, waiting: 1 });
  await expect(asked.outcome).resolves.toMatchObject({ status: "cancelled" });
  await clock.advance(600_000);
  expect(of("turn.started").map(({ sessionKey }) => sessionKey)).toEqual(["parent"]);
});

test("B58 a drain waits for what a running turn awaits, through retries and children of children", async () => {
  let tries = 0;
  const { keeper, clock } = await createFixture({
    capacity: { turns: 1 },
    turn: async ({ sessionKey }): Promise<unknown> => {
      if (sessionKey === "c") {
        if (++tries < 3) throw new Error("again");
        return "at last";
      }
      return (await keeper.send(sessionKey === "a" ? "b" : "c", "ask")).reply();
    },
  });
  const asked = await keeper.send("a", "go");
  await clock.settle();
  const drained = keeper.drain();
  await clock.advance(60_000);
  await expect(asked.reply()).resolves.toBe("at last");
  await expect(drained).resolves.toEqual({ drained: true, running: 0, waiting: 0 });
});

test("B58 a drain asked for as soon as work was accepted waits for the turn that it has started", async () => {
  const { keeper, clock, turns } = await createFixture();
  await keeper.send("a", "work");
  let result: unknown = "waiting";
  void keeper.drain().then((drained) => (result = drained));
  await clock.settle();
  expect([turns.length, result]).toEqual([1, "waiting"]);
  turns[0]!.resolve("done");
  await clock.settle();
  expect(result).toEqual({ drained: true, running: 0, waiting: 0 });
});

test.for([
  ["at once", undefined],
  ["in a microtask", inMicrotask],
  ["in an immediate", inImmediate],
] as const)(
  "B58 a drain asked for at any moment waits for a turn that starts all the same: a store that answers %s",
  async ([, answering]) => {
    for (let moments = 0; moments < 30; moments++) {
      const { keeper, clock, turns } = await createFixture({ store: answeringStore(answering) });
      void keeper.send("a", "work").catch(() => {});
      for (let moment = 0; moment < moments; moment++) await Promise.resolve();
      let isDrained = false;
      const drained = keeper.drain().then(() => (isDrained = true));
      await clock.settle();
      expect(isDrained, `after ${moments} microtasks`).toBe(turns.length === 0);
      turns[0]?.resolve("done");
      await clock.settle();
      await drained;
      await keeper.close();
    }
  },
);

test("B58 drains asked for before and after a turn started all resolve when it has ended", async () => {
  const { keeper, clock, turns } = await createFixture();
  await keeper.send("a", "work");
  const results: unknown[] = [];
  const note = (): void => void keeper.drain().then((result) => results.push(result));
  note();
  await clock.settle();
  note();
  await clock.settle();
  turns[0]!.resolve("done");
  await clock.settle();
  note();
  await clock.settle();
  const drained = { drained: true, running: 0, waiting: 0 };
  expect(results).toEqual([drained, drained, drained]);
});
