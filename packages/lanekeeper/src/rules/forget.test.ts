import { describe, expect, it } from "vitest";
import type { LanekeeperOptions } from "../keeper/options.ts";
import { memoryStore } from "../store/memory-store.ts";
import { answeringStore } from "./answering-store.ts";
import { failingStore } from "./failing-store.ts";
import { bodies, createFixture, deferred, type Fixture } from "./fixture.ts";

const hourMs = 3_600_000;

/** A keeper whose session `a` has run a turn and has nothing left, not even an id. */
async function withEmptySession(
  options: Partial<Omit<LanekeeperOptions, "clock" | "processes">> = {},
): Promise<Fixture> {
  const fixture: Fixture = await createFixture({ lane: { dedupeMs: 1_000 }, ...options });
  const { keeper, clock, turns } = fixture;
  await keeper.send("a", "first", { id: "m" });
  await clock.settle();
  turns[0]!.resolve("done");
  await clock.advance(1_000);
  return fixture;
}

describe("forget", () => {
  it("B11 removes a session with nothing left: its record and its live lane", async () => {
    const { keeper, clock, of } = await withEmptySession();
    expect(keeper.session("a")).toMatchObject({ state: "idle" });
    await expect(keeper.forget("a")).resolves.toBe(true);
    await clock.settle();
    expect(keeper.session("a")).toBeUndefined();
    expect(keeper.stats()).toMatchObject({ known: 0, live: 0 });
    await expect(keeper.sessions()).resolves.toEqual({ sessions: [] });
    expect(of("session.forgotten")).toMatchObject([{ sessionKey: "a" }]);
    expect(keeper.explain("a").blockedBy).toBe("nothing-to-do");
  });

  it("B11 removes a session that sleeps", async () => {
    const { keeper, clock } = await withEmptySession();
    await clock.advance(60_000);
    expect(keeper.session("a")).toBeUndefined();
    await expect(keeper.forget("a")).resolves.toBe(true);
    expect(keeper.stats().known).toBe(0);
  });

  it("B11 is false for a session never seen, or forgotten already, and refuses what is no key", async () => {
    const { keeper, of } = await withEmptySession();
    await expect(keeper.forget("never seen")).resolves.toBe(false);
    await keeper.forget("a");
    await expect(keeper.forget("a")).resolves.toBe(false);
    await expect(keeper.forget(" ")).rejects.toMatchObject({ code: "INVALID_SESSION_KEY" });
    expect(of("session.forgotten")).toHaveLength(1);
    await keeper.close();
    await expect(keeper.forget("a")).rejects.toMatchObject({ code: "CLOSED" });
  });

  it.each<[string, (fixture: Fixture) => unknown, (fixture: Fixture) => unknown]>([
    [
      "a message waits",
      async ({ keeper }) => {
        await keeper.send("b", 1);
        await keeper.send("a", 1, { id: "waits" });
      },
      async ({ keeper, clock }) => {
        await keeper.clear("a");
        await clock.advance(1_000);
      },
    ],
    [
      "an event waits quietly",
      ({ keeper }) => keeper.notify("a", { kind: "quiet" }, { wake: false }),
      async ({ keeper, clock }) => {
        await keeper.clear("a", { events: true });
        await clock.advance(1_000);
      },
    ],
    [
      "a turn runs",
      async ({ keeper, clock }) => {
        await keeper.send("a", 1);
        await clock.settle();
      },
      async ({ turns, clock }) => {
        turns[1]!.resolve("done");
        await clock.advance(1_000);
      },
    ],
    [
      "failed work backs off",
      async ({ keeper, clock, turns }) => {
        await keeper.send("a", 1);
        await clock.settle();
        turns[1]!.reject(new Error("again"));
        await clock.settle();
      },
      async ({ turns, clock }) => {
        await clock.advance(500);
        turns[2]!.resolve("done");
        await clock.advance(1_000);
      },
    ],
    [
      "a command runs",
      ({ keeper }) => keeper.exec("a", "build", [], { notify: "never" }),
      async ({ processes, clock }) => {
        processes.started[0]!.end(0);
        await clock.settle();
      },
    ],
    [
      "a command is announced",
      ({ keeper }) => keeper.expectExec("a", "job"),
      async ({ keeper, turns, clock }) => {
        await keeper.reportExec({ execId: "job", exitCode: 0 });
        await clock.settle();
        turns[1]!.resolve("seen");
        await clock.advance(1_000);
      },
    ],
    [
      "an id is remembered",
      async ({ keeper, clock, turns }) => {
        await keeper.send("a", 1);
        await clock.settle();
        turns[1]!.resolve("done");
        await clock.advance(999);
      },
      ({ clock }) => clock.advance(1),
    ],
    ["it is paused", ({ keeper }) => keeper.pause("a"), ({ keeper }) => keeper.resume("a")],
    [
      "a fenced turn has not returned",
      async ({ keeper, clock }) => {
        await keeper.send("a", 1);
        await clock.settle();
        await keeper.abort("a");
        await clock.advance(60_000);
      },
      async ({ turns, clock }) => {
        turns[1]!.resolve("late");
        await clock.settle();
      },
    ],
    [
      "a wake is asked for",
      ({ keeper }) => keeper.wake("a", { coalesceMs: 10_000 }),
      async ({ turns, clock }) => {
        await clock.advance(10_000);
        turns[1]!.resolve("woken");
        await clock.settle();
      },
    ],
  ])("B11 is false while %s", async (_, leave, take) => {
    const fixture = await withEmptySession({ capacity: { turns: 1 } });
    const { keeper, of } = fixture;
    await leave(fixture);
    await expect(keeper.forget("a")).resolves.toBe(false);
    expect(of("session.forgotten")).toEqual([]);
    expect((await keeper.sessions({ prefix: "a" })).sessions).toHaveLength(1);
    await take(fixture);
    await expect(keeper.forget("a")).resolves.toBe(true);
  });

  it("B11 a forgotten session begins anew when it is used again; tokens and incarnations go on", async () => {
    const { keeper, clock, turns } = await withEmptySession();
    const tokens = [turns[0]!.turn.fencingToken];
    const incarnations = [keeper.session("a")!.incarnation];
    for (let time = 1; time <= 3; time++) {
      await expect(keeper.forget("a")).resolves.toBe(true);
      const receipt = await keeper.send("a", time, { id: "m" });
      await clock.settle();
      expect(bodies(turns[time]!.turn)).toEqual([time]);
      tokens.push(turns[time]!.turn.fencingToken);
      incarnations.push(keeper.session("a")!.incarnation);
      turns[time]!.resolve(`reply ${time}`);
      await expect(receipt.reply()).resolves.toBe(`reply ${time}`);
      await clock.advance(1_000);
    }
    expect(tokens).toEqual(tokens.toSorted((x, y) => Number(x - y)));
    expect(incarnations).toEqual(incarnations.toSorted((x, y) => x - y));
    expect(new Set([...tokens.map(Number), ...incarnations]).size).toBe(8);
  });

  it("B11 dead letters stay, and a command that a forgotten session had is known for its 24 hours", async () => {
    const { keeper, clock, turns } = await createFixture({ lane: { dedupeMs: 0, retry: { attempts: 1 } } });
    await keeper.expectExec("a", "job");
    await keeper.reportExec({ execId: "job", exitCode: 0 });
    await clock.settle();
    turns[0]!.reject(new Error("no"));
    await clock.settle();
    await expect(keeper.forget("a")).resolves.toBe(true);
    await expect(keeper.deadLetters({ sessionKey: "a" })).resolves.toHaveLength(1);
    await expect(keeper.reportExec({ execId: "job", exitCode: 0 })).resolves.toMatchObject({
      reason: "duplicate",
    });
  });

  it("B11 a session forgotten while draining or paused as a whole changes nothing for the others", async () => {
    const { keeper, clock, turns } = await withEmptySession();
    await keeper.pause();
    await keeper.send("b", 1);
    await expect(keeper.forget("a")).resolves.toBe(true);
    await keeper.drain();
    await expect(keeper.forget("b")).resolves.toBe(false);
    await clock.settle();
    expect(turns).toHaveLength(1);
  });

  it("B36 a reset asked for at the same moment is done, whichever comes first", async () => {
    const { keeper, clock } = await withEmptySession();
    const [reset, forgotten] = await Promise.allSettled([keeper.reset("a"), keeper.forget("a")]);
    await clock.settle();
    expect([reset.status, forgotten.status]).toEqual(["fulfilled", "fulfilled"]);
    await expect(keeper.send("a", 1)).resolves.toBeDefined();
  });
});

