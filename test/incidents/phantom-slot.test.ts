import { createLanekeeper, type Lanekeeper, type LanekeeperEvent, type Turn } from "lanekeeper";
import { createSimulatedClock, type SimulatedClock } from "lanekeeper/simulated-clock";
import { expect, onTestFinished, test } from "vitest";

/**
 * matin/openclaw#12: a turn whose promise never settled kept its session's slot, every later message of that session
 * waited behind it, the log said nothing, and recovery "released 0" for ever (incidents.md, I1; B7, B24–B28, B32, B33).
 */

const reclaimAfterMs = 600_000;
const abortGraceMs = 15_000;

interface Scene {
  readonly keeper: Lanekeeper<string, string>;
  readonly clock: SimulatedClock;
  readonly events: readonly LanekeeperEvent[];
  /** The lines of the log, by their message. */
  readonly log: readonly string[];
  /** What ran, in order. */
  readonly ran: readonly string[];
  /** Lets the phantom return after all. */
  settlePhantom(reply: string): void;
}

async function stage(
  turns: number,
  answer: (turn: Turn<string>) => Promise<string> | string = (turn) => `re: ${turn.messages[0]!.body}`,
): Promise<Scene> {
  const clock = createSimulatedClock();
  const phantom = Promise.withResolvers<string>();
  const ran: string[] = [];
  const log: string[] = [];
  const line = (_: object, message: string): void => void log.push(message);
  const keeper = await createLanekeeper<string, string>({
    clock,
    capacity: { turns },
    lane: { reclaimAfterMs, abortGraceMs },
    logger: { debug: line, info: line, warn: line, error: line },
    turn: (turn) => {
      const { body } = turn.messages[0]!;
      ran.push(body);
      return body === "phantom" ? phantom.promise : answer(turn);
    },
  });
  const events: LanekeeperEvent[] = [];
  keeper.events$.subscribe((event) => events.push(event));
  onTestFinished(async () => {
    const closed = keeper.close();
    await clock.advance(abortGraceMs);
    await closed;
  });
  return { keeper, clock, events, log, ran, settlePhantom: phantom.resolve };
}

test("B26 the waiting work of another session runs after the reclaim, with nothing else arriving", async () => {
  const { keeper, clock, ran } = await stage(1);
  const phantom = await keeper.send("chat:1", "phantom");
  const waiting = await keeper.send("chat:2", "waiting");
  await clock.advance(reclaimAfterMs + abortGraceMs - 1);
  expect(ran).toEqual(["phantom"]);
  expect(keeper.stats()).toMatchObject({ running: 1, reclaimed: 0 });
  await clock.advance(1);
  expect(ran).toEqual(["phantom", "waiting"]);
  await expect(phantom.outcome).resolves.toMatchObject({ status: "reclaimed", reason: "stalled" });
  await expect(waiting.reply()).resolves.toBe("re: waiting");
  expect(keeper.stats()).toMatchObject({ running: 0, reclaimed: 1, zombies: 1, completed: 1 });
});

test("B26 the waiting work of the same session runs too, and none of it is lost", async () => {
  const { keeper, clock, ran } = await stage(1);
  await keeper.send("chat:1", "phantom");
  const next = await keeper.send("chat:1", "next");
  const last = await keeper.send("chat:1", "last");
  await clock.advance(reclaimAfterMs + abortGraceMs);
  expect(ran).toEqual(["phantom", "next", "last"]);
  await expect(next.reply()).resolves.toBe("re: next");
  await expect(last.reply()).resolves.toBe("re: last");
});

test("B28 the phantom's late settlement changes nothing", async () => {
  const { keeper, clock, events, ran, settlePhantom } = await stage(1);
  const phantom = await keeper.send("chat:1", "phantom");
  await clock.advance(reclaimAfterMs + abortGraceMs);
  const outcome = await phantom.outcome;
  settlePhantom("at last");
  await clock.advance(1_000);
  await expect(phantom.outcome).resolves.toBe(outcome);
  expect(events.filter(({ type }) => type === "turn.lateResult")).toHaveLength(1);
  expect(events.filter(({ type }) => type === "turn.completed")).toEqual([]);
  expect(keeper.stats()).toMatchObject({ running: 0, zombies: 0, completed: 0, reclaimed: 1 });
  expect(ran).toEqual(["phantom"]);
});

