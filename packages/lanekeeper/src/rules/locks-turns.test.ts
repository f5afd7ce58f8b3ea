import { describe, expect, it } from "vitest";
import type { Lock } from "../locks/lock.ts";
import { createSimulatedClock } from "../time/simulated-clock.ts";
import { faultyLeases } from "./faulty-leases.ts";
import { createFixture } from "./fixture.ts";

const lane = { stallAfterMs: 10_000, reclaimAfterMs: 20_000, abortGraceMs: 5_000 };

async function stage() {
  const clock = createSimulatedClock();
  const leases = faultyLeases(clock);
  const fixture = await createFixture({ clock, leases, lane });
  /** The next turn of a session, with a lock of its own. */
  const hold = async (sessionKey: string, name = "a") => {
    await fixture.keeper.send(sessionKey, "hello");
    await clock.settle();
    const held = fixture.turns.at(-1)!;
    return { ...held, lock: await held.turn.locks.acquire(name) };
  };
  const isFree = async (name = "a"): Promise<boolean> => {
    const answer = await leases.acquire(name, "a probe", 1);
    if (answer.acquired) await leases.release(name, "a probe");
    return answer.acquired;
  };
  return { leases, hold, isFree, ...fixture };
}

function isHeld(lock: Lock): boolean {
  try {
    lock.assertHeld();
    return true;
  } catch {
    return false;
  }
}

describe("B54a a lock of a turn", () => {
  it.for(["completed", "failed"] as const)(
    "B54a that its turn forgot is released when the turn has %s",
    async (end) => {
      const { hold, isFree, clock } = await stage();
      const { lock, resolve, reject } = await hold("chat");
      expect(await isFree()).toBe(false);
      if (end === "completed") resolve("done");
      else reject(new Error("broken"));
      await clock.settle();
      expect([await isFree(), lock.state, lock.signal.aborted]).toEqual([true, "idle", true]);
    },
  );

  it("B54a aborts its signal with the turn's reason, and is held until the turn is fenced", async () => {
    const { hold, keeper, clock } = await stage();
    const { lock, turn } = await hold("chat");
    await keeper.abort("chat");
    await clock.settle();
    expect(lock.signal.reason).toMatchObject({ code: "TURN_ABORTED" });
    expect(isHeld(lock)).toBe(true);
    await expect(turn.locks.acquire("b")).rejects.toMatchObject({ code: "TURN_FENCED" });
    await clock.advance(lane.abortGraceMs);
    expect([isHeld(lock), lock.state]).toEqual([false, "reclaimed"]);
  });

  it("B54a of a zombie is renewed no more, and runs out within its TTL", async () => {
    const { hold, isFree, clock, leases, of } = await stage();
    await hold("chat");
    await clock.advance(25_000);
    expect(of("lock.lost")).toMatchObject([{ reason: "fenced", sessionKey: "chat" }]);
    const renewals = leases.asked.filter(({ type }) => type === "renew").length;
    expect(await isFree()).toBe(false);
    await clock.advance(60_000);
    expect(await isFree()).toBe(true);
    expect(leases.asked.filter(({ type }) => type === "renew")).toHaveLength(renewals);
  });

  it("B54a of a zombie is given back as soon as its code returns", async () => {
    const { hold, isFree, clock } = await stage();
    const { resolve } = await hold("chat");
    await clock.advance(25_000);
    expect(await isFree()).toBe(false);
    resolve("too late");
    await clock.settle();
    expect(await isFree()).toBe(true);
  });

  it("B54a a turn that hangs holding turn.locks is reclaimed, and the next turn gets the lock within one TTL", async () => {
    const { hold, keeper, clock, turns } = await stage();
    await hold("chat");
    await keeper.send("chat", "next");
    await clock.advance(25_000);
    const next = turns.at(-1)!.turn;
    expect(next.messages[0]?.body).toBe("next");
    const waiting = next.locks.acquire("a", { waitMs: 60_000 });
    for (let second = 0; second < 60; second++) {
      await clock.advance(1_000);
      next.progress();
    }
    expect((await waiting).state).toBe("busy");
  });

  it("B54a an acquisition that waits is called off when its turn is told to stop, or ends", async () => {
    const { hold, keeper, clock, turns } = await stage();
    await hold("one");
    for (const end of ["abort", "end"] as const) {
      await keeper.send(end, "hello");
      await clock.settle();
      const { turn, resolve } = turns.at(-1)!;
      const waiting = turn.locks.acquire("a").catch((error: unknown) => error);
      await clock.settle();
      if (end === "abort") await keeper.abort(end);
      else resolve("done");
      await clock.settle();
      await expect(waiting).resolves.toMatchObject({ code: "LOCK_ABORTED" });
    }
  });

  it("B54a does not end with the turn where it was taken through keeper.locks", async () => {
    const { hold, keeper, clock } = await stage();
    const { resolve } = await hold("chat");
    const lock = await keeper.locks.acquire("b");
    resolve("done");
    await clock.settle();
    expect(isHeld(lock)).toBe(true);
  });

  it("B54a is shown by turn.locks.holders(), keeper.locks.holders() and explain", async () => {
    const { hold, keeper, clock, turns } = await stage();
    const { lock, turn } = await hold("one");
    const other = await hold("two", "b");
    expect(turn.locks.holders()).toMatchObject([{ name: "a", fencingToken: lock.fencingToken }]);
    expect(keeper.locks.holders()).toMatchObject([{ name: "a" }, { name: "b" }]);
    other.turn.locks.acquire("a").catch(() => {});
    await clock.settle();
    expect(keeper.explain("one").facts["locks"]).toMatchObject([{ name: "a", detail: "busy.holding" }]);
    expect(keeper.explain("two").facts["locks"]).toMatchObject([
      { name: "b", detail: "busy.holding" },
      { name: "a", detail: "busy.inLine" },
    ]);
    expect(keeper.explain("three").facts).not.toHaveProperty("locks");
    for (const held of turns) held.resolve("done");
  });
});

