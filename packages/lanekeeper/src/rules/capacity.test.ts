import { describe, expect, it } from "vitest";
import type { Receipt } from "../turns/receipt.ts";
import { createSimulatedClock } from "../time/simulated-clock.ts";
import { answeringStore } from "./answering-store.ts";
import { createFamily } from "./family.ts";
import { createFixture, deferred } from "./fixture.ts";

describe("capacity", () => {
  it("B12 never runs more turns than there are slots", async () => {
    let running = 0;
    let most = 0;
    const { keeper, clock, turns } = await createFixture({ capacity: { turns: 3 } });
    for (let index = 0; index < 20; index++) await keeper.send(`s${index}`, index);
    for (let index = 0; index < 20; index++) {
      await clock.settle();
      running = turns.length - index;
      most = Math.max(most, running, keeper.stats().running);
      turns[index]!.resolve(undefined);
    }
    await clock.settle();
    expect(most).toBe(3);
    expect(keeper.stats()).toMatchObject({ running: 0, completed: 20 });
  });

  it("B12 gives the next slot to the lane that has waited longest", async () => {
    const { keeper, clock, turns } = await createFixture({ capacity: { turns: 1 } });
    await keeper.send("a", 1);
    await keeper.send("a", 2);
    await keeper.send("b", 1);
    await keeper.send("c", 1);
    for (let index = 0; index < 4; index++) {
      await clock.settle();
      turns[index]!.resolve(undefined);
    }
    await clock.settle();
    expect(turns.map(({ turn }) => turn.sessionKey)).toEqual(["a", "b", "c", "a"]);
  });

  it("B13 runs no stall or time-out clock while a lane waits for capacity", async () => {
    const { keeper, clock, turns, of } = await createFixture({
      capacity: { turns: 1 },
      lane: { stallAfterMs: 1_000, reclaimAfterMs: 2_000, turnTimeoutMs: 86_400_000 },
    });
    await keeper.send("holder", 1);
    await keeper.send("waiter", 1);
    const beat = setIntervalOn(clock, 500, () => turns[0]!.turn.progress());
    await clock.advance(3_600_000);
    beat.stop();
    expect(keeper.session("waiter")).toMatchObject({ state: "busy", detail: "busy.waitingForCapacity" });
    expect(of("lane.stalled")).toEqual([]);
    turns[0]!.resolve(undefined);
    await clock.settle();
    expect(keeper.session("waiter")!.detail).toBe("busy.running");
  });

  it("B16 starts waiting turns when capacity is raised and evicts nobody when it is lowered", async () => {
    const { keeper, clock, turns, of } = await createFixture({ capacity: { turns: 1 } });
    for (const key of ["a", "b", "c", "d"]) await keeper.send(key, 1);
    await clock.settle();
    keeper.setCapacity({ turns: 3 });
    await clock.settle();
    expect(turns).toHaveLength(3);
    keeper.setCapacity({ turns: 1 });
    await clock.settle();
    expect(keeper.stats()).toMatchObject({ running: 3, capacity: 1 });
    turns[0]!.resolve(undefined);
    turns[1]!.resolve(undefined);
    await clock.settle();
    expect(turns).toHaveLength(3);
    turns[2]!.resolve(undefined);
    await clock.settle();
    expect(turns).toHaveLength(4);
    expect(of("capacity.changed")).toMatchObject([
      { previous: 1, turns: 3 },
      { previous: 3, turns: 1 },
    ]);
  });

  it("B12 counts slots right through failures, hangs, aborts, resets and changes of capacity, and ends with none", async () => {
    const clock = createSimulatedClock();
    let running = 0;
    const { keeper, of } = await createFixture({
      clock,
      capacity: { turns: 3 },
      lane: { stallAfterMs: 100, reclaimAfterMs: 300, abortGraceMs: 100, retry: { attempts: 2, baseMs: 50 } },
      turn: async ({ messages, signal }) => {
        running++;
        signal.addEventListener("abort", () => running--, { once: true });
        const body = messages[0]!.body as number;
        if (body % 5 === 0) return new Promise(() => {});
        await new Promise<void>((resolve) => void clock.setTimeout(resolve, 10 * (body % 7)));
        if (!signal.aborted) running--;
        if (body % 3 === 0) throw new Error("failed");
        return body;
      },
    });
    const broken: string[] = [];
    let turns = 3;
    keeper.events$.subscribe(({ type }) => {
      if (type === "capacity.changed") turns = Math.max(keeper.stats().capacity, keeper.stats().running);
      const { running: held } = keeper.stats();
      turns = Math.max(keeper.stats().capacity, Math.min(turns, held));
      if (held > turns) broken.push(`${held} of ${turns} at ${type}`);
    });
    for (let index = 0; index < 120; index++) {
      await keeper.send(`s${index % 11}`, index).catch(() => {});
      await clock.advance(index % 4 === 0 ? 40 : 0);
      if (index % 9 === 0) await keeper.abort(`s${(index * 7) % 11}`);
      if (index % 13 === 0) void keeper.reset(`s${(index * 5) % 11}`);
      if (index % 20 === 0) keeper.setCapacity({ turns: 1 + (index % 3) });
    }
    await clock.advance(600_000);
    expect(broken).toEqual([]);
    expect(of("capacity.changed")).not.toEqual([]);
    expect(keeper.stats()).toMatchObject({ running: 0, waiting: 0 });
    expect(running).toBe(0);
  });

  it("B8 work that is withdrawn while its turn is being opened starts no empty turn, and gives its slot back", async () => {
    const store = answeringStore();
    const { keeper, clock, turns } = await createFixture({ store, capacity: { turns: 1 } });
    const answer = deferred<void>();
    store.answerBy(async (step, value) => {
      if (step === "waiting") await answer.promise;
      return value;
    });
    const receipt = await keeper.send("a", "withdrawn");
    await clock.settle();
    expect(keeper.session("a")!.detail).toBe("busy.opening");
    await expect(receipt.cancel()).resolves.toBe(true);
    answer.resolve();
    await clock.settle();
    expect(turns).toEqual([]);
    expect(keeper.stats()).toMatchObject({ running: 0, waiting: 0 });
    await keeper.send("b", "next");
    await clock.settle();
    expect(turns.map(({ turn }) => turn.sessionKey)).toEqual(["b"]);
  });

  it("B10a a slot whose borrower waits itself serves the others that its lender awaits: a borrower left behind", async () => {
    const go = deferred<void>();
    const { keeper, clock } = await createFamily({
      parent: async ({ messages }) => {
        if (messages[0]!.body === "question") return "an answer";
        await (await keeper.send("between", 1)).reply();
        return (await keeper.send("last", 1)).reply();
      },
      // Ends while the one it asked runs on the slot, which is the parent's.
      between: async () => void (await keeper.send("left", 1)).reply().catch(() => {}),
      left: async () => {
        await go.promise;
        return (await keeper.send("parent", "question")).reply();
      },
      last: () => "the last",
    });
    const asked = await keeper.send("parent", "go");
    await clock.settle();
    go.resolve();
    await clock.settle();
    expect(keeper.stats()).toMatchObject({ running: 0, waiting: 0, completed: 5 });
    await expect(asked.reply()).resolves.toBe("the last");
  });

  it("B10a a slot whose borrower waits itself serves the others that its lender awaits: an await that was withdrawn", async () => {
    const go = deferred<void>();
    const withdrawn = deferred<Receipt>();
    const { keeper, clock } = await createFamily({
      parent: async ({ messages }) => {
        if (messages[0]!.body === "question") return "an answer";
        const second = await keeper.send("busy", "second");
        withdrawn.resolve(second);
        const last = await keeper.send("last", 1);
        return Promise.all([second.reply().catch(() => "withdrawn"), last.reply()]);
      },
      busy: async () => {
        await go.promise;
        return (await keeper.send("parent", "question")).reply();
      },
      last: () => "the last",
    });
    const asked = await keeper.send("parent", "go");
    await keeper.send("busy", "first");
    await clock.settle();
    await (await withdrawn.promise).cancel();
    go.resolve();
    await clock.settle();
    expect(keeper.stats()).toMatchObject({ running: 0, waiting: 0, completed: 4 });
    await expect(asked.reply()).resolves.toEqual(["withdrawn", "the last"]);
  });

  it.each([[{ turns: 0 }], [{ turns: Number.NaN }], [{ turns: 1.5 }], [{ turns: -1 }], [{}], [null]])(
    "B16 refuses the capacity %j and changes nothing",
    async (capacity) => {
      const { keeper } = await createFixture({ capacity: { turns: 2 } });
      expect(() => keeper.setCapacity(capacity as never)).toThrow(
        expect.objectContaining({ code: "INVALID_OPTION", message: expect.stringContaining("capacity") }),
      );
      expect(keeper.stats().capacity).toBe(2);
    },
  );
});

/** Calls back every so often on simulated time. */
function setIntervalOn(
  clock: { setTimeout(callback: () => void, ms: number): unknown; clearTimeout(handle: unknown): void },
  everyMs: number,
  callback: () => void,
): { stop(): void } {
  let handle: unknown;
  const tick = (): void => {
    callback();
    handle = clock.setTimeout(tick, everyMs);
  };
  handle = clock.setTimeout(tick, everyMs);
  return { stop: () => clock.clearTimeout(handle) };
}
