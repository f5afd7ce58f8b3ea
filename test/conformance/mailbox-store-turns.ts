import { describe, expect, it } from "vitest";
import {
  accept,
  acceptAll,
  type CreateStore,
  event,
  expectStatus,
  idsOf,
  limits,
  message,
  openStore,
  openTurn,
  plainEnd,
  waitingIds,
} from "./mailbox-store-fixture.ts";

/** What `openTurn` keeps to. */
export function claimTurns(createStore: CreateStore): void {
  describe("openTurn", () => {
    it("gives a turn its items, which wait no longer", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a", "b"]);
      const opened = await openTurn(mailboxes, "s", "t", [a!]);
      expect(opened.items).toEqual([a]);
      expect(opened.mailbox).toMatchObject({ messages: 1 });
      expect(opened.incarnation).toBe((await mailboxes.session("s")).incarnation);
      expect(await waitingIds(mailboxes, "s")).toEqual(["b"]);
    });

    it("opens a turn on nothing, also in a session never seen, which it then knows", async () => {
      const { mailboxes } = await openStore(createStore);
      const opened = await openTurn(mailboxes, "s", "t", []);
      expect(opened.items).toEqual([]);
      expect(opened.mailbox).toMatchObject({ messages: 0, events: 0, quiet: 0, retry: null });
      expect(mailboxes.known).toBe(1);
      expect((await mailboxes.session("s")).incarnation).toBe(opened.incarnation);
    });

    it("I4: gives the same turn the same items and token again, and changes nothing", async () => {
      const { mailboxes } = await openStore(createStore);
      const items = await acceptAll(mailboxes, "s", ["a"]);
      const opened = await openTurn(mailboxes, "s", "t", items);
      const before = await mailboxes.session("s");
      const again = await openTurn(mailboxes, "s", "t", items);
      expect(again).toEqual(opened);
      expect(await mailboxes.session("s")).toEqual(before);
    });

    it("I4: the same turn asked again with other items keeps those it has", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a, b] = await acceptAll(mailboxes, "s", ["a", "b"]);
      await openTurn(mailboxes, "s", "t", [a!]);
      expect((await openTurn(mailboxes, "s", "t", [b!])).items).toEqual([a]);
      expect(await waitingIds(mailboxes, "s")).toEqual(["b"]);
    });

    it("I1: opens nothing if one of the items no longer waits", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a, b, c] = await acceptAll(mailboxes, "s", ["a", "b", "c"]);
      await mailboxes.withdraw({
        sessionKey: "s",
        seqs: [b!.seq],
        events: false,
        isFresh: false,
        outcome: { status: "cancelled", reason: "cancelled" },
        dedupeMs: limits.dedupeMs,
      });
      const seqs = [a!.seq, b!.seq, c!.seq];
      const changed = await mailboxes.openTurn({ sessionKey: "s", turnId: "t", seqs });
      expect(expectStatus(changed, "changed").mailbox).toMatchObject({ messages: 2 });
      expect(await mailboxes.waiting("s")).toEqual([a, c]);
      await openTurn(mailboxes, "s", "t", [a!, c!]);
    });

    it("opens no second turn beside an open one", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a, b] = await acceptAll(mailboxes, "s", ["a", "b"]);
      const { fencingToken } = await openTurn(mailboxes, "s", "t1", [a!]);
      const second = await mailboxes.openTurn({ sessionKey: "s", turnId: "t2", seqs: [b!.seq] });
      expectStatus(second, "changed");
      expect(await mailboxes.waiting("s")).toEqual([b]);
      expect((await openTurn(mailboxes, "s", "t1", [])).fencingToken).toBe(fencingToken);
    });

    it("lets turns of different sessions be open at once", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "one", ["a"]);
      const [b] = await acceptAll(mailboxes, "two", ["b"]);
      await openTurn(mailboxes, "one", "t1", [a!]);
      expect(idsOf((await openTurn(mailboxes, "two", "t2", [b!])).items)).toEqual(["b"]);
    });

    it("holds messages and events together, and leaves what came later", async () => {
      const { mailboxes } = await openStore(createStore);
      const { item: e } = await accept(mailboxes, event("s", "e"));
      const { item: m } = await accept(mailboxes, message("s", "m"));
      await accept(mailboxes, event("s", "late"));
      const opened = await openTurn(mailboxes, "s", "t", [m, e]);
      expect(idsOf(opened.items).toSorted()).toEqual(["e", "m"]);
      expect(opened.mailbox).toMatchObject({ messages: 0, events: 1 });
    });

    it("I5: gives tokens and incarnations that grow over the whole store and never repeat", async () => {
      const { mailboxes } = await openStore(createStore);
      const tokens: bigint[] = [];
      const incarnations: number[] = [];
      for (let turn = 0; turn < 12; turn++) {
        const sessionKey = `s${turn % 3}`;
        const turnId = `t${turn}`;
        const { fencingToken, incarnation } = await openTurn(mailboxes, sessionKey, turnId, []);
        tokens.push(fencingToken);
        incarnations.push(incarnation);
        const end = { sessionKey, turnId, fencingToken, dispositions: [], dedupeMs: 0, ...plainEnd };
        await mailboxes.settleTurn(end);
        await mailboxes.restart({ sessionKey, dedupeMs: 0 });
      }
      const counted = [...tokens, ...incarnations.map(BigInt)];
      expect(new Set(counted).size).toBe(counted.length);
      expect(tokens).toEqual(tokens.toSorted((a, b) => (a < b ? -1 : 1)));
      for (let first = 0; first < 3; first++) {
        const ofOne = incarnations.filter((_, turn) => turn % 3 === first);
        expect(ofOne).toEqual(ofOne.toSorted((a, b) => a - b));
      }
    });
  });
}
