import { expect, test } from "vitest";
import { createFixture, type Fixture } from "./fixture.ts";

const lane = { turnTimeoutMs: 60_000, abortGraceMs: 5_000 };

/** A keeper with a turn whose time is over: it was making progress, and has its grace. */
async function timedOut() {
  const fixture = await createFixture({ lane });
  const { keeper, clock, turns } = fixture;
  const receipt = await keeper.send("s", "first");
  for (let second = 0; second < 60; second++) {
    await clock.advance(1_000);
    turns[0]!.turn.progress();
  }
  expect(keeper.session("s")).toMatchObject({ detail: "busy.aborting" });
  expect(turns[0]!.turn.signal.reason).toMatchObject({ code: "TURN_TIMEOUT" });
  return { ...fixture, receipt };
}

test.each([
  ["an abort", "aborted", async ({ keeper }: Fixture) => void (await keeper.abort("s"))],
  ["a reset", "reset", async ({ keeper }: Fixture) => void keeper.reset("s").catch(() => {})],
  [
    "an interrupt",
    "interrupted",
    async ({ keeper }: Fixture) => void (await keeper.send("s", "now", { mode: "interrupt" })),
  ],
])("B28 %s in the grace of a time-out decides the outcome then and there", async (_, reason, act) => {
  const fixture = await timedOut();
  const { keeper, clock, turns, receipt, of } = fixture;
  await act(fixture);
  expect(await receipt.outcome).toEqual({ status: "cancelled", reason });
  turns[0]!.resolve("too late");
  await clock.settle();
  expect(of("turn.completed")).toEqual([]);
  expect(of("turn.cancelled")).toMatchObject([{ reason }]);
  expect(keeper.session("s")!.state).toBe(reason === "interrupted" ? "busy" : "idle");
});

test("B28 a reset in the grace of an abort waits for the turn, whose outcome stays what it was", async () => {
  const { keeper, clock, turns, receipt, of } = await timedOut();
  await keeper.abort("s");
  const reset = keeper.reset("s");
  expect(await receipt.outcome).toEqual({ status: "cancelled", reason: "aborted" });
  await clock.settle();
  expect(of("session.reset")).toEqual([]);
  turns[0]!.resolve("too late");
  await reset;
  expect(of("turn.cancelled")).toMatchObject([{ reason: "aborted" }]);
});
