import { expect, test } from "vitest";
import type { Turn } from "../turns/turn.ts";
import { createFamily } from "./family.ts";
import { bodies, deferred, type Fixture } from "./fixture.ts";

/** A child may run for longer than its parent. */
const patience = {
  laneFor: (sessionKey: string) => (sessionKey === "child" ? { turnTimeoutMs: 600_000 } : undefined),
};

test("B10a the slot of a waiting parent goes to its child, not to those that have waited longer", async () => {
  const family = await createFamily({ parent: async () => (await keeper.send("child", 1)).reply() });
  const { keeper, clock } = family;
  await keeper.send("parent", "go");
  await keeper.send("stranger", 1, { priority: "foreground" });
  await clock.settle();
  expect(family.running()).toEqual(["parent", "child"]);
  expect(keeper.stats()).toMatchObject({ running: 1, capacity: 1 });
  await family.end("child");
  expect(family.running()).toEqual(["stranger"]);
});

test("B10a a chain of four lends one slot on, and gives it back once", async () => {
  const ask = (next: string) => async () => (await keeper.send(next, 1)).reply();
  const family = await createFamily({ a: ask("b"), b: ask("c"), c: ask("d") });
  const { keeper, clock } = family;
  const asked = await keeper.send("a", "go");
  await keeper.send("stranger", 1);
  await clock.settle();
  expect(family.running()).toEqual(["a", "b", "c", "d"]);
  expect(keeper.stats().running).toBe(1);
  await family.end("d");
  await expect(asked.reply()).resolves.toBe("d");
  expect(family.running()).toEqual(["stranger"]);
  await family.end("stranger");
  expect(keeper.stats().running).toBe(0);
});

test("B10a children awaited at once share the slot, one after the other", async () => {
  const family = await createFamily({
    parent: async () => {
      const receipts = [];
      for (const child of ["x", "y", "z"]) receipts.push(await keeper.send(child, 1));
      return Promise.all(receipts.map((receipt) => receipt.reply()));
    },
  });
  const { keeper, clock } = family;
  const asked = await keeper.send("parent", "go");
  await clock.settle();
  expect(family.running()).toEqual(["parent", "x"]);
  await family.end("x");
  expect(family.running()).toEqual(["parent", "y"]);
  await family.end("y");
  expect(family.running()).toEqual(["parent", "z"]);
  await family.end("z");
  await expect(asked.reply()).resolves.toEqual(["x", "y", "z"]);
  expect(keeper.stats().running).toBe(0);
});

test("B10a children run on the shared slot beside whatever capacity gives them", async () => {
  const family = await createFamily(
    {
      parent: async () => {
        const receipts = [];
        for (const child of ["x", "y", "z"]) receipts.push(await keeper.send(child, 1));
        return Promise.all(receipts.map((receipt) => receipt.reply()));
      },
    },
    { capacity: { turns: 2 } },
  );
  const { keeper, clock } = family;
  const asked = await keeper.send("parent", "go");
  await clock.settle();
  expect(family.running()).toEqual(["parent", "x", "y"]);
  expect(keeper.stats().running).toBe(2);
  await family.end("y");
  expect(family.running()).toEqual(["parent", "x", "z"]);
  await family.end("z", "x");
  await expect(asked.reply()).resolves.toEqual(["x", "y", "z"]);
});

test("B10a two parents that await the same session lend it their slots in turn", async () => {
  const ask = async ({ sessionKey }: Turn) => (await keeper.send("child", sessionKey)).reply();
  const family = await createFamily({ a: ask, b: ask }, { capacity: { turns: 2 } });
  const { keeper, clock } = family;
  const receipts = [await keeper.send("a", "go"), await keeper.send("b", "go")];
  await clock.settle();
  expect(family.running()).toEqual(["a", "b", "child"]);
  expect(bodies(family.held("child").turn)).toEqual(["a"]);
  await family.end("child");
  expect(family.running()).toEqual(["b", "child"]);
  expect(bodies(family.held("child").turn)).toEqual(["b"]);
  await family.end("child");
  for (const receipt of receipts) await expect(receipt.reply()).resolves.toBe("child");
  expect(keeper.stats().running).toBe(0);
});

