import { describe, expect, it } from "vitest";
import type { Turn } from "../turns/turn.ts";
import { createFixture, deferred, type Fixture } from "./fixture.ts";

const lane = { stallAfterMs: 1_000, reclaimAfterMs: 5_000, turnTimeoutMs: 600_000, abortGraceMs: 2_000 };

/** A keeper, and its one turn, which runs. */
async function withTurn(
  settings: Partial<typeof lane> = {},
): Promise<Fixture & { readonly turn: Turn; readonly end: (reply: unknown) => Promise<void> }> {
  const fixture: Fixture = await createFixture({ lane: { ...lane, retry: { attempts: 1 }, ...settings } });
  await fixture.keeper.send("s", "go", { id: "go" });
  await fixture.clock.settle();
  const [held] = fixture.turns;
  return {
    ...fixture,
    turn: held!.turn,
    async end(reply) {
      held!.resolve(reply);
      await fixture.clock.settle();
    },
  };
}

const never = new Promise<never>(() => {});

/** What became of a promise by now. */
async function stateOf(promise: Promise<unknown>): Promise<unknown> {
  const open = Symbol("open");
  const state = await Promise.race([promise.catch((error: unknown) => ({ error })), tick().then(() => open)]);
  return state === open ? "open" : state;
}
const tick = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

