import { firstValueFrom, map } from "rxjs";
import { describe, expect, expectTypeOf, it } from "vitest";
import type { Lanekeeper } from "../keeper/keeper.ts";
import { failingStore } from "../rules/failing-store.ts";
import { createFixture } from "../rules/fixture.ts";
import type { SessionView } from "../seeing/views.ts";
import { liveSessions } from "./live-sessions.ts";

type Table = ReadonlyMap<string, SessionView>;

/** A live table of a keeper, and all that it told. */
function watch(keeper: Pick<Lanekeeper, "events$" | "session" | "sessions">) {
  const tables: Table[] = [];
  const ends: unknown[] = [];
  const subscription = liveSessions(keeper).subscribe({
    next: (table) => tables.push(table),
    error: (error) => ends.push(error),
    complete: () => ends.push("completed"),
  });
  const row = (sessionKey: string): SessionView | undefined => tables.at(-1)?.get(sessionKey);
  return { tables, ends, subscription, row };
}

describe("a live table", () => {
  it("starts with every page of what the keeper knows, live or asleep, by key", async () => {
    const { keeper, clock } = await createFixture({
      lane: { passivateAfterMs: 1_000 },
      turn: ({ sessionKey }) => (sessionKey === "s7" ? new Promise(() => {}) : "done"),
    });
    for (let session = 0; session < 1_200; session++) await keeper.send(`s${session}`, 1);
    await clock.advance(2_000);
    expect(keeper.stats()).toMatchObject({ known: 1_200, live: 1 });
    const { tables } = watch(keeper);
    await clock.settle();
    expect(tables).toHaveLength(1);
    expect([...tables[0]!.values()]).toEqual((await keeper.sessions({ limit: 2_000 })).sessions);
    expect(tables[0]!.get("s7")?.state).toBe("busy");
  });

  it("starts empty where the keeper knows none", async () => {
    const { keeper } = await createFixture();
    const table = await firstValueFrom(liveSessions(keeper));
    expectTypeOf(table).toEqualTypeOf<Table>();
    expect([...table]).toEqual([]);
  });

  it("follows the states, the mailbox and the turn of a session", async () => {
    const { keeper, clock, turns } = await createFixture({
      lane: { stallAfterMs: 10_000, reclaimAfterMs: 20_000, abortGraceMs: 0, turnTimeoutMs: 100_000 },
    });
    const { row } = watch(keeper);
    await keeper.send("a", 1);
    await clock.settle();
    const startedAt = clock.now();
    expect(row("a")).toMatchObject({ state: "busy", detail: "busy.running", waiting: 0 });
    await keeper.send("a", 2);
    await keeper.notify("a", { kind: "note" });
    await clock.settle();
    expect(row("a")).toMatchObject({ waiting: 1, events: 1, turn: { lastProgressAt: startedAt } });
    await clock.advance(5_000);
    turns[0]!.turn.progress("half way");
    await clock.settle();
    expect(row("a")?.turn).toMatchObject({ startedAt, lastProgressAt: startedAt + 5_000 });
    await clock.advance(10_000);
    expect(row("a")).toMatchObject({ state: "stalled", detail: "stalled.running" });
    await clock.advance(10_000);
    expect(row("a")).toMatchObject({
      state: "busy",
      waiting: 0,
      events: 0,
      zombies: 1,
      lastReclaim: { reason: "stalled" },
    });
    turns[0]!.resolve("late");
    turns[1]!.resolve("done");
    await clock.settle();
    expect(row("a")).toMatchObject({ state: "idle", detail: "idle", zombies: 0 });
    expect(row("a")?.turn).toBe(undefined);
  });

  it("keeps a session that falls asleep, which is no change", async () => {
    const { keeper, clock, of } = await createFixture({
      lane: { passivateAfterMs: 1_000 },
      turn: () => "done",
    });
    const { tables, row } = watch(keeper);
    await keeper.send("a", 1);
    await clock.settle();
    const before = tables.length;
    await clock.advance(2_000);
    expect(of("lane.passivated")).toHaveLength(1);
    expect(row("a")).toMatchObject({ state: "idle", detail: "idle" });
    expect(tables).toHaveLength(before);
  });

  it("follows what happens to a session that sleeps", async () => {
    const { keeper, clock, turns } = await createFixture({
      lane: { passivateAfterMs: 1_000, stallAfterMs: 2_000, reclaimAfterMs: 4_000, abortGraceMs: 0 },
    });
    const { row } = watch(keeper);
    await keeper.send("a", 1);
    await keeper.notify("b", { kind: "note" }, { wake: false });
    await clock.advance(30_000);
    expect(keeper.stats().live).toBe(0);
    expect([row("a")?.zombies, row("b")?.events]).toEqual([1, 1]);
    turns[0]!.resolve("late");
    await keeper.clear("b", { events: true });
    await keeper.pause("c");
    await clock.settle();
    expect([row("a")?.zombies, row("b")?.events, row("c")?.paused]).toEqual([0, 0, true]);
    await keeper.notify("b", { kind: "note" }, { wake: false });
    await clock.settle();
    expect(row("b")?.events).toBe(1);
    await keeper.reset("a");
    await clock.settle();
    expect(row("a")?.incarnation).toBeGreaterThan(row("b")!.incarnation);
    await keeper.send("a", 2);
    await clock.settle();
    expect(row("a")?.detail).toBe("busy.running");
  });

  it("follows the pauses of sessions and of the keeper, each on its own", async () => {
    const { keeper, clock } = await createFixture({ lane: { passivateAfterMs: 1_000 }, turn: () => "done" });
    const { row } = watch(keeper);
    const paused = () => ["asleep", "held", "live"].map((key) => row(key)?.paused);
    await keeper.send("asleep", 1);
    await keeper.send("held", 1);
    await clock.advance(2_000);
    await keeper.send("live", 1);
    await keeper.pause("held");
    await clock.settle();
    expect(paused()).toEqual([false, true, false]);
    await keeper.pause();
    await clock.settle();
    expect(paused()).toEqual([true, true, true]);
    await keeper.resume();
    await clock.settle();
    expect(paused()).toEqual([false, true, false]);
    await keeper.resume("held");
    await clock.settle();
    expect(paused()).toEqual([false, false, false]);
  });

  it("loses the sessions that the keeper forgets, until they come again", async () => {
    const { keeper, clock } = await createFixture({ turn: () => "done" });
    const { row } = watch(keeper);
    await keeper.notify("a", { kind: "note" }, { wake: false });
    await clock.settle();
    await keeper.clear("a", { events: true });
    await clock.advance(86_400_000 * 2);
    const before = row("a");
    expect([before?.events, await keeper.forget("a")]).toEqual([0, true]);
    await clock.settle();
    expect(row("a")).toBe(undefined);
    await keeper.send("a", 1);
    await clock.settle();
    expect(row("a")?.incarnation).toBeGreaterThan(before!.incarnation);
  });

  it("asks nothing of the store for sessions that are refused", async () => {
    const { keeper, clock, of } = await createFixture();
    let asked = 0;
    const { tables } = watch({
      events$: keeper.events$,
      session: (sessionKey) => keeper.session(sessionKey),
      sessions: (query) => (asked++, keeper.sessions(query)),
    });
    await clock.settle();
    await keeper.drain();
    await expect(keeper.send("unknown", 1)).rejects.toMatchObject({ code: "DRAINING" });
    await clock.settle();
    expect([of("message.refused").length, asked, tables.length]).toEqual([1, 1, 1]);
  });
});

