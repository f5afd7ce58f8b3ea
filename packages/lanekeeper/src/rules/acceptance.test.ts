import { describe, expect, it } from "vitest";
import { bodies, createFixture } from "./fixture.ts";

describe("acceptance", () => {
  it("B17 makes each message a turn of its own, in order", async () => {
    const { keeper, clock, turns } = await createFixture();
    for (const body of ["a", "b", "c"]) await keeper.send("s", body, { mode: "followup" });
    for (let index = 0; index < 3; index++) {
      await clock.settle();
      turns[index]!.resolve(undefined);
    }
    await clock.settle();
    expect(turns.map(({ turn }) => bodies(turn))).toEqual([["a"], ["b"], ["c"]]);
  });

  it("B17 carries meta to the turn and into its events", async () => {
    const { keeper, clock, turns, of } = await createFixture();
    await keeper.send("s", 1, { meta: { trace: "t1" } });
    await clock.settle();
    expect(turns[0]!.turn.messages[0]!.meta).toEqual({ trace: "t1" });
    expect(of("turn.started")[0]!.meta).toEqual({ trace: "t1" });
  });

  it("B22 refuses a message beyond cap with LANE_FULL, and says so", async () => {
    const { keeper, clock, of } = await createFixture({ lane: { cap: 2 } });
    await keeper.send("s", "runs");
    await clock.settle();
    await keeper.send("s", 1);
    await keeper.send("s", 2);
    await expect(keeper.send("s", 3, { id: "late" })).rejects.toMatchObject({
      code: "LANE_FULL",
      details: { waiting: 2, limit: 2 },
    });
    expect(of("message.refused")).toMatchObject([{ sessionKey: "s", id: "late", reason: "LANE_FULL" }]);
    expect(keeper.session("s")!.waiting).toBe(2);
  });

  it("B22 drops the oldest event that is no exec completion beyond eventCap, with an outcome and an event", async () => {
    const { keeper, of } = await createFixture({ lane: { eventCap: 2 } });
    await keeper.pause("s");
    await keeper.reportExec({ execId: "e1", sessionKey: "s", exitCode: 0 });
    const dropped = await keeper.notify("s", { kind: "old" }, { id: "old" });
    await keeper.notify("s", { kind: "new" }, { id: "new" });
    expect(await dropped.outcome).toEqual({ status: "dropped", reason: "overflow" });
    await expect(dropped.reply()).rejects.toMatchObject({ code: "MESSAGE_DROPPED" });
    expect(of("event.dropped")).toMatchObject([{ id: "old", reason: "overflow" }]);
    expect((await keeper.mailbox("s")).map(({ id }) => id)).toEqual(["e1", "new"]);
  });

  it("B22 never drops an event that a turn has held", async () => {
    const { keeper, clock, turns } = await createFixture({ lane: { eventCap: 1 } });
    await keeper.notify("s", { kind: "held" }, { id: "held" });
    await clock.settle();
    turns[0]!.reject(new Error("once"));
    await clock.settle();
    await expect(keeper.notify("s", { kind: "new" })).rejects.toMatchObject({ code: "LANE_FULL" });
    expect(await keeper.mailbox("s")).toMatchObject([{ id: "held", attempts: 1 }]);
  });

  it("B22 refuses an event with LANE_FULL where only exec completions wait, and keeps every completion", async () => {
    const { keeper, of } = await createFixture({ lane: { eventCap: 1 } });
    await keeper.pause("s");
    for (const execId of ["e1", "e2"]) {
      expect(await keeper.reportExec({ execId, sessionKey: "s", exitCode: 0 })).toMatchObject({
        routed: true,
      });
    }
    await expect(keeper.notify("s", { kind: "note" })).rejects.toMatchObject({ code: "LANE_FULL" });
    expect(of("event.refused")).toMatchObject([{ reason: "LANE_FULL" }]);
    expect(await keeper.mailbox("s")).toHaveLength(2);
  });

  it("B22 replaces the waiting event of the same key, which takes the end of the queue", async () => {
    const { keeper, clock, turns, of } = await createFixture();
    await keeper.pause("s");
    const first = await keeper.notify("s", { kind: "status", body: 1, key: "k" }, { id: "first" });
    await keeper.notify("s", { kind: "other" });
    await keeper.notify("s", { kind: "status", body: 2, key: "k" }, { id: "second" });
    expect(await first.outcome).toEqual({ status: "dropped", reason: "replaced" });
    expect(of("event.replaced")).toMatchObject([{ id: "first", by: "second" }]);
    await keeper.resume("s");
    await clock.settle();
    expect(turns[0]!.turn.events.map(({ kind, body }) => [kind, body])).toEqual([
      ["other", undefined],
      ["status", 2],
    ]);
  });

  it("B23 gives the same work for the same id while it waits, runs and is remembered", async () => {
    const { keeper, clock, turns, of } = await createFixture({ lane: { dedupeMs: 1_000 } });
    const first = await keeper.send("s", "once", { id: "x" });
    const waiting = await keeper.send("s", "again", { id: "x" });
    await clock.settle();
    const running = await keeper.send("s", "again", { id: "x" });
    turns[0]!.resolve("reply");
    await clock.settle();
    const settled = await keeper.send("s", "again", { id: "x" });
    const expected = await first.outcome;
    for (const receipt of [waiting, running, settled]) {
      expect(receipt.acceptedAt).toBe(first.acceptedAt);
      expect(await receipt.outcome).toEqual(expected);
      expect(await receipt.reply()).toBe("reply");
    }
    expect(turns).toHaveLength(1);
    expect(of("message.duplicate")).toHaveLength(3);
  });

  it("B23 forgets an id dedupeMs after its outcome, and not before", async () => {
    const { keeper, clock } = await createFixture({ lane: { dedupeMs: 1_000 }, turn: () => "done" });
    await (
      await keeper.send("s", 1, { id: "x" })
    ).outcome;
    await clock.advance(999);
    expect(await keeper.attach("s", "x")).toBeDefined();
    await clock.advance(1);
    expect(await keeper.attach("s", "x")).toBeUndefined();
    const again = await keeper.send("s", 2, { id: "x" });
    expect(await again.outcome).toMatchObject({ status: "completed", attempts: 1 });
  });

  it("B23 knows an id per session", async () => {
    const { keeper } = await createFixture({ turn: ({ sessionKey }) => sessionKey });
    const a = await keeper.send("a", 1, { id: "x" });
    const b = await keeper.send("b", 1, { id: "x" });
    expect(await a.reply()).toBe("a");
    expect(await b.reply()).toBe("b");
  });

  it("B23 does not remember refused work", async () => {
    const { keeper, clock, turns } = await createFixture({ lane: { cap: 1 } });
    await keeper.send("s", "runs");
    await clock.settle();
    await keeper.send("s", "waits");
    await expect(keeper.send("s", "refused", { id: "x" })).rejects.toMatchObject({ code: "LANE_FULL" });
    turns[0]!.resolve(undefined);
    await clock.settle();
    await keeper.send("s", "accepted", { id: "x" });
    expect(await keeper.mailbox("s")).toMatchObject([{}, { id: "x" }]);
  });

  it("B23 gives the receipt of earlier work by attach", async () => {
    const { keeper, clock, turns } = await createFixture();
    const sent = await keeper.send("s", 1, { id: "x" });
    const attached = await keeper.attach("s", "x");
    expect(attached).toMatchObject({ id: "x", sessionKey: "s", acceptedAt: sent.acceptedAt });
    await clock.settle();
    turns[0]!.resolve("reply");
    expect(await attached!.reply()).toBe("reply");
    expect(await (await keeper.attach("s", "x"))!.reply()).toBe("reply");
    expect(await keeper.attach("s", "never")).toBeUndefined();
    expect(await keeper.attach("never", "x")).toBeUndefined();
  });

  it("B23 knows exec completions apart from the ids that hosts give", async () => {
    const { keeper } = await createFixture();
    await keeper.pause("s");
    await keeper.send("s", 1, { id: "same" });
    expect(await keeper.reportExec({ execId: "same", sessionKey: "s", exitCode: 0 })).toMatchObject({
      routed: true,
    });
    expect(await keeper.mailbox("s")).toHaveLength(2);
  });
});