describe("waiting", () => {
  it("B29 settles as the wait does: with its value", async () => {
    const { turn, clock, of } = await withTurn();
    const wait = deferred<string>();
    const waiting = turn.waiting("an answer", clock.now() + 10_000, wait.promise);
    await expect(stateOf(waiting)).resolves.toBe("open");
    wait.resolve("yes");
    await expect(waiting).resolves.toBe("yes");
    await clock.settle();
    expect(of("turn.waiting")).toMatchObject([{ reason: "an answer", untilAt: clock.now() + 10_000 }]);
    expect(of("turn.resumed")).toMatchObject([{ reason: "an answer", turnId: turn.id, messageIds: ["go"] }]);
  });

  it("B29 settles as the wait does: with its error", async () => {
    const { turn, clock, of } = await withTurn();
    const error = new Error("no answer");
    await expect(turn.waiting("an answer", clock.now() + 10_000, Promise.reject(error))).rejects.toBe(error);
    await clock.settle();
    expect(of("turn.resumed")).toHaveLength(1);
  });

  it("B29 takes a value or a strange thenable for a wait", async () => {
    const { turn, clock } = await withTurn();
    const until = clock.now() + 10_000;
    await expect(turn.waiting("", until, "at once" as never)).resolves.toBe("at once");
    const throwing = new Proxy(
      {},
      {
        get() {
          throw new RangeError("strange");
        },
      },
    );
    await expect(turn.waiting("", until, throwing as never)).rejects.toThrow("strange");
    await clock.advance(999);
    expect(turn.signal.aborted).toBe(false);
  });

  it("B29 does not settle because its time is over", async () => {
    const { turn, clock } = await withTurn();
    const wait = deferred<string>();
    const waiting = turn.waiting("an answer", clock.now() + 500, wait.promise);
    await clock.advance(1_000);
    await expect(stateOf(waiting)).resolves.toBe("open");
    wait.resolve("late");
    await expect(waiting).resolves.toBe("late");
  });

  it("B29 the stall clock stands while it waits, however long", async () => {
    const { keeper, turn, clock, of } = await withTurn();
    void turn.waiting("a human", clock.now() + 400_000, never).catch(() => {});
    await clock.advance(400_000);
    expect(of("lane.stalled")).toEqual([]);
    expect(keeper.explain("s")).toMatchObject({
      blockedBy: "running",
      facts: { silentMs: 0, waitsFor: ["a human"] },
      sentence: expect.stringContaining("a human"),
    });
  });

  it("B29 once its time is over the stall clock runs from then", async () => {
    const { keeper, turn, clock, of } = await withTurn();
    void turn.waiting("a human", clock.now() + 10_300, never).catch(() => {});
    await clock.advance(11_299);
    expect(of("lane.stalled")).toEqual([]);
    expect(keeper.explain("s").facts).toMatchObject({ silentMs: 999 });
    await clock.advance(1);
    expect(of("lane.stalled")).toMatchObject([{ sessionKey: "s", ageMs: 11_300 }]);
    await clock.advance(3_999);
    expect(turn.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(turn.signal.reason).toMatchObject({ code: "TURN_STALLED" });
  });

  it("B29 a wait that settles after its time leaves the stall clock running from that time", async () => {
    const { keeper, turn, clock, of } = await withTurn();
    const wait = deferred<void>();
    const waiting = turn.waiting("a human", clock.now() + 10_000, wait.promise);
    await clock.advance(10_600);
    wait.resolve();
    await waiting;
    expect(keeper.explain("s").facts).toMatchObject({ silentMs: 600 });
    await clock.advance(399);
    expect(of("lane.stalled")).toEqual([]);
    await clock.advance(1);
    expect(of("lane.stalled")).toHaveLength(1);
    await clock.advance(3_999);
    expect(turn.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(turn.signal.reason).toMatchObject({ code: "TURN_STALLED" });
  });

  it("B29 the stall clock starts afresh when the wait ends", async () => {
    const { turn, clock, of } = await withTurn();
    const wait = deferred<void>();
    const waiting = turn.waiting("a human", clock.now() + 100_000, wait.promise);
    await clock.advance(50_000);
    wait.resolve();
    await waiting;
    await clock.advance(999);
    expect(of("lane.stalled")).toEqual([]);
    await clock.advance(1);
    expect(of("lane.stalled")).toHaveLength(1);
  });

  it("B29 of several waits the last to end counts, whichever began first", async () => {
    const { keeper, turn, clock, of } = await withTurn();
    const short = deferred<void>();
    const long = deferred<void>();
    const waits = [
      turn.waiting("long", clock.now() + 100_000, long.promise),
      turn.waiting("short", clock.now() + 50_000, short.promise),
    ];
    await clock.advance(10_000);
    short.resolve();
    await waits[1];
    expect(keeper.explain("s").facts["waitsFor"]).toEqual(["long"]);
    await clock.advance(20_000);
    expect(of("lane.stalled")).toEqual([]);
    long.resolve();
    await waits[0];
    await clock.advance(999);
    expect(of("lane.stalled")).toEqual([]);
    await clock.advance(1);
    expect(of("lane.stalled")).toHaveLength(1);
  });

  it("B29 of several waits whose times are over the last of the times counts", async () => {
    const { turn, clock, of } = await withTurn();
    const second = deferred<void>();
    void turn.waiting("first", clock.now() + 3_000, never).catch(() => {});
    const late = turn.waiting("second", clock.now() + 8_000, second.promise);
    await clock.advance(8_500);
    second.resolve();
    await late;
    await clock.advance(499);
    expect(of("lane.stalled")).toEqual([]);
    await clock.advance(1);
    expect(of("lane.stalled")).toHaveLength(1);
    await clock.advance(3_999);
    expect(turn.signal.aborted).toBe(false);
  });

  it("B24 the beginning of a wait is progress, and brings a stalled lane back", async () => {
    const { keeper, turn, clock, of } = await withTurn();
    await clock.advance(4_000);
    expect(keeper.session("s")!.state).toBe("stalled");
    void turn.waiting("a human", clock.now() + 60_000, never).catch(() => {});
    await clock.settle();
    expect(of("lane.recovered")).toMatchObject([{ sessionKey: "s", stalledMs: 3_000 }]);
    expect(keeper.session("s")!.state).toBe("busy");
    await clock.advance(60_999);
    expect(of("lane.stalled")).toHaveLength(1);
    await clock.advance(1);
    expect(of("lane.stalled")).toHaveLength(2);
  });

  it("B29 a wait whose time is over before it begins is progress and no more", async () => {
    const { turn, clock, of } = await withTurn();
    await clock.advance(500);
    void turn.waiting("yesterday", clock.now() - 86_400_000, never).catch(() => {});
    await clock.advance(999);
    expect(of("lane.stalled")).toEqual([]);
    await clock.advance(1);
    expect(of("lane.stalled")).toHaveLength(1);
  });

  it.each([3_600_000, -3_600_000])(
    "B29 a step of the wall clock by %i ms moves the end of a wait that has begun nowhere",
    async (stepMs) => {
      const { turn, clock, of } = await withTurn();
      void turn.waiting("a human", clock.now() + 10_000, never).catch(() => {});
      await clock.advance(2_000);
      clock.stepWall(stepMs);
      await clock.advance(8_999);
      expect(of("lane.stalled")).toEqual([]);
      await clock.advance(1);
      expect(of("lane.stalled")).toHaveLength(1);
    },
  );

  it("B26a a suspension during a wait is no silence of the turn", async () => {
    const { turn, clock, of } = await withTurn();
    void turn.waiting("a human", clock.now() + 10_000, never).catch(() => {});
    await clock.advance(2_000);
    await clock.suspend(60_000);
    await clock.advance(500);
    expect(of("lane.reclaimed")).toEqual([]);
    expect(turn.signal.aborted).toBe(false);
  });

  it("B29 the turn time-out does not stand", async () => {
    const { turn, clock } = await withTurn({ turnTimeoutMs: 8_000 });
    const waiting = turn.waiting("a human", clock.now() + 100_000, never);
    await clock.advance(7_999);
    await expect(stateOf(waiting)).resolves.toBe("open");
    await clock.advance(1);
    await expect(waiting).rejects.toBe(turn.signal.reason);
    expect(turn.signal.reason).toMatchObject({ code: "TURN_TIMEOUT" });
  });

  it.each<[string, (fixture: Fixture) => unknown, string]>([
    ["an abort", ({ keeper }) => keeper.abort("s"), "TURN_ABORTED"],
    ["an interrupt", ({ keeper }) => keeper.send("s", "stop", { mode: "interrupt" }), "TURN_INTERRUPTED"],
    ["a reset", ({ keeper }) => void keeper.reset("s"), "TURN_RESET"],
    ["a close", ({ keeper }) => void keeper.close(), "CLOSED"],
  ])("B29 rejects with the signal's reason at %s", async (_, stop, code) => {
    const fixture = await withTurn();
    const { turn, clock, of } = fixture;
    const wait = deferred<string>();
    const waits = [
      turn.waiting("one", clock.now() + 100_000, wait.promise),
      turn.waiting("two", clock.now() + 100_000, never),
    ];
    const settled = Promise.allSettled(waits);
    await stop(fixture);
    await clock.settle();
    wait.resolve("too late");
    const { reason } = turn.signal;
    expect(reason).toMatchObject({ code });
    await expect(settled).resolves.toEqual([
      { status: "rejected", reason },
      { status: "rejected", reason },
    ]);
    expect(of("turn.resumed")).toEqual([]);
  });

  it("B28 after the abort it is refused with TURN_FENCED, and a wait that fails is nobody's unhandled rejection", async () => {
    const { keeper, turn, clock } = await withTurn();
    await keeper.abort("s");
    const wait = deferred<never>();
    const waiting = turn.waiting("a human", clock.now() + 1_000, wait.promise);
    await expect(waiting).rejects.toMatchObject({ code: "TURN_FENCED" });
    wait.reject(new Error("nobody looks"));
    await clock.settle();
  });

  it("B28 a wait that fails after the abort is nobody's unhandled rejection", async () => {
    const { keeper, turn, clock } = await withTurn();
    const wait = deferred<never>();
    const waiting = turn.waiting("a human", clock.now() + 1_000, wait.promise).catch(() => "rejected");
    await keeper.abort("s");
    await expect(waiting).resolves.toBe("rejected");
    wait.reject(new Error("nobody looks"));
    await clock.settle();
  });

  it("B28 after the end of its turn it is refused with TURN_FENCED", async () => {
    const { turn, clock, end } = await withTurn();
    await end("done");
    await expect(turn.waiting("a human", clock.now() + 1_000, never)).rejects.toMatchObject({
      code: "TURN_FENCED",
    });
  });

  it("B29 a wait that outlives its turn settles as it would have, and touches nothing", async () => {
    const { keeper, turn, clock, end, of } = await withTurn();
    const wait = deferred<string>();
    const waiting = turn.waiting("a human", clock.now() + 1_000, wait.promise);
    await end("done");
    await keeper.send("s", "next");
    await clock.advance(900);
    wait.resolve("afterwards");
    await expect(waiting).resolves.toBe("afterwards");
    await clock.advance(100);
    expect(of("lane.stalled")).toHaveLength(1);
    expect(of("turn.resumed")).toEqual([]);
  });

  it.each<[string, unknown, unknown]>([
    ["no text", 7, 0],
    ["no instant", "a human", "soon"],
    ["no number", "a human", Number.NaN],
    ["no end", "a human", Infinity],
  ])("B29 refuses %s, and starts no wait", async (_, reason, untilAt) => {
    const { turn, clock, of } = await withTurn();
    await clock.advance(500);
    const failing = Promise.reject(new Error("nobody looks"));
    await expect(turn.waiting(reason as string, untilAt as number, failing)).rejects.toMatchObject({
      code: "INVALID_OPTION",
    });
    await clock.advance(500);
    expect(of("turn.waiting")).toEqual([]);
    expect(of("lane.stalled")).toHaveLength(1);
  });
});