describe("the maps of a live table", () => {
  it("never change, and share the rows that did not", async () => {
    const { keeper, clock } = await createFixture();
    const { tables } = watch(keeper);
    await keeper.send("a", 1);
    await keeper.send("b", 1);
    await clock.settle();
    await keeper.send("a", 2);
    await clock.settle();
    const [before, after] = tables.slice(-2);
    expect([before!.get("a")?.waiting, after!.get("a")?.waiting]).toEqual([0, 1]);
    expect(after!.get("b")).toBe(before!.get("b"));
  });

  it("come once for all that happens in one turn of the event loop", async () => {
    const { keeper, clock, events } = await createFixture({ turn: () => "done" });
    const { tables } = watch(keeper);
    await clock.settle();
    await Promise.all(Array.from({ length: 100 }, (_, session) => keeper.send(`s${session}`, 1)));
    await clock.settle();
    expect(events.length).toBeGreaterThan(400);
    expect(tables.length).toBeLessThan(10);
    expect([...tables.at(-1)!.values()].every(({ state }) => state === "idle")).toBe(true);
  });

  it("come for changes alone", async () => {
    const { keeper, clock, of } = await createFixture({ capacity: { turns: 1 } });
    const { tables } = watch(keeper);
    await keeper.send("a", 1);
    await keeper.send("b", 1);
    await clock.settle();
    const before = tables.length;
    await keeper.send("b", 1, { id: "twice" });
    await clock.settle();
    await keeper.send("b", 1, { id: "twice" });
    await clock.advance(5_000);
    expect([of("message.duplicate").length, of("lane.blocked").length]).toEqual([1, 1]);
    expect(tables).toHaveLength(before + 1);
  });

  it("say what is so also where the keeper gave way to the event loop in the middle of its work", async () => {
    const { keeper, clock } = await createFixture({
      capacity: { turns: 3_000 },
      lane: { cap: 3_000 },
      turn: async ({ sessionKey }) => {
        if (sessionKey !== "sink") await keeper.send("sink", sessionKey);
        await new Promise(() => {});
      },
    });
    const { row } = watch(keeper);
    await keeper.send("sink", "first");
    await clock.settle();
    await keeper.pause();
    for (let session = 0; session < 2_100; session++) await keeper.send(`s${session}`, 1);
    await keeper.resume();
    await clock.settle();
    expect(row("sink")).toMatchObject({ detail: "busy.running", waiting: 2_100 });
  });
});

