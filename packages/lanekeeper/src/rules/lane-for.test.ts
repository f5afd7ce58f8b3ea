import { expect, test } from "vitest";
import type { LaneSettings } from "../lanes/lane-options.ts";
import { createFixture, type Fixture } from "./fixture.ts";
import { ran } from "./ran.ts";

/** Settings of one session; every other has the keeper's. */
const forOne =
  (sessionKey: string, settings: LaneSettings | undefined) =>
  (key: string): LaneSettings | undefined =>
    key === sessionKey ? settings : undefined;

/** The lines about a callback that failed. */
const linesOf = ({ logs }: Pick<Fixture, "logs">, place: string) =>
  logs.filter(({ fields }) => fields["place"] === place);

test("B11 what laneFor gives comes on top of lane, for that session alone", async () => {
  const { keeper, clock, turns } = await createFixture({
    lane: { cap: 1, mode: "followup" },
    laneFor: forOne("a", { cap: 2 }),
  });
  for (const sessionKey of ["a", "b"]) {
    await keeper.send(sessionKey, "work");
    await clock.settle();
    await keeper.send(sessionKey, 1);
  }
  await expect(keeper.send("a", 2)).resolves.toMatchObject({ sessionKey: "a" });
  await expect(keeper.send("b", 2)).rejects.toMatchObject({ code: "LANE_FULL" });
  turns[0]!.resolve("ok");
  await clock.settle();
  expect(ran(turns)).toEqual([["work"], ["work"], [1]]);
});

test("B11 what laneFor leaves out, or gives as undefined, is as in lane, also within retry", async () => {
  const { keeper, clock, turns } = await createFixture({
    lane: { cap: 1, retry: { attempts: 2, baseMs: 4_000 } },
    laneFor: forOne("a", { cap: undefined, retry: { attempts: 3, baseMs: undefined } }),
  });
  await keeper.send("a", "work");
  await clock.settle();
  await keeper.send("a", 1);
  await expect(keeper.send("a", 2)).rejects.toMatchObject({ code: "LANE_FULL" });
  turns[0]!.reject(new Error("model down"));
  await clock.advance(1_999);
  expect(turns).toHaveLength(1);
  await clock.advance(1);
  turns[1]!.reject(new Error("model down"));
  await clock.advance(4_000);
  expect(ran(turns)).toEqual([["work"], ["work"], ["work"]]);
});

test("B11 each session has the mode, quiet and deadlines that laneFor gives", async () => {
  const settings: Record<string, LaneSettings> = {
    collecting: { mode: "collect", debounceMs: 100 },
    patient: { mode: "collect", debounceMs: 300 },
    rejecting: { mode: "reject" },
    hasty: { stallAfterMs: 50, reclaimAfterMs: 100, abortGraceMs: 0 },
  };
  const { keeper, clock, turns, of } = await createFixture({ laneFor: (key) => settings[key] });
  for (const key of Object.keys(settings)) await keeper.send(key, key);
  await clock.advance(99);
  expect(ran(turns)).toEqual([["rejecting"], ["hasty"]]);
  await expect(keeper.send("rejecting", "no")).rejects.toMatchObject({ code: "LANE_BUSY" });
  await clock.advance(1);
  expect(of("lane.reclaimed")).toMatchObject([{ sessionKey: "hasty" }]);
  expect(ran(turns)).toEqual([["rejecting"], ["hasty"], ["collecting"]]);
  await clock.advance(200);
  expect(ran(turns).at(-1)).toEqual(["patient"]);
});

test("B11 the mode of a message wins over what laneFor gives, which wins over lane's", async () => {
  const { keeper, clock, of } = await createFixture({
    lane: { mode: "collect" },
    laneFor: forOne("a", { mode: "interrupt" }),
  });
  await keeper.send("a", 1);
  await keeper.send("a", 2, { mode: "followup" });
  await keeper.send("b", 3);
  await clock.settle();
  expect(of("message.accepted").map(({ mode }) => mode)).toEqual(["interrupt", "followup", "collect"]);
});

test("B11 laneFor is looked up when the lane wakes, and holds until it sleeps", async () => {
  let cap = 1;
  const { keeper, clock, turns } = await createFixture({
    lane: { passivateAfterMs: 1_000 },
    laneFor: () => ({ cap }),
  });
  const fill = async (): Promise<void> => {
    await keeper.send("a", "work");
    await clock.settle();
    await keeper.send("a", "waiting");
  };
  await fill();
  cap = 2;
  await expect(keeper.send("a", "over")).rejects.toMatchObject({ code: "LANE_FULL" });
  for (const index of [0, 1]) {
    turns[index]!.resolve("ok");
    await clock.settle();
  }
  await clock.advance(999);
  await fill();
  await expect(keeper.send("a", "over")).rejects.toMatchObject({ code: "LANE_FULL" });
  for (const index of [2, 3]) {
    turns[index]!.resolve("ok");
    await clock.settle();
  }
  await clock.advance(1_000);
  expect(keeper.session("a")).toBeUndefined();
  await fill();
  await expect(keeper.send("a", "within")).resolves.toMatchObject({ sessionKey: "a" });
});

