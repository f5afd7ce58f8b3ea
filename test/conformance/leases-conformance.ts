import * as fc from "fast-check";
import type { LeaseStore } from "lanekeeper/ports";
import { createSimulatedClock, type SimulatedClock } from "lanekeeper/simulated-clock";
import { describe, expect, it } from "vitest";
import { askBeside, leaseSteps } from "./leases-model.ts";

/** Makes new leases on a clock. */
export type CreateLeases = (clock: SimulatedClock) => LeaseStore | Promise<LeaseStore>;

const ttlMs = 10_000;

interface Opened {
  readonly leases: LeaseStore;
  readonly clock: SimulatedClock;
}

/** What every lease store keeps to; `doesTell` says whether it tells of releases, as one that can does. */
export function describeLeases(
  name: string,
  createLeases: CreateLeases,
  { doesTell = true }: { readonly doesTell?: boolean } = {},
): void {
  const open = async (): Promise<Opened> => {
    const clock = createSimulatedClock();
    return { leases: await createLeases(clock), clock };
  };
  /** Acquires a lease that must be free, and gives its token. */
  const take = async (leases: LeaseStore, lease: string, owner: string): Promise<bigint> => {
    const result = await leases.acquire(lease, owner, ttlMs);
    expect(result).toMatchObject({ acquired: true });
    return (result as { token: bigint }).token;
  };

  describe(`leases: ${name}`, () => {
    describe("acquire", () => {
      it("takes a free lease and tells others who holds it and for how long", async () => {
        const { leases, clock } = await open();
        await take(leases, "lock", "one");
        await clock.advance(4_000);
        expect(await leases.acquire("lock", "two", ttlMs)).toEqual({
          acquired: false,
          owner: "one",
          expiresInMs: 6_000,
        });
      });

      it("gives the current owner the same token again", async () => {
        const { leases } = await open();
        const token = await take(leases, "lock", "one");
        expect(await take(leases, "lock", "one")).toBe(token);
      });

      it("takes an expired lease, never one that has a millisecond left", async () => {
        const { leases, clock } = await open();
        await take(leases, "lock", "one");
        await clock.advance(ttlMs - 1);
        expect(await leases.acquire("lock", "two", ttlMs)).toMatchObject({ acquired: false, expiresInMs: 1 });
        await clock.advance(1);
        await take(leases, "lock", "two");
      });

      it("is of one name: others are free", async () => {
        const { leases } = await open();
        await take(leases, "a", "one");
        await take(leases, "b", "two");
        expect(await leases.acquire("a", "two", ttlMs)).toMatchObject({ acquired: false });
      });

      it("gives one of many who ask at once", async () => {
        const { leases } = await open();
        const owners = Array.from({ length: 10 }, (_, index) => `owner ${index}`);
        const results = await Promise.all(owners.map((owner) => leases.acquire("lock", owner, ttlMs)));
        expect(results.filter(({ acquired }) => acquired)).toHaveLength(1);
      });

      it("gives tokens that grow for a name over release and expiry", async () => {
        const { leases, clock } = await open();
        const tokens: bigint[] = [];
        for (let turn = 0; turn < 6; turn++) {
          const token = await take(leases, "lock", `owner ${turn}`);
          tokens.push(token);
          if (turn % 2 === 0) await leases.release("lock", `owner ${turn}`, token);
          else await clock.advance(ttlMs);
        }
        expect(new Set(tokens).size).toBe(6);
        expect(tokens).toEqual(tokens.toSorted((a, b) => (a < b ? -1 : 1)));
      });

      it("gives the same owner a new token once its lease was lost", async () => {
        const { leases, clock } = await open();
        const token = await take(leases, "lock", "one");
        await clock.advance(ttlMs);
        expect(await take(leases, "lock", "one")).toBeGreaterThan(token);
      });

      it("counts on time that an operator cannot step", async () => {
        const { leases, clock } = await open();
        await take(leases, "lock", "one");
        clock.stepWall(365 * 24 * 3_600_000);
        expect(await leases.acquire("lock", "two", ttlMs)).toMatchObject({
          acquired: false,
          expiresInMs: ttlMs,
        });
      });
    });

    describe("any order of commands", () => {
      it("has one owner at a time, and only the owner with its token acts", async () => {
        await fc.assert(
          fc.asyncProperty(leaseSteps(ttlMs), async (steps) => {
            const { leases, clock } = await open();
            const answers = await askBeside(leases, clock, ttlMs, steps);
            expect(answers.map(([answered]) => answered)).toEqual(answers.map(([, truth]) => truth));
            await leases.close();
          }),
          { numRuns: 100 },
        );
      });

      it("keeps names and owners apart that differ by little: case, space, what looks like a pattern", async () => {
        const { leases } = await open();
        const names = ["a", "A", "a b", "a:b", "a*", "a%", "ä", "a\u0308", "{a}", "__proto__"];
        const tokens = await Promise.all(names.map((lease) => take(leases, lease, "one")));
        for (const [index, lease] of names.entries()) {
          expect(await leases.acquire(lease, "ONE", ttlMs)).toMatchObject({ acquired: false, owner: "one" });
          expect(await leases.renew(lease, "one", tokens[index]!, ttlMs)).toBe(true);
        }
      });

      it("takes each lease for as long as it was asked for", async () => {
        const { leases, clock } = await open();
        await leases.acquire("short", "one", 10);
        await leases.acquire("long", "one", 86_400_000);
        await clock.advance(10);
        await take(leases, "short", "two");
        await clock.advance(86_400_000 - 11);
        expect(await leases.acquire("long", "two", ttlMs)).toMatchObject({ acquired: false, expiresInMs: 1 });
      });

      it("renews for as long as the renewal asks, shorter or longer", async () => {
        const { leases, clock } = await open();
        const token = await take(leases, "lock", "one");
        expect(await leases.renew("lock", "one", token, 100)).toBe(true);
        await clock.advance(99);
        expect(await leases.renew("lock", "one", token, 2 * ttlMs)).toBe(true);
        await clock.advance(2 * ttlMs - 1);
        expect(await leases.acquire("lock", "two", ttlMs)).toMatchObject({ acquired: false, expiresInMs: 1 });
      });
    });

    describe("renew", () => {
      it("extends the lease from now", async () => {
        const { leases, clock } = await open();
        const token = await take(leases, "lock", "one");
        await clock.advance(ttlMs - 1);
        expect(await leases.renew("lock", "one", token, ttlMs)).toBe(true);
        await clock.advance(ttlMs - 1);
        expect(await leases.acquire("lock", "two", ttlMs)).toMatchObject({ acquired: false, expiresInMs: 1 });
      });

      it("is refused for another owner, another token, an unknown name", async () => {
        const { leases, clock } = await open();
        const token = await take(leases, "lock", "one");
        expect(await leases.renew("lock", "two", token, ttlMs)).toBe(false);
        expect(await leases.renew("lock", "one", token + 1n, ttlMs)).toBe(false);
        expect(await leases.renew("unknown", "one", token, ttlMs)).toBe(false);
        await clock.advance(ttlMs);
        await take(leases, "lock", "two");
      });

      it("does not bring back a lease that expired or was released", async () => {
        const { leases, clock } = await open();
        const expired = await take(leases, "a", "one");
        const released = await take(leases, "b", "one");
        await leases.release("b", "one", released);
        await clock.advance(ttlMs);
        expect(await leases.renew("a", "one", expired, ttlMs)).toBe(false);
        expect(await leases.renew("b", "one", released, ttlMs)).toBe(false);
        await take(leases, "a", "two");
        await take(leases, "b", "two");
      });

      it("does nothing for an old token of the owner that holds it anew", async () => {
        const { leases, clock } = await open();
        const old = await take(leases, "lock", "one");
        await clock.advance(ttlMs);
        await take(leases, "lock", "one");
        expect(await leases.renew("lock", "one", old, ttlMs)).toBe(false);
      });
    });

    describe("release", () => {
      it("frees the lease at once, and once", async () => {
        const { leases } = await open();
        const token = await take(leases, "lock", "one");
        expect(await leases.release("lock", "one", token)).toBe(true);
        expect(await leases.release("lock", "one", token)).toBe(false);
        await take(leases, "lock", "two");
      });

      it("undoes an acquire whose answer was lost, without its token", async () => {
        const { leases } = await open();
        await leases.acquire("lock", "one", ttlMs);
        expect(await leases.release("lock", "one")).toBe(true);
        await take(leases, "lock", "two");
      });

      it("is refused for another owner, another token, an expired lease", async () => {
        const { leases, clock } = await open();
        const token = await take(leases, "lock", "one");
        expect(await leases.release("lock", "two", token)).toBe(false);
        expect(await leases.release("lock", "two")).toBe(false);
        expect(await leases.release("lock", "one", token + 1n)).toBe(false);
        expect(await leases.acquire("lock", "two", ttlMs)).toMatchObject({ acquired: false });
        await clock.advance(ttlMs);
        expect(await leases.release("lock", "one", token)).toBe(false);
      });

      it("of a former holder leaves the present one alone", async () => {
        const { leases, clock } = await open();
        const old = await take(leases, "lock", "one");
        await clock.advance(ttlMs);
        const token = await take(leases, "lock", "two");
        expect(await leases.release("lock", "one", old)).toBe(false);
        expect(await leases.renew("lock", "two", token, ttlMs)).toBe(true);
      });
    });

    const describeReleases = doesTell ? describeWatch : describeSilence;
    describeReleases(open, take);

    describe("close", () => {
      it("refuses every later call", async () => {
        const { leases } = await open();
        const token = await take(leases, "lock", "one");
        await leases.close();
        await expect(leases.acquire("lock", "two", ttlMs)).rejects.toBeInstanceOf(Error);
        await expect(leases.renew("lock", "one", token, ttlMs)).rejects.toBeInstanceOf(Error);
        await expect(leases.release("lock", "one", token)).rejects.toBeInstanceOf(Error);
      });
    });
  });
}