describe("a live table of a real keeper", () => {
  it("completes when the keeper has closed, also for who comes later", async () => {
    const { keeper, clock } = await createFixture();
    const before = watch(keeper);
    await keeper.send("a", 1);
    await clock.settle();
    const closed = keeper.close();
    await clock.advance(100_000);
    await closed;
    const after = watch(keeper);
    await clock.settle();
    expect([before.ends, after.ends, after.tables]).toEqual([["completed"], ["completed"], []]);
  });

  it("gives the error of a store that fails to who subscribed, or else to the log", async () => {
    const store = failingStore();
    const { keeper, clock, logs } = await createFixture({ store });
    store.fail(["page"], "rejects");
    const { ends } = watch(keeper);
    liveSessions(keeper).subscribe();
    await clock.settle();
    expect(ends).toMatchObject([{ code: "STORE_UNAVAILABLE" }]);
    expect(logs.map(({ fields }) => fields)).toContainEqual({
      place: "a subscriber of events$",
      error: expect.objectContaining({ code: "STORE_UNAVAILABLE" }),
    });
  });

  it("contains a subscriber that throws, also behind operators, and goes on", async () => {
    const { keeper, clock, logs } = await createFixture();
    const error = new Error("broken");
    let told = 0;
    liveSessions(keeper)
      .pipe(map(({ size }) => size))
      .subscribe(() => {
        told++;
        throw error;
      });
    await clock.settle();
    await keeper.send("a", 1);
    await clock.settle();
    expect(told).toBe(2);
    expect(logs).toMatchObject([{ level: "error", fields: { place: "a subscriber of events$", error } }]);
    expect(keeper.session("a")?.detail).toBe("busy.running");
  });

  it("leaves nobody looking once it is unsubscribed", async () => {
    const { keeper, clock } = await createFixture();
    const { tables, subscription } = watch(keeper);
    await clock.settle();
    subscription.unsubscribe();
    await keeper.send("a", 1);
    await clock.settle();
    expect(tables).toHaveLength(1);
  });
});
