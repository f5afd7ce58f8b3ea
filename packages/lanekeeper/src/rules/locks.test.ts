import { describe, expect, it } from "vitest";
import type { LockOptions } from "../locks/lock.ts";
import { createSimulatedClock } from "../time/simulated-clock.ts";
import { faultyLeases } from "./faulty-leases.ts";
import { createFixture, deferred } from "./fixture.ts";

const lockLost = expect.objectContaining({ code: "LOCK_LOST" });

async function stage() {
  const clock = createSimulatedClock();
  const leases = faultyLeases(clock);
  return { leases, ...(await createFixture({ clock, leases })) };
}

describe("B53 the line of a name", () => {
  it("B53 serves its waiters in order", async () => {
    const { keeper, clock } = await stage();
    const order: number[] = [];
    const first = await keeper.locks.acquire("a");
    const waiters = [1, 2, 3].map((number) =>
      keeper.locks.using("a", async () => void order.push(number)).then(() => number),
    );
    await clock.settle();
    expect(order).toEqual([]);
    await first.release();
    await Promise.all(waiters);
    expect(order).toEqual([1, 2, 3]);
  });

  it("B53 is not overtaken by tryAcquire, not even while nobody holds the lock", async () => {
    const { keeper, clock, leases, of } = await stage();
    await leases.acquire("a", "another process", 60_000);
    const waiting = keeper.locks.acquire("a", { waitMs: 120_000 });
    await clock.advance(59_999);
    await expect(keeper.locks.tryAcquire("a")).resolves.toBeUndefined();
    await clock.advance(1);
    expect((await waiting).state).toBe("busy");
    expect(of("lock.refused").map(({ reason }) => reason)).toEqual(["occupied"]);
  });

  it("B53 tryAcquire takes what is free, and nothing that another process holds", async () => {
    const { keeper, leases } = await stage();
    await leases.acquire("b", "another process", 60_000);
    await expect(keeper.locks.tryAcquire("b")).resolves.toBeUndefined();
    expect((await keeper.locks.tryAcquire("a"))?.name).toBe("a");
  });

  it("B53 of one name does not keep another waiting", async () => {
    const { keeper } = await stage();
    await keeper.locks.acquire("a");
    expect((await keeper.locks.acquire("b")).name).toBe("b");
  });

  it("B53 waits waitMs and no longer, also behind others, and says who holds the lock", async () => {
    const { keeper, clock, leases, of } = await stage();
    await leases.acquire("a", "another process", 60_000);
    const first = keeper.locks.acquire("a", { waitMs: 5_000 }).catch((error: unknown) => error);
    const second = keeper.locks.acquire("a", { waitMs: 4_000 }).catch((error: unknown) => error);
    await clock.advance(4_000);
    await expect(second).resolves.toMatchObject({ code: "LOCK_TIMEOUT", details: { waitedMs: 4_000 } });
    await clock.advance(1_000);
    await expect(first).resolves.toMatchObject({
      code: "LOCK_TIMEOUT",
      details: { heldBy: "another process", waitedMs: 5_000 },
    });
    expect(of("lock.waiting")).toMatchObject([
      { reason: "line" },
      { reason: "held", heldBy: "another process" },
    ]);
  });

  it("B53 with waitMs 0 it is asked for once", async () => {
    const { keeper } = await stage();
    const lock = await keeper.locks.acquire("a", { waitMs: 0 });
    await expect(keeper.locks.acquire("a", { waitMs: 0 })).rejects.toMatchObject({ code: "LOCK_TIMEOUT" });
    await lock.release();
  });

  it("B53 with waitMs 0 it says who holds the lock, as the store said", async () => {
    const { keeper, leases } = await stage();
    await leases.acquire("a", "another process", 60_000);
    await expect(keeper.locks.acquire("a", { waitMs: 0 })).rejects.toMatchObject({
      code: "LOCK_TIMEOUT",
      message: "Lock a is taken; another process holds it. Try again later, or wait for it (waitMs).",
      details: { heldBy: "another process", waitedMs: 0 },
    });
    await expect(keeper.locks.tryAcquire("a")).resolves.toBeUndefined();
  });

  it("B53 a signal ends the waiting, in line, at the store and before it began", async () => {
    const { keeper, clock, leases } = await stage();
    await leases.acquire("a", "another process", 60_000);
    const why = new Error("the user left");
    const controllers = [new AbortController(), new AbortController()];
    const waiting = controllers.map(({ signal }) =>
      keeper.locks.acquire("a", { signal }).catch((error: unknown) => error),
    );
    await clock.settle();
    controllers[1]!.abort(why);
    await expect(waiting[1]).resolves.toMatchObject({ code: "LOCK_ABORTED", cause: why });
    controllers[0]!.abort(why);
    await expect(waiting[0]).resolves.toMatchObject({ code: "LOCK_ABORTED", cause: why });
    const aborted = keeper.locks.acquire("b", { signal: AbortSignal.abort(why) });
    await expect(aborted).rejects.toMatchObject({ code: "LOCK_ABORTED", cause: why });
    expect(keeper.locks.holders()).toEqual([]);
  });

  it("B53 a waiter that gave up never gets the lock: what the store still grants is given back", async () => {
    const { keeper, clock, leases } = await stage();
    leases.faults.acquire = "waits";
    const controller = new AbortController();
    const waiting = keeper.locks.acquire("a", { signal: controller.signal });
    await clock.settle();
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: "LOCK_ABORTED" });
    leases.faults.acquire = undefined;
    leases.answer();
    await clock.settle();
    expect(await leases.acquire("a", "another process", 1_000)).toMatchObject({ acquired: true });
  });

  it("B53 a grant whose answer came after its deadline is given back as well", async () => {
    const { keeper, clock, leases } = await stage();
    leases.faults.acquire = "waits";
    const waiting = keeper.locks.tryAcquire("a").catch((error: unknown) => error);
    await clock.advance(10_000);
    await expect(waiting).resolves.toMatchObject({ code: "STORE_UNAVAILABLE" });
    leases.faults.acquire = undefined;
    // It was done only now: after the undoing.
    await leases.acquire("a", leases.asked[0]!.owner, 60_000);
    leases.answer();
    await clock.settle();
    expect(leases.asked.at(-1)).toMatchObject({ type: "release", owner: leases.asked[0]!.owner });
  });

  it("B53 a late grant that a stale denial follows is given back too", async () => {
    const { keeper, clock, leases } = await stage();
    await leases.acquire("a", "another process", 60_000);
    leases.faults.acquire = "arrives-late";
    const controller = new AbortController();
    const waiting = keeper.locks.acquire("a", { signal: controller.signal }).catch((error: unknown) => error);
    await clock.advance(5_000); // the first question counts as failed
    leases.faults.acquire = "waits";
    await clock.advance(1_000); // the second is denied; its answer is on its way
    await leases.release("a", "another process");
    leases.arrive(); // the first is granted after all
    await clock.settle();
    controller.abort();
    leases.answer();
    await expect(waiting).resolves.toMatchObject({ code: "LOCK_ABORTED" });
    leases.faults.acquire = undefined;
    await clock.settle();
    expect(await leases.acquire("a", "a probe", 1_000)).toMatchObject({ acquired: true });
  });

  it("B53 is told of releases by the store, and asks again where it cannot tell", async () => {
    const clock = createSimulatedClock();
    const watching = faultyLeases(clock);
    const { watch: _, ...blind } = watching;
    for (const leases of [watching, blind]) {
      const { keeper } = await createFixture({ clock, leases: { ...leases, close: async () => {} } });
      const name = leases === blind ? "blind" : "watched";
      await watching.acquire(name, "another process", 60_000);
      const waiting = keeper.locks.acquire(name, { waitMs: 60_000 });
      await clock.advance(30_100);
      await watching.release(name, "another process");
      await clock.advance(leases === blind ? 1_000 : 0);
      expect((await waiting).state).toBe("busy");
    }
  });
});

