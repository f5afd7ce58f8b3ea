import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { memoryStore } from "../store/memory-store.ts";
import { createSimulatedClock } from "../time/simulated-clock.ts";
import { answeringStore } from "./answering-store.ts";
import { bodies, createFixture, deferred, type Fixture } from "./fixture.ts";

const unknownGroup = expect.objectContaining({ code: "INVALID_OPTION" }) as Error;

/** The sessions of the turns that have started, in order. */
const started = ({ of }: Pick<Fixture, "of">): readonly string[] =>
  of("turn.started").map(({ sessionKey }) => sessionKey);

describe("groups", () => {
  it("B12 keeps every limit and reservation at every moment of a load, and leaves no slot unused", async () => {
    const budgets: Readonly<Record<string, { readonly limit: number; readonly reserved: number }>> = {
      narrow: { limit: 1, reserved: 0 },
      wide: { limit: 3, reserved: 2 },
      sure: { limit: 2, reserved: 1 },
    };
    const turns = 5;
    const work = fc.record({
      session: fc.nat({ max: 11 }),
      group: fc.constantFrom(...Object.keys(budgets), undefined),
      priority: fc.constantFrom("foreground" as const, "normal" as const, "background" as const),
      lastsMs: fc.integer({ min: 1, max: 4_000 }),
      afterMs: fc.constantFrom(0, 0, 0, 100, 1_500),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(work, { minLength: 40, maxLength: 120 }), async (load) => {
        const clock = createSimulatedClock();
        const faults: string[] = [];
        /** The group of each turn that runs. */
        const running: (string | undefined)[] = [];
        const of = (name: string | undefined): number => running.filter((group) => group === name).length;
        const reservedBut = (group: string | undefined): number =>
          Object.entries(budgets)
            .map(([name, { reserved }]) => (name === group ? 0 : Math.max(0, reserved - of(name))))
            .reduce((sum, one) => sum + one, 0);
        const { keeper } = await createFixture({
          clock,
          capacity: { turns, groups: budgets },
          turn: async ({ messages }) => {
            const { group, lastsMs } = messages[0]!.body as (typeof load)[number];
            running.push(group);
            if (running.length + reservedBut(group) > turns) faults.push(`${group} runs on a reserved slot`);
            if (group !== undefined && of(group) > budgets[group]!.limit) faults.push(`${group} overruns`);
            await new Promise<void>((resolve) => void clock.setTimeout(resolve, lastsMs));
            running.splice(running.indexOf(group), 1);
          },
        });
        /** A free slot that is reserved for nobody else is not left to a lane that waits for it. */
        const look = (): void => {
          for (let session = 0; session < 12; session++) {
            const { facts } = keeper.explain(`s${session}`);
            if (facts["detail"] !== "busy.waitingForCapacity") continue;
            const group = facts["group"] as string | undefined;
            const isFull = group !== undefined && of(group) >= budgets[group]!.limit;
            if (!isFull && running.length + reservedBut(group) < turns) faults.push(`${group} waits in vain`);
          }
        };
        for (const item of load) {
          const { session, group, priority, afterMs } = item;
          await keeper.send(`s${session}`, item, { group, priority }).catch(() => {});
          await clock.advance(afterMs);
          look();
        }
        while (keeper.stats().waiting > 0) {
          await clock.advance(500);
          look();
        }
        await clock.advance(4_000);
        expect(faults).toEqual([]);
        expect(keeper.stats()).toMatchObject({ running: 0, waiting: 0, failed: 0 });
        await keeper.close();
      }),
      { numRuns: 15 },
    );
  });

  it("B12 keeps a reserved slot for its group, however long others wait at whatever priority", async () => {
    const fixture = await createFixture({
      capacity: { turns: 2, groups: { sure: { limit: 2, reserved: 1 } } },
    });
    const { keeper, clock } = fixture;
    for (const key of ["a", "b"]) await keeper.send(key, 1, { priority: "foreground" });
    await clock.advance(100_000);
    expect(started(fixture)).toEqual(["a"]);
    expect(keeper.explain("b").blockedBy).toBe("capacity");
    await keeper.notify("c", { kind: "late" }, { group: "sure", priority: "background" });
    await clock.settle();
    expect(started(fixture)).toEqual(["a", "c"]);
  });

  it("B14 passes a lane over whose group is full, and says that the group is what it waits for", async () => {
    const fixture = await createFixture({ capacity: { turns: 3, groups: { hooks: { limit: 1 } } } });
    const { keeper, clock, turns, of } = fixture;
    for (const key of ["a", "b"]) await keeper.send(key, 1, { group: "hooks" });
    await keeper.send("c", 1, { priority: "background" });
    await clock.advance(2_000);
    expect(started(fixture)).toEqual(["a", "c"]);
    expect(keeper.explain("b")).toMatchObject({ blockedBy: "group", facts: { group: "hooks" } });
    expect(keeper.explain("b").sentence).toContain("hooks");
    expect(of("lane.blocked")).toMatchObject([
      { sessionKey: "b", reason: "group", capacity: 3, running: 2, waiting: 1 },
    ]);
    await keeper.send("d", 1);
    await clock.advance(28_000);
    keeper.setCapacity({ turns: 2, groups: { hooks: { limit: 2 } } });
    await clock.advance(2_000);
    expect(keeper.explain("b").blockedBy).toBe("capacity");
    expect(of("lane.blocked").at(-1)).toMatchObject({ sessionKey: "b", reason: "capacity" });
    turns[0]!.resolve("done");
    turns[1]!.resolve("done");
    await clock.settle();
    expect(started(fixture)).toEqual(["a", "c", "d", "b"]);
  });

  it("B12 a turn's group is its first item's: a message's before an event's, then the oldest's", async () => {
    const fixture = await createFixture({
      capacity: { turns: 9, groups: { one: { limit: 1 }, two: { limit: 1 } } },
    });
    const { keeper, clock } = fixture;
    for (const group of ["one", "two"]) await keeper.send(`holds ${group}`, 1, { group });
    for (const key of ["event", "both", "events"]) await keeper.pause(key);
    await keeper.notify("event", { kind: "first" }, { group: "one" });
    await keeper.notify("both", { kind: "first" }, { group: "one" });
    await keeper.send("both", "second", { group: "two" });
    await keeper.notify("events", { kind: "first" }, { group: "two", wake: false });
    await keeper.notify("events", { kind: "second" }, { group: "one" });
    for (const key of ["event", "both", "events"]) await keeper.resume(key);
    await clock.settle();
    const groupOf = (key: string): unknown => keeper.explain(key).facts["group"];
    expect(["event", "both", "events"].map(groupOf)).toEqual(["one", "two", "two"]);
    expect(["event", "both", "events"].map((key) => keeper.explain(key).blockedBy)).toEqual([
      "group",
      "group",
      "group",
    ]);
  });

  it("B12 a wake's turn is of the group of the events it takes along, or of none", async () => {
    const { keeper, clock } = await createFixture({ capacity: { turns: 2, groups: { one: { limit: 1 } } } });
    await keeper.send("holder", 1, { group: "one" });
    await keeper.notify("with", { kind: "quiet" }, { group: "one", wake: false });
    for (const key of ["with", "without"]) keeper.wake(key, { coalesceMs: 0 });
    await clock.settle();
    expect(keeper.explain("with").blockedBy).toBe("group");
    expect(keeper.explain("without").blockedBy).toBe("running");
  });

  it("B12 a batch is of the group of its first message, a retry of the group it had", async () => {
    const { keeper, clock, turns } = await createFixture({
      capacity: { turns: 2, groups: { one: { limit: 1 } } },
      lane: { mode: "collect", debounceMs: 0, retry: { baseMs: 0 } },
    });
    await keeper.pause("batch");
    await keeper.send("batch", 1);
    await keeper.send("batch", 2, { group: "one" });
    await keeper.send("holder", 1, { group: "one" });
    await keeper.resume("batch");
    await clock.settle();
    expect(bodies(turns.at(-1)!.turn)).toEqual([1, 2]);
    turns[0]!.reject(new Error("again"));
    await clock.settle();
    await keeper.send("next", 1, { group: "one" });
    await clock.advance(1_000);
    expect(keeper.explain("next").blockedBy).toBe("group");
  });

  it("B14 a lane whose first item comes to be of another group waits for that one", async () => {
    const fixture = await createFixture({
      capacity: { turns: 3, groups: { full: { limit: 1 }, free: { limit: 1 } } },
    });
    const { keeper, clock, turns } = fixture;
    await keeper.send("holder", 1, { group: "full" });
    await keeper.notify("a", { kind: "note" }, { group: "full" });
    await clock.settle();
    expect(keeper.explain("a").blockedBy).toBe("group");
    await keeper.send("a", "message", { group: "free" });
    await clock.settle();
    expect(turns[1]!.turn).toMatchObject({ sessionKey: "a", events: [{ kind: "note" }] });

    await keeper.send("b", "waits", { group: "full" });
    await keeper.send("free", 1, { group: "free" });
    await keeper.send("b", "interrupts", { group: "free", mode: "interrupt" });
    await clock.settle();
    expect(keeper.explain("b").facts["group"]).toBe("free");
    await keeper.clear("b");
    await keeper.send("b", "alone");
    await clock.settle();
    expect(bodies(turns.at(-1)!.turn)).toEqual(["alone"]);
  });

  it.each(["an interrupt", "a message for a lane that only had an event"] as const)(
    "B12 %s that comes at any moment around the grant runs in its own group",
    async (what) => {
      const mode = what === "an interrupt" ? "interrupt" : "followup";
      /** How many turns of the full group ran at once, by when it came. */
      const most: number[] = [];
      for (let microtasks = 0; microtasks < 12; microtasks++) {
        const { keeper, clock, turns } = await createFixture({
          capacity: { turns: 3, groups: { full: { limit: 1 }, free: { limit: 1 } } },
        });
        await keeper.send("full", "comes", { group: "full" });
        await keeper.send("free", 1, { group: "free" });
        if (mode === "interrupt") await keeper.send("a", "waits", { group: "free" });
        else await keeper.notify("a", { kind: "waits" }, { group: "free" });
        await clock.settle();
        turns[1]!.resolve("done");
        for (let passed = 0; passed < microtasks; passed++) await Promise.resolve();
        await keeper.send("a", "comes", { group: "full", mode });
        await clock.settle();
        most.push(turns.filter(({ turn }) => bodies(turn)[0] === "comes").length);
      }
      expect(most).toEqual(most.map(() => 1));
    },
  );

  it("B12 an interrupt that comes while the turn is being opened runs in its own group", async () => {
    const store = answeringStore();
    const fixture = await createFixture({
      store,
      capacity: { turns: 3, groups: { full: { limit: 1 }, free: { limit: 1 } } },
    });
    const { keeper, clock } = fixture;
    await keeper.send("full", 1, { group: "full" });
    await clock.settle();
    const answer = deferred<void>();
    store.answerBy(async (step, value) => {
      if (step === "waiting") await answer.promise;
      return value;
    });
    await keeper.send("a", "waits", { group: "free" });
    await clock.settle();
    expect(keeper.session("a")!.detail).toBe("busy.opening");
    await keeper.send("a", "interrupts", { group: "full", mode: "interrupt" });
    answer.resolve();
    await clock.settle();
    expect(started(fixture)).toEqual(["full"]);
    expect(keeper.explain("a")).toMatchObject({ blockedBy: "group", facts: { group: "full" } });
  });

  it("B12 a wake's turn without any item is of no group, also if what it would have held was withdrawn", async () => {
    const fixture = await createFixture({ capacity: { turns: 3, groups: { g: { limit: 1 } } } });
    const { keeper, clock, turns } = fixture;
    await keeper.send("holder", 1, { group: "g" });
    const withdrawn = await keeper.send("a", 1, { group: "g" });
    await clock.settle();
    keeper.wake("a", { coalesceMs: 0 });
    await keeper.send("b", 1, { group: "g" });
    await clock.settle();
    // The step in which the holder's slot goes to `a` has just ended; `a` has not heard of it.
    keeper.events$.subscribe((event) => {
      if (event.type !== "lane.state" || event.sessionKey !== "holder" || event.detail !== "busy.settling")
        return;
      void withdrawn.cancel();
    });
    turns[0]!.resolve("done");
    await clock.settle();
    expect(started(fixture).toSorted()).toEqual(["a", "b", "holder"]);
    expect(keeper.session("a")!.turn!.cause).toBe("wake");
  });

  it("B16 a raised limit starts waiting turns at once, a lowered one evicts nobody", async () => {
    const fixture = await createFixture({ capacity: { turns: 4, groups: { g: { limit: 1 } } } });
    const { keeper, clock, turns } = fixture;
    for (const key of ["a", "b", "c", "d"]) await keeper.send(key, 1, { group: "g" });
    await clock.settle();
    keeper.setCapacity({ turns: 4, groups: { g: { limit: 3 } } });
    await clock.settle();
    expect(started(fixture)).toEqual(["a", "b", "c"]);
    keeper.setCapacity({ turns: 4, groups: { g: { limit: 1 } } });
    await clock.settle();
    expect(keeper.stats().running).toBe(3);
    for (const index of [0, 1]) turns[index]!.resolve("done");
    await clock.settle();
    expect(turns).toHaveLength(3);
    turns[2]!.resolve("done");
    await clock.settle();
    expect(started(fixture)).toEqual(["a", "b", "c", "d"]);
  });

  it("B16 waiting work of a group that disappears runs in no group, and in it again when it is back", async () => {
    const fixture = await createFixture({ capacity: { turns: 3, groups: { g: { limit: 1 } } } });
    const { keeper, clock, turns } = fixture;
    for (const key of ["a", "b", "c", "d"]) await keeper.send(key, 1, { group: "g" });
    await clock.settle();
    expect(started(fixture)).toEqual(["a"]);
    keeper.setCapacity({ turns: 3 });
    await clock.settle();
    expect(started(fixture)).toEqual(["a", "b", "c"]);
    expect(keeper.explain("d").blockedBy).toBe("capacity");
    await expect(keeper.send("e", 1, { group: "g" })).rejects.toThrow(unknownGroup);
    keeper.setCapacity({ turns: 5, groups: { g: { limit: 1 } } });
    await clock.settle();
    expect(keeper.explain("d").blockedBy).toBe("group");
    turns[0]!.resolve("done");
    await clock.settle();
    expect(started(fixture)).toEqual(["a", "b", "c", "d"]);
  });

  it.each(["appears", "disappears"] as const)(
    "B16 a group that %s at any moment around the grant keeps nobody waiting, and each turn runs once",
    async (what) => {
      const without = { turns: 2 };
      const within = { turns: 2, groups: { g: { limit: 1 } } };
      for (let microtasks = 0; microtasks < 12; microtasks++) {
        const fixture = await createFixture({ capacity: { ...within, turns: 1 } });
        const { keeper, clock, turns } = fixture;
        await keeper.send("holder", 1);
        for (const key of ["a", "b"]) await keeper.send(key, 1, { group: "g" });
        keeper.setCapacity({ ...(what === "appears" ? without : within), turns: 1 });
        await clock.settle();
        turns[0]!.resolve("done");
        for (let passed = 0; passed < microtasks; passed++) await Promise.resolve();
        keeper.setCapacity(what === "appears" ? within : without);
        for (let ended = 1; ended < 4; ended++) {
          await clock.settle();
          turns[ended]?.resolve("done");
        }
        expect(started(fixture).toSorted()).toEqual(["a", "b", "holder"]);
        expect(keeper.stats()).toMatchObject({ running: 0, waiting: 0 });
      }
    },
  );

  it("B16 a group that appears counts for what waits from then on, its reservation as soon as slots are free", async () => {
    const fixture = await createFixture({ capacity: { turns: 2 } });
    const { keeper, clock, turns } = fixture;
    for (const key of ["a", "b", "c"]) await keeper.send(key, 1);
    await clock.settle();
    keeper.setCapacity({ turns: 2, groups: { sure: { limit: 1, reserved: 1 } } });
    await clock.settle();
    await keeper.send("d", 1, { group: "sure", priority: "background" });
    turns[0]!.resolve("done");
    await clock.settle();
    expect(started(fixture)).toEqual(["a", "b", "d"]);
    turns[2]!.resolve("done");
    await clock.settle();
    expect(started(fixture)).toEqual(["a", "b", "d"]);
    turns[1]!.resolve("done");
    await clock.settle();
    expect(started(fixture)).toEqual(["a", "b", "d", "c"]);
  });

  it("B16 what setCapacity defines is known to the next call", async () => {
    const { keeper, clock, turns } = await createFixture({ capacity: { turns: 1 } });
    keeper.setCapacity({ turns: 2, groups: { g: { limit: 1 } } });
    await expect(keeper.send("a", 1, { group: "g" })).resolves.toMatchObject({ sessionKey: "a" });
    await clock.settle();
    expect(turns).toHaveLength(1);
  });

  it("B12 groups that cannot keep their promises are refused and change nothing", async () => {
    const { keeper } = await createFixture({ capacity: { turns: 3, groups: { g: { limit: 1 } } } });
    const impossible = { a: { limit: 2, reserved: 2 }, b: { limit: 1, reserved: 1 } };
    expect(() => keeper.setCapacity({ turns: 2, groups: impossible })).toThrow(unknownGroup);
    expect(keeper.stats().capacity).toBe(3);
    await expect(keeper.send("a", 1, { group: "g" })).resolves.toBeDefined();
  });

  it("B12 an unknown group is refused, named with those there are, and nothing is remembered", async () => {
    const { keeper, clock, of } = await createFixture({
      capacity: { turns: 1, groups: { g: { limit: 1 } } },
    });
    const refused = expect.objectContaining({
      code: "INVALID_OPTION",
      message: expect.stringContaining("g"),
    });
    await expect(keeper.send("a", 1, { group: "other", id: "m" })).rejects.toThrow(refused as Error);
    await expect(keeper.notify("a", { kind: "n" }, { group: "toString", id: "e" })).rejects.toThrow(
      refused as Error,
    );
    await clock.settle();
    expect(keeper.stats().known).toBe(0);
    await keeper.send("a", 2, { id: "m" });
    await clock.settle();
    expect(of("message.duplicate")).toEqual([]);
  });

  it("B16 work of a group that the next keeper does not define runs in no group", async () => {
    const store = memoryStore();
    const first = await createFixture({ store, capacity: { turns: 1, groups: { g: { limit: 1 } } } });
    const { clock } = first;
    await first.keeper.pause();
    for (const key of ["a", "b"]) await first.keeper.send(key, 1, { group: "g" });
    await first.keeper.close();
    const second = await createFixture({ store, clock, capacity: { turns: 2 } });
    await second.keeper.resume();
    await clock.settle();
    expect(started(second)).toEqual(["a", "b"]);
  });
});
