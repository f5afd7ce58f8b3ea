import { expect, test } from "vitest";
import { createFixture, type Fixture } from "./fixture.ts";
import { ran } from "./ran.ts";

/** Ends the running turn and lets the next start. */
async function next({ turns, clock }: Pick<Fixture, "turns" | "clock">): Promise<void> {
  turns.at(-1)!.resolve("ok");
  await clock.settle();
}

test("B17 each message is its own turn, in order, one at a time, with its own reply", async () => {
  const fixture = await createFixture({ capacity: { turns: 8 } });
  const receipts = await Promise.all([1, 2, 3].map((body) => fixture.keeper.send("a", body)));
  await fixture.clock.settle();
  for (const [index, receipt] of receipts.entries()) {
    expect(ran(fixture.turns)).toEqual([[1], [2], [3]].slice(0, index + 1));
    fixture.turns[index]!.resolve(`reply ${index}`);
    await expect(receipt.reply()).resolves.toBe(`reply ${index}`);
    await fixture.clock.settle();
  }
});

test("B17 messages of every mode that follow one another keep the order of acceptance", async () => {
  const fixture = await createFixture({ lane: { debounceMs: 0 } });
  const { keeper, clock, turns } = fixture;
  await keeper.pause("a");
  await keeper.send("a", "followup");
  await keeper.send("a", "collect", { mode: "collect" });
  await keeper.send("a", "collect, too", { mode: "collect" });
  await keeper.send("a", "steer", { mode: "steer" });
  await keeper.send("a", "last");
  await keeper.resume("a");
  await clock.settle();
  for (let turn = 0; turn < 3; turn++) await next(fixture);
  expect(ran(turns)).toEqual([["followup"], ["collect", "collect, too"], ["steer"], ["last"]]);
});

test("B3 a message that backs off keeps its place, and what came later waits", async () => {
  const fixture = await createFixture();
  const { keeper, clock, turns } = fixture;
  for (const body of [1, 2]) await keeper.send("a", body);
  await clock.settle();
  turns[0]!.reject(new Error("model down"));
  await clock.settle();
  await keeper.send("a", 3);
  await keeper.notify("a", { kind: "note" });
  await clock.advance(499);
  expect(ran(turns)).toEqual([[1]]);
  await clock.advance(1);
  await next(fixture);
  await next(fixture);
  expect(ran(turns)).toEqual([[1], [1], [2], [3]]);
});

test("B17 a message that is given up holds nothing back", async () => {
  const fixture = await createFixture({ lane: { retry: { attempts: 1 } } });
  const { keeper, clock, turns } = fixture;
  for (const body of [1, 2]) await keeper.send("a", body);
  await clock.settle();
  turns[0]!.reject(new Error("model down"));
  await clock.settle();
  expect(ran(turns)).toEqual([[1], [2]]);
});

test("B8 a followup's turn takes every event accepted before it started, and no other message", async () => {
  const fixture = await createFixture();
  const { keeper, clock, turns } = fixture;
  for (const body of [1, 2]) await keeper.send("a", body);
  await clock.settle();
  await keeper.notify("a", { kind: "note" });
  await next(fixture);
  expect(turns[0]!.turn.events).toEqual([]);
  expect(turns[1]!.turn).toMatchObject({ messages: [{ body: 2 }], events: [{ kind: "note" }] });
});
