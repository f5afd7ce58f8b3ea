import { describe, expect, it } from "vitest";
import { answeringStore, inMicrotask } from "./answering-store.ts";
import { losing } from "./faulty-dispatcher.ts";
import { createFixture, deferred } from "./fixture.ts";

const lane = { stallAfterMs: 10_000, reclaimAfterMs: 20_000, turnTimeoutMs: 60_000, abortGraceMs: 5_000 };

async function stage() {
  const { createDispatcher, lose } = losing();
  const store = answeringStore();
  const fixture = await createFixture({ dispatcher: createDispatcher, store, lane });
  const { keeper, clock, turns } = fixture;
  return {
    ...fixture,
    store,
    /** Sends a message and lets its turn run for so long. */
    async run(ms: number) {
      const receipt = await keeper.send("s", "work");
      await clock.settle();
      await clock.advance(ms);
      return { receipt, turn: turns.at(-1)!.turn };
    },
    /** Takes the slot of the turn away. */
    async lose() {
      lose();
      await clock.settle();
    },
    detail: () => keeper.session("s")!.detail,
  };
}

describe("a claim that was lost", () => {
  it.each([
    ["runs", 0, "busy.running"],
    ["is stalled", 12_000, "stalled.running"],
  ])("B28 stops a turn that %s, at once, and tries its work again", async (_, ms, detail) => {
    const { run, lose, detail: detailNow, turns, of } = await stage();
    const { receipt, turn } = await run(ms);
    expect(detailNow()).toBe(detail);
    await lose();
    expect(turn.signal.reason).toMatchObject({ code: "TURN_FENCED" });
    expect(of("lane.reclaimed")).toMatchObject([{ reason: "lost", slotFreed: true }]);
    expect(turns).toHaveLength(2);
    turns[1]!.resolve("again");
    expect(await receipt.outcome).toMatchObject({ status: "completed", reply: "again", attempts: 2 });
  });

  it.each([
    ["that was making progress", 0, "busy.aborting"],
    ["that was stalled", 12_000, "stalled.aborting"],
  ])("B28 fences a turn %s when it was aborted, without waiting for its grace", async (_, ms, detail) => {
    const { run, lose, detail: detailNow, keeper, turns, of } = await stage();
    const { receipt, turn } = await run(ms);
    await keeper.abort("s");
    expect(detailNow()).toBe(detail);
    await lose();
    expect(turn.signal.reason).toMatchObject({ code: "TURN_ABORTED" });
    expect(of("lane.reclaimed")).toMatchObject([{ reason: "aborted", slotFreed: true, isCodeRunning: true }]);
    expect(await receipt.outcome).toEqual({ status: "cancelled", reason: "aborted" });
    expect(keeper.session("s")).toMatchObject({ state: "idle" });
    expect(turns).toHaveLength(1);
  });

  it("B28 ends a turn that the store was about to open as soon as it is open, before its code is called", async () => {
    const { lose, detail, keeper, clock, store, turns, of } = await stage();
    const opened = deferred<void>();
    store.answerBy(async (step, answer) => {
      if (step === "openTurn") await opened.promise;
      return answer;
    });
    const receipt = await keeper.send("s", "work");
    await clock.settle();
    expect(detail()).toBe("busy.opening");
    await lose();
    expect(detail()).toBe("busy.opening");
    store.answerBy(inMicrotask);
    opened.resolve();
    await clock.settle();
    expect(of("lane.reclaimed")).toMatchObject([{ reason: "lost" }]);
    turns.at(-1)!.resolve("again");
    expect(await receipt.outcome).toMatchObject({ status: "completed", reply: "again", attempts: 2 });
    expect(turns.map(({ turn }) => turn.attempt)).toEqual([2]);
  });
});