test("B28 the phantom's late settlement frees no slot: it is another turn's by then", async () => {
  const { keeper, clock, ran, settlePhantom } = await stage(1, () => new Promise(() => {}));
  await keeper.send("chat:1", "phantom");
  await keeper.send("chat:1", "second");
  await keeper.send("chat:2", "third");
  await clock.advance(reclaimAfterMs + abortGraceMs);
  const [, running] = ran;
  settlePhantom("at last");
  await clock.advance(1_000);
  expect(ran).toEqual(["phantom", running]);
  expect(keeper.stats()).toMatchObject({ running: 1, waiting: 1, zombies: 0, completed: 0 });
});

test("B27 with capacity 2 the healthy sibling is untouched", async () => {
  let sibling: Turn<string> | undefined;
  const reply = Promise.withResolvers<string>();
  const { keeper, clock, events } = await stage(2, (turn) => {
    sibling = turn;
    return reply.promise;
  });
  await keeper.send("chat:1", "phantom");
  const healthy = await keeper.send("chat:2", "healthy");
  const waiting = await keeper.send("chat:2", "waiting");
  for (let minute = 0; minute < 12; minute++) {
    await clock.advance(60_000);
    sibling!.progress();
  }
  expect(keeper.stats()).toMatchObject({ reclaimed: 1, running: 1 });
  expect(sibling!.signal.aborted).toBe(false);
  expect(() => sibling!.assertCurrent()).not.toThrow();
  expect(keeper.session("chat:2")).toMatchObject({ state: "busy", waiting: 1, zombies: 0 });
  reply.resolve("fine");
  await expect(healthy.reply()).resolves.toBe("fine");
  await expect(waiting.reply()).resolves.toBe("fine");
  const concerned = events.filter(({ type }) => type === "lane.reclaimed" || type === "turn.aborting");
  expect(concerned.map((event) => "sessionKey" in event && event.sessionKey)).toEqual(["chat:1", "chat:1"]);
});

test("B33 a drain that waits for the phantom is released by its reclaim", async () => {
  const { keeper, clock } = await stage(1);
  await keeper.send("chat:1", "phantom");
  await keeper.send("chat:2", "waiting");
  await clock.advance(1_000);
  let drained: unknown;
  void keeper.drain().then((result) => (drained = result));
  await clock.advance(reclaimAfterMs + abortGraceMs - 1_001);
  expect(drained).toBeUndefined();
  await clock.advance(1);
  expect(drained).toEqual({ drained: true, running: 0, waiting: 1 });
});

test("B32 meanwhile it says what is wrong: blocked, stalled, reclaimed, and what was verified", async () => {
  const { keeper, clock, events, log } = await stage(1);
  await keeper.send("chat:1", "phantom");
  await keeper.send("chat:2", "waiting");
  await clock.advance(2_000);
  expect(keeper.explain("chat:2")).toMatchObject({
    blockedBy: "capacity",
    facts: { running: 1, capacity: 1 },
  });
  expect(events.find(({ type }) => type === "lane.blocked")).toMatchObject({
    sessionKey: "chat:2",
    reason: "capacity",
    running: 1,
    waiting: 1,
    oldestTurnMs: 2_000,
  });
  await clock.advance(reclaimAfterMs + abortGraceMs);
  expect(events.find(({ type }) => type === "lane.stalled")).toMatchObject({ sessionKey: "chat:1" });
  expect(events.find(({ type }) => type === "lane.reclaimed")).toMatchObject({
    sessionKey: "chat:1",
    slotFreed: true,
    isCodeRunning: true,
  });
  expect(new Set(log)).toEqual(
    new Set([
      "A session has work that cannot start.",
      "A turn makes no progress.",
      "A turn was reclaimed; its slot is free.",
      "Work was given up; it is a dead letter.",
    ]),
  );
  await expect(keeper.deadLetters()).resolves.toMatchObject([
    { sessionKey: "chat:1", reason: "stalled", items: [{ body: "phantom" }] },
  ]);
});
