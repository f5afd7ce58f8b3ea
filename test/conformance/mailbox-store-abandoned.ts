import { describe, expect, it } from "vitest";
import {
  accept,
  acceptAll,
  type CreateStore,
  event,
  expectStatus,
  finished,
  idsOf,
  limits,
  message,
  openStore,
  openTurn,
  plainEnd,
  returned,
  running,
  settle,
  waitingIds,
} from "./mailbox-store-fixture.ts";

/** What a store keeps of turns whose keeper died (B30, B55). */
export function claimAbandoned(createStore: CreateStore): void {
  describe("turns that a keeper left open", () => {
    it("are none where every turn was settled, and where none was opened", async () => {
      const { mailboxes, reopen } = await openStore(createStore);
      const items = await acceptAll(mailboxes, "s", ["a", "b"]);
      await settle(mailboxes, await running(mailboxes, [items[0]!]), finished(items[0]!));
      expect(await (await reopen()).abandonedTurns()).toEqual([]);
    });

    it("are told with what they hold, of every session, to the next keeper", async () => {
      const { mailboxes, reopen } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "one", ["a", "waits"]);
      const { item: e } = await accept(mailboxes, event("one", "e"));
      const first = await openTurn(mailboxes, "one", "t1", [a!, e]);
      const second = await openTurn(mailboxes, "two", "t2", []);
      const abandoned = [...(await (await reopen()).abandonedTurns())];
      expect(abandoned.toSorted((x, y) => (x.turnId < y.turnId ? -1 : 1))).toMatchObject([
        { sessionKey: "one", turnId: "t1", fencingToken: first.fencingToken, items: [a, e] },
        { sessionKey: "two", turnId: "t2", fencingToken: second.fencingToken, items: [] },
      ]);
    });

    it("hold the steering that they had taken, and what nobody took still waits for them (B19)", async () => {
      const { mailboxes, reopen } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a", "later"]);
      await running(mailboxes, [a!]);
      const steering = { mode: "steer", steersTurn: "t" } as const;
      const { item: taken } = await accept(mailboxes, message("s", "taken", "", steering));
      await accept(mailboxes, message("s", "untaken", "", steering));
      await mailboxes.claimSteering({ sessionKey: "s", turnId: "t", seqs: [taken.seq] });
      const next = await reopen();
      const [turn] = await next.abandonedTurns();
      expect(idsOf(turn!.items)).toEqual(["a", "taken"]);
      expect(turn!.items[1]!.steers).toBe(a!.seq);
      const { turnId, fencingToken } = turn!;
      const end = { sessionKey: "s", turnId, fencingToken, dispositions: [], dedupeMs: 0, ...plainEnd };
      const ends = turn!.items.map((item) => returned(item, "crash"));
      await settle(next, { ...end, steering: "stays", hasToldDropped: false }, ...ends);
      expect(await next.abandonedTurns()).toEqual([]);
      const opened = await openTurn(next, "s", "t2", [a!]);
      expect(opened.items).toMatchObject([{ id: "a", crashes: 1, lastTurnId: "t" }]);
      expect(idsOf(opened.steering)).toEqual(["taken", "untaken"]);
      expect(await waitingIds(next, "s")).toEqual(["later", "taken", "untaken"]);
    });

    it("B3: keep their session from starting another until they are settled", async () => {
      const { mailboxes, reopen } = await openStore(createStore);
      const [a, b] = await acceptAll(mailboxes, "s", ["a", "b"]);
      const end = await running(mailboxes, [a!]);
      const next = await reopen();
      const other = await next.openTurn({ sessionKey: "s", turnId: "t2", seqs: [b!.seq] });
      expectStatus(other, "changed");
      expect(idsOf(await next.unfinished("s"))).toEqual(["a", "b"]);
      await settle(next, end, returned(a!, "crash"));
      expect(await waitingIds(next, "s")).toEqual(["a", "b"]);
      expect((await openTurn(next, "s", "t2", [a!])).fencingToken).toBeGreaterThan(end.fencingToken);
    });

    it("I4: are opened again for a keeper that asks for the same turn", async () => {
      const { mailboxes, reopen } = await openStore(createStore);
      const items = await acceptAll(mailboxes, "s", ["a"]);
      const opened = await openTurn(mailboxes, "s", "t", items);
      const again = await openTurn(await reopen(), "s", "t", items);
      expect(again).toEqual(opened);
    });

    it("leave their items known, busy and unforgotten", async () => {
      const { mailboxes, reopen } = await openStore(createStore);
      const items = await acceptAll(mailboxes, "s", ["a"]);
      await running(mailboxes, items);
      const next = await reopen();
      expect(await next.append(message("s", "a"), limits)).toMatchObject({ status: "duplicate" });
      const rejecting = message("s", "b", "b", { mode: "reject" });
      expect(await next.append(rejecting, limits)).toEqual({ status: "busy" });
      expect(await next.forget("s")).toBe(false);
    });
  });
}