describe("forgetAfterMs", () => {
  it("B11 forgets what is unused that long, to within an hour, and keeps what is used", async () => {
    const { keeper, clock, of } = await createFixture({
      turn: () => "done",
      forgetAfterMs: 10 * hourMs,
      lane: { dedupeMs: 1_000 },
    });
    await keeper.send("old", 1);
    await clock.advance(5 * hourMs);
    await keeper.send("young", 1);
    await clock.advance(5 * hourMs - 1);
    expect(of("session.forgotten")).toEqual([]);
    await clock.advance(hourMs + 1);
    expect(of("session.forgotten").map(({ sessionKey }) => sessionKey)).toEqual(["old"]);
    await clock.advance(5 * hourMs);
    expect(of("session.forgotten").map(({ sessionKey }) => sessionKey)).toEqual(["old", "young"]);
    expect(keeper.stats()).toMatchObject({ known: 0, live: 0 });
  });

  it("B11 forgets by default after 30 days, and never with 0", async () => {
    const byDefault = await createFixture({ turn: () => "done" });
    const never = await createFixture({ turn: () => "done", clock: byDefault.clock, forgetAfterMs: 0 });
    for (const { keeper } of [byDefault, never]) await keeper.send("a", 1);
    await byDefault.clock.advance(30 * 24 * hourMs - 1);
    expect([byDefault, never].map(({ keeper }) => keeper.stats().known)).toEqual([1, 1]);
    await byDefault.clock.advance(hourMs + 1);
    expect([byDefault, never].map(({ keeper }) => keeper.stats().known)).toEqual([0, 1]);
  });

  it("B11 keeps what has something left, and forgets it when that is gone", async () => {
    const { keeper, clock } = await createFixture({
      turn: () => "done",
      forgetAfterMs: 2 * hourMs,
      lane: { dedupeMs: 10 * hourMs },
    });
    await keeper.send("remembered", 1);
    await keeper.pause("paused");
    await keeper.notify("quiet", { kind: "note" }, { wake: false });
    await clock.advance(9 * hourMs);
    expect(keeper.stats().known).toBe(3);
    await keeper.resume("paused");
    await keeper.clear("quiet", { events: true });
    await clock.advance(24 * hourMs);
    expect(keeper.stats().known).toBe(0);
  });

  it("B11 a keeper forgets what an earlier one left", async () => {
    const store = memoryStore();
    const options = { store, turn: () => "done", forgetAfterMs: 10 * hourMs };
    const first = await createFixture(options);
    const { clock } = first;
    await first.keeper.send("a", 1);
    await clock.advance(4 * hourMs);
    await first.keeper.close();
    const next = await createFixture({ ...options, clock });
    await clock.advance(6 * hourMs - 1);
    expect(next.keeper.stats().known).toBe(1);
    await clock.advance(hourMs + 1);
    expect(next.keeper.stats().known).toBe(0);
  });

  it.each<[string, (fixture: Fixture) => unknown]>([
    ["reset", ({ keeper }) => keeper.reset("a")],
    [
      "paused and resumed",
      async ({ keeper }) => {
        await keeper.pause("a");
        await keeper.resume("a");
      },
    ],
    [
      "given a command that nobody hears of",
      async ({ keeper, processes, clock }) => {
        await keeper.exec("a", "build", [], { notify: "never" });
        processes.started[0]!.end(0);
        await clock.settle();
      },
    ],
    [
      "woken",
      async ({ keeper, clock }) => {
        keeper.wake("a", { coalesceMs: 0 });
        await clock.settle();
      },
    ],
  ])("B11 forgets a session that was only ever %s", async (_, use) => {
    const fixture: Fixture = await createFixture({ forgetAfterMs: 2 * hourMs, turn: () => "done" });
    const { keeper, clock } = fixture;
    await use(fixture);
    expect(keeper.stats().known).toBe(1);
    await clock.advance(3 * hourMs);
    expect(keeper.stats().known).toBe(0);
  });
});

