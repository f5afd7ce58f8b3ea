import { describe, expect, test } from "vitest";
import { PermanentError } from "../keeper/errors.ts";
import { createFixture } from "./fixture.ts";

/** The views of B60 and B61: stats, session, sessions, mailbox, deadLetters. */

describe("stats", () => {
  test("B60 stats of a new keeper", async () => {
    const { keeper } = await createFixture({ capacity: { turns: 3 } });
    expect(keeper.stats()).toEqual({
      health: "ok",
      known: 0,
      live: 0,
      running: 0,
      waiting: 0,
      stalled: 0,
      reclaimed: 0,
      zombies: 0,
      capacity: 3,
      locks: 0,
      eventLoopDelayMs: expect.any(Number) as number,
      completed: 0,
      failed: 0,
    });
  });

  test("B60 stats count what is known, live, running, waiting, completed and failed", async () => {
    const { keeper, clock, turns } = await createFixture({
      capacity: { turns: 2 },
      lane: { passivateAfterMs: 1_000, retry: { attempts: 1 } },
    });
    for (const sessionKey of ["a", "b", "c"]) await keeper.send(sessionKey, 1);
    await keeper.send("a", 2);
    await keeper.notify("a", { kind: "note" });
    await clock.settle();
    expect(keeper.stats()).toMatchObject({ known: 3, live: 3, running: 2, waiting: 3 });
    turns[0]!.resolve("done");
    turns[1]!.reject(new Error("broken"));
    await clock.settle();
    expect(keeper.stats()).toMatchObject({ running: 2, waiting: 0, completed: 1, failed: 1 });
    await clock.advance(1_000);
    expect(keeper.stats()).toMatchObject({ known: 3, live: 2 });
  });

  test("B60 stats follow a turn from stalled to reclaimed to zombie to returned", async () => {
    const { keeper, clock, turns, of } = await createFixture({
      capacity: { turns: 5, zombies: 0 },
      lane: { stallAfterMs: 1_000, reclaimAfterMs: 5_000, abortGraceMs: 2_000 },
    });
    await keeper.send("a", 1);
    await clock.advance(1_000);
    expect(keeper.stats()).toMatchObject({ stalled: 1, running: 1, reclaimed: 0 });
    await clock.advance(6_000);
    expect(keeper.stats()).toMatchObject({
      stalled: 0,
      running: 0,
      reclaimed: 1,
      zombies: 1,
      health: "degraded",
    });
    expect(keeper.session("a")).toMatchObject({
      state: "idle",
      zombies: 1,
      lastReclaim: { reason: "stalled", turnId: turns[0]!.turn.id },
    });
    turns[0]!.resolve("late");
    await clock.settle();
    expect(keeper.stats()).toMatchObject({ zombies: 0, reclaimed: 1, completed: 0, health: "ok" });
    expect(of("health.changed").map(({ health }) => health)).toEqual(["degraded", "ok"]);
  });

  test("B60 stats and views are what they were: later changes do not reach them", async () => {
    const { keeper, clock } = await createFixture();
    const before = keeper.stats();
    await keeper.send("a", 1);
    await clock.settle();
    const view = keeper.session("a")!;
    await keeper.send("a", 2);
    await clock.settle();
    expect(before).toMatchObject({ known: 0, running: 0 });
    expect(view).toMatchObject({ waiting: 0 });
  });
});

describe("session", () => {
  test("B60 a session as it is now, with the turn it runs", async () => {
    const { keeper, clock, turns } = await createFixture({ agentOf: (key) => key.toUpperCase() });
    await keeper.send("a", 1);
    await clock.settle();
    await keeper.send("a", 2);
    await keeper.notify("a", { kind: "note" });
    await keeper.notify("a", { kind: "note" }, { wake: false });
    await clock.advance(5_000);
    turns[0]!.turn.progress();
    expect(keeper.session("a")).toEqual({
      sessionKey: "a",
      agent: "A",
      state: "busy",
      detail: "busy.running",
      waiting: 1,
      events: 2,
      turn: {
        id: turns[0]!.turn.id,
        cause: "message",
        attempt: 1,
        startedAt: clock.now() - 5_000,
        lastProgressAt: clock.now(),
      },
      zombies: 0,
      incarnation: expect.any(Number) as number,
      paused: false,
    });
  });

  test("B60 a session without a live lane is undefined, and sessions() still has it", async () => {
    const { keeper, clock } = await createFixture({ turn: () => "ok", lane: { passivateAfterMs: 1_000 } });
    await keeper.notify("a", { kind: "note" }, { wake: false });
    expect(keeper.session("b")).toBeUndefined();
    await clock.advance(1_000);
    expect(keeper.session("a")).toBeUndefined();
    await expect(keeper.sessions()).resolves.toEqual({
      sessions: [
        {
          sessionKey: "a",
          agent: "main",
          state: "idle",
          detail: "idle",
          waiting: 0,
          events: 1,
          zombies: 0,
          incarnation: expect.any(Number) as number,
          paused: false,
        },
      ],
    });
  });
});

