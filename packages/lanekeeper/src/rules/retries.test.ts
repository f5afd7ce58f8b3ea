import { describe, expect, it } from "vitest";
import { PermanentError } from "../keeper/errors.ts";
import { bodies, createFixture } from "./fixture.ts";

const lane = { stallAfterMs: 1_000, reclaimAfterMs: 5_000, abortGraceMs: 1_000 };

describe("retries", () => {
  it("B30 dead-letters a reclaimed message by default", async () => {
    const { keeper, clock, turns } = await createFixture({ lane });
    const receipt = await keeper.send("s", "hangs", { id: "m" });
    await clock.advance(60_000);
    expect(turns).toHaveLength(1);
    const outcome = await receipt.outcome;
    expect(outcome).toMatchObject({ status: "reclaimed", reason: "stalled" });
    expect(await keeper.deadLetters({ sessionKey: "s" })).toMatchObject([
      {
        id: outcome.status === "reclaimed" && outcome.deadLetterId,
        reason: "stalled",
        attempts: 1,
        items: [{ id: "m", body: "hangs" }],
      },
    ]);
  });

  it("B30 tries a reclaimed message again up to maxReclaims times, in its place", async () => {
    const { keeper, clock, turns, of } = await createFixture({ lane: { ...lane, maxReclaims: 1 } });
    const receipt = await keeper.send("s", "hangs");
    await keeper.send("s", "next");
    await clock.advance(6_000);
    expect(turns.map(({ turn }) => [bodies(turn)[0], turn.attempt])).toEqual([
      ["hangs", 1],
      ["hangs", 2],
    ]);
    expect(of("turn.retrying")).toMatchObject([{ reason: "reclaimed" }]);
    await clock.advance(6_000);
    expect(await receipt.outcome).toMatchObject({ status: "reclaimed" });
    expect(bodies(turns[2]!.turn)).toEqual(["next"]);
  });

  it("B31 tries a failed turn again with backoff, and dead-letters it after the last attempt", async () => {
    const { keeper, clock, turns, of } = await createFixture({
      lane: { retry: { attempts: 3, baseMs: 1_000 } },
    });
    const receipt = await keeper.send("s", 1);
    const starts: number[] = [];
    const blockers: unknown[] = [];
    for (let attempt = 1; attempt <= 3; attempt++) {
      await clock.settle();
      starts.push(clock.monotonic());
      expect(turns.at(-1)!.turn.attempt).toBe(attempt);
      turns.at(-1)!.reject(new Error(`attempt ${attempt}`));
      await clock.settle();
      blockers.push(keeper.explain("s").blockedBy);
      await clock.advance(500 * 2 ** (attempt - 1));
    }
    expect(starts).toEqual([0, 500, 1_500]);
    expect(blockers).toEqual(["backoff", "backoff", "nothing-to-do"]);
    const outcome = await receipt.outcome;
    expect(outcome).toMatchObject({ status: "failed", attempts: 3, error: { message: "attempt 3" } });
    await expect(receipt.reply()).rejects.toThrow("attempt 3");
    expect(await keeper.deadLetters()).toMatchObject([{ reason: "attempt 3", attempts: 3 }]);
    expect(of("turn.failed").map(({ willRetry }) => willRetry)).toEqual([true, true, false]);
    await clock.advance(3_600_000);
    expect(turns).toHaveLength(3);
  });

  it("B31 keeps each backoff within min(maxMs, baseMs · 2^n)", async () => {
    const { keeper, clock, turns } = await createFixture({
      random: () => 0.999_999,
      lane: { retry: { attempts: 6, baseMs: 100, maxMs: 300 } },
    });
    await keeper.send("s", 1);
    const starts: number[] = [];
    for (let attempt = 1; attempt <= 6; attempt++) {
      await clock.settle();
      starts.push(clock.monotonic());
      turns.at(-1)!.reject(new Error("again"));
      await clock.advance(300);
    }
    await clock.settle();
    expect(turns).toHaveLength(6);
    expect(starts[1]! - starts[0]!).toBeLessThanOrEqual(300);
  });

  it("B31 does not try a PermanentError again", async () => {
    const { keeper, clock, turns } = await createFixture();
    const receipt = await keeper.send("s", 1);
    await clock.settle();
    turns[0]!.reject(new PermanentError("no such key"));
    expect(await receipt.outcome).toMatchObject({ status: "failed", attempts: 1 });
    await clock.advance(600_000);
    expect(turns).toHaveLength(1);
  });

  it("B31 lets a message not wait for an event turn that backs off: its turn takes the events along", async () => {
    const { keeper, clock, turns } = await createFixture();
    await keeper.notify("s", { kind: "event" });
    await clock.settle();
    turns[0]!.reject(new Error("event turn"));
    await clock.settle();
    expect(keeper.session("s")!.detail).toBe("busy.backingOff");
    await keeper.send("s", "message");
    await clock.settle();
    expect(turns[1]!.turn).toMatchObject({ cause: "message", events: [{ kind: "event" }] });
  });

  it("B31a counts attempts per item: an event is dead-lettered only after it rode in so many failed turns", async () => {
    const { keeper, clock, turns } = await createFixture({ lane: { retry: { attempts: 3, baseMs: 0 } } });
    await keeper.pause("s");
    const event = await keeper.notify("s", { kind: "event" });
    const first = await keeper.send("s", "first");
    await keeper.resume("s");
    await clock.settle();
    turns[0]!.reject(new PermanentError("first"));
    expect(await first.outcome).toMatchObject({ status: "failed" });
    await clock.settle();
    expect(turns[1]!.turn).toMatchObject({ cause: "event", events: [{ kind: "event" }] });
    turns[1]!.reject(new Error("second"));
    await clock.advance(1);
    turns[2]!.reject(new Error("third"));
    expect(await event.outcome).toMatchObject({ status: "failed", attempts: 3 });
    await clock.advance(600_000);
    expect(turns).toHaveLength(3);
  });

  it("B31a runs a message's last attempt without the events that failed with it before", async () => {
    const { keeper, clock, turns } = await createFixture({ lane: { retry: { attempts: 2, baseMs: 0 } } });
    await keeper.pause("s");
    await keeper.notify("s", { kind: "poison" });
    const message = await keeper.send("s", "message");
    await keeper.resume("s");
    await clock.settle();
    turns[0]!.reject(new Error("together"));
    await clock.advance(1);
    expect(turns[1]!.turn).toMatchObject({ cause: "message", attempt: 2, events: [] });
    turns[1]!.resolve("alone");
    expect(await message.reply()).toBe("alone");
    await clock.settle();
    expect(turns[2]!.turn).toMatchObject({ cause: "event", events: [{ kind: "poison" }] });
  });

  it("B31a gives a dead-lettered event the outcome of the last turn that held it", async () => {
    const { keeper, clock, turns } = await createFixture({ lane: { ...lane, retry: { attempts: 1 } } });
    const aborted = await keeper.notify("a", { kind: "x" });
    const reclaimed = await keeper.notify("b", { kind: "x" });
    const failed = await keeper.notify("c", { kind: "x" });
    await clock.settle();
    await keeper.abort("a");
    turns[2]!.reject(new Error("no"));
    await clock.advance(6_000);
    expect(await aborted.outcome).toEqual({ status: "cancelled", reason: "aborted" });
    expect(await reclaimed.outcome).toMatchObject({ status: "reclaimed", reason: "stalled" });
    expect(await failed.outcome).toMatchObject({ status: "failed" });
    expect((await keeper.deadLetters()).map(({ reason }) => reason).toSorted()).toEqual([
      "aborted",
      "no",
      "stalled",
    ]);
  });

  it("B31a counts no attempt for a reset", async () => {
    const { keeper, clock, turns } = await createFixture({ lane: { retry: { attempts: 1 } } });
    await keeper.notify("s", { kind: "kept" });
    await clock.settle();
    const reset = keeper.reset("s");
    await clock.settle();
    turns[0]!.resolve(undefined);
    await reset;
    await clock.settle();
    expect(turns[1]!.turn).toMatchObject({ attempt: 1, events: [{ kind: "kept" }] });
    expect(await keeper.deadLetters()).toEqual([]);
  });

  it("B31 tries a wake whose turn failed again, and drops it visibly after the last attempt", async () => {
    const { keeper, clock, turns, of } = await createFixture({
      lane: { retry: { attempts: 2, baseMs: 100 } },
    });
    keeper.wake("s", { reason: "why" });
    await clock.advance(250);
    turns[0]!.reject(new Error("once"));
    await clock.advance(100);
    expect(turns[1]!.turn).toMatchObject({ cause: "wake", attempt: 2, reasons: ["why"] });
    turns[1]!.reject(new Error("twice"));
    await clock.advance(600_000);
    expect(turns).toHaveLength(2);
    expect(of("wake.dropped")).toMatchObject([{ sessionKey: "s", attempts: 2 }]);
  });
});