function describeSilence(open: () => Promise<Opened>): void {
  // Its waiters ask again (B53).
  it("cannot tell of releases, and has no watch that would seem to", async () => {
    const { leases } = await open();
    expect(leases.watch).toBeUndefined();
  });
}

function describeWatch(
  open: () => Promise<Opened>,
  take: (leases: LeaseStore, lease: string, owner: string) => Promise<bigint>,
): void {
  describe("watch", () => {
    it("tells of the releases of its name, of nothing else, until it is stopped", async () => {
      const { leases, clock } = await open();
      const watch = (lease: string, released: () => void): (() => void) => {
        expect(leases.watch).toBeTypeOf("function");
        return leases.watch!(lease, released);
      };
      const told: string[] = [];
      const stopFirst = watch("lock", () => told.push("first"));
      watch("lock", () => told.push("second"));
      watch("other", () => told.push("other"));
      const token = await take(leases, "lock", "one");
      await leases.renew("lock", "one", token, ttlMs);
      await leases.release("lock", "two");
      await clock.settle();
      expect(told).toEqual([]);
      await leases.release("lock", "one", token);
      await clock.settle();
      expect(told.toSorted()).toEqual(["first", "second"]);
      stopFirst();
      stopFirst();
      await take(leases, "lock", "one");
      await leases.release("lock", "one");
      await clock.settle();
      expect(told.toSorted()).toEqual(["first", "second", "second"]);
    });
  });
}