describe("forget on a store that answers later", () => {
  it.each([
    ["forget", "forget", true],
    ["forget", "append", true],
    ["append", "forget", false],
    ["append", "append", false],
  ])(
    "B11 a message sent at the same moment runs all the same: %s is asked first, %s answered last",
    async (first, last, isForgotten) => {
      const store = answeringStore();
      const { keeper, clock, turns, of } = await withEmptySession({ store });
      const before = keeper.session("a")!.incarnation;
      const answer = deferred<void>();
      store.answerBy(async (step, value) => {
        if (step === last) await answer.promise;
        return value;
      });
      const calls = {
        forget: () => keeper.forget("a"),
        append: () => keeper.send("a", "meanwhile"),
      };
      const one = first === "forget" ? calls.forget() : calls.append();
      const two = first === "forget" ? calls.append() : calls.forget();
      await clock.settle();
      answer.resolve();
      await clock.settle();
      expect(await (first === "forget" ? one : two)).toBe(isForgotten);
      await Promise.all([one, two]);
      expect(bodies(turns[1]!.turn)).toEqual(["meanwhile"]);
      expect(keeper.session("a")!.detail).toBe("busy.running");
      expect(keeper.session("a")!.incarnation > before).toBe(isForgotten);
      expect(of("session.forgotten")).toHaveLength(isForgotten ? 1 : 0);
      expect(keeper.stats()).toMatchObject({ known: 1, live: 1, running: 1 });
    },
  );

  it("B11 rejects where the store fails, and nothing is forgotten", async () => {
    const store = failingStore();
    const { keeper } = await withEmptySession({ store });
    store.fail(["forget"], "rejects");
    await expect(keeper.forget("a")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
    expect(keeper.stats().known).toBe(1);
    store.fail(["forget"]);
    await expect(keeper.forget("a")).resolves.toBe(true);
  });
});
