import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSimulatedClock } from "../time/simulated-clock.ts";
import { createFixture } from "./fixture.ts";
import { createLanekeeper } from "../keeper/create-lanekeeper.ts";
import type { Lock } from "../locks/lock.ts";
import type { LeaseStore } from "../store/leases.ts";
import { memoryLeases } from "../store/memory-leases.ts";
import type { Clock } from "../time/clock.ts";

/** Timers, too, fire when the scheduler likes, never early: time passes by them alone. */
function racedClock(scheduler: fc.Scheduler): Clock {
  let now = 0;
  const timers = new Set<object>();
  return {
    now: () => now,
    monotonic: () => now,
    setTimeout(fire, delayMs) {
      const timer = {};
      const due = now + delayMs;
      timers.add(timer);
      void scheduler.schedule(Promise.resolve(), "a timer").then(() => {
        if (!timers.delete(timer)) return;
        now = Math.max(now, due);
        fire();
      });
      return timer;
    },
    clearTimeout: (timer) => void timers.delete(timer as object),
  };
}
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Leases to which commands travel, and from which answers come, in whatever order the scheduler likes. */
function raced(leases: LeaseStore, scheduler: fc.Scheduler): LeaseStore {
  const travel = async <T>(name: string, act: () => Promise<T>): Promise<T> => {
    await scheduler.schedule(Promise.resolve(), `${name} arrives`);
    const answer = await act();
    await scheduler.schedule(Promise.resolve(), `${name} is answered`);
    return answer;
  };
  return {
    acquire: (name, owner, ttlMs) => travel("acquire", () => leases.acquire(name, owner, ttlMs)),
    renew: (name, owner, token, ttlMs) => travel("renew", () => leases.renew(name, owner, token, ttlMs)),
    release: (name, owner, token) => travel("release", () => leases.release(name, owner, token)),
    watch: (name, released) =>
      leases.watch!(name, () => void scheduler.schedule(Promise.resolve(), "told").then(released)),
    close: async () => {},
  };
}

/** How an acquisition may end without the lock. */
const endings = new Set(["LOCK_ABORTED", "LOCK_TIMEOUT", "STORE_UNAVAILABLE", "CLOSED"]);

function isHeld(lock: Lock): boolean {
  try {
    lock.assertHeld();
    return true;
  } catch {
    return false;
  }
}

/** What a client does: asks once or waits; gives up at some moment or not; releases or dies holding the lock. */
const client = fc.record({
  keeper: fc.nat(1),
  isOnce: fc.boolean(),
  givesUp: fc.boolean(),
});

describe("locks, in whatever order commands travel and callers give up", () => {
  it("B49 B53 have one holder at most, none who gave up, tokens in order, and are free in the end", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.array(client, { minLength: 2, maxLength: 5 }),
        fc.boolean(),
        async (scheduler, clients, isClosing) => {
          const clock = racedClock(scheduler);
          const leases = memoryLeases(() => clock);
          const open = () =>
            createLanekeeper({
              clock,
              leases: raced(leases, scheduler),
              logger: silent,
              turn: () => undefined,
            });
          const keepers = [await open(), await open()];
          const believers = new Set<Lock>();
          const tokens: bigint[] = [];
          const wrong: string[] = [];
          const inOrder: number[][] = [[], []];

          const live = async (plan: (typeof clients)[number], index: number): Promise<void> => {
            const { locks } = keepers[plan.keeper]!;
            const controller = new AbortController();
            const { signal } = controller;
            if (plan.givesUp)
              void scheduler.schedule(Promise.resolve(), "gives up").then(() => controller.abort());
            let lock: Lock | undefined;
            try {
              lock = plan.isOnce
                ? await locks.tryAcquire("a", { signal })
                : await locks.acquire("a", { signal });
            } catch (error) {
              if (!endings.has((error as { readonly code: string }).code)) wrong.push(String(error));
              return;
            }
            if (lock === undefined) return;
            if (!isHeld(lock)) wrong.push("it was not held when it was acquired");
            if (!plan.isOnce) inOrder[plan.keeper]!.push(index);
            if ([...believers].some(isHeld)) wrong.push("two believe");
            believers.add(lock);
            tokens.push(lock.fencingToken);
            await scheduler.schedule(Promise.resolve(), "works");
            await lock.release();
            if (isHeld(lock)) wrong.push("it was held after release");
          };
          const all = clients.map(live);
          const closing = isClosing
            ? scheduler.schedule(Promise.resolve(), "closes").then(() => keepers[0]!.close())
            : undefined;
          await scheduler.waitFor(Promise.all(all));
          if (closing !== undefined) await scheduler.waitFor(closing);
          await scheduler.waitIdle();
          expect(tokens).toEqual(tokens.toSorted((a, b) => (a < b ? -1 : 1)));
          expect(new Set(tokens).size).toBe(tokens.length);
          for (const order of inOrder) expect(order).toEqual(order.toSorted((a, b) => a - b));
          // What a closed keeper held runs out within its TTL.
          const isFree = (await leases.acquire("a", "a probe", 1)).acquired;
          expect([wrong, isFree || isClosing]).toEqual([[], true]);
          await scheduler.waitFor(Promise.all(keepers.map((keeper) => keeper.close())));
        },
      ),
      { numRuns: 1_000 },
    );
  }, 60_000);
});

it.each(Array.from({ length: 12 }, (_, ticks) => ticks))(
  "B49 the answer to a question that counts as failed gives back no lease that the next was given %i microtasks before",
  async (ticks) => {
    const leases = memoryLeases(() => clock);
    const asked: PromiseWithResolvers<void>[] = [];
    const released: string[] = [];
    const slow: LeaseStore = {
      ...leases,
      async acquire(...request) {
        const question = Promise.withResolvers<void>();
        asked.push(question);
        await question.promise;
        return leases.acquire(...request);
      },
      async release(name, owner, token) {
        released.push(name);
        return leases.release(name, owner, token);
      },
    };
    const clock = createSimulatedClock();
    const { keeper } = await createFixture({ clock, leases: slow });
    const acquiring = keeper.locks.acquire("file", { waitMs: 60_000 });
    while (asked.length < 2) await clock.advance(1_000);
    asked[1]!.resolve();
    for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
    asked[0]!.resolve();
    const lock = await acquiring;
    await clock.settle();
    expect([lock.state, released]).toEqual(["busy", []]);
  },
);
