import { describe, expect, test } from "vitest";
import { type Answering, answeringStore, inImmediate, inMicrotask } from "./answering-store.ts";
import { createFixture, type Fixture } from "./fixture.ts";
import { ran } from "./ran.ts";

const stores: readonly (readonly [string, Answering | undefined])[] = [
  ["answers at once", undefined],
  ["answers in a microtask", inMicrotask],
  ["answers in a later turn of the event loop", inImmediate],
];

/** Lets so many of the store's answers come. */
async function pass(answering: Answering | undefined, steps: number): Promise<void> {
  for (let step = 0; step < steps; step++)
    await (answering === inImmediate ? new Promise((resolve) => setImmediate(resolve)) : undefined);
}
/** More than any step of a lane takes, from the end of a turn until the lane is idle. */
const longestWindow = 40;

/** How often each message ended, by the events: each must have ended once. */
function ends({ events }: Pick<Fixture, "events">): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  const count = (id: string): void => void (counts[id] = (counts[id] ?? 0) + 1);
  for (const event of events) {
    if (event.type === "turn.completed") for (const id of event.messageIds) count(id);
    if (event.type === "message.cancelled" || event.type === "message.dropped") count(event.id);
  }
  return counts;
}

describe.each(stores)("with a store that %s", (_, answering) => {
  /** Session a runs "work". */
  const working = async (options: Parameters<typeof createFixture>[0] = {}) => {
    const fixture = await createFixture({ store: answeringStore(answering), ...options });
    const send = (id: string, mode?: "interrupt" | "steer") => fixture.keeper.send("a", id, { id, mode });
    const work = await send("work");
    await fixture.clock.settle();
    return { ...fixture, send, work };
  };

  test("B20 an interrupt during the grace of another cancels it, and runs when the grace is over", async () => {
    const { keeper, clock, turns, send, work, ...seen } = await working();
    const waiting = await send("waiting");
    const older = await send("older", "interrupt");
    await clock.advance(7_000);
    const newer = await send("newer", "interrupt");
    await clock.advance(8_000);
    expect(ran(turns)).toEqual([["work"], ["newer"]]);
    turns[1]!.resolve("done");
    await clock.settle();
    turns[2]!.resolve("done");
    for (const { outcome } of [work, older])
      await expect(outcome).resolves.toEqual({ status: "cancelled", reason: "interrupted" });
    for (const { outcome } of [newer, waiting])
      await expect(outcome).resolves.toMatchObject({ status: "completed", reply: "done" });
    expect(ends(seen)).toEqual({ work: 1, older: 1, newer: 1, waiting: 1 });
    expect(keeper.stats().running).toBe(0);
  });

  test("B20 interrupts sent at once: the newest runs, the others are cancelled", async () => {
    const { clock, turns, send, ...seen } = await working();
    const receipts = await Promise.all(["one", "two", "three"].map((id) => send(id, "interrupt")));
    turns[0]!.reject(new Error("stopped"));
    await clock.settle();
    expect(ran(turns)).toEqual([["work"], ["three"]]);
    turns[1]!.resolve("done");
    for (const { outcome } of receipts.slice(0, 2))
      await expect(outcome).resolves.toEqual({ status: "cancelled", reason: "interrupted" });
    await expect(receipts[2]!.outcome).resolves.toMatchObject({ reply: "done" });
    expect(ends(seen)).toEqual({ work: 1, one: 1, two: 1, three: 1 });
  });

  test("B20 an interrupt that arrives as the turn settles runs, and what completed stays completed", async () => {
    for (let steps = 0; steps < longestWindow; steps++) {
      const { clock, turns, send, work, ...seen } = await working();
      await send("waiting");
      turns[0]!.resolve("done");
      await pass(answering, steps);
      const receipt = await send("now", "interrupt");
      await clock.settle();
      while (turns.at(-1)!.turn.signal.aborted || (await isOpen(receipt))) {
        turns.at(-1)!.resolve("ok");
        await clock.settle();
      }
      turns.at(-1)!.resolve("ok");
      await clock.settle();
      turns.at(-1)!.resolve("ok");
      await clock.settle();
      const { status } = await work.outcome;
      expect(["completed", "cancelled"]).toContain(status);
      await expect(receipt.outcome).resolves.toMatchObject({ status: "completed" });
      expect([steps, ends(seen)]).toEqual([steps, { work: 1, now: 1, waiting: 1 }]);
      expect(
        ran(turns)
          .flat()
          .filter((body) => body === "now"),
      ).toHaveLength(1);
    }
  });

  test("B23a a cancel of a steered message withdraws it or is false: a turn takes it or it is cancelled", async () => {
    for (const order of ["cancel first", "take first"]) {
      const { clock, turns, send, ...seen } = await working();
      const receipt = await send("steering", "steer");
      const take = () => turns[0]!.turn.takeSteering();
      const early = order === "take first" ? take() : [];
      const cancelling = receipt.cancel();
      const late = take();
      const isCancelled = await cancelling;
      await clock.settle();
      turns[0]!.resolve("done");
      await clock.settle();
      expect([order, isCancelled, early.length + late.length]).toEqual(
        order === "cancel first" ? [order, true, 0] : [order, false, 1],
      );
      const { status } = await receipt.outcome;
      expect(status).toBe(isCancelled ? "cancelled" : "completed");
      expect(ends(seen)).toEqual({ work: 1, steering: 1 });
      expect(ran(turns)).toEqual([["work"]]);
    }
  });

  test("B6 a message that arrives between the last turn's end and the idle lane runs, once", async () => {
    for (let steps = 0; steps < longestWindow; steps++) {
      const { keeper, clock, turns, send, work, ...seen } = await working({ lane: { passivateAfterMs: 0 } });
      turns[0]!.resolve("done");
      await pass(answering, steps);
      const late = await send("late");
      await clock.settle();
      expect([steps, ...ran(turns)]).toEqual([steps, ["work"], ["late"]]);
      turns[1]!.resolve("done, too");
      await expect(work.outcome).resolves.toMatchObject({ reply: "done" });
      await expect(late.outcome).resolves.toMatchObject({ reply: "done, too" });
      await clock.advance(1_000);
      expect(ends(seen)).toEqual({ work: 1, late: 1 });
      expect(keeper.stats()).toMatchObject({ running: 0, waiting: 0 });
    }
  });

  test("B19 steering that arrives as the turn settles is taken, or runs next, once", async () => {
    for (let steps = 0; steps < longestWindow; steps++) {
      const { clock, turns, send, work, ...seen } = await working();
      await send("waiting");
      turns[0]!.resolve("done");
      await pass(answering, steps);
      const receipt = await send("steering", "steer");
      const taken = turns.flatMap(({ turn }) => turn.takeSteering()).map(({ id }) => id);
      for (let index = 1; index < 3; index++) {
        await clock.settle();
        turns[index]?.resolve("ok");
      }
      await clock.settle();
      await expect(work.outcome).resolves.toMatchObject({ reply: "done" });
      await expect(receipt.outcome).resolves.toMatchObject({ status: "completed" });
      expect([steps, ends(seen)]).toEqual([steps, { work: 1, waiting: 1, steering: 1 }]);
      const shown = [...ran(turns).flat(), ...taken];
      expect(shown).toHaveLength(3);
      expect(new Set(shown)).toEqual(new Set(["steering", "waiting", "work"]));
    }
  });

  test("B19 steering that arrives as the turn fails is offered to its retry, or runs once", async () => {
    for (let steps = 0; steps < longestWindow; steps++) {
      const { clock, turns, send, work, ...seen } = await working();
      turns[0]!.reject(new Error("model down"));
      await pass(answering, steps);
      const receipt = await send("steering", "steer");
      await clock.advance(500);
      const taken = turns[1]!.turn.takeSteering();
      turns[1]!.resolve("ok");
      await clock.settle();
      turns[2]?.resolve("ok");
      await expect(work.outcome).resolves.toMatchObject({ attempts: 2 });
      await expect(receipt.outcome).resolves.toMatchObject({ status: "completed", attempts: 1 });
      await clock.settle();
      expect([steps, ends(seen)]).toEqual([steps, { work: 1, steering: 1 }]);
      expect(turns).toHaveLength(taken.length === 0 ? 3 : 2);
    }
  });

  test("B19 a taken steering whose turn fails is given to the retry, and completes with it", async () => {
    const { clock, turns, send, work, ...seen } = await working();
    const receipt = await send("steering", "steer");
    turns[0]!.turn.takeSteering();
    turns[0]!.reject(new Error("model down"));
    await clock.advance(500);
    expect(turns[1]!.turn.takeSteering()).toMatchObject([{ id: "steering" }]);
    turns[1]!.resolve("done");
    for (const { outcome } of [work, receipt])
      await expect(outcome).resolves.toMatchObject({ status: "completed", reply: "done", attempts: 2 });
    await clock.advance(60_000);
    expect(ran(turns)).toEqual([["work"], ["work"]]);
    expect(ends(seen)).toEqual({ work: 1, steering: 1 });
  });

  test("B19 a taken steering whose turn is given up is given up with it, and counts its own attempts", async () => {
    const { keeper, clock, turns, send, work, ...seen } = await working({ lane: { retry: { attempts: 2 } } });
    turns[0]!.reject(new Error("model down"));
    await clock.advance(500);
    const receipt = await send("steering", "steer");
    turns[1]!.turn.takeSteering();
    turns[1]!.reject(new Error("model down"));
    await clock.settle();
    await expect(work.outcome).resolves.toMatchObject({ status: "failed", attempts: 2 });
    await expect(receipt.outcome).resolves.toMatchObject({ status: "failed", attempts: 1 });
    const letters = await keeper.deadLetters();
    expect(new Set(letters.map(({ items }) => items[0]!.id))).toEqual(new Set(["steering", "work"]));
    await clock.advance(60_000);
    expect(ran(turns)).toEqual([["work"], ["work"]]);
    expect(ends(seen)).toEqual({});
  });

  test("B36 a completion accepted 1 ms before a reset is stale; one accepted 1 ms after it is not", async () => {
    const { keeper, clock, turns } = await working();
    const report = (execId: string) => keeper.reportExec({ execId, sessionKey: "a", exitCode: 0 });
    const before = await report("before");
    await clock.advance(1);
    const reset = keeper.reset("a");
    await clock.settle();
    turns[0]!.reject(new Error("stopped"));
    await reset;
    await clock.advance(1);
    const after = await report("after");
    await clock.settle();
    if (!before.routed || !after.routed) throw new Error("not routed");
    await expect(before.receipt.outcome).resolves.toEqual({ status: "cancelled", reason: "reset" });
    await expect(keeper.deadLetters()).resolves.toMatchObject([
      { reason: "stale-incarnation", items: [{ id: "before" }] },
    ]);
    expect(turns[1]!.turn.events.map(({ id }) => id)).toEqual(["after"]);
    turns[1]!.resolve("seen");
    await expect(after.receipt.outcome).resolves.toMatchObject({ status: "completed", reply: "seen" });
  });

  test("B36 a completion accepted within the grace of a reset is stale or of the new incarnation, once", async () => {
    for (let steps = 0; steps < longestWindow; steps++) {
      const { keeper, clock, turns } = await working();
      const reset = keeper.reset("a");
      await pass(answering, steps);
      const report = await keeper.reportExec({ execId: "job", sessionKey: "a", exitCode: 0 });
      turns[0]!.reject(new Error("stopped"));
      await reset;
      await clock.settle();
      turns[1]?.resolve("seen");
      await clock.settle();
      const letters = await keeper.deadLetters();
      expect([steps, turns.length - 1 + letters.length]).toEqual([steps, 1]);
      if (!report.routed) throw new Error("not routed");
      const { status } = await report.receipt.outcome;
      expect(status).toBe(letters.length === 1 ? "cancelled" : "completed");
    }
  });

  test("B58 a close during a backoff suspends the work; the next keeper tries it again, in order", async () => {
    const store = answeringStore(answering);
    const { keeper, clock, turns, send, work } = await working({ store });
    const steering = await send("steering", "steer");
    turns[0]!.turn.takeSteering();
    const waiting = await send("waiting");
    turns[0]!.reject(new Error("model down"));
    await clock.advance(100);
    expect(keeper.explain("a").blockedBy).toBe("backoff");
    await keeper.close();
    for (const { outcome } of [work, steering, waiting])
      await expect(outcome).resolves.toEqual({ status: "suspended" });
    const next = await createFixture({ store, clock });
    const attached = await Promise.all(
      ["work", "steering", "waiting"].map((id) => next.keeper.attach("a", id)),
    );
    await clock.advance(399);
    expect(ran(next.turns)).toEqual([]);
    await clock.advance(1);
    expect(next.turns[0]!.turn).toMatchObject({ attempt: 2 });
    expect(next.turns[0]!.turn.takeSteering()).toMatchObject([{ id: "steering" }]);
    next.turns[0]!.resolve("done");
    await clock.settle();
    next.turns[1]!.resolve("done");
    for (const receipt of attached)
      await expect(receipt!.outcome).resolves.toMatchObject({ status: "completed" });
    expect(ran(next.turns)).toEqual([["work"], ["waiting"]]);
    expect(ends(next)).toEqual({ work: 1, steering: 1, waiting: 1 });
  });

  test("B58 close hands a turn's taken steering back: the next keeper's turn is given it again", async () => {
    const store = answeringStore(answering);
    const { keeper, clock, turns, send } = await working({ store });
    const receipt = await send("steering", "steer");
    turns[0]!.turn.takeSteering();
    const closed = keeper.close();
    await clock.advance(15_000);
    await closed;
    await expect(receipt.outcome).resolves.toEqual({ status: "suspended" });
    const next = await createFixture({ store, clock });
    await clock.settle();
    expect(ran(next.turns)).toEqual([["work"]]);
    expect(next.turns[0]!.turn).toMatchObject({ attempt: 1 });
    expect(next.turns[0]!.turn.takeSteering()).toMatchObject([{ id: "steering" }]);
  });

  test("B30 a turn that died with its keeper is tried again with the steering that it took", async () => {
    const store = answeringStore(answering);
    const { clock, turns, send } = await working({ store });
    await send("taken", "steer");
    await send("untaken", "steer");
    turns[0]!.turn.takeSteering();
    await send("later", "steer");
    await clock.settle();
    await store.close();
    const next = await createFixture({ store, clock });
    await clock.settle();
    expect(ran(next.turns)).toEqual([["work"]]);
    const given = next.turns[0]!.turn.takeSteering();
    expect(given.map(({ id }) => id)).toEqual(["taken", "untaken", "later"]);
    next.turns[0]!.resolve("done");
    await clock.settle();
    expect(ran(next.turns)).toEqual([["work"]]);
  });
});

/** Whether work has no outcome yet. */
async function isOpen({ outcome }: { readonly outcome: Promise<unknown> }): Promise<boolean> {
  return (await Promise.race([outcome, Promise.resolve()])) === undefined;
}
