import { expect, test } from "vitest";
import type { LaneSettings } from "../lanes/lane-options.ts";
import { createFixture } from "./fixture.ts";
import { ran } from "./ran.ts";

/** Session a runs "work", and "one" and "two" wait, as many as may. */
async function crowded(overflow: LaneSettings["overflow"], lane: LaneSettings = {}) {
  const fixture = await createFixture({ lane: { cap: 2, overflow, ...lane } });
  const send = (body: string) => fixture.keeper.send("a", body, { id: body });
  await send("work");
  await fixture.clock.settle();
  const [one, two] = [await send("one"), await send("two")];
  /** Ends the running turn and lets the next start. */
  const next = async (): Promise<void> => {
    fixture.turns.at(-1)!.resolve("ok");
    await fixture.clock.settle();
  };
  return { ...fixture, send, one, two, next };
}

const overflown = { status: "dropped", reason: "overflow" } as const;

test("B22 reject refuses the message over cap with LANE_FULL, and drops nothing", async () => {
  const { keeper, clock, send, next, turns, of } = await crowded("reject");
  await expect(send("three")).rejects.toMatchObject({ code: "LANE_FULL", details: { sessionKey: "a" } });
  await clock.settle();
  expect(of("message.refused")).toMatchObject([{ sessionKey: "a", id: "three", reason: "LANE_FULL" }]);
  expect(keeper.session("a")?.waiting).toBe(2);
  for (let turn = 0; turn < 3; turn++) await next();
  expect(ran(turns)).toEqual([["work"], ["one"], ["two"]]);
});

test("B22 cap counts what waits: not what a turn holds, and over all modes", async () => {
  const { keeper, send, next } = await crowded("reject");
  for (const mode of ["followup", "collect", "steer"] as const)
    await expect(keeper.send("a", "no", { mode })).rejects.toMatchObject({ code: "LANE_FULL" });
  await next();
  await send("three");
  await expect(send("four")).rejects.toMatchObject({ code: "LANE_FULL" });
});

test("B22 drop-oldest drops the message that waited longest, with an outcome and an event", async () => {
  const { keeper, clock, send, one, next, turns, of } = await crowded("drop-oldest");
  await send("three");
  await expect(one.outcome).resolves.toEqual(overflown);
  await expect(one.reply()).rejects.toMatchObject({ code: "MESSAGE_DROPPED" });
  await clock.settle();
  expect(of("message.dropped")).toMatchObject([{ sessionKey: "a", id: "one", reason: "overflow" }]);
  expect(keeper.session("a")?.waiting).toBe(2);
  for (let turn = 0; turn < 3; turn++) await next();
  expect(ran(turns)).toEqual([["work"], ["two"], ["three"]]);
});

test("B22 drop-newest drops the message that comes, with an outcome and an event", async () => {
  const { clock, send, next, turns, of } = await crowded("drop-newest");
  const three = await send("three");
  await expect(three.outcome).resolves.toEqual(overflown);
  await clock.settle();
  expect(of("message.accepted").map(({ id }) => id)).toContain("three");
  expect(of("message.dropped")).toMatchObject([{ sessionKey: "a", id: "three", reason: "overflow" }]);
  for (let turn = 0; turn < 3; turn++) await next();
  expect(ran(turns)).toEqual([["work"], ["one"], ["two"]]);
});

test("B22 drop-oldest drops the oldest of a batch that debounces", async () => {
  const { keeper, clock, turns } = await createFixture({
    lane: { cap: 3, overflow: "drop-oldest", mode: "collect" },
  });
  await keeper.pause("a");
  for (const body of [1, 2, 3, 4]) await keeper.send("a", body);
  await keeper.resume("a");
  await clock.settle();
  expect(ran(turns)).toEqual([[2, 3, 4]]);
});

test("B22 summarize drops the oldest, and the next turn carries how many and a line for each", async () => {
  const { send, one, next, turns, of, clock } = await crowded("summarize");
  await send("three");
  await send("four");
  await expect(one.outcome).resolves.toEqual(overflown);
  await clock.settle();
  expect(of("message.dropped").map(({ id }) => id)).toEqual(["one", "two"]);
  expect(turns[0]!.turn.dropped).toBeUndefined();
  await next();
  expect(turns[1]!.turn.dropped).toEqual({ count: 2, summary: ["one", "two"] });
  expect(ran(turns)).toEqual([["work"], ["three"]]);
});

test("B22 a summary is told again if the turn fails, with what came since, and is gone once one completes", async () => {
  const { clock, send, next, turns } = await crowded("summarize", { cap: 3 });
  await send("three");
  await send("four");
  await next();
  expect(turns[1]!.turn.dropped).toEqual({ count: 1, summary: ["one"] });
  turns[1]!.reject(new Error("model down"));
  await clock.settle();
  await send("five");
  await send("six");
  await clock.advance(500);
  expect(ran(turns)).toEqual([["work"], ["two"], ["two"]]);
  expect(turns[2]!.turn.dropped).toEqual({ count: 3, summary: ["one", "three", "four"] });
  await next();
  expect(turns[3]!.turn.dropped).toBeUndefined();
});

