import { describe, expect, it } from "vitest";
import { createFixture } from "./fixture.ts";

const lane = { stallAfterMs: 1_000, reclaimAfterMs: 5_000, turnTimeoutMs: 60_000, abortGraceMs: 2_000 };

describe("progress, stall and reclaim", () => {
  it("B24 counts the start, progress() and emit() as progress", async () => {
    const { keeper, clock, turns, of } = await createFixture({ lane });
    await keeper.send("s", 1);
    await clock.advance(900);
    turns[0]!.turn.progress("still here");
    await clock.advance(900);
    turns[0]!.turn.emit({ token: "x" });
    await clock.advance(999);
    expect(of("lane.stalled")).toEqual([]);
    expect(of("turn.progressed")).toMatchObject([{ note: "still here" }]);
    expect(of("turn.emitted")).toMatchObject([{ data: { token: "x" }, turnId: turns[0]!.turn.id }]);
    await clock.advance(1);
    expect(of("lane.stalled")).toHaveLength(1);
  });

  it("B24 counts neither new messages nor events nor other sessions' turns as progress", async () => {
    const { keeper, clock, of } = await createFixture({ lane });
    await keeper.send("s", 1);
    await clock.advance(900);
    await keeper.send("s", 2);
    await keeper.notify("s", { kind: "note" });
    await keeper.send("other", 1);
    await clock.advance(100);
    expect(of("lane.stalled").map(({ sessionKey }) => sessionKey)).toEqual(["s"]);
  });

  it("B25 tells once of a stall, with its facts, and of the recovery", async () => {
    const { keeper, clock, turns, of } = await createFixture({ lane });
    await keeper.send("s", 1);
    await keeper.send("s", 2);
    await clock.advance(3_000);
    expect(of("lane.stalled")).toMatchObject([
      {
        sessionKey: "s",
        turnId: turns[0]!.turn.id,
        ageMs: 1_000,
        lastProgressAt: turns[0]!.turn && clock.now() - 3_000,
        waiting: 1,
      },
    ]);
    expect(keeper.stats().stalled).toBe(1);
    turns[0]!.turn.progress();
    await clock.settle();
    expect(keeper.session("s")!.state).toBe("busy");
    expect(of("lane.recovered")).toMatchObject([{ sessionKey: "s", stalledMs: 2_000 }]);
    expect(keeper.stats().stalled).toBe(0);
    await clock.advance(999);
    expect(of("lane.stalled")).toHaveLength(1);
    await clock.advance(1);
    expect(of("lane.stalled")).toHaveLength(2);
  });

  it("B26 reclaims a silent turn by the lane's own timers, with nothing else arriving", async () => {
    const { keeper, clock, turns, events, of } = await createFixture({ lane });
    const receipt = await keeper.send("s", 1);
    await clock.advance(4_999);
    expect(turns[0]!.turn.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(turns[0]!.turn.signal.reason).toMatchObject({ code: "TURN_STALLED" });
    await clock.advance(1_999);
    expect(keeper.stats().running).toBe(1);
    await clock.advance(1);
    expect(keeper.stats()).toMatchObject({ running: 0, reclaimed: 1, zombies: 1 });
    expect(of("lane.reclaimed")).toMatchObject([
      {
        sessionKey: "s",
        reason: "stalled",
        slotFreed: true,
        isCodeRunning: true,
        waiting: 0,
        next: "nothing",
      },
    ]);
    expect(await receipt.outcome).toMatchObject({ status: "reclaimed", reason: "stalled" });
    expect(keeper.session("s")).toMatchObject({
      state: "idle",
      zombies: 1,
      lastReclaim: { reason: "stalled" },
    });
    const types = events.map(({ type }) => type);
    expect(types.indexOf("lane.reclaimed")).toBeLessThan(types.indexOf("deadLetter.added"));
  });

  it("B26 tells the outcome after lane.reclaimed and starts the session's next turn after that", async () => {
    const { keeper, clock, turns, events } = await createFixture({ lane });
    const order: string[] = [];
    keeper.events$.subscribe(({ type }) => void (/reclaimed|started/.test(type) && order.push(type)));
    const receipt = await keeper.send("s", 1);
    void receipt.outcome.then(() => order.push("outcome"));
    await keeper.send("s", 2);
    await clock.advance(7_000);
    expect(order.filter((what) => what !== "outcome")).toEqual([
      "turn.started",
      "lane.reclaimed",
      "turn.started",
    ]);
    expect(order.indexOf("lane.reclaimed")).toBeLessThan(order.indexOf("outcome"));
    expect(turns).toHaveLength(2);
    expect(events.find(({ type }) => type === "lane.reclaimed")).toMatchObject({ waiting: 1, next: "turn" });
  });

  it("B26 completes a turn that replies within the grace, and reclaims nothing", async () => {
    const { keeper, clock, turns, of } = await createFixture({ lane });
    const receipt = await keeper.send("s", 1);
    await clock.advance(6_000);
    turns[0]!.resolve("in time");
    await clock.settle();
    expect(await receipt.outcome).toMatchObject({ status: "completed", reply: "in time" });
    expect(of("lane.reclaimed")).toEqual([]);
    expect(keeper.stats()).toMatchObject({ reclaimed: 0, zombies: 0, completed: 1 });
  });

  it("B26 reclaims at once when the aborted code rejects", async () => {
    const { keeper, clock, turns } = await createFixture({ lane });
    const receipt = await keeper.send("s", 1);
    await clock.advance(5_000);
    turns[0]!.reject(turns[0]!.turn.signal.reason);
    await clock.settle();
    expect(await receipt.outcome).toMatchObject({ status: "reclaimed", reason: "stalled" });
    expect(keeper.stats()).toMatchObject({ reclaimed: 1, zombies: 0, running: 0 });
  });

  it("B26 times a turn out however busy it is", async () => {
    const { keeper, clock, turns } = await createFixture({ lane });
    const receipt = await keeper.send("s", 1);
    for (let at = 0; at < 60_000; at += 500) {
      await clock.advance(500);
      turns[0]!.turn.progress();
    }
    expect(turns[0]!.turn.signal.reason).toMatchObject({ code: "TURN_TIMEOUT" });
    await clock.advance(2_000);
    expect(await receipt.outcome).toMatchObject({ status: "reclaimed", reason: "timeout" });
    await expect(receipt.reply()).rejects.toMatchObject({ code: "WORK_RECLAIMED" });
  });

  it("B26 reclaims a busy turn that rejects once its time is over", async () => {
    const { keeper, clock, turns, of } = await createFixture({ lane });
    const receipt = await keeper.send("s", 1);
    for (let at = 0; at < 60_000; at += 500) {
      await clock.advance(500);
      turns[0]!.turn.progress();
    }
    turns[0]!.reject(turns[0]!.turn.signal.reason);
    await clock.settle();
    expect(of("lane.reclaimed")).toMatchObject([{ reason: "timeout", isCodeRunning: false }]);
    expect(await receipt.outcome).toMatchObject({ status: "reclaimed", reason: "timeout" });
  });

  it("B26 times a turn out that is stalled when its time is over, and says so", async () => {
    const { keeper, clock, turns } = await createFixture({ lane: { ...lane, turnTimeoutMs: 6_000 } });
    const receipt = await keeper.send("s", 1);
    await clock.advance(3_000);
    turns[0]!.turn.progress();
    await clock.advance(2_999);
    expect(keeper.session("s")!.detail).toBe("stalled.running");
    await clock.advance(1);
    expect(turns[0]!.turn.signal.reason).toMatchObject({ code: "TURN_TIMEOUT" });
    await clock.advance(2_000);
    expect(await receipt.outcome).toMatchObject({ status: "reclaimed", reason: "timeout" });
  });

  it.each([-3_600_000, 3_600_000])(
    "B26 times a turn out by the time that passed, not by a wall clock that is stepped by %d ms",
    async (stepMs) => {
      const { keeper, clock, turns } = await createFixture({ lane });
      await keeper.send("s", 1);
      await clock.settle();
      clock.stepWall(stepMs);
      for (let at = 0; at < 60_000; at += 500) {
        expect(turns[0]!.turn.signal.aborted).toBe(false);
        await clock.advance(500);
        turns[0]!.turn.progress();
      }
      expect(turns[0]!.turn.signal.reason).toMatchObject({ code: "TURN_TIMEOUT" });
    },
  );

  it("B26a moves stall and reclaim deadlines once by the time in which nothing could run", async () => {
    const { keeper, clock, of } = await createFixture({ lane });
    await keeper.send("a", 1);
    await keeper.send("b", 1);
    await clock.advance(500);
    await clock.suspend(30_000);
    expect(of("clock.late")).toHaveLength(1);
    expect(of("lane.stalled")).toEqual([]);
    // A suspension is measured from when something last ran: here the turns' start, 500 ms before it began.
    await clock.advance(499);
    expect(of("lane.stalled")).toEqual([]);
    await clock.advance(501);
    expect(of("lane.stalled")).toHaveLength(2);
    await clock.advance(4_000);
    expect(of("turn.aborting").map(({ reason }) => reason)).toEqual(["stalled", "stalled"]);
  });

  it("B26a moves deadlines by little more than a short delay, however long they are", async () => {
    const { keeper, clock, of } = await createFixture();
    await keeper.send("s", 1);
    await clock.advance(60_000);
    await clock.suspend(2_500);
    expect(of("clock.late").every(({ lostMs }) => lostMs <= 2_500)).toBe(true);
    await clock.advance(59_999);
    expect(of("lane.stalled")).toEqual([]);
    await clock.advance(1);
    expect(of("lane.stalled")).toHaveLength(1);
  });

  it("B26a gives a turn its whole time, whenever the process was suspended before it started", async () => {
    for (let microtasks = 0; microtasks < 30; microtasks++) {
      const { keeper, clock, turns, of } = await createFixture({ lane });
      const sending = keeper.send("s", 1);
      for (let passed = 0; passed < microtasks; passed++) await Promise.resolve();
      await clock.suspend(60_000);
      await sending;
      await clock.settle();
      const [started] = of("turn.started");
      if (started!.at < clock.now()) continue;
      expect(of("lane.stalled")).toEqual([]);
      await clock.advance(999);
      expect(of("lane.stalled")).toEqual([]);
      expect(turns[0]!.turn.signal.aborted).toBe(false);
      await clock.advance(1);
      expect(of("lane.stalled")).toHaveLength(1);
    }
  });

  it("B26a does not move turnTimeoutMs: a turn whose time passed meanwhile is timed out", async () => {
    const { keeper, clock, turns } = await createFixture({ lane });
    await keeper.send("s", 1);
    await clock.advance(500);
    await clock.suspend(60_000);
    await clock.advance(1);
    expect(turns[0]!.turn.signal.reason).toMatchObject({ code: "TURN_TIMEOUT" });
  });

  it("B27 leaves siblings and the same session's waiting work alone when it reclaims a turn", async () => {
    const { keeper, clock, turns } = await createFixture({ lane, capacity: { turns: 2 } });
    await keeper.send("hung", 1);
    const waiting = await keeper.send("hung", 2);
    const sibling = await keeper.send("sibling", 1);
    for (let at = 0; at < 7_000; at += 500) {
      await clock.advance(500);
      turns[1]!.turn.progress();
    }
    expect(turns[1]!.turn.signal.aborted).toBe(false);
    expect(turns[2]!.turn).toMatchObject({ sessionKey: "hung", messages: [{ body: 2 }] });
    turns[1]!.resolve("sibling");
    turns[2]!.resolve("waiting");
    expect(await sibling.reply()).toBe("sibling");
    expect(await waiting.reply()).toBe("waiting");
  });

  it("B27 keeps for the next turn what a command of the reclaimed one has to say (B35)", async () => {
    const { keeper, clock, turns, processes } = await createFixture({ lane });
    await keeper.send("hung", 1);
    await clock.settle();
    await turns[0]!.turn.exec("make");
    processes.started[0]!.end(0);
    await clock.advance(7_000);
    expect(turns[1]!.turn).toMatchObject({ cause: "event", events: [{ kind: "exec.completed" }] });
    expect(keeper.session("hung")!.incarnation).toBe(1);
  });

  it("B28 lets an aborted turn start nothing and ignores its progress", async () => {
    const { keeper, clock, turns, processes, of } = await createFixture({ lane });
    await keeper.send("s", 1);
    await clock.advance(5_000);
    const { turn } = turns[0]!;
    expect(() => turn.assertCurrent()).toThrow(expect.objectContaining({ code: "TURN_FENCED" }));
    await expect(turn.exec("true")).rejects.toMatchObject({ code: "TURN_FENCED" });
    await expect(turn.expectExec("e")).rejects.toMatchObject({ code: "TURN_FENCED" });
    turn.progress("ignored");
    turn.emit("ignored");
    await clock.settle();
    expect(of("turn.emitted")).toEqual([]);
    expect(processes.started).toEqual([]);
    expect(keeper.session("s")!.detail).toBe("stalled.aborting");
  });

  it("B28 decides the outcome of an aborted turn then and there; what it returns does not count", async () => {
    const { keeper, clock, turns, of } = await createFixture({ lane });
    const receipt = await keeper.send("s", 1);
    await clock.settle();
    expect(await keeper.abort("s", "the user left")).toBe(true);
    expect(await receipt.outcome).toEqual({ status: "cancelled", reason: "aborted" });
    expect(turns[0]!.turn.signal.reason).toMatchObject({
      code: "TURN_ABORTED",
      message: expect.stringContaining("the user left"),
    });
    expect(of("turn.aborting")).toMatchObject([{ reason: "aborted", note: "the user left" }]);
    expect(keeper.session("s")!.detail).toBe("busy.aborting");
    turns[0]!.resolve("too late to count");
    await clock.settle();
    expect(keeper.session("s")!.state).toBe("idle");
    expect(await receipt.outcome).toEqual({ status: "cancelled", reason: "aborted" });
    expect(of("turn.completed")).toEqual([]);
    expect(await keeper.abort("s")).toBe(false);
  });

  it("B28 takes the slot of an aborted turn back when its grace is over", async () => {
    const { keeper, clock, of } = await createFixture({ lane, capacity: { turns: 1 } });
    await keeper.send("s", 1);
    await clock.settle();
    await keeper.abort("s");
    await clock.advance(1_999);
    expect(keeper.stats().running).toBe(1);
    await clock.advance(1);
    expect(keeper.stats()).toMatchObject({ running: 0, zombies: 1 });
    expect(of("lane.reclaimed")).toMatchObject([{ reason: "aborted" }]);
  });

  it("B28 lets an abort during the grace of a stall decide the outcome", async () => {
    const { keeper, clock, turns } = await createFixture({ lane });
    const receipt = await keeper.send("s", 1);
    await clock.advance(5_500);
    expect(await keeper.abort("s")).toBe(true);
    turns[0]!.resolve("within the grace");
    await clock.settle();
    expect(await receipt.outcome).toEqual({ status: "cancelled", reason: "aborted" });
  });

  it("B28 makes what a fenced turn returns one turn.lateResult that changes nothing", async () => {
    const { keeper, clock, turns, of } = await createFixture({ lane, capacity: { turns: 1 } });
    const phantom = await keeper.send("s", 1);
    await keeper.send("s", 2);
    await clock.advance(7_000);
    const before = await phantom.outcome;
    turns[0]!.resolve("phantom");
    await clock.settle();
    expect(of("turn.lateResult")).toMatchObject([{ turnId: turns[0]!.turn.id, result: "returned" }]);
    expect(await phantom.outcome).toBe(before);
    expect(keeper.stats()).toMatchObject({ running: 1, zombies: 0, completed: 0 });
    expect(keeper.session("s")!.turn!.id).toBe(turns[1]!.turn.id);
  });

  it("B28 grows the fencing token with each turn of a session", async () => {
    const tokens: bigint[] = [];
    const { keeper, clock } = await createFixture({
      turn: ({ fencingToken }) => void tokens.push(fencingToken),
    });
    for (let index = 0; index < 5; index++) await keeper.send("s", index);
    await clock.settle();
    expect(tokens).toHaveLength(5);
    expect(tokens).toEqual([...new Set(tokens)].toSorted((a, b) => (a < b ? -1 : 1)));
  });

  it("B28 lets a turn that has ended start nothing", async () => {
    const { keeper, clock, turns } = await createFixture();
    await keeper.send("s", 1);
    await clock.settle();
    const { turn } = turns[0]!;
    turns[0]!.resolve(undefined);
    await clock.settle();
    expect(() => turn.assertCurrent()).toThrow(expect.objectContaining({ code: "TURN_FENCED" }));
    await expect(turn.exec("true")).rejects.toMatchObject({ code: "TURN_FENCED" });
    expect(() => turn.progress()).not.toThrow();
  });
});
