import { expect, test } from "vitest";
import { failingStore } from "./failing-store.ts";
import { bodies, createFixture } from "./fixture.ts";

/** Work that ends in the step that records another turn's end: it has an outcome and an event like any other (B22, B61). */

test("B36 a reset that ends a turn ends the message that backs off behind it, and tells so", async () => {
  const { keeper, clock, turns, of } = await createFixture();
  const failed = await keeper.send("s", 1, { id: "backs-off" });
  await clock.settle();
  turns[0]!.reject(new Error("no"));
  await clock.settle();
  await keeper.send("s", 2, { id: "interrupts", mode: "interrupt" });
  await clock.settle();
  expect(turns).toHaveLength(2);
  const done = keeper.reset("s");
  turns[1]!.resolve("too late");
  await clock.settle();
  await done;
  expect(await failed.outcome).toEqual({ status: "cancelled", reason: "reset" });
  expect(of("message.cancelled").map(({ id, reason }) => [id, reason])).toEqual([
    ["interrupts", "reset"],
    ["backs-off", "reset"],
  ]);
});

test("B20 an interrupt whose turn failed does not come back where a later one waits already, and is told so", async () => {
  const store = failingStore();
  const { keeper, clock, turns, of } = await createFixture({ store });
  const older = await keeper.send("s", "older", { id: "older", mode: "interrupt" });
  await clock.settle();
  store.fail(["settleTurn"], "rejects");
  turns[0]!.reject(new Error("no"));
  await clock.settle();
  await keeper.send("s", "newer", { mode: "interrupt" });
  store.fail(["settleTurn"]);
  await clock.advance(10_000);
  expect(turns.map(({ turn }) => bodies(turn))).toEqual([["older"], ["newer"]]);
  expect(await older.outcome).toEqual({ status: "cancelled", reason: "interrupted" });
  turns[1]!.resolve("done");
  await clock.advance(60_000);
  expect(turns).toHaveLength(2);
  expect(of("message.cancelled")).toMatchObject([{ id: "older", reason: "interrupted" }]);
});
