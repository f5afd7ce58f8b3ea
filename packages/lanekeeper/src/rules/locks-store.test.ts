import { describe, expect, it } from "vitest";
import { LanekeeperError } from "../keeper/errors.ts";
import type { Locks } from "../locks/lock.ts";
import { createSimulatedClock } from "../time/simulated-clock.ts";
import { faultyLeases } from "./faulty-leases.ts";
import { createFixture, deferred } from "./fixture.ts";

const path = "/var/lib/leases.db";
const unavailable = new LanekeeperError("STORE_UNAVAILABLE", `The store ${path} failed; free space.`, {
  path,
});
const lasting = (["STORE_INCOMPATIBLE", "STORE_CORRUPT", "STORE_IN_USE", "CLOSED"] as const).map(
  (code) => new LanekeeperError(code, `The store ${path} will never do.`, { path }),
);
const [incompatible] = lasting as [LanekeeperError];

/** A keeper whose lease store can be broken; `asked` counts the questions for a lease. */
async function stage() {
  const clock = createSimulatedClock();
  const leases = faultyLeases(clock);
  const fixture = await createFixture({ clock, leases });
  const { locks } = fixture.keeper;
  return {
    leases,
    locks,
    asked: (): number => leases.asked.filter(({ type }) => type === "acquire").length,
    /** From now on every command is answered like this. */
    breakStore(fault: (typeof leases.faults)["acquire"]): void {
      leases.faults.acquire = leases.faults.renew = leases.faults.release = fault;
    },
    ...fixture,
  };
}

/** How a promise ended, as far as it has. */
function watch<T>(promise: Promise<T>) {
  const seen: { value?: T; error?: unknown; isOver: boolean } = { isOver: false };
  promise.then(
    (value) => Object.assign(seen, { value, isOver: true }),
    (error: unknown) => Object.assign(seen, { error, isOver: true }),
  );
  return seen;
}

/** Every way to ask once. */
const onceWays: readonly [string, (locks: Locks, name: string) => Promise<unknown>][] = [
  ["acquire with waitMs 0", (locks, name) => locks.acquire(name, { waitMs: 0 })],
  ["using with waitMs 0", (locks, name) => locks.using(name, () => "done", { waitMs: 0 })],
  ["tryAcquire", (locks, name) => locks.tryAcquire(name)],
];
const everyWay: typeof onceWays = [
  ...onceWays,
  ["acquire", (locks, name) => locks.acquire(name, { waitMs: 60_000 })],
  ["using", (locks, name) => locks.using(name, () => "done", { waitMs: 60_000 })],
];