test("B22 a summary is told again after an interrupt, an abort and a reclaim", async () => {
  const { keeper, clock, send, turns } = await crowded("summarize");
  await send("three");
  turns[0]!.resolve("ok");
  await clock.settle();
  await keeper.abort("a");
  turns[1]!.reject(new Error("stopped"));
  await clock.settle();
  await keeper.send("a", "now", { mode: "interrupt" });
  await clock.settle();
  turns[2]!.reject(new Error("stopped"));
  await clock.settle();
  await clock.advance(615_000);
  await send("after");
  await clock.settle();
  for (const { turn } of turns.slice(1)) expect(turn.dropped).toEqual({ count: 1, summary: ["one"] });
  expect(ran(turns)).toEqual([["work"], ["two"], ["three"], ["now"], ["after"]]);
});

test("B22 the next turn carries the summary whatever its cause", async () => {
  const { keeper, clock, turns } = await createFixture({ lane: { cap: 1, overflow: "summarize" } });
  await keeper.pause("a");
  await keeper.send("a", "one");
  const two = await keeper.send("a", "two");
  await two.cancel();
  await keeper.notify("a", { kind: "build" });
  await keeper.resume("a");
  await clock.settle();
  expect(turns[0]!.turn).toMatchObject({ cause: "event", dropped: { count: 1, summary: ["one"] } });
});

test("B22 a summary has the last cap lines, and counts all", async () => {
  const { send, next, turns } = await crowded("summarize");
  for (const body of ["three", "four", "five", "six", "seven"]) await send(body);
  await next();
  expect(turns[1]!.turn.dropped).toEqual({ count: 5, summary: ["four", "five"] });
});

test("B22 a summary that was told in vain keeps to the last cap lines, too", async () => {
  const { clock, send, turns } = await crowded("summarize");
  for (const body of ["three", "four"]) await send(body);
  turns[0]!.resolve("ok");
  await clock.settle();
  for (const body of ["five", "six"]) await send(body);
  turns[1]!.reject(new Error("model down"));
  await clock.advance(500);
  expect(turns[2]!.turn.dropped).toEqual({ count: 3, summary: ["two", "four"] });
});

test("B22 a line is a text, its text member or JSON, on one line of at most 160 characters", async () => {
  const { keeper, clock, turns } = await createFixture({ lane: { cap: 6, overflow: "summarize" } });
  await keeper.pause("a");
  const long = "x".repeat(200);
  const smiles = `${"x".repeat(158)}😀😀`;
  const dropped = ["  two\n lines ", { text: "its text" }, { n: 1 }, long, smiles, undefined];
  for (const body of [...dropped, 1, 2, 3, 4, 5, 6]) await keeper.send("a", body);
  await keeper.resume("a");
  await clock.settle();
  const { summary } = turns[0]!.turn.dropped!;
  expect(summary).toEqual([
    "two lines",
    "its text",
    '{"n":1}',
    `${"x".repeat(159)}…`,
    `${"x".repeat(158)}…`,
    "undefined",
  ]);
  for (const line of summary) expect(line.length).toBeLessThanOrEqual(160);
});

test("B22 a line is what summarize(message) makes of the body, cut likewise", async () => {
  const { send, next, turns } = await crowded("summarize", {
    summarize: (message) => `${String(message).toUpperCase()} ${"y".repeat(200)}`,
  });
  await send("three");
  await next();
  expect(turns[1]!.turn.dropped!.summary).toEqual([`ONE ${"y".repeat(155)}…`]);
});

for (const overflow of ["drop-oldest", "summarize"] as const) {
  test(`B22 ${overflow} never drops what started once: the next oldest is dropped`, async () => {
    const { clock, send, one, turns } = await crowded(overflow);
    turns[0]!.reject(new Error("model down"));
    await clock.settle();
    await send("three");
    await expect(one.outcome).resolves.toEqual(overflown);
    await clock.advance(500);
    expect(ran(turns)).toEqual([["work"], ["work"]]);
  });

  test(`B22 ${overflow} never drops an interrupt, or what started: where nothing else waits, the message that comes is the one`, async () => {
    const { keeper, clock, turns } = await createFixture({ lane: { cap: 2, overflow } });
    const failing = await keeper.send("a", "failing");
    await clock.settle();
    turns[0]!.reject(new Error("model down"));
    await clock.settle();
    await keeper.pause("a");
    const now = await keeper.send("a", "now", { mode: "interrupt" });
    const late = await keeper.send("a", "late");
    await expect(late.outcome).resolves.toEqual(overflown);
    await clock.advance(60_000);
    await keeper.resume("a");
    await clock.settle();
    turns[1]!.resolve("ok");
    await clock.settle();
    turns[2]!.resolve("ok");
    expect(ran(turns)).toEqual([["failing"], ["now"], ["failing"]]);
    for (const { outcome } of [now, failing])
      await expect(outcome).resolves.toMatchObject({ status: "completed" });
    expect(turns[1]!.turn.dropped).toEqual(
      overflow === "summarize" ? { count: 1, summary: ["late"] } : undefined,
    );
  });
}