describe("B58 locks and the end of a keeper", () => {
  it("B58 a draining keeper's turns still acquire", async () => {
    const { hold, keeper, clock } = await stage();
    const { turn, resolve } = await hold("chat");
    const draining = keeper.drain();
    await clock.settle();
    expect((await turn.locks.acquire("b")).state).toBe("busy");
    resolve("done");
    await draining;
  });

  it("B53 B58 a closed owner acquires nothing, and who waits is refused", async () => {
    const { keeper, clock, leases } = await stage();
    await leases.acquire("a", "another process", 60_000);
    const waiting = keeper.locks.acquire("a").catch((error: unknown) => error);
    await clock.settle();
    const closing = keeper.close();
    await expect(keeper.locks.acquire("b")).rejects.toMatchObject({ code: "CLOSED" });
    await expect(keeper.locks.tryAcquire("b")).rejects.toMatchObject({ code: "CLOSED" });
    await closing;
    await expect(waiting).resolves.toMatchObject({ code: "CLOSED" });
  });

  it("B58 close tells the work under a lock, renews it no more and settles its release", async () => {
    const { keeper, leases, clock } = await stage();
    const lock = await keeper.locks.acquire("a");
    await keeper.close();
    expect([lock.signal.reason, lock.state]).toEqual([
      expect.objectContaining({ code: "CLOSED" }),
      "reclaimed",
    ]);
    await lock.release();
    expect([leases.isClosed, clock.nextTimerInMs()]).toEqual([true, undefined]);
  });

  it("B58 close gives the work of a `using` its grace, and the lease back where it returns in it", async () => {
    const { keeper, leases, clock } = await stage();
    const using = keeper.locks.using("a", async ({ signal }) => {
      if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    });
    const hung = keeper.locks.using("b", () => new Promise<never>(() => {})).catch(() => {});
    await clock.settle();
    const closing = keeper.close();
    await using;
    expect(leases.asked.at(-1)).toMatchObject({ type: "release" });
    expect(leases.isClosed).toBe(false);
    await clock.advance(lane.abortGraceMs);
    await closing;
    expect(leases.isClosed).toBe(true);
    void hung;
  });

  it("B58 the store's own leases outlive the keeper", async () => {
    const { memoryStore } = await import("../store/memory-store.ts");
    const store = memoryStore();
    const clock = createSimulatedClock();
    const { keeper } = await createFixture({ store, clock });
    await (await keeper.locks.acquire("a")).release();
    await keeper.close();
    const { keeper: later } = await createFixture({ store, clock });
    expect((await later.locks.acquire("a")).fencingToken).toBe(2n);
  });
});