test("B11 a running turn keeps the deadlines with which its lane woke", async () => {
  let settings: LaneSettings = { stallAfterMs: 1_000, reclaimAfterMs: 2_000 };
  const { keeper, clock } = await createFixture({ laneFor: () => settings });
  await keeper.send("a", "work");
  await clock.settle();
  settings = { stallAfterMs: 100_000, reclaimAfterMs: 200_000 };
  await clock.advance(1_000);
  expect(keeper.session("a")?.state).toBe("stalled");
});

const broken: readonly (readonly [string, () => unknown])[] = [
  [
    "throws",
    () => {
      throw new Error("no settings today");
    },
  ],
  ["gives an unknown member", () => ({ capp: 1 })],
  ["gives a value out of range", () => ({ cap: 0 })],
  ["gives an unknown mode", () => ({ mode: "shout" })],
  ["gives values that contradict each other", () => ({ stallAfterMs: 10, reclaimAfterMs: 5 })],
  ["gives values that contradict lane's", () => ({ debounceMaxMs: 10 })],
  ["gives a promise", () => Promise.resolve({ cap: 1 })],
  ["gives a text", () => "collect"],
  ["gives null", () => null],
];

for (const [how, laneFor] of broken) {
  test(`B5 a laneFor that ${how} is logged once per 30 s, and lane alone counts`, async () => {
    const fixture = await createFixture({
      lane: { mode: "collect", debounceMs: 200, cap: 2 },
      laneFor: laneFor as () => LaneSettings,
    });
    const { keeper, clock, turns } = fixture;
    await keeper.send("a", 1);
    await keeper.send("b", 2);
    await keeper.send("a", 3);
    await clock.settle();
    expect(ran(turns)).toEqual([[1, 3]]);
    await clock.advance(200);
    expect(ran(turns)).toEqual([[1, 3], [2]]);
    expect(linesOf(fixture, "laneFor")).toMatchObject([{ level: "error" }]);
    await clock.advance(29_799);
    await keeper.send("c", 4);
    expect(linesOf(fixture, "laneFor")).toHaveLength(1);
    await clock.advance(1);
    await keeper.send("d", 5);
    expect(linesOf(fixture, "laneFor")).toHaveLength(2);
  });
}

test("B5 a summarize that throws or gives no text is logged once per 30 s, and the default line counts", async () => {
  for (const summarize of [
    () => {
      throw new Error("no lines today");
    },
    () => undefined as unknown as string,
  ]) {
    const fixture = await createFixture({ lane: { cap: 1, overflow: "summarize", summarize } });
    const { keeper, clock, turns } = fixture;
    await keeper.pause("a");
    await keeper.send("a", { text: "one" });
    const two = await keeper.send("a", "two");
    await keeper.send("a", "three");
    await expect(two.outcome).resolves.toEqual({ status: "dropped", reason: "overflow" });
    await keeper.resume("a");
    await clock.settle();
    expect(turns[0]!.turn.dropped).toEqual({ count: 2, summary: ["two"] });
    expect(linesOf(fixture, "summarize")).toMatchObject([{ level: "error" }]);
  }
});

test("B5 a body that no line can be made of is dropped all the same", async () => {
  const { keeper, clock, turns } = await createFixture({ lane: { cap: 1, overflow: "summarize" } });
  await keeper.pause("a");
  const circle: { self?: unknown } = {};
  circle.self = circle;
  await keeper.send("a", circle);
  await keeper.send("a", "two");
  await keeper.resume("a");
  await clock.settle();
  expect(turns[0]!.turn.dropped).toMatchObject({ count: 1, summary: [expect.any(String)] });
});

test("B5 a laneFor that calls the keeper is heard, and what it asks for comes after", async () => {
  const calls: string[] = [];
  const fixture: Fixture = await createFixture({
    laneFor: (sessionKey) => {
      calls.push(sessionKey);
      if (sessionKey === "a" && calls.length === 1) void fixture.keeper.send("b", "from laneFor");
      return undefined;
    },
  });
  await fixture.keeper.send("a", "work");
  await fixture.clock.settle();
  expect(new Set(ran(fixture.turns).flat())).toEqual(new Set(["from laneFor", "work"]));
});
