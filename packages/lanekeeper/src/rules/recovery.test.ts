import { describe, expect, it } from "vitest";
import type { LanekeeperOptions } from "../keeper/options.ts";
import { memoryStore } from "../store/memory-store.ts";
import type { Store } from "../store/store.ts";
import { bodies, createFixture, type Fixture, type HeldTurn } from "./fixture.ts";

type Options = Partial<Omit<LanekeeperOptions, "clock" | "processes" | "store">>;

const lane = { retry: { attempts: 3, baseMs: 1_000 } };

/** A keeper on a store that another may open after it. */
async function createFirst(options: Options = {}): Promise<Fixture & { readonly store: Store }> {
  const store = memoryStore();
  return { ...(await createFixture({ lane, ...options, store })), store };
}

/** Closes a keeper properly: its turns get no word in, and are fenced after their grace. */
async function close({ keeper, clock }: Fixture): Promise<void> {
  const closing = keeper.close();
  await clock.advance(15_000);
  await closing;
}

/** The next keeper on the store of one that was closed. */
async function reopen(first: Fixture & { readonly store: Store }, options: Options = {}): Promise<Fixture> {
  // Both have the same chance: ids of another millisecond are others.
  await first.clock.advance(1);
  const next = await createFixture({ lane, ...options, store: first.store, clock: first.clock });
  await first.clock.advance(0);
  return next;
}

/** The next keeper on the store of one whose process has died: it is closed under it, and nobody told it. */
async function takeOver(first: Fixture & { readonly store: Store }, options: Options = {}): Promise<Fixture> {
  await first.store.close();
  return reopen(first, options);
}

/** The messages and attempts of the turns that started, in order. */
function ran({ turns }: { readonly turns: readonly HeldTurn[] }): readonly unknown[] {
  return turns.map(({ turn }) => [turn.sessionKey, bodies(turn), turn.attempt]);
}

async function endAll({ turns, clock }: Fixture): Promise<void> {
  for (let ended = 0; ended < turns.length; ended++) {
    turns[ended]!.resolve("done");
    await clock.settle();
  }
}

