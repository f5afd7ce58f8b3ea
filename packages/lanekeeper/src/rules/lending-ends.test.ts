import { expect, test } from "vitest";
import { answeringStore } from "./answering-store.ts";
import { createFamily } from "./family.ts";
import { deferred } from "./fixture.ts";

test.for([
  { end: "ends", next: "b" },
  { end: "is tried again", next: "c" },
])(
  "B10a while the store records a turn its awaiter may run any moment: the slot waits for it, where the work $end",
  async ({ end, next }) => {
    const store = answeringStore();
    const recorded = deferred<void>();
    const gone = deferred();
    const family = await createFamily(
      {
        a: async () => {
          const receipts = [await keeper.send("b", 1), await keeper.send("c", 1)];
          return Promise.all(receipts.map((receipt) => receipt.reply()));
        },
        b: async () => {
          await (await keeper.send("d", 1)).reply();
          ran.push("b");
          return gone.promise;
        },
        c: () => void ran.push("c"),
      },
      { store, lane: { retry: { attempts: 2, baseMs: 1_000 } } },
    );
    const ran: string[] = [];
    const { keeper, clock } = family;
    await keeper.pause("c");
    await keeper.send("a", "go");
    await clock.settle();
    expect(family.running()).toEqual(["a", "b", "d"]);
    await keeper.resume("c");
    store.answerBy(async (_, answer) => {
      await recorded.promise;
      return answer;
    });
    if (end === "ends") family.held("d").resolve(1);
    else family.held("d").reject(new Error("once"));
    await clock.settle();
    expect([ran, keeper.explain("c").blockedBy]).toEqual([[], "capacity"]);
    store.answerBy(undefined);
    recorded.resolve();
    await clock.settle();
    expect(ran).toEqual([next]);
  },
);

test("B10a while draining, what a running turn awaits still starts, and nothing else does", async () => {
  const go = deferred<void>();
  const family = await createFamily({
    parent: async () => {
      await go.promise;
      await keeper.send("unawaited", 1);
      const receipts = [await keeper.send("between", 1), await keeper.send("y", 1)];
      return Promise.all(receipts.map((receipt) => receipt.reply()));
    },
    between: async () => (await keeper.send("x", 1)).reply(),
  });
  const { keeper, clock, of } = family;
  const asked = await keeper.send("parent", "go");
  await keeper.send("waiting", 1);
  await clock.settle();
  const drained = keeper.drain();
  await clock.settle();
  go.resolve();
  await clock.settle();
  // The slot is free as soon as the one between waits too, and y waits for it already.
  await family.end("y", "x");
  await expect(asked.reply()).resolves.toEqual(["x", "y"]);
  await expect(drained).resolves.toEqual({ drained: true, running: 0, waiting: 2 });
  await clock.advance(600_000);
  expect(of("turn.started").map(({ sessionKey }) => sessionKey)).toEqual(["parent", "between", "y", "x"]);
});

test("B58 a close while parents wait settles every promise", async () => {
  const caught: unknown[] = [];
  const family = await createFamily({
    a: async () => (await keeper.send("b", 1)).reply().catch((error: unknown) => caught.push(error)),
    b: async () => (await keeper.send("c", 1)).reply().catch((error: unknown) => caught.push(error)),
  });
  const { keeper, clock } = family;
  const asked = await keeper.send("a", "go");
  await clock.settle();
  const closed = keeper.close();
  await clock.advance(2_000);
  await closed;
  expect(caught).toMatchObject([{ code: "CLOSED" }, { code: "CLOSED" }]);
  await expect(asked.outcome).resolves.toMatchObject({ status: "completed" });
  expect(keeper.stats().running).toBe(0);
});

test("B16 changing capacity takes no lent slot away and counts it once", async () => {
  const family = await createFamily(
    { parent: async () => (await keeper.send("child", 1)).reply() },
    { capacity: { turns: 2 } },
  );
  const { keeper, clock } = family;
  await keeper.send("other", 1);
  await keeper.send("parent", "go");
  await keeper.send("x", 1);
  await keeper.send("y", 1);
  await clock.settle();
  expect(family.running()).toEqual(["other", "parent", "child"]);
  await family.end("other");
  expect(family.running()).toEqual(["parent", "child", "x"]);
  await family.end("x");
  keeper.setCapacity({ turns: 3 });
  await clock.settle();
  await keeper.send("z", 1);
  await clock.settle();
  expect(family.running()).toEqual(["parent", "child", "y", "z"]);
  await family.end("y", "z");
  keeper.setCapacity({ turns: 1 });
  await keeper.send("last", 1);
  await clock.settle();
  expect(family.running()).toEqual(["parent", "child"]);
  await family.end("child");
  expect(family.running()).toEqual(["last"]);
});

test("B10a a turn that ended without the reply that it asked for lends nothing of its session's next turn", async () => {
  const second = deferred();
  const family = await createFamily(
    {
      async parent({ messages }) {
        if (messages[0]!.body === "second") return second.promise;
        (await keeper.send("child", "asked")).reply().catch(() => {});
        return "asked, and not waited";
      },
    },
    { capacity: { turns: 2 }, lane: { retry: { attempts: 2, baseMs: 100 } } },
  );
  const { keeper, clock } = family;
  await keeper.send("parent", "first");
  await keeper.send("parent", "second");
  await clock.settle();
  expect(family.running()).toEqual(["child", "parent"]);
  family.held("child").reject(new Error("once"));
  await clock.advance(100);
  expect(family.held("child").turn.attempt).toBe(2);
  expect(keeper.stats().running).toBe(2);
});

test("B10a a turn that is told to stop lends no longer: what it awaited waits for capacity like anybody", async () => {
  const family = await createFamily(
    {
      parent: async () => {
        await (await keeper.send("child", 1, { mode: "collect" })).reply().catch(() => {});
        return new Promise(() => {});
      },
    },
    { lane: { turnTimeoutMs: 10_000, debounceMs: 10_100, debounceMaxMs: 10_100, abortGraceMs: 2_000 } },
  );
  const { keeper, clock, of } = family;
  await keeper.send("parent", "go");
  await clock.advance(9_500);
  // The process is late: the parent's time is over, and right behind that, before anything else can run, the child's quiet.
  await clock.suspend(800);
  expect(of("turn.aborting")).toMatchObject([{ sessionKey: "parent", reason: "timeout" }]);
  expect(family.held("child")).toBeUndefined();
  expect(keeper.explain("child").blockedBy).toBe("capacity");
  await clock.advance(2_000);
  expect(of("lane.reclaimed")).toMatchObject([{ sessionKey: "parent" }]);
  expect(family.running()).toEqual(["child"]);
});
