import { describe, expect, it } from "vitest";
import type { Lock, LockOptions } from "../locks/lock.ts";
import { createSimulatedClock } from "../time/simulated-clock.ts";
import { faultyLeases } from "./faulty-leases.ts";
import { createFixture } from "./fixture.ts";

const lockLost = (reason: string) =>
  expect.objectContaining({ code: "LOCK_LOST", details: { name: "a", reason } });

async function stage(options?: LockOptions) {
  const clock = createSimulatedClock();
  const leases = faultyLeases(clock);
  const fixture = await createFixture({ clock, leases });
  const lock = await fixture.keeper.locks.acquire("a", options);
  const renewals = (): number => leases.asked.filter(({ type }) => type === "renew").length;
  return { leases, lock, renewals, ...fixture };
}

function isHeld(lock: Lock): boolean {
  try {
    lock.assertHeld();
    return true;
  } catch {
    return false;
  }
}

describe("B49 belief in a lease", () => {
  it("B49 ends a margin before the lease can be another's, counted from when the request was sent", async () => {
    const { lock, clock, leases, of } = await stage();
    leases.faults.renew = "hangs";
    await clock.advance(53_999);
    expect([isHeld(lock), lock.state, lock.signal.aborted]).toEqual([true, "stalled", false]);
    await clock.advance(1);
    expect([isHeld(lock), lock.state, lock.signal.aborted]).toEqual([false, "reclaimed", true]);
    expect(await leases.acquire("a", "another", 1_000)).toMatchObject({ acquired: false });
    expect(of("lock.lost")).toMatchObject([{ reason: "expired", heldMs: 54_000 }]);
  });

  it("B49 counts from the request also where the answer took its time", async () => {
    const clock = createSimulatedClock();
    const leases = faultyLeases(clock);
    const { keeper } = await createFixture({ clock, leases });
    leases.faults.acquire = "waits";
    const acquiring = keeper.locks.acquire("a");
    await clock.advance(4_000);
    leases.answer();
    const lock = await acquiring;
    leases.faults.renew = "fails";
    await clock.advance(49_999);
    expect(isHeld(lock)).toBe(true);
    await clock.advance(1);
    expect(isHeld(lock)).toBe(false);
  });

  it("B49 counts from the request of a renewal too, however late its answer", async () => {
    const { lock, clock, leases } = await stage();
    leases.faults.renew = "waits";
    await clock.advance(35_000);
    leases.faults.renew = "hangs";
    leases.answer();
    await clock.advance(38_999);
    expect(isHeld(lock)).toBe(true);
    await clock.advance(1);
    expect([isHeld(lock), lock.signal.aborted]).toEqual([false, true]);
  });

  it("B49 does not wait for a timer: a loop blocked for longer than the lease finds it lost at once", async () => {
    const { lock, clock, renewals } = await stage();
    let first: boolean | undefined;
    clock.setTimeout(() => (first = isHeld(lock)), 60_000);
    await clock.suspend(60_000);
    expect([first, lock.state, lock.signal.aborted, renewals()]).toEqual([false, "reclaimed", true, 0]);
  });

  it("B49 after a sleep assertHeld() throws from its first call on, until a renewal confirms it", async () => {
    const { lock, clock, of } = await stage();
    clock.stepWall(10_000);
    expect(() => lock.assertHeld()).toThrow(lockLost("suspended"));
    expect([lock.state, lock.signal.aborted]).toEqual(["stalled", false]);
    await clock.settle();
    expect([isHeld(lock), lock.state]).toEqual([true, "busy"]);
    expect(of("lock.atRisk")).toMatchObject([{ reason: "suspended" }]);
    expect(of("lock.recovered")).toHaveLength(1);
  });

  it("B49 notices a sleep also where nobody asks, within half a margin", async () => {
    const { lock, clock, leases } = await stage();
    leases.faults.renew = "hangs";
    clock.stepWall(3_600_000);
    await clock.advance(3_000);
    expect([lock.state, lock.signal.aborted]).toEqual(["stalled", false]);
  });

  it("B49 the first renewal after a sleep that outlasted the lease loses the lock", async () => {
    const { lock, clock, leases } = await stage();
    leases.faults.renew = "disowns";
    clock.stepWall(3_600_000);
    await clock.advance(3_000);
    expect([isHeld(lock), lock.state, lock.signal.aborted]).toEqual([false, "reclaimed", true]);
  });

  it("B49 an answer that was slept through confirms nothing: another renewal does", async () => {
    const { lock, clock, leases, renewals } = await stage();
    leases.faults.renew = "waits";
    await clock.advance(20_000);
    clock.stepWall(3_600_000);
    leases.faults.renew = undefined;
    leases.answer();
    await clock.settle();
    expect([renewals(), isHeld(lock)]).toEqual([2, true]);
  });

  it("B49 a wall clock stepped back changes nothing, and hides no sleep after it", async () => {
    const { lock, clock, renewals } = await stage();
    clock.stepWall(-3_600_000);
    expect([isHeld(lock), lock.state]).toEqual([true, "busy"]);
    await clock.advance(20_000);
    expect(renewals()).toBe(1);
    clock.stepWall(-3_600_000);
    await clock.advance(3_000);
    clock.stepWall(600_000);
    expect(() => lock.assertHeld()).toThrow(lockLost("suspended"));
  });

  it("B49 what the clocks differ by in the margin is no sleep", async () => {
    const { lock, clock } = await stage();
    clock.stepWall(5_900);
    expect([isHeld(lock), lock.state]).toEqual([true, "busy"]);
  });

  it("B49 a lease the store forgot is believed in until the next renewal at most, and tokens order the two", async () => {
    const { lock, clock, leases, keeper } = await stage();
    await leases.release("a", leases.asked[0]!.owner);
    const taken = await leases.acquire("a", "another", 60_000);
    expect(taken).toMatchObject({ acquired: true, token: lock.fencingToken + 1n });
    await clock.advance(19_999);
    expect(isHeld(lock)).toBe(true);
    await clock.advance(1);
    expect([isHeld(lock), lock.state, keeper.locks.holders()]).toEqual([false, "reclaimed", []]);
  });
});

