import { describe, expect, it } from "vitest";
import { PermanentError } from "../keeper/errors.ts";
import type { Lanekeeper } from "../keeper/keeper.ts";
import type { LanekeeperOptions } from "../keeper/options.ts";
import { memoryStore } from "../store/memory-store.ts";
import { bodies, createFixture, type Fixture } from "./fixture.ts";

const notFound = { code: "NOT_FOUND" };

/** The newest dead letter's id. */
async function newest(keeper: Lanekeeper): Promise<string> {
  return (await keeper.deadLetters())[0]!.id;
}

/** A keeper in which message `m` of session `a` has just become a dead letter. */
async function withLetter(
  options: Partial<Omit<LanekeeperOptions, "clock" | "processes">> = {},
): Promise<Fixture & { readonly letter: string }> {
  const fixture: Fixture = await createFixture({ lane: { retry: { attempts: 2, baseMs: 0 } }, ...options });
  const { keeper, clock, turns } = fixture;
  await keeper.send("a", "work", { id: "m", meta: { channel: "7" } });
  await clock.settle();
  turns[0]!.reject(new PermanentError("no such key"));
  await clock.settle();
  return { ...fixture, letter: await newest(keeper) };
}

describe("redrive", () => {
  it("B31b puts a message at the end of its session's queue, with all its attempts before it", async () => {
    const { keeper, clock, turns, of, letter } = await withLetter();
    await keeper.pause("a");
    await keeper.send("a", "other");
    const receipt = await keeper.redrive(letter);
    await keeper.resume("a");
    await clock.settle();
    expect(receipt).toMatchObject({ id: "m", sessionKey: "a", acceptedAt: clock.now() });
    await expect(keeper.deadLetters()).resolves.toEqual([]);
    turns[1]!.resolve("other");
    await clock.settle();
    expect(turns[2]!.turn).toMatchObject({
      attempt: 1,
      messages: [{ id: "m", body: "work", meta: { channel: "7" } }],
    });
    turns[2]!.reject(new Error("once"));
    await clock.advance(1);
    expect(turns[3]!.turn.attempt).toBe(2);
    turns[3]!.resolve("at last");
    await expect(receipt.reply()).resolves.toBe("at last");
    await expect(receipt.outcome).resolves.toMatchObject({ status: "completed", attempts: 2 });
    expect(of("deadLetter.redriven")).toMatchObject([{ sessionKey: "a", id: letter, itemId: "m" }]);
    expect(of("message.accepted").map(({ id }) => id)).toContain("m");
  });

  it("B31b the redriven work has an outcome of its own, the first receipt keeps the first", async () => {
    const { keeper, clock, turns, letter } = await withLetter();
    const first = (await keeper.attach("a", "m"))!;
    const second = await keeper.redrive(letter);
    await expect(first.outcome).resolves.toMatchObject({ status: "failed", deadLetterId: letter });
    const again = await keeper.send("a", "work", { id: "m" });
    const attached = (await keeper.attach("a", "m"))!;
    await clock.settle();
    expect(turns).toHaveLength(2);
    turns[1]!.reject(new PermanentError("still none"));
    for (const receipt of [second, again, attached]) {
      await expect(receipt.outcome).resolves.toMatchObject({ status: "failed", attempts: 1 });
    }
    const next = await newest(keeper);
    expect(next).not.toBe(letter);
    await expect(keeper.redrive(next)).resolves.toMatchObject({ id: "m" });
  });

  it("B31b redrives a letter once: again, or twice at a time, it is NOT_FOUND", async () => {
    const { keeper, clock, turns, of, letter } = await withLetter();
    await expect(keeper.redrive("never was")).rejects.toMatchObject({
      ...notFound,
      details: { deadLetterId: "never was" },
    });
    const [one, two] = await Promise.allSettled([keeper.redrive(letter), keeper.redrive(letter)]);
    expect([one, two]).toMatchObject([{ status: "fulfilled" }, { status: "rejected", reason: notFound }]);
    await expect(keeper.redrive(letter)).rejects.toMatchObject(notFound);
    await expect(keeper.discard(letter)).resolves.toBe(false);
    await clock.settle();
    expect(turns).toHaveLength(2);
    expect(of("deadLetter.redriven")).toHaveLength(1);
  });

  it("B31b discard forgets a letter, once, and says so", async () => {
    const { keeper, clock, turns, of, letter } = await withLetter();
    await expect(keeper.discard(letter)).resolves.toBe(true);
    await expect(keeper.discard(letter)).resolves.toBe(false);
    await expect(keeper.redrive(letter)).rejects.toMatchObject(notFound);
    await clock.settle();
    expect(of("deadLetter.discarded")).toMatchObject([{ id: letter }]);
    await expect(keeper.deadLetters()).resolves.toEqual([]);
    expect(turns).toHaveLength(1);
  });

  it.each([
    ["redrive", (keeper: Lanekeeper, id: string) => keeper.redrive(id)],
    ["discard", (keeper: Lanekeeper, id: string) => keeper.discard(id)],
  ])("B31b %s refuses what is no id, and after close", async (_, call) => {
    const { keeper, letter } = await withLetter();
    await expect(call(keeper, 7 as never)).rejects.toMatchObject({ code: "INVALID_OPTION" });
    await keeper.close();
    await expect(call(keeper, letter)).rejects.toMatchObject({ code: "CLOSED" });
  });

  it.each(["reject", "drop-oldest", "drop-newest", "summarize"] as const)(
    "B31b where its session is full (%s) it is refused with LANE_FULL, and the letter stays",
    async (overflow) => {
      const { keeper, letter } = await withLetter({ lane: { cap: 2, overflow } });
      await keeper.pause("a");
      for (const id of ["x", "y"]) await keeper.send("a", id, { id });
      await expect(keeper.redrive(letter)).rejects.toMatchObject({
        code: "LANE_FULL",
        details: { limit: 2 },
      });
      await expect(keeper.mailbox("a")).resolves.toMatchObject([{ id: "x" }, { id: "y" }]);
      await keeper.clear("a");
      await expect(keeper.redrive(letter)).resolves.toMatchObject({ id: "m" });
    },
  );

  it("B31b over capacity.waiting it is refused with OVERLOADED, and the letter stays", async () => {
    const { keeper, letter } = await withLetter({ capacity: { turns: 1, waiting: 1 } });
    await keeper.pause("b");
    await keeper.send("b", 1);
    await expect(keeper.redrive(letter)).rejects.toMatchObject({ code: "OVERLOADED" });
    await keeper.clear("b");
    await expect(keeper.redrive(letter)).resolves.toMatchObject({ id: "m" });
  });

  it("B31b while draining it is refused with DRAINING, and a later keeper on the store redrives the letter", async () => {
    const store = memoryStore();
    const { keeper, clock, letter } = await withLetter({ store });
    await keeper.drain();
    await expect(keeper.redrive(letter)).rejects.toMatchObject({ code: "DRAINING" });
    await keeper.close();
    const later = await createFixture({ store, clock, turn: () => "done" });
    await expect(newest(later.keeper)).resolves.toBe(letter);
    const receipt = await later.keeper.redrive(letter);
    await clock.settle();
    await expect(receipt.reply()).resolves.toBe("done");
  });

  it.each([
    ["draining", "DRAINING", async ({ keeper }: Fixture) => void (await keeper.drain())],
    [
      "full",
      "LANE_FULL",
      async ({ keeper }: Fixture) => {
        await keeper.pause("a");
        await keeper.send("a", 1);
      },
    ],
  ])("B61 a redrive that is refused because it is %s says so", async (_, reason, fill) => {
    const fixture = await withLetter({ lane: { cap: 1 } });
    const { keeper, clock, of, letter } = fixture;
    await fill(fixture);
    await expect(keeper.redrive(letter)).rejects.toMatchObject({ code: reason });
    await clock.settle();
    expect(of("message.refused")).toMatchObject([{ sessionKey: "a", id: "m", reason }]);
  });

  it("B23 an id that new work has taken meanwhile stays that work's: the redriven one gets another", async () => {
    const { keeper, clock, turns, letter } = await withLetter({ lane: { dedupeMs: 1_000 } });
    await clock.advance(1_000);
    const fresh = await keeper.send("a", "fresh", { id: "m" });
    const redriven = await keeper.redrive(letter);
    expect(redriven.id).not.toBe("m");
    await clock.settle();
    turns[1]!.resolve("of the fresh one");
    await clock.settle();
    expect(turns[2]!.turn.messages).toMatchObject([{ id: redriven.id, body: "work" }]);
    turns[2]!.resolve("of the old one");
    await expect(fresh.reply()).resolves.toBe("of the fresh one");
    await expect(redriven.reply()).resolves.toBe("of the old one");
    await expect((await keeper.attach("a", "m"))!.reply()).resolves.toBe("of the fresh one");
  });

  it("B23 an id whose new work has ended meanwhile stays known as that work's, as long as it is remembered", async () => {
    const { keeper, clock, turns, letter } = await withLetter({ lane: { dedupeMs: 1_000 } });
    await clock.advance(1_000);
    await keeper.send("a", "fresh", { id: "m" });
    await clock.settle();
    turns[1]!.resolve("of the fresh one");
    await clock.settle();
    await keeper.redrive(letter);
    await clock.settle();
    turns[2]!.resolve("of the old one");
    await expect((await keeper.attach("a", "m"))!.reply()).resolves.toBe("of the fresh one");
  });

  it.each(["interrupt", "steer", "collect", "reject"] as const)(
    "B31b a message sent as %s comes back as a followup",
    async (mode) => {
      const { keeper, clock, turns } = await createFixture({
        lane: { debounceMs: 100, retry: { attempts: 1 } },
      });
      await keeper.send("a", "work", { mode });
      await clock.advance(100);
      turns[0]!.reject(new Error("no"));
      await clock.settle();
      await keeper.send("a", "runs");
      await keeper.send("a", "waits");
      await clock.settle();
      await keeper.redrive(await newest(keeper));
      await clock.settle();
      expect(turns[1]!.turn.signal.aborted).toBe(false);
      expect(turns[1]!.turn.takeSteering()).toEqual([]);
      for (const index of [1, 2]) {
        turns[index]!.resolve("done");
        await clock.settle();
      }
      expect(turns.map(({ turn }) => bodies(turn))).toEqual([["work"], ["runs"], ["waits"], ["work"]]);
    },
  );

  it("B31b events come back as they were: by whose key, whether they wake, also those an abort ended", async () => {
    const { keeper, clock, turns } = await createFixture({ lane: { retry: { attempts: 1 } } });
    await keeper.notify("a", { kind: "quiet" }, { wake: false });
    await keeper.notify("a", { kind: "keyed", key: "k", body: "old" });
    await clock.settle();
    await keeper.abort("a");
    turns[0]!.resolve("stopped");
    await clock.settle();
    const letters = await keeper.deadLetters();
    expect(letters.map(({ reason }) => reason)).toEqual(["aborted", "aborted"]);
    await keeper.pause("a");
    const replaced = await keeper.notify("a", { kind: "keyed", key: "k", body: "new" });
    for (const { id } of letters) await keeper.redrive(id);
    await expect(replaced.outcome).resolves.toEqual({ status: "dropped", reason: "replaced" });
    await keeper.resume("a");
    await clock.settle();
    expect(turns[1]!.turn).toMatchObject({
      cause: "event",
      attempt: 1,
      events: [{ kind: "keyed", body: "old", key: "k" }, { kind: "quiet" }],
    });

    await keeper.notify("b", { kind: "quiet" }, { wake: false });
    keeper.wake("b", { coalesceMs: 0 });
    await clock.settle();
    turns[2]!.reject(new Error("no"));
    await clock.settle();
    await keeper.redrive(await newest(keeper));
    await clock.advance(10_000);
    expect(keeper.explain("b")).toMatchObject({ blockedBy: "nothing-to-do", facts: { quietEvents: 1 } });
  });

  it("B31b a completion comes back in the present incarnation, also one that a reset made stale, however full it is", async () => {
    const { keeper, clock, processes, turns } = await createFixture({ capacity: { turns: 2, waiting: 1 } });
    const { execId } = await keeper.exec("a", "build");
    await keeper.reset("a");
    processes.started[0]!.end(0);
    await clock.settle();
    await expect(keeper.deadLetters()).resolves.toMatchObject([{ reason: "stale-incarnation", attempts: 0 }]);
    await keeper.pause("b");
    await keeper.send("b", 1);
    const receipt = await keeper.redrive(await newest(keeper));
    await clock.settle();
    expect(turns[0]!.turn).toMatchObject({
      cause: "event",
      events: [{ id: execId, kind: "exec.completed" }],
    });
    turns[0]!.resolve("seen");
    await expect(receipt.outcome).resolves.toMatchObject({ status: "completed", attempts: 1 });
    await expect(keeper.reportExec({ execId, exitCode: 0 })).resolves.toMatchObject({ reason: "duplicate" });
  });

  it("B31b what a reset made stale twice can be redriven twice", async () => {
    const { keeper, clock, turns } = await createFixture();
    await keeper.expectExec("a", "job");
    await keeper.reset("a");
    await keeper.reportExec({ execId: "job", exitCode: 0 });
    await keeper.pause("a");
    await keeper.redrive(await newest(keeper));
    await keeper.reset("a");
    await expect(keeper.mailbox("a")).resolves.toEqual([]);
    await keeper.redrive(await newest(keeper));
    await keeper.resume("a");
    await clock.settle();
    expect(turns[0]!.turn.events).toMatchObject([{ id: "job" }]);
  });

  it("B31b work keeps its group and priority; of a group that is gone it runs in none", async () => {
    const { keeper, clock, turns } = await createFixture({
      capacity: { turns: 2, groups: { g: { limit: 1 } } },
      lane: { retry: { attempts: 1 } },
    });
    await keeper.send("a", 1, { group: "g", priority: "background" });
    await clock.settle();
    turns[0]!.reject(new Error("no"));
    await clock.settle();
    await keeper.send("holder", 1, { group: "g" });
    await keeper.redrive(await newest(keeper));
    await clock.settle();
    expect(keeper.explain("a")).toMatchObject({
      blockedBy: "group",
      facts: { group: "g", priority: "background" },
    });
    keeper.setCapacity({ turns: 2 });
    await clock.settle();
    expect(keeper.explain("a").blockedBy).toBe("running");
  });

  it("B31b a session that is asleep or forgotten is woken by what is redriven", async () => {
    const { keeper, clock, turns, letter } = await withLetter({
      lane: { dedupeMs: 0, retry: { attempts: 1 } },
    });
    await clock.advance(60_000);
    expect(keeper.session("a")).toBeUndefined();
    await keeper.redrive(letter);
    await clock.settle();
    turns[1]!.reject(new Error("no"));
    await clock.settle();
    await expect(keeper.forget("a")).resolves.toBe(true);
    await expect(keeper.deadLetters({ sessionKey: "a" })).resolves.toHaveLength(1);
    await keeper.redrive(await newest(keeper));
    await clock.settle();
    expect(bodies(turns[2]!.turn)).toEqual(["work"]);
  });

  it("B31b a turn may redrive, and await the reply of what it redrives", async () => {
    const store = memoryStore();
    const first = await withLetter({ store });
    await first.keeper.close();
    const { keeper, clock } = await createFixture({
      store,
      clock: first.clock,
      capacity: { turns: 1 },
      turn: async ({ sessionKey }): Promise<unknown> =>
        sessionKey === "operator" ? (await keeper.redrive(first.letter)).reply() : "mended",
    });
    const asked = await keeper.send("operator", "go");
    await clock.settle();
    await expect(asked.reply()).resolves.toBe("mended");
  });

  it("B31b letters are kept for 30 days", async () => {
    const { keeper, clock, letter } = await withLetter();
    await clock.advance(30 * 86_400_000 - 3_600_000);
    await expect(newest(keeper)).resolves.toBe(letter);
    await clock.advance(2 * 3_600_000);
    await expect(keeper.deadLetters()).resolves.toEqual([]);
    await expect(keeper.redrive(letter)).rejects.toMatchObject(notFound);
  });

  it("B31b of more than 10,000 letters the oldest are forgotten", async () => {
    const { keeper, clock, turns } = await createFixture({
      lane: { eventCap: 20_000, retry: { attempts: 1 } },
    });
    await keeper.pause("a");
    for (let index = 0; index < 10_002; index++) await keeper.notify("a", { kind: `${index}` });
    await keeper.resume("a");
    await clock.settle();
    turns[0]!.reject(new Error("no"));
    await clock.settle();
    const letters = await keeper.deadLetters({ limit: 20_000 });
    expect(letters).toHaveLength(10_000);
    expect([letters[0], letters.at(-1)]).toMatchObject([
      { items: [{ kind: "10001" }] },
      { items: [{ kind: "2" }] },
    ]);
  });
});
