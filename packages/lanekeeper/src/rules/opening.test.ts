import { expect, test } from "vitest";
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