describe("a store whose keeper has closed", () => {
  it("B58 runs what was suspended, in order, the running turn's work first and with the same attempt", async () => {
    const first = await createFirst({ capacity: { turns: 2 } });
    for (const key of ["c", "a", "b"]) for (const body of [1, 2]) await first.keeper.send(key, body);
    await first.keeper.notify("a", { kind: "note" });
    await first.clock.settle();
    expect(ran(first)).toEqual([
      ["c", [1], 1],
      ["a", [1], 1],
    ]);
    await close(first);
    const next = await reopen(first, { capacity: { turns: 1 } });
    await endAll(next);
    expect(ran(next)).toEqual([
      ["a", [1], 1],
      ["b", [1], 1],
      ["c", [1], 1],
      ["a", [2], 1],
      ["b", [2], 1],
      ["c", [2], 1],
    ]);
    expect(next.turns[0]!.turn.events).toMatchObject([{ kind: "note" }]);
  });

  it("B58 goes on with backoffs and attempts", async () => {
    const first = await createFirst();
    await first.keeper.send("a", "work", { id: "m" });
    await first.clock.settle();
    first.turns[0]!.reject(new Error("once"));
    await first.clock.settle();
    await first.keeper.close();
    const next = await reopen(first);
    expect(next.keeper.explain("a").blockedBy).toBe("backoff");
    await next.clock.advance(498);
    expect(next.turns).toEqual([]);
    await next.clock.advance(1);
    expect(ran(next)).toEqual([["a", ["work"], 2]]);
    next.turns[0]!.resolve("done");
    const receipt = await next.keeper.attach("a", "m");
    await expect(receipt!.outcome).resolves.toMatchObject({ status: "completed", attempts: 2 });
  });

  it.each(["closed", "abandoned"] as const)("B18 keeps a batch as it was: %s", async (how) => {
    const first = await createFirst({ lane: { ...lane, mode: "collect", debounceMs: 0 } });
    await first.keeper.pause("a");
    for (const body of [1, 2]) await first.keeper.send("a", body);
    await first.keeper.resume("a");
    await first.clock.settle();
    await first.keeper.send("a", 3);
    if (how === "closed") await close(first);
    const next = await (how === "closed" ? reopen : takeOver)(first, {
      lane: { mode: "collect", debounceMs: 0 },
    });
    await next.keeper.send("a", 4);
    await endAll(next);
    expect(ran(next)).toEqual([
      ["a", [1, 2], how === "closed" ? 1 : 2],
      ["a", [3, 4], 1],
    ]);
  });

  it.each(["closed", "abandoned"] as const)(
    "B19 gives steering, taken or not, to the turn that tries its work again: %s",
    async (how) => {
      const first = await createFirst();
      await first.keeper.send("a", "work");
      await first.clock.settle();
      await first.keeper.send("a", "taken", { mode: "steer" });
      await first.clock.settle();
      expect(first.turns[0]!.turn.takeSteering()).toMatchObject([{ body: "taken" }]);
      await first.keeper.send("a", "waiting", { mode: "steer" });
      await first.keeper.send("a", "after");
      await first.clock.settle();
      if (how === "closed") await close(first);
      const next = await (how === "closed" ? reopen : takeOver)(first);
      expect(ran(next)).toEqual([["a", ["work"], how === "closed" ? 1 : 2]]);
      const steering = next.turns[0]!.turn.takeSteering();
      expect(steering).toMatchObject([{ body: "taken" }, { body: "waiting" }]);
      await endAll(next);
      expect(ran(next).slice(1)).toEqual([["a", ["after"], 1]]);
      for (const { id } of steering) {
        await expect((await next.keeper.attach("a", id))!.outcome).resolves.toMatchObject({
          status: "completed",
        });
      }
    },
  );

  it("B22 drops what expired while nobody had it, and starts no turn on it", async () => {
    const first = await createFirst({ capacity: { turns: 1 } });
    await first.keeper.send("a", "holds");
    await first.clock.settle();
    const expired = [await first.keeper.send("b", "alone", { id: "x", expiresInMs: 20_000 })];
    expired.push(await first.keeper.send("c", "first", { id: "x", expiresInMs: 20_000 }));
    await first.keeper.send("c", "second");
    await close(first);
    await first.clock.advance(5_000);
    const next = await reopen(first);
    await next.clock.settle();
    expect(ran(next)).toEqual([
      ["a", ["holds"], 1],
      ["c", ["second"], 1],
    ]);
    expect(next.of("message.dropped").map(({ sessionKey }) => sessionKey)).toEqual(["b", "c"]);
    for (const { sessionKey, id } of expired) {
      const outcome = (await next.keeper.attach(sessionKey, id))!.outcome;
      await expect(outcome).resolves.toEqual({ status: "dropped", reason: "expired" });
    }
  });

  it("B22 goes on with the expiry of what waits, paused or for capacity, but not of what was started once", async () => {
    const first = await createFirst({ capacity: { turns: 1 } });
    await first.keeper.send("a", "started", { expiresInMs: 20_000 });
    await first.clock.settle();
    await first.keeper.send("b", "waits", { id: "x", expiresInMs: 40_000 });
    await first.keeper.pause("c");
    await first.keeper.send("c", "paused", { id: "x", expiresInMs: 40_000 });
    await close(first);
    await first.clock.advance(15_000);
    const next = await reopen(first, { capacity: { turns: 1 } });
    expect(ran(next)).toEqual([["a", ["started"], 1]]);
    await next.clock.advance(9_998);
    expect(next.keeper.stats().waiting).toBe(2);
    await next.clock.advance(1);
    expect(next.of("message.dropped").map(({ sessionKey, reason }) => [sessionKey, reason])).toEqual([
      ["b", "expired"],
      ["c", "expired"],
    ]);
    expect(next.keeper.explain("b").blockedBy).toBe("nothing-to-do");
  });

  it("B58 keeps pauses, quiet events and dead letters, and forgets wakes", async () => {
    const first = await createFirst({ lane: { retry: { attempts: 1 } } });
    await first.keeper.send("dead", 1);
    await first.clock.settle();
    first.turns[0]!.reject(new Error("no"));
    await first.keeper.pause("paused");
    await first.keeper.send("paused", 1);
    await first.keeper.notify("quiet", { kind: "note" }, { wake: false });
    first.keeper.wake("woken", { coalesceMs: 10_000 });
    await first.clock.settle();
    await first.keeper.close();
    const next = await reopen(first);
    await next.clock.advance(60_000);
    expect(next.turns).toEqual([]);
    await expect(next.keeper.deadLetters()).resolves.toMatchObject([{ sessionKey: "dead", reason: "no" }]);
    await next.keeper.resume("paused");
    next.keeper.wake("quiet", { coalesceMs: 0 });
    await next.clock.settle();
    expect(next.turns.map(({ turn }) => turn.cause)).toEqual(["message", "wake"]);
  });

  it("B23 knows ids and outcomes as long as the first keeper would have", async () => {
    const first = await createFirst({ lane: { dedupeMs: 100_000 } });
    await first.keeper.send("a", "work", { id: "m" });
    await first.clock.settle();
    first.turns[0]!.resolve("of the first");
    await first.clock.advance(60_000);
    await first.keeper.close();
    const next = await reopen(first, { lane: { dedupeMs: 100_000 } });
    await next.clock.advance(39_998);
    await expect((await next.keeper.send("a", "again", { id: "m" })).reply()).resolves.toBe("of the first");
    await next.clock.advance(1);
    await next.keeper.send("a", "new", { id: "m" });
    await next.clock.settle();
    expect(ran(next)).toEqual([["a", ["new"], 1]]);
  });

  it("B11 keeps incarnations, and neither they nor fencing tokens go back or repeat", async () => {
    const first = await createFirst();
    await first.keeper.reset("a");
    await first.keeper.send("a", 1);
    await first.clock.settle();
    const incarnation = first.keeper.session("a")!.incarnation;
    const token = first.turns[0]!.turn.fencingToken;
    await close(first);
    const next = await reopen(first);
    expect(next.keeper.session("a")!.incarnation).toBe(incarnation);
    expect(next.turns[0]!.turn.fencingToken).toBeGreaterThan(token);
    await next.keeper.send("b", 1);
    await next.clock.settle();
    expect(next.keeper.session("b")!.incarnation).toBeGreaterThan(incarnation);
  });
});