describe("B53 a lease store that refuses for good", () => {
  it.each(everyWay)("B53 refuses %s at once with its own error, and is asked once", async (_, ask) => {
    const { locks, clock, asked, breakStore, of } = await stage();
    for (const [index, error] of lasting.entries()) {
      breakStore(error);
      const end = watch(ask(locks, "a"));
      await clock.settle();
      expect([end.isOver, end.error]).toEqual([true, error]);
      expect(asked()).toBe(index + 1);
    }
    expect(of("lock.refused")).toMatchObject(
      lasting.map((error) => ({ name: "a", reason: "unusable", error, waitedMs: 0 })),
    );
    expect(of("lock.waiting")).toEqual([]);
  });

  it("B53 refuses a turn's locks too", async () => {
    const { keeper, clock, breakStore, turns } = await stage();
    await keeper.send("chat", "hello");
    await clock.settle();
    breakStore(incompatible);
    const end = watch(turns[0]!.turn.locks.acquire("a"));
    await clock.settle();
    expect(end.error).toBe(incompatible);
  });

  it("B53 ends the waiting of all who wait, in order, at their next question", async () => {
    const { locks, clock, leases, breakStore } = await stage();
    await leases.acquire("a", "another process", 600_000);
    const order: number[] = [];
    const ends = [1, 2, 3].map((number) => {
      const asking = locks.acquire("a", { waitMs: 300_000 });
      asking.catch(() => order.push(number));
      return watch(asking);
    });
    await clock.advance(10_000);
    breakStore(incompatible);
    await clock.advance(5_000);
    expect(ends.map(({ error }) => error)).toEqual([incompatible, incompatible, incompatible]);
    expect(order).toEqual([1, 2, 3]);
  });

  it("B53 ends no waiting where its refusal may pass", async () => {
    const { locks, clock, breakStore, logs, of } = await stage();
    breakStore(unavailable);
    const end = watch(locks.acquire("a"));
    await clock.advance(4_000);
    expect(end.isOver).toBe(false);
    expect(of("lock.waiting")).toMatchObject([{ reason: "store", error: unavailable }]);
    expect(logs.filter(({ message }) => message.includes("lease store failed"))).toMatchObject([
      { level: "warn", fields: { name: "a", error: unavailable } },
    ]);
    breakStore(undefined);
    await clock.advance(1_000);
    expect(end.value).toMatchObject({ name: "a", state: "busy" });
  });

  it("B53 gives back what an earlier question that was not answered may have brought", async () => {
    const { locks, clock, leases } = await stage();
    leases.faults.acquire = "arrives-late";
    const end = watch(locks.acquire("a", { waitMs: 60_000 }));
    await clock.advance(5_000);
    leases.faults.acquire = incompatible;
    await clock.advance(1_000);
    expect(end.error).toBe(incompatible);
    expect(leases.asked.at(-1)).toMatchObject({ type: "release" });
    leases.arrive();
    await clock.settle();
    expect(await leases.acquire("b", "a probe", 1_000).catch(() => "refused")).toBe("refused");
    leases.faults.acquire = undefined;
    expect(await leases.acquire("a", "a probe", 1_000)).toMatchObject({ acquired: true });
  });

  it("B53 has a caller that gave up told so, not of the store", async () => {
    const { locks, clock, leases } = await stage();
    const { acquire } = leases;
    const answer = deferred<never>();
    leases.acquire = () => answer.promise;
    const controller = new AbortController();
    const end = watch(locks.acquire("a", { signal: controller.signal }));
    await clock.settle();
    controller.abort();
    answer.reject(incompatible);
    await clock.settle();
    expect(end.error).toMatchObject({ code: "LOCK_ABORTED" });
    leases.acquire = acquire;
    await expect(locks.tryAcquire("a")).resolves.toMatchObject({ state: "busy" });
  });
});

describe("B50 a holder whose renewals are refused for good", () => {
  it("B50 is at risk, lost when belief ends, and says why", async () => {
    const { locks, clock, breakStore, of } = await stage();
    const lock = await locks.acquire("a");
    breakStore(incompatible);
    await clock.advance(20_000);
    expect(lock.state).toBe("stalled");
    lock.assertHeld();
    expect(of("lock.atRisk")).toMatchObject([{ reason: "renewal-failed", error: incompatible }]);
    await clock.advance(33_999);
    lock.assertHeld();
    await clock.advance(1);
    expect(of("lock.lost")).toMatchObject([{ reason: "expired", error: incompatible }]);
    const lost = expect.objectContaining({
      code: "LOCK_LOST",
      message: expect.stringContaining(incompatible.message) as string,
      cause: incompatible,
    }) as Error;
    expect(lock.signal.reason).toEqual(lost);
    expect(() => lock.assertHeld()).toThrow(lost);
    await lock.release();
    expect(() => lock.assertHeld()).toThrow(lost);
  });

  it("B50 goes on where a later renewal is confirmed, and a loss after that has another cause", async () => {
    const { locks, clock, breakStore, of } = await stage();
    const lock = await locks.acquire("a");
    breakStore(incompatible);
    await clock.advance(21_000);
    breakStore(undefined);
    await clock.advance(30_000);
    expect([lock.state, of("lock.recovered")]).toMatchObject(["busy", [{ name: "a" }]]);
    breakStore("hangs");
    await clock.advance(100_000);
    expect(of("lock.lost")).toMatchObject([{ reason: "expired", error: undefined }]);
    expect((lock.signal.reason as Error).cause).toBeUndefined();
  });

  it("B54 has using reject with LOCK_LOST and the store's failure as its cause", async () => {
    const { locks, clock, breakStore } = await stage();
    const using = watch(
      locks.using("a", ({ signal }) => {
        breakStore(incompatible);
        return new Promise((resolve) => signal.addEventListener("abort", resolve));
      }),
    );
    await clock.advance(60_000);
    expect(using.error).toMatchObject({ code: "LOCK_LOST", cause: incompatible });
  });
});