describe("B53 SELF_DEADLOCK", () => {
  const selfDeadlock = expect.objectContaining({ code: "SELF_DEADLOCK" });

  it("B53 is acquiring a name again inside its own using, however deep", async () => {
    const { keeper } = await stage();
    await keeper.locks.using("a", () =>
      keeper.locks.using("b", async () => {
        await Promise.resolve();
        await expect(keeper.locks.acquire("a")).rejects.toEqual(selfDeadlock);
        await expect(keeper.locks.using("b", async () => {})).rejects.toEqual(selfDeadlock);
        await expect(keeper.locks.tryAcquire("a")).resolves.toBeUndefined();
      }),
    );
  });

  it("B53 is so through turn.locks too, both ways", async () => {
    const { keeper, turns, clock } = await createFixture();
    await keeper.send("chat", "hello");
    await clock.settle();
    const { locks } = turns[0]!.turn;
    await keeper.locks.using("a", async () => {
      await expect(locks.acquire("a")).rejects.toEqual(selfDeadlock);
    });
    await locks.using("a", async () => {
      await expect(keeper.locks.acquire("a")).rejects.toEqual(selfDeadlock);
    });
  });

  it("B53 is not what a context left over waits for", async () => {
    const { keeper, clock } = await stage();
    const go = deferred<void>();
    let late: Promise<unknown> | undefined;
    await keeper.locks.using("a", async () => {
      late = go.promise.then(() => keeper.locks.acquire("a"));
    });
    const other = await keeper.locks.acquire("a");
    go.resolve();
    await clock.settle();
    await other.release();
    await expect(late).resolves.toMatchObject({ name: "a" });
  });

  it("B53 is not acquiring it again after it was released on the way", async () => {
    const { keeper } = await stage();
    await keeper.locks.using("a", async (lock) => {
      await lock.release();
      await expect(keeper.locks.tryAcquire("a")).resolves.toMatchObject({ state: "busy" });
    });
  });
});