describe("B50 renewals", () => {
  it("B50 come every third of the TTL, or as asked", async () => {
    for (const [options, everyMs] of [
      [{}, 20_000],
      [{ ttlMs: 9_000 }, 3_000],
      [{ ttlMs: 9_000, renewEveryMs: 1_000 }, 1_000],
    ] as const) {
      const { clock, renewals } = await stage(options);
      await clock.advance(everyMs - 1);
      expect(renewals()).toBe(0);
      await clock.advance(1);
      expect(renewals()).toBe(1);
      await clock.advance(9 * everyMs);
      expect(renewals()).toBe(10);
    }
  });

  it("B50 one at a time: one that hangs is never repeated beside itself", async () => {
    const { clock, leases, renewals, lock, of } = await stage();
    leases.faults.renew = "hangs";
    await clock.advance(300_000);
    expect([renewals(), lock.state]).toEqual([1, "reclaimed"]);
    expect(of("lock.atRisk")).toMatchObject([{ reason: "renewal-late" }]);
  });

  it("B50 a failed one is retried sooner until the deadline, then the lock is lost", async () => {
    const { clock, leases, renewals, of, lock } = await stage();
    leases.faults.renew = "fails";
    await clock.advance(20_000);
    expect([lock.state, isHeld(lock), renewals()]).toEqual(["stalled", true, 1]);
    await clock.advance(1_000);
    expect(renewals()).toBe(2);
    await clock.advance(33_000);
    expect(of("lock.lost")).toMatchObject([{ reason: "expired" }]);
    expect(of("lock.atRisk")).toMatchObject([{ reason: "renewal-failed" }]);
    const lost = renewals();
    await clock.advance(600_000);
    expect(renewals()).toBe(lost);
  });

  it("B50 a retry that is confirmed recovers the lock", async () => {
    const { clock, leases, of, lock } = await stage();
    leases.faults.renew = "fails";
    await clock.advance(20_000);
    leases.faults.renew = undefined;
    await clock.advance(600_000);
    expect([lock.state, isHeld(lock)]).toEqual(["busy", true]);
    expect(of("lock.recovered")).toHaveLength(1);
  });
});

describe("B33 B51 B52", () => {
  it("B33 a store that never answers is waited for until a deadline, by every command", async () => {
    const { clock, leases, keeper, lock } = await stage();
    leases.faults.acquire = leases.faults.release = "hangs";
    const trying = keeper.locks.tryAcquire("b").catch((error: unknown) => error);
    const waiting = keeper.locks.acquire("c").catch((error: unknown) => error);
    const releasing = lock.release();
    await clock.advance(10_000);
    await expect(trying).resolves.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await expect(waiting).resolves.toMatchObject({ code: "STORE_UNAVAILABLE" });
    await releasing;
    expect(lock.state).toBe("idle");
  });

  it("B33 a store that fails for less than waitMs is waited for", async () => {
    const { clock, leases, keeper, of } = await stage();
    leases.faults.acquire = "fails";
    const waiting = keeper.locks.acquire("b");
    await clock.advance(4_000);
    leases.faults.acquire = undefined;
    await clock.advance(1_000);
    expect((await waiting).state).toBe("busy");
    expect(of("lock.waiting")).toMatchObject([{ reason: "store" }]);
  });

  it("B51 a holder that dies is replaced within one TTL", async () => {
    const { clock, leases, keeper } = await stage();
    await leases.acquire("b", "a process that was killed", 60_000);
    const waiting = keeper.locks.acquire("b", { waitMs: 120_000 });
    await clock.advance(60_000);
    expect((await waiting).state).toBe("busy");
  });

  it("B52 owners are unique, also where two keepers draw the same ids and numbers", async () => {
    const clock = createSimulatedClock();
    const leases = faultyLeases(clock);
    const same = { clock, random: () => 0.5, createId: () => "same", leases };
    const { keeper } = await createFixture(same);
    const { keeper: other } = await createFixture(same);
    await keeper.locks.acquire("a");
    await expect(other.locks.tryAcquire("a")).resolves.toBeUndefined();
  });

  it("B52 the release of a former holder leaves the present one alone, and its token is smaller", async () => {
    const { lock, clock, leases, keeper } = await stage();
    leases.faults.renew = "hangs";
    const next = keeper.locks.acquire("a", { waitMs: 120_000 });
    await clock.advance(60_000);
    const present = await next;
    await lock.release();
    present.assertHeld();
    expect(present.fencingToken).toBeGreaterThan(lock.fencingToken);
  });
});