describe("sessions", () => {
  const keys = ["chat:1", "chat:10", "chat:2", "job:1", "job:2"];

  test("B60 sessions() pages by key, whatever the page size, and each session comes once", async () => {
    const { keeper } = await createFixture();
    for (const key of keys.toReversed()) await keeper.send(key, 1);
    for (const limit of [1, 2, 3, 5, 100]) {
      const seen: string[] = [];
      let after: string | undefined;
      do {
        const page = await keeper.sessions({ limit, after });
        expect(page.sessions.length).toBeLessThanOrEqual(limit);
        seen.push(...page.sessions.map(({ sessionKey }) => sessionKey));
        after = page.next;
      } while (after !== undefined);
      expect(seen).toEqual(keys);
    }
  });

  test("B60 sessions() has no next page when there is none", async () => {
    const { keeper } = await createFixture();
    await expect(keeper.sessions()).resolves.toEqual({ sessions: [] });
    for (const key of keys) await keeper.send(key, 1);
    expect(await keeper.sessions({ limit: 5 })).not.toHaveProperty("next");
    expect((await keeper.sessions({ limit: 4 })).next).toBe("job:1");
  });

  test("B60 sessions() filters by prefix and state, and a session that came meanwhile disturbs no page", async () => {
    const { keeper, clock } = await createFixture({ capacity: { turns: 1 } });
    for (const key of keys) await keeper.notify(key, { kind: "note" }, { wake: false });
    await keeper.send("chat:10", 1);
    await keeper.send("job:2", 1);
    await clock.settle();
    const list = async (query: Parameters<typeof keeper.sessions>[0]) =>
      (await keeper.sessions(query)).sessions.map(({ sessionKey }) => sessionKey);
    expect(await list({ prefix: "job:" })).toEqual(["job:1", "job:2"]);
    expect(await list({ prefix: "nothing" })).toEqual([]);
    expect(await list({ state: "busy" })).toEqual(["chat:10", "job:2"]);
    expect(await list({ state: "idle", prefix: "chat:" })).toEqual(["chat:1", "chat:2"]);
    expect(await list({ state: "stalled" })).toEqual([]);
    const first = await keeper.sessions({ state: "idle", limit: 2 });
    expect(first).toMatchObject({
      sessions: [{ sessionKey: "chat:1" }, { sessionKey: "chat:2" }],
      next: "chat:2",
    });
    await keeper.notify("chat:0", { kind: "note" }, { wake: false });
    await keeper.notify("chat:3", { kind: "note" }, { wake: false });
    expect(await list({ state: "idle", limit: 2, after: first.next })).toEqual(["chat:3", "job:1"]);
  });

  test("B60 sessions() gives at most a hundred unless asked for more", async () => {
    const { keeper } = await createFixture();
    for (let session = 0; session < 150; session++) await keeper.send(`s${session}`, 1);
    expect((await keeper.sessions()).sessions).toHaveLength(100);
    expect((await keeper.sessions({ limit: 1_000 })).sessions).toHaveLength(150);
  });
});