test("B10a what the child has to do before runs on the borrowed slot, what comes after does not", async () => {
  const family = await createFamily({
    parent: async () => {
      await keeper.send("child", "before");
      const awaited = await keeper.send("child", "awaited");
      await keeper.send("child", "after");
      await awaited.reply();
      return gone.promise;
    },
  });
  const { keeper, clock } = family;
  const gone = deferred();
  await keeper.send("parent", "go");
  await clock.settle();
  expect(bodies(family.held("child").turn)).toEqual(["before"]);
  await family.end("child");
  expect(bodies(family.held("child").turn)).toEqual(["awaited"]);
  await family.end("child");
  expect(family.running()).toEqual(["parent"]);
  expect(keeper.explain("child").blockedBy).toBe("capacity");
  gone.resolve("done");
  await clock.settle();
  expect(bodies(family.held("child").turn)).toEqual(["after"]);
});

test("B10a a child that waits already, backs off or is paused starts on the slot as soon as it can", async () => {
  let asked = await Promise.resolve("");
  const family = await createFamily(
    { parent: async () => (await keeper.attach("child", asked))!.reply() },
    { lane: { retry: { attempts: 3, baseMs: 200 } } },
  );
  const { keeper, clock } = family;
  await keeper.pause("child");
  asked = (await keeper.send("child", 1)).id;
  await keeper.send("parent", "go");
  await clock.settle();
  expect(family.running()).toEqual(["parent"]);
  await keeper.resume("child");
  await clock.settle();
  expect(family.running()).toEqual(["parent", "child"]);
  family.held("child").reject(new Error("once"));
  await clock.advance(99);
  expect(family.running()).toEqual(["parent"]);
  await clock.advance(1);
  expect(family.running()).toEqual(["parent", "child"]);
  expect(family.held("child").turn.attempt).toBe(2);
  await family.end("child");
  expect(keeper.stats()).toMatchObject({ running: 0, waiting: 0 });
});

test("B10a a child of another group counts in its lender's group", async () => {
  const family = await createFamily(
    { parent: async () => (await keeper.send("child", 1, { group: "narrow" })).reply() },
    { capacity: { turns: 3, groups: { wide: { limit: 1 }, narrow: { limit: 1 } } } },
  );
  const { keeper, clock } = family;
  await keeper.send("narrow", 1, { group: "narrow" });
  await clock.settle();
  await keeper.send("parent", "go", { group: "wide" });
  await keeper.send("second", 1, { group: "wide" });
  await clock.settle();
  expect(family.running()).toEqual(["narrow", "parent", "child"]);
  expect(keeper.explain("second").blockedBy).toBe("group");
  expect(keeper.stats().running).toBe(2);
  await family.end("narrow");
  await keeper.send("third", 1, { group: "narrow" });
  await clock.settle();
  expect(family.running()).toEqual(["parent", "child", "third"]);
  await family.end("child");
  expect(family.running()).toEqual(["third", "second"]);
});

test("B10a a child counts in its lender's group still after the lender has ended", async () => {
  const go = deferred<void>();
  const family = await createFamily(
    {
      parent: async () => {
        void (await keeper.send("child", 1)).reply();
        await go.promise;
      },
    },
    { capacity: { turns: 2, groups: { one: { limit: 1 } } } },
  );
  const { keeper, clock } = family;
  await keeper.send("other", 1);
  await keeper.send("parent", "go", { group: "one" });
  await keeper.send("next", 1, { group: "one" });
  await clock.settle();
  go.resolve();
  await clock.settle();
  await family.end("other");
  expect(family.running()).toEqual(["child"]);
  expect(keeper.explain("next").blockedBy).toBe("group");
  await family.end("child");
  expect(family.running()).toEqual(["next"]);
});

