import type { Claim, Dispatcher } from "lanekeeper/ports";
import { describe, expect, it } from "vitest";

/** Makes a new dispatcher with so many slots. */
export type CreateDispatcher = (turns: number) => Dispatcher;

/** Lets a dispatcher that grants later grant. */
const settle = async (): Promise<void> => {
  for (let round = 0; round < 3; round++) await new Promise((resolve) => setImmediate(resolve));
};

/** Sessions that claim slots, and who was granted one, in order. */
function createClaimants(dispatcher: Dispatcher): {
  readonly granted: readonly string[];
  claim(sessionKey: string, granted?: () => void): Claim;
} {
  const order: string[] = [];
  return {
    granted: order,
    claim: (sessionKey, granted = () => {}) =>
      dispatcher.claim({
        sessionKey,
        granted() {
          order.push(sessionKey);
          granted();
        },
        lost() {},
      }),
  };
}

/** What every dispatcher keeps to (the port's I1–I3), and that the longest wait goes first. */
export function describeDispatcher(name: string, createDispatcher: CreateDispatcher): void {
  describe(`dispatcher: ${name}`, () => {
    it("grants as many slots as there are, and no more", async () => {
      const dispatcher = createDispatcher(2);
      const { claim, granted } = createClaimants(dispatcher);
      const claims = ["a", "b", "c", "d"].map((key) => claim(key));
      await settle();
      expect(granted).toEqual(["a", "b"]);
      expect(claims.map(({ isHeld }) => isHeld)).toEqual([true, true, false, false]);
      expect(dispatcher).toMatchObject({ held: 2, waiting: 2, turns: 2 });
    });

    it("I1: counts a slot before it tells anybody of it", async () => {
      const dispatcher = createDispatcher(1);
      const { claim } = createClaimants(dispatcher);
      const seen: { held: number; waiting: number }[] = [];
      const look = (): void => void seen.push({ held: dispatcher.held, waiting: dispatcher.waiting });
      const first = claim("a", look);
      claim("b", look);
      await settle();
      first.release();
      await settle();
      expect(seen).toEqual([
        { held: 1, waiting: 0 },
        { held: 1, waiting: 0 },
      ]);
    });

    it("I2: gives a released slot to who waited longest, once", async () => {
      const dispatcher = createDispatcher(1);
      const { claim, granted } = createClaimants(dispatcher);
      const first = claim("a");
      claim("b");
      claim("c");
      await settle();
      first.release();
      await settle();
      expect(first.isHeld).toBe(false);
      first.release();
      first.release();
      await settle();
      expect(granted).toEqual(["a", "b"]);
      expect(dispatcher).toMatchObject({ held: 1, waiting: 1 });
    });

    it("never grants a claim that was released while it waited", async () => {
      const dispatcher = createDispatcher(1);
      const { claim, granted } = createClaimants(dispatcher);
      const first = claim("a");
      const second = claim("b");
      claim("c");
      await settle();
      second.release();
      expect(dispatcher.waiting).toBe(1);
      first.release();
      second.release();
      await settle();
      expect(granted).toEqual(["a", "c"]);
      expect(second.isHeld).toBe(false);
      expect(dispatcher).toMatchObject({ held: 1, waiting: 0 });
    });

    it("is empty again when everything was released", async () => {
      const dispatcher = createDispatcher(3);
      const { claim, granted } = createClaimants(dispatcher);
      const claims = Array.from({ length: 50 }, (_, index) => claim(`s${index}`));
      for (const one of claims) {
        await settle();
        one.release();
      }
      await settle();
      expect(new Set(granted).size).toBe(50);
      expect(dispatcher).toMatchObject({ held: 0, waiting: 0 });
    });

    it("lets a session claim anew after its release, behind those that wait", async () => {
      const dispatcher = createDispatcher(1);
      const { claim, granted } = createClaimants(dispatcher);
      const first = claim("a");
      const second = claim("b");
      await settle();
      first.release();
      claim("a");
      await settle();
      second.release();
      await settle();
      expect(granted).toEqual(["a", "b", "a"]);
    });

    it("lets nobody overtake those that wait", async () => {
      const dispatcher = createDispatcher(1);
      const { claim, granted } = createClaimants(dispatcher);
      const first = claim("a", () => {});
      claim("b", () => claim("d"));
      claim("c");
      await settle();
      first.release();
      await settle();
      expect(granted).toEqual(["a", "b"]);
      dispatcher.resize(3);
      await settle();
      expect(granted).toEqual(["a", "b", "c", "d"]);
    });

    it("grants on when a claim is given back as soon as it is granted", async () => {
      const dispatcher = createDispatcher(1);
      const { claim, granted } = createClaimants(dispatcher);
      const first = claim("a");
      const claims = new Map<string, Claim>();
      for (const key of ["b", "c", "d"])
        claims.set(
          key,
          claim(key, () => claims.get(key)!.release()),
        );
      await settle();
      first.release();
      await settle();
      expect(granted).toEqual(["a", "b", "c", "d"]);
      expect(dispatcher).toMatchObject({ held: 0, waiting: 0 });
    });

    it("B16: starts who waits when slots are added", async () => {
      const dispatcher = createDispatcher(1);
      const { claim, granted } = createClaimants(dispatcher);
      for (const key of ["a", "b", "c", "d"]) claim(key);
      await settle();
      dispatcher.resize(3);
      await settle();
      expect(granted).toEqual(["a", "b", "c"]);
      expect(dispatcher).toMatchObject({ held: 3, waiting: 1, turns: 3 });
    });

    it("B16: evicts nobody when slots are taken away, and grants none until there is one", async () => {
      const dispatcher = createDispatcher(3);
      const { claim, granted } = createClaimants(dispatcher);
      const claims = ["a", "b", "c", "d"].map((key) => claim(key));
      await settle();
      dispatcher.resize(1);
      expect(claims.map(({ isHeld }) => isHeld)).toEqual([true, true, true, false]);
      expect(dispatcher).toMatchObject({ held: 3, waiting: 1, turns: 1 });
      claims[0]!.release();
      claims[1]!.release();
      await settle();
      expect(granted).toEqual(["a", "b", "c"]);
      claims[2]!.release();
      await settle();
      expect(granted).toEqual(["a", "b", "c", "d"]);
      expect(dispatcher).toMatchObject({ held: 1, waiting: 0 });
    });

    it("grants nothing more once it was told to hold, and leaves what is held", async () => {
      const dispatcher = createDispatcher(1);
      const { claim, granted } = createClaimants(dispatcher);
      const first = claim("a");
      claim("b");
      await settle();
      dispatcher.hold();
      expect(first.isHeld).toBe(true);
      first.release();
      dispatcher.resize(10);
      const late = claim("c");
      await settle();
      expect(granted).toEqual(["a"]);
      expect(late.isHeld).toBe(false);
      expect(dispatcher).toMatchObject({ held: 0, waiting: 2, turns: 10 });
    });
  });
}