describe("B53 who asks once while the store is down", () => {
  it.each(onceWays)("B53 has %s ask anew each time, and told of the store's failure", async (_, ask) => {
    const { locks, clock, asked, breakStore } = await stage();
    breakStore(unavailable);
    for (let number = 1; number <= 5; number++) {
      const end = watch(ask(locks, "a"));
      await clock.settle();
      expect(end.error).toMatchObject({ code: "STORE_UNAVAILABLE", cause: unavailable });
      expect((end.error as Error).message).toContain(unavailable.message);
      expect(asked()).toBe(number);
    }
    breakStore(undefined);
    const end = watch(ask(locks, "a"));
    await clock.settle();
    expect([end.isOver, end.error]).toEqual([true, undefined]);
  });

  it.each(onceWays)("B53 has %s ask at once behind one that waits for the store", async (_, ask) => {
    const { locks, clock, asked, breakStore } = await stage();
    breakStore(unavailable);
    const patient = watch(locks.acquire("a", { waitMs: 60_000 }));
    await clock.advance(500);
    expect(asked()).toBe(1);
    for (let number = 2; number <= 4; number++) {
      const end = watch(ask(locks, "a"));
      await clock.settle();
      expect(end.error).toMatchObject({ code: "STORE_UNAVAILABLE", cause: unavailable });
      expect(asked()).toBe(number);
    }
    expect(patient.isOver).toBe(false);
    breakStore(undefined);
    const late = watch(ask(locks, "a"));
    await clock.settle();
    expect(patient.value).toMatchObject({ state: "busy" });
    // Taken, by the one that waited: nobody is overtaken.
    expect([late.isOver, late.value]).toEqual([true, undefined]);
  });

  it("B53 asks the store behind one that waits for another's lease, whose last answer may be old", async () => {
    const { locks, clock, leases, breakStore } = await stage();
    await leases.acquire("a", "another process", 600_000);
    const patient = watch(locks.acquire("a", { waitMs: 300_000 }));
    await clock.advance(10_001);
    const taken = watch(locks.tryAcquire("a"));
    await clock.settle();
    expect([taken.isOver, taken.value]).toEqual([true, undefined]);
    breakStore(unavailable);
    const failed = watch(locks.tryAcquire("a"));
    await clock.settle();
    expect(failed.error).toMatchObject({ code: "STORE_UNAVAILABLE", cause: unavailable });
    expect(patient.isOver).toBe(false);
  });

  it("B53 shares the answer to a question that is under way, and asks no other", async () => {
    const { locks, clock, leases, asked } = await stage();
    leases.faults.acquire = "hangs";
    const first = watch(locks.tryAcquire("a"));
    await clock.advance(2_000);
    const others = [1, 2, 3].map(() => watch(locks.tryAcquire("a")));
    const impatient = watch(locks.acquire("a", { waitMs: 0 }));
    await clock.advance(3_000);
    for (const { error } of [first, ...others, impatient])
      expect(error).toMatchObject({
        code: "STORE_UNAVAILABLE",
        cause: { message: "no answer within 5000 ms" },
      });
    expect(asked()).toBe(1);
  });

  it("B53 has a hung question's undoing waited for, then asks the store itself", async () => {
    const { locks, clock, asked, breakStore } = await stage();
    breakStore("hangs");
    const first = watch(locks.tryAcquire("a"));
    await clock.advance(5_000);
    expect(first.error).toMatchObject({ code: "STORE_UNAVAILABLE" });
    const second = watch(locks.tryAcquire("a"));
    await clock.advance(4_999);
    breakStore(undefined);
    await clock.advance(1);
    expect(second.value).toMatchObject({ state: "busy" });
    expect(asked()).toBe(2);
  });

  it("B53 shares a denial, and a grant to another as one", async () => {
    const { locks, clock, leases, asked } = await stage();
    for (const name of ["denied", "granted"]) {
      if (name === "denied") await leases.acquire(name, "another process", 60_000);
      leases.faults.acquire = "waits";
      const before = asked();
      const first = watch(locks.tryAcquire(name));
      await clock.settle();
      const second = watch(locks.tryAcquire(name));
      await clock.settle();
      expect([first.isOver, second.isOver]).toEqual([false, false]);
      leases.answer();
      await clock.settle();
      expect([second.isOver, second.value]).toEqual([true, undefined]);
      expect(first.value === undefined).toBe(name === "denied");
      expect(asked()).toBe(before + 1);
      leases.faults.acquire = undefined;
    }
  });

  it("B53 gets what one that gave up was granted and gave back", async () => {
    const { locks, clock, leases } = await stage();
    leases.faults.acquire = "waits";
    const controller = new AbortController();
    const first = watch(locks.acquire("a", { signal: controller.signal }));
    await clock.settle();
    const second = watch(locks.tryAcquire("a"));
    await clock.settle();
    leases.faults.acquire = undefined;
    leases.answer();
    controller.abort();
    await clock.settle();
    expect(first.error).toMatchObject({ code: "LOCK_ABORTED" });
    expect(second.value).toMatchObject({ state: "busy" });
  });

  it("B53 is called off by its signal while it shares another's question", async () => {
    const { locks, clock, leases } = await stage();
    leases.faults.acquire = "hangs";
    const first = watch(locks.tryAcquire("a"));
    const controller = new AbortController();
    const second = watch(locks.tryAcquire("a", { signal: controller.signal }));
    await clock.settle();
    controller.abort();
    await clock.settle();
    expect(second.error).toMatchObject({ code: "LOCK_ABORTED" });
    expect(first.isOver).toBe(false);
  });

  it("B53 finds a lock taken that is held here, whatever the store says", async () => {
    const { locks, clock, asked, breakStore } = await stage();
    const lock = await locks.acquire("a");
    breakStore(unavailable);
    await expect(locks.tryAcquire("a")).resolves.toBeUndefined();
    await expect(locks.acquire("a", { waitMs: 0 })).rejects.toMatchObject({ code: "LOCK_TIMEOUT" });
    expect(asked()).toBe(1);
    await clock.settle();
    lock.assertHeld();
  });

  it("B53 does not take a lock for held that is being given back", async () => {
    const { locks, clock, leases } = await stage();
    const lock = await locks.acquire("a");
    leases.faults.release = "waits";
    void lock.release();
    const next = watch(locks.tryAcquire("a"));
    await clock.settle();
    expect(next.isOver).toBe(false);
    leases.answer();
    await clock.settle();
    expect(next.value).toMatchObject({ state: "busy" });
  });

  it("B53 has who waits for a store that does not answer at all told of that, not of a time-out", async () => {
    const { locks, clock, breakStore } = await stage();
    breakStore("hangs");
    const end = watch(locks.acquire("a", { waitMs: 1_000 }));
    await clock.advance(1_000);
    expect(end.error).toMatchObject({ code: "STORE_UNAVAILABLE", details: { waitedMs: 1_000 } });
  });

  it("B53 has who waits in line behind a failing store told of that, not of a time-out", async () => {
    const { locks, clock, breakStore } = await stage();
    breakStore(unavailable);
    const ends = [60_000, 3_000, 3_000].map((waitMs) => watch(locks.acquire("a", { waitMs })));
    await clock.advance(3_000);
    expect(ends[0]!.isOver).toBe(false);
    for (const { error } of ends.slice(1))
      expect(error).toMatchObject({ code: "STORE_UNAVAILABLE", cause: unavailable });
  });
});