describe("a store whose keeper has died", () => {
  it("B30 tries what was running again, with the next attempt, and leaves what waited as it was", async () => {
    const first = await createFirst();
    await first.keeper.send("a", "ran");
    await first.keeper.notify("b", { kind: "ran" });
    await first.clock.settle();
    await first.keeper.send("a", "waited");
    const next = await takeOver(first);
    expect(next.turns.map(({ turn }) => [turn.sessionKey, turn.cause, turn.attempt])).toEqual([
      ["a", "message", 2],
      ["b", "event", 2],
    ]);
    await endAll(next);
    expect(ran(next).at(-1)).toEqual(["a", ["waited"], 1]);
  });

  it("B30 tries it maxCrashes times, then makes it a dead letter that can be redriven", async () => {
    let keeper: Fixture & { readonly store: Store } = await createFirst();
    const { store } = keeper;
    await keeper.keeper.send("a", "kills", { id: "m" });
    await keeper.keeper.send("a", "next");
    await keeper.clock.settle();
    for (const attempt of [2, 3]) {
      keeper = { ...(await takeOver(keeper)), store };
      expect(ran(keeper)).toEqual([["a", ["kills"], attempt]]);
    }
    keeper = { ...(await takeOver(keeper)), store };
    expect(ran(keeper)).toEqual([["a", ["next"], 1]]);
    const letters = await keeper.keeper.deadLetters();
    expect(letters).toMatchObject([{ reason: "crashed", attempts: 3, items: [{ id: "m" }] }]);
    await expect((await keeper.keeper.attach("a", "m"))!.outcome).resolves.toMatchObject({
      status: "reclaimed",
      reason: "crashed",
      deadLetterId: letters[0]!.id,
    });
    await keeper.keeper.redrive(letters[0]!.id);
    await endAll(keeper);
    expect(ran(keeper).at(-1)).toEqual(["a", ["kills"], 1]);
  });

  it("B30 says what it gave up, in the log and to whoever subscribes", async () => {
    const first = await createFirst();
    await first.keeper.send("a", "kills");
    await first.clock.settle();
    const next = await takeOver(first, { lane: { maxCrashes: 0 } });
    await expect(next.keeper.deadLetters()).resolves.toHaveLength(1);
    expect(next.logs).toMatchObject([{ level: "warn", fields: { sessionKey: "a", reason: "crashed" } }]);
    expect(next.of("deadLetter.added")).toMatchObject([{ sessionKey: "a", reason: "crashed" }]);
  });

  it("B30 counts crashes apart from failures, for messages and for the events that ride along", async () => {
    const first = await createFirst();
    await first.keeper.pause("a");
    await first.keeper.notify("a", { kind: "rides" });
    await first.keeper.send("a", "work");
    await first.keeper.resume("a");
    await first.clock.settle();
    first.turns[0]!.reject(new Error("failed"));
    await first.clock.advance(500);
    expect(first.turns).toHaveLength(2);
    const next = await takeOver(first, { lane: { ...lane, maxCrashes: 1 } });
    expect(ran(next)).toEqual([["a", ["work"], 3]]);
    expect(next.turns[0]!.turn.events).toMatchObject([{ kind: "rides" }]);
    next.turns[0]!.reject(new Error("failed"));
    await next.clock.advance(60_000);
    expect(ran(next).at(-1)).toEqual(["a", ["work"], 4]);
    expect(next.turns[1]!.turn.events).toEqual([]);
    await expect(next.keeper.deadLetters()).resolves.toEqual([]);
  });

  it("B28 does not try again what had its outcome already, though its code still ran", async () => {
    const first = await createFirst();
    const aborted = await first.keeper.send("a", "aborted");
    await first.keeper.send("b", "interrupted");
    await first.keeper.notify("b", { kind: "held" });
    await first.clock.settle();
    await first.keeper.abort("a");
    await first.keeper.send("b", "interrupts", { mode: "interrupt" });
    await first.clock.settle();
    await expect(aborted.outcome).resolves.toEqual({ status: "cancelled", reason: "aborted" });
    const next = await takeOver(first);
    expect(ran(next)).toEqual([["b", ["interrupts"], 1]]);
  });

  it("B40 a turn of nothing but a wake leaves its session free", async () => {
    const first = await createFirst();
    first.keeper.wake("a", { coalesceMs: 0 });
    await first.clock.settle();
    expect(first.turns).toHaveLength(1);
    const next = await takeOver(first);
    await next.clock.advance(10_000);
    expect(next.turns).toEqual([]);
    await next.keeper.send("a", 1);
    await next.clock.settle();
    expect(ran(next)).toEqual([["a", [1], 1]]);
  });

  it("B37 reports a command that ran as lost, and waits for an announced one until its time is over", async () => {
    const first = await createFirst();
    const { execId } = await first.keeper.exec("a", "build");
    for (const id of ["reported", "silent"]) await first.keeper.expectExec("b", id, { timeoutMs: 60_000 });
    await first.clock.advance(10_000);
    const next = await takeOver(first);
    expect(next.turns[0]!.turn.events).toMatchObject([
      { id: execId, body: { status: "lost", exitCode: null } },
    ]);
    await expect(next.keeper.reportExec({ execId: "reported", exitCode: 0 })).resolves.toMatchObject({
      routed: true,
      sessionKey: "b",
    });
    await next.clock.advance(49_998);
    await endAll(next);
    expect(next.turns).toHaveLength(2);
    await next.clock.advance(1);
    expect(next.turns[2]!.turn.events).toMatchObject([{ id: "silent", body: { status: "lost" } }]);
    await endAll(next);
    first.processes.started[0]!.end(0);
    await next.clock.advance(600_000);
    await expect(next.keeper.reportExec({ execId, exitCode: 0 })).resolves.toMatchObject({
      reason: "duplicate",
    });
    expect(next.turns).toHaveLength(3);
  });

  it("B59 refuses its first keeper, whose late results change nothing and whose promises all settle", async () => {
    const first = await createFirst({ capacity: { turns: 2 } });
    const receipts = [await first.keeper.send("a", "runs"), await first.keeper.send("b", "waits")];
    receipts.push(await first.keeper.send("c", "waits for capacity"));
    await first.clock.settle();
    const next = await takeOver(first);
    await first.clock.settle();
    expect(ran(next)).toEqual([
      ["a", ["runs"], 2],
      ["b", ["waits"], 2],
      ["c", ["waits for capacity"], 1],
    ]);
    first.turns[0]!.resolve("late");
    first.turns[1]!.reject(new Error("late"));
    await first.clock.advance(5_000);
    for (const call of [
      () => first.keeper.send("a", 1),
      () => first.keeper.notify("a", { kind: "note" }),
      () => first.keeper.mailbox("a"),
      () => first.keeper.pause(),
      () => first.keeper.redrive("letter"),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: "STORE_IN_USE" });
    }
    expect(first.keeper.stats().completed).toBe(0);
    await close(first);
    for (const receipt of receipts) await expect(receipt.outcome).resolves.toEqual({ status: "suspended" });

    next.turns[0]!.resolve("of the next");
    await next.clock.settle();
    await expect((await next.keeper.attach("a", receipts[0]!.id))!.reply()).resolves.toBe("of the next");
    await next.keeper.send("e", "the store is the next keeper's still");
    await next.clock.settle();
    expect(ran(next).at(-1)).toMatchObject(["e", {}, 1]);
  });
});
