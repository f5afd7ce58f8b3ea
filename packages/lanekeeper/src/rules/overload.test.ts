import { describe, expect, it } from "vitest";
import { createSimulatedClock } from "../time/simulated-clock.ts";
import { bodies, createFixture, type Fixture } from "./fixture.ts";

const overloaded = { code: "OVERLOADED" };

/** A keeper whose only slot is held, and as many items as may wait. */
async function whenFull(waiting = 3): Promise<Fixture> {
  const fixture = await createFixture({ capacity: { turns: 1, waiting } });
  await fixture.keeper.send("holder", 1);
  await fixture.clock.settle();
  for (let index = 0; index < waiting; index++) await fixture.keeper.send(`s${index}`, index);
  return fixture;
}

describe("overload", () => {
  it("B12 takes exactly capacity.waiting items over all sessions, and refuses the next with OVERLOADED", async () => {
    const { keeper, clock, of } = await whenFull(3);
    expect(keeper.stats()).toMatchObject({ running: 1, waiting: 3 });
    await expect(keeper.send("new", 1, { id: "m" })).rejects.toMatchObject({
      ...overloaded,
      details: { sessionKey: "new", id: "m", waiting: 3, limit: 3 },
    });
    await expect(keeper.notify("s0", { kind: "note" }, { id: "e" })).rejects.toMatchObject(overloaded);
    await expect(keeper.send("holder", 2, { mode: "interrupt" })).rejects.toMatchObject(overloaded);
    await clock.settle();
    expect(of("message.refused")).toMatchObject([
      { sessionKey: "new", id: "m", reason: "OVERLOADED" },
      { sessionKey: "holder", reason: "OVERLOADED" },
    ]);
    expect(of("event.refused")).toMatchObject([{ sessionKey: "s0", id: "e", reason: "OVERLOADED" }]);
    expect(keeper.stats()).toMatchObject({ known: 4, waiting: 3, health: "ok" });
  });

  it("B12 takes one more for each that starts or is withdrawn: what runs does not wait", async () => {
    const { keeper, clock, turns } = await whenFull(2);
    turns[0]!.resolve("done");
    await clock.settle();
    await keeper.send("one more", 1);
    await expect(keeper.send("too many", 1)).rejects.toMatchObject(overloaded);
    await keeper.clear("one more");
    await keeper.send("another", 1);
    await expect(keeper.send("too many", 1)).rejects.toMatchObject(overloaded);
  });

  it("B12 counts what backs off, is paused or waits quietly", async () => {
    const { keeper, clock, turns } = await createFixture({ capacity: { turns: 5, waiting: 3 } });
    await keeper.send("fails", 1);
    await clock.settle();
    turns[0]!.reject(new Error("again"));
    await clock.settle();
    await keeper.pause("paused");
    await keeper.send("paused", 1);
    await keeper.notify("quiet", { kind: "note" }, { wake: false });
    await expect(keeper.send("next", 1)).rejects.toMatchObject(overloaded);
    await clock.advance(60_000);
    await expect(keeper.send("next", 1)).resolves.toBeDefined();
  });

  it("B12 goes on accepting completions of commands, reported or of its own", async () => {
    const { keeper, clock, processes } = await createFixture({ capacity: { turns: 1, waiting: 1 } });
    await keeper.send("holder", 1);
    await clock.settle();
    const { execId } = await keeper.exec("a", "build");
    await keeper.send("b", 1);
    processes.started[0]!.end(0);
    await clock.settle();
    await expect(keeper.reportExec({ execId: "job", sessionKey: "a", exitCode: 0 })).resolves.toMatchObject({
      routed: true,
    });
    await expect(keeper.mailbox("a")).resolves.toMatchObject([{ id: execId }, { id: "job" }]);
    expect(keeper.stats().waiting).toBe(3);
    await expect(keeper.send("c", 1)).rejects.toMatchObject(overloaded);
  });

  it("B12 an event that replaces one of its key adds none, and is accepted", async () => {
    const { keeper, clock } = await createFixture({ capacity: { turns: 1, waiting: 1 } });
    await keeper.send("holder", 1);
    await clock.settle();
    await keeper.notify("a", { kind: "old", key: "k" });
    await expect(keeper.notify("a", { kind: "new", key: "k" }, { id: "new" })).resolves.toBeDefined();
    await expect(keeper.mailbox("a")).resolves.toMatchObject([{ id: "new" }]);
    await expect(keeper.notify("a", { kind: "other", key: "other" })).rejects.toMatchObject(overloaded);
  });

  it("B23 refused work is not remembered: sent again with its id it is new", async () => {
    const { keeper, clock, turns, of } = await whenFull(1);
    await expect(keeper.send("a", "first", { id: "m" })).rejects.toMatchObject(overloaded);
    await expect(keeper.attach("a", "m")).resolves.toBeUndefined();
    turns[0]!.resolve("done");
    await clock.settle();
    const receipt = await keeper.send("a", "second", { id: "m" });
    turns[1]!.resolve("done");
    await clock.settle();
    expect(bodies(turns[2]!.turn)).toEqual(["second"]);
    expect(of("message.duplicate")).toEqual([]);
    turns[2]!.resolve("reply");
    await expect(receipt.reply()).resolves.toBe("reply");
  });

  it("B23 what is known already is no new work, however full it is", async () => {
    const { keeper } = await whenFull(2);
    const first = await keeper.attach("s0", "unknown");
    expect(first).toBeUndefined();
    const { id } = (await keeper.mailbox("s0"))[0]!;
    await expect(keeper.send("s0", "again", { id })).resolves.toMatchObject({ id, sessionKey: "s0" });
  });

  it("B16 setCapacity replaces the limit: raised takes more, lowered drops nothing, left out takes all", async () => {
    const { keeper, clock, turns } = await whenFull(2);
    keeper.setCapacity({ turns: 1, waiting: 3 });
    await clock.settle();
    await keeper.send("a", 1);
    await expect(keeper.send("b", 1)).rejects.toMatchObject({ ...overloaded, details: { limit: 3 } });
    keeper.setCapacity({ turns: 1, waiting: 1 });
    await clock.settle();
    expect(keeper.stats().waiting).toBe(3);
    for (const index of [0, 1]) {
      turns[index]!.resolve("done");
      await clock.settle();
      await expect(keeper.send("b", 1)).rejects.toMatchObject(overloaded);
    }
    keeper.setCapacity({ turns: 1 });
    await clock.settle();
    for (let index = 0; index < 20; index++) await keeper.send("b", index);
    expect(keeper.stats().waiting).toBe(21);
  });

  it("B12 under a flood from many senders never more wait than may, and all that was taken runs", async () => {
    const clock = createSimulatedClock();
    const limit = 7;
    const { keeper, events } = await createFixture({
      clock,
      capacity: { turns: 2, waiting: limit },
      turn: () => new Promise<void>((resolve) => void clock.setTimeout(resolve, 100)),
    });
    const most: number[] = [];
    keeper.events$.subscribe(() => most.push(keeper.stats().waiting));
    let taken = 0;
    const refusals: unknown[] = [];
    const send = (sessionKey: string): Promise<unknown> =>
      keeper.send(sessionKey, 1).then(
        () => taken++,
        (error: unknown) => refusals.push(error),
      );
    for (let burst = 0; burst < 40; burst++) {
      await Promise.all(Array.from({ length: 9 }, (_, index) => send(`s${(burst * 5 + index) % 13}`)));
      await clock.advance(70);
    }
    await clock.advance(10_000);
    expect(Math.max(...most)).toBe(limit);
    expect(refusals.length).toBeGreaterThan(100);
    for (const error of refusals) expect(error).toMatchObject(overloaded);
    expect(keeper.stats()).toMatchObject({ waiting: 0, running: 0, completed: taken });
    expect(events.filter(({ type }) => type === "message.refused")).toHaveLength(refusals.length);
  });

  it("B13 expiry runs while a message waits for capacity, until its first start and no longer", async () => {
    const { keeper, clock, turns, of } = await createFixture({ capacity: { turns: 1 } });
    await keeper.send("holder", 1);
    await clock.settle();
    const first = await keeper.send("a", "expires", { expiresInMs: 5_000, id: "expires" });
    const second = await keeper.send("b", "starts", { expiresInMs: 5_001, id: "starts" });
    await clock.advance(4_999);
    expect(of("message.dropped")).toEqual([]);
    await clock.advance(1);
    await expect(first.outcome).resolves.toEqual({ status: "dropped", reason: "expired" });
    expect(of("message.dropped")).toMatchObject([{ sessionKey: "a", id: "expires", reason: "expired" }]);
    expect(keeper.explain("a").blockedBy).toBe("nothing-to-do");
    turns[0]!.resolve("done");
    await clock.settle();
    turns[1]!.reject(new Error("again"));
    await clock.advance(60_000);
    turns[2]!.resolve("done");
    await expect(second.outcome).resolves.toMatchObject({ status: "completed", attempts: 2 });
  });

  it("B13 a lane that waits for capacity for hours is never stalled, aborted or reclaimed", async () => {
    const clock = createSimulatedClock();
    const { keeper, of } = await createFixture({
      clock,
      capacity: { turns: 1 },
      lane: { stallAfterMs: 60_000, reclaimAfterMs: 120_000, turnTimeoutMs: 20_000_000 },
      turn: (turn) =>
        turn.waiting(
          "hours",
          clock.now() + 20_000_000,
          new Promise<void>((resolve) => void clock.setTimeout(resolve, 14_400_000)),
        ),
    });
    await keeper.send("holder", 1);
    await clock.settle();
    const receipt = await keeper.send("a", 1);
    await keeper.notify("b", { kind: "note" });
    await clock.advance(14_399_000);
    for (const key of ["a", "b"]) {
      expect(keeper.session(key)).toMatchObject({ state: "busy", detail: "busy.waitingForCapacity" });
      expect(keeper.explain(key).blockedBy).toBe("capacity");
    }
    expect(of("lane.blocked").filter(({ sessionKey }) => sessionKey === "a")).toHaveLength(480);
    await clock.advance(1_000);
    expect([...of("lane.stalled"), ...of("turn.aborting"), ...of("lane.reclaimed")]).toEqual([]);
    expect(keeper.explain("a").blockedBy).toBe("running");
    await clock.advance(14_400_000);
    await expect(receipt.outcome).resolves.toMatchObject({ status: "completed", attempts: 1 });
  });
});