describe("B54 a lock's end", () => {
  it("B54 is idle after release, and reclaimed after loss; assertHeld throws in both", async () => {
    const { keeper, clock, leases } = await stage();
    const released = await keeper.locks.acquire("a");
    const lost = await keeper.locks.acquire("b");
    const giving = released.release();
    expect(() => released.assertHeld()).toThrow(lockLost);
    await giving;
    expect(released.state).toBe("idle");
    expect(released.signal.aborted).toBe(false);
    leases.faults.renew = "disowns";
    await clock.advance(20_000);
    expect(lost.state).toBe("reclaimed");
    expect([lost.signal.aborted, lost.signal.reason]).toEqual([true, lockLost]);
    for (const lock of [released, lost]) expect(() => lock.assertHeld()).toThrow(lockLost);
    await lost.release();
    expect(lost.state).toBe("reclaimed");
  });

  it("B54 using gives what its work gives, and rejects as it does, with the lock released", async () => {
    const { keeper } = await stage();
    await expect(keeper.locks.using("a", async ({ name }) => name)).resolves.toBe("a");
    const broken = new Error("broken");
    await expect(keeper.locks.using("a", () => Promise.reject(broken))).rejects.toBe(broken);
    expect(keeper.locks.holders()).toEqual([]);
  });

  it("B54 using waits for its work, then rejects with LOCK_LOST if ownership went on the way", async () => {
    const { keeper, clock, leases } = await stage();
    const work = deferred<string>();
    let isOver = false;
    let signal: AbortSignal | undefined;
    const using = keeper.locks
      .using("a", (lock) => {
        signal = lock.signal;
        return work.promise;
      })
      .finally(() => (isOver = true));
    using.catch(() => {});
    await clock.settle();
    leases.faults.renew = "disowns";
    await clock.advance(30_000);
    expect([signal?.aborted, isOver]).toEqual([true, false]);
    work.reject(new Error("stopped"));
    await expect(using).rejects.toMatchObject({ code: "LOCK_LOST", cause: { message: "stopped" } });
  });

  it("B54 `await using` releases it", async () => {
    const { keeper } = await stage();
    {
      await using lock = await keeper.locks.acquire("a");
      lock.assertHeld();
    }
    expect(keeper.locks.holders()).toEqual([]);
  });

  it("B54 its methods may be taken off it", async () => {
    const { keeper } = await stage();
    const { assertHeld, release } = await keeper.locks.acquire("a");
    assertHeld();
    await release();
    expect(assertHeld).toThrow(lockLost);
  });
});

describe("the options of a lock", () => {
  it.for<[LockOptions, RegExp]>([
    [{ ttlMs: 1_000, renewEveryMs: 899 }, /renewEveryMs \+ 2 × marginMs ≤ ttlMs \(899 \+ 2 × 100 ≤ 1000\)/],
    [{ ttlMs: 35 }, /renewEveryMs \+ 2 × marginMs ≤ ttlMs/],
    [{ ttlMs: Number.NaN }, /lock\.ttlMs/],
    [{ waitMs: -1 }, /lock\.waitMs/],
    [{ label: "" }, /lock\.label/],
    [{ surprise: 1 } as LockOptions, /lock\.surprise/],
  ])("B50 %j is refused with INVALID_OPTION", async ([options, message]) => {
    const { keeper } = await createFixture();
    const refused = expect.objectContaining({
      code: "INVALID_OPTION",
      message: expect.stringMatching(message) as string,
    });
    await expect(keeper.locks.acquire("a", options)).rejects.toEqual(refused);
    await expect(keeper.locks.tryAcquire("a", options)).rejects.toEqual(refused);
    await expect(keeper.locks.using("a", async () => {}, options)).rejects.toEqual(refused);
  });

  it("B50 a name is one like a session's", async () => {
    const { keeper } = await createFixture();
    await expect(keeper.locks.acquire(" a")).rejects.toMatchObject({ code: "INVALID_OPTION" });
  });

  it("are seen in holders(), and stats() counts what is held", async () => {
    const { keeper, clock } = await stage();
    const lock = await keeper.locks.acquire("a", { label: "compaction" });
    expect(keeper.locks.holders()).toEqual([
      {
        name: "a",
        owner: expect.any(String) as string,
        label: "compaction",
        state: "busy",
        fencingToken: lock.fencingToken,
        acquiredAt: clock.now(),
        expiresAt: clock.now() + 60_000,
      },
    ]);
    expect(keeper.stats().locks).toBe(1);
    await lock.release();
    expect([keeper.locks.holders(), keeper.stats().locks]).toEqual([[], 0]);
  });
});
