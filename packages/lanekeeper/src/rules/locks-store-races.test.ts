import * as fc from "fast-check";
import { expect, it } from "vitest";
import { createLanekeeper } from "../keeper/create-lanekeeper.ts";
import { LanekeeperError } from "../keeper/errors.ts";
import type { LeaseStore } from "../store/leases.ts";
import { memoryLeases } from "../store/memory-leases.ts";
import { createSimulatedClock } from "../time/simulated-clock.ts";

/** What becomes of a question for the lease: it is answered; it fails; it is done, and its answer is lost; it fails for good. */
type Fate = "answered" | "fails" | "answer-lost" | "unusable";

/** Something that was so from one step of the run to another. */
interface Span {
  readonly what: "leased" | Fate;
  readonly from: number;
  until: number;
}

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const client = fc.record({ isOnce: fc.boolean(), givesUp: fc.boolean() });

it("B53 tells who asks once the truth, in whatever order commands travel, fail and callers give up", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(client, { minLength: 2, maxLength: 6 }),
      fc.array(fc.constantFrom<Fate>("answered", "answered", "fails", "answer-lost", "unusable"), {
        maxLength: 6,
      }),
      async (scheduler, clients, fates) => {
        let step = 0;
        const spans: Span[] = [];
        const clock = createSimulatedClock();
        const given = memoryLeases(() => clock);
        const travel = async <T>(act: () => Promise<T>, fate: Fate): Promise<T> => {
          const span: Span = { what: fate, from: ++step, until: Infinity };
          spans.push(span);
          await scheduler.schedule(Promise.resolve(), "arrives");
          const value = fate === "fails" || fate === "unusable" ? undefined : await act();
          await scheduler.schedule(Promise.resolve(), "is answered");
          span.until = ++step;
          if (fate === "unusable") throw new LanekeeperError("STORE_CORRUPT", "damaged");
          if (fate !== "answered") throw new LanekeeperError("STORE_UNAVAILABLE", "cut off");
          return value as T;
        };
        const leases: LeaseStore = {
          ...given,
          acquire: (name, owner, ttlMs) =>
            travel(async () => {
              const answer = await given.acquire(name, owner, ttlMs);
              if (answer.acquired) spans.push({ what: "leased", from: ++step, until: Infinity });
              return answer;
            }, fates.shift() ?? "answered"),
          release: (name, owner, token) =>
            travel(async () => {
              const wasHeld = await given.release(name, owner, token);
              const lease = spans.findLast(({ what }) => what === "leased");
              if (wasHeld && lease !== undefined) lease.until = ++step;
              return wasHeld;
            }, "answered"),
          close: async () => {},
        };
        const keeper = await createLanekeeper({ clock, leases, logger: silent, turn: () => undefined });
        const wrong: string[] = [];
        /** Whether one of these was so at some instant since. */
        const wasSo = (since: number, ...those: readonly Span["what"][]): boolean =>
          spans.some(({ what, until }) => those.includes(what) && until >= since);

        const live = async ({ isOnce, givesUp }: (typeof clients)[number]): Promise<void> => {
          const since = ++step;
          const controller = new AbortController();
          const { signal } = controller;
          if (givesUp) void scheduler.schedule(Promise.resolve(), "gives up").then(() => controller.abort());
          try {
            const lock = isOnce
              ? await keeper.locks.tryAcquire("a", { signal })
              : await keeper.locks.acquire("a", { signal, waitMs: 3_000 });
            if (lock === undefined) {
              if (!wasSo(since, "leased")) wrong.push("nobody had it, and it was said to be taken");
              return;
            }
            await scheduler.schedule(Promise.resolve(), "works");
            await lock.release();
          } catch (error) {
            const { code } = error as LanekeeperError;
            if (code === "STORE_UNAVAILABLE" && !wasSo(since, "fails", "answer-lost"))
              wrong.push("the store is said to have failed, and it had not");
            if (code === "STORE_CORRUPT" && !wasSo(since, "unusable"))
              wrong.push("the store is said to be corrupt, and it had not said so");
            if (code === "LOCK_TIMEOUT" && !wasSo(since, "leased"))
              wrong.push("nobody had it, and it timed out");
            if (code === "LOCK_ABORTED" && !givesUp) wrong.push("it was called off by nobody");
          }
        };
        const all = Promise.all(
          clients.map((plan) => scheduler.schedule(Promise.resolve(), "asks").then(() => live(plan))),
        );
        const state = { isOver: false };
        void all.then(() => (state.isOver = true));
        for (let rounds = 0; !state.isOver && rounds < 50; rounds++) {
          await scheduler.waitIdle();
          await clock.advance(500);
        }
        await scheduler.waitIdle();
        expect([state.isOver, wrong]).toEqual([true, []]);
        const closing = keeper.close();
        await scheduler.waitIdle();
        await closing;
      },
    ),
    { numRuns: 1_000 },
  );
}, 60_000);