describe("mailbox", () => {
  test("B60 mailbox() lists what is accepted and not finished, in order, also what a turn holds", async () => {
    const { keeper, clock, turns } = await createFixture();
    await expect(keeper.mailbox("a")).resolves.toEqual([]);
    const acceptedAt = clock.now();
    await keeper.pause("a");
    await keeper.send("a", 1, { id: "one" });
    await keeper.notify("a", { kind: "note" }, { id: "two" });
    await keeper.reportExec({ execId: "three", sessionKey: "a", exitCode: 0 });
    await keeper.resume("a");
    await clock.settle();
    expect(turns).toHaveLength(1);
    await clock.advance(1_000);
    await keeper.send("a", 2, { id: "four" });
    await expect(keeper.mailbox("a")).resolves.toEqual([
      { id: "one", type: "message", acceptedAt, attempts: 0 },
      { id: "two", type: "event", acceptedAt, attempts: 0 },
      { id: "three", type: "event", acceptedAt, attempts: 0 },
      { id: "four", type: "message", acceptedAt: acceptedAt + 1_000, attempts: 0 },
    ]);
    turns[0]!.reject(new Error("model down"));
    await clock.settle();
    const failed = await keeper.mailbox("a");
    expect(failed.map(({ id, attempts }) => [id, attempts])).toEqual([
      ["one", 1],
      ["two", 1],
      ["three", 1],
      ["four", 0],
    ]);
  });

  test("B60 an event that replaces another of its key takes the end of the queue", async () => {
    const { keeper, clock, of } = await createFixture();
    await keeper.pause("a");
    const first = await keeper.notify("a", { kind: "note", key: "status" }, { id: "one" });
    await keeper.send("a", 1, { id: "two" });
    await keeper.notify("a", { kind: "note", key: "status" }, { id: "three" });
    const mailbox = await keeper.mailbox("a");
    expect(mailbox.map(({ id }) => id)).toEqual(["two", "three"]);
    await clock.settle();
    await expect(first.outcome).resolves.toEqual({ status: "dropped", reason: "replaced" });
    expect(of("event.replaced")).toMatchObject([{ id: "one", by: "three" }]);
  });
});

describe("deadLetters", () => {
  test("B60 deadLetters() says what was given up, why, and after how many attempts; newest first", async () => {
    const { keeper, clock, of } = await createFixture({
      turn: (turn) => {
        throw turn.sessionKey === "permanent" ? new PermanentError("no key") : new Error("model down");
      },
      lane: { retry: { attempts: 2 } },
    });
    await keeper.send("permanent", "body 1", { id: "one", meta: { channel: "irc" } });
    await clock.advance(1_000);
    await keeper.send("failing", "body 2", { id: "two" });
    await clock.advance(60_000);
    const letters = await keeper.deadLetters();
    expect(letters).toMatchObject([
      { sessionKey: "failing", reason: "model down", attempts: 2, items: [{ id: "two", body: "body 2" }] },
      {
        sessionKey: "permanent",
        reason: "no key",
        attempts: 1,
        items: [{ id: "one", body: "body 1", meta: { channel: "irc" } }],
      },
    ]);
    expect(letters.every(({ at }) => at <= clock.now() && at > clock.now() - 120_000)).toBe(true);
    expect(of("deadLetter.added").map(({ id }) => id)).toEqual(letters.map(({ id }) => id).toReversed());
    await expect(keeper.deadLetters({ sessionKey: "failing" })).resolves.toEqual([letters[0]]);
    await expect(keeper.deadLetters({ sessionKey: "other" })).resolves.toEqual([]);
    await expect(keeper.deadLetters({ limit: 1 })).resolves.toEqual([letters[0]]);
  });

  test("B60 dead letters are kept for 30 days", async () => {
    const { keeper, clock } = await createFixture({
      turn: () => {
        throw new PermanentError("no key");
      },
    });
    const receipt = await keeper.send("a", 1);
    await clock.settle();
    const outcome = await receipt.outcome;
    const letters = await keeper.deadLetters();
    expect(outcome).toMatchObject({ status: "failed", deadLetterId: letters[0]!.id });
    await clock.advance(30 * 86_400_000 - 10_000);
    await expect(keeper.deadLetters()).resolves.toHaveLength(1);
    await clock.advance(20_000);
    await expect(keeper.deadLetters()).resolves.toEqual([]);
  });

  test("B60 the last 10,000 dead letters are kept", async () => {
    const { keeper, clock } = await createFixture({
      turn: () => {
        throw new PermanentError("no key");
      },
    });
    for (let message = 0; message < 10_001; message++)
      await keeper.send(`session ${message % 1_000}`, message);
    await clock.settle();
    const letters = await keeper.deadLetters({ limit: 20_000 });
    expect(letters).toHaveLength(10_000);
  });
});