test.each([
  ["aborted", (family: Fixture) => family.keeper.abort("parent"), "TURN_ABORTED"],
  ["reset", (family: Fixture) => void family.keeper.reset("parent"), "TURN_RESET"],
  [
    "interrupted",
    (family: Fixture) => family.keeper.send("parent", "stop", { mode: "interrupt" }),
    "TURN_INTERRUPTED",
  ],
  ["timed out", (family: Fixture) => family.clock.advance(60_000), "TURN_TIMEOUT"],
])(
  "B10a a parent that is %s leaves its child running, and the slot comes back afterwards",
  async (_, stop, code) => {
    let caught: unknown;
    let reason: unknown;
    const parent = async ({ messages, signal }: Turn): Promise<unknown> => {
      if (messages[0]!.body !== "go") return "done";
      const receipt = await keeper.send("child", 1);
      await receipt.reply().catch((error: unknown) => (caught = error));
      ({ reason } = signal);
      return deferred().promise;
    };
    const family = await createFamily({ parent }, patience);
    const { keeper, clock } = family;
    await keeper.send("parent", "go");
    await clock.settle();
    const beat = beating(family.clock, () => family.held("child").turn.progress());
    await stop(family);
    await clock.settle();
    expect(caught).toMatchObject({ code });
    expect(caught).toBe(reason);
    await keeper.send("stranger", 1);
    await clock.advance(2_000);
    expect(family.running()).toEqual(["child"]);
    expect(family.held("child").turn.signal.aborted).toBe(false);
    expect(keeper.stats()).toMatchObject({ running: 1, zombies: 1 });
    beat.stop();
    await family.end("child");
    await clock.settle();
    expect(family.running()).toContain("stranger");
    await family.end("stranger");
    expect(keeper.stats()).toMatchObject({ running: 0, waiting: 0 });
  },
);

test("B10a where the one between is aborted, its child's slot goes back to the one before", async () => {
  const family = await createFamily({
    a: async () => {
      await (await keeper.send("b", 1)).reply().catch(() => {});
      return (await keeper.send("d", 1)).reply();
    },
    b: async () => (await keeper.send("c", 1)).reply(),
  });
  const { keeper, clock } = family;
  const asked = await keeper.send("a", "go");
  await clock.settle();
  await keeper.abort("b");
  await clock.settle();
  expect(family.running()).toEqual(["a", "c"]);
  expect(keeper.explain("d").blockedBy).toBe("capacity");
  await family.end("c");
  expect(family.running()).toEqual(["a", "d"]);
  await family.end("d");
  await expect(asked.reply()).resolves.toBe("d");
  expect(keeper.stats().running).toBe(0);
});

test("B10a the stall clock of a waiting parent stands, that of its child does not", async () => {
  const family = await createFamily({
    parent: async () => (await keeper.send("child", 1)).reply().catch((error: unknown) => error),
  });
  const { keeper, clock, of } = family;
  const asked = await keeper.send("parent", "go");
  await clock.advance(6_999);
  expect(of("lane.stalled").map(({ sessionKey }) => sessionKey)).toEqual(["child"]);
  expect(of("lane.reclaimed")).toEqual([]);
  await clock.advance(1);
  expect(of("lane.reclaimed")).toMatchObject([{ sessionKey: "child", slotFreed: true }]);
  await expect(asked.reply()).resolves.toMatchObject({ code: "WORK_RECLAIMED" });
  expect(keeper.stats()).toMatchObject({ running: 0, zombies: 1 });
});

test("B29 the turn time-out of a waiting parent goes on", async () => {
  const family = await createFamily(
    { parent: async () => (await keeper.send("child", 1)).reply() },
    patience,
  );
  const { keeper, clock } = family;
  const asked = await keeper.send("parent", "go");
  await clock.settle();
  const beat = beating(clock, () => family.held("child").turn.progress());
  await clock.advance(59_999);
  expect(family.running()).toEqual(["parent", "child"]);
  await clock.advance(1);
  beat.stop();
  await expect(asked.outcome).resolves.toMatchObject({ status: "reclaimed", reason: "timeout" });
  expect(family.running()).toEqual(["child"]);
});

/** Calls back every half second of simulated time. */
function beating(clock: Fixture["clock"], callback: () => void): { readonly stop: () => void } {
  let timer = clock.setTimeout(function beat() {
    callback();
    timer = clock.setTimeout(beat, 500);
  }, 500);
  return { stop: () => clock.clearTimeout(timer) };
}
