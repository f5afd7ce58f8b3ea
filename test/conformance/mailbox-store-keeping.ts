import { describe, expect, it } from "vitest";
import {
  accept,
  acceptAll,
  announced,
  completeCommand,
  type CreateStore,
  limits,
  message,
  openStore,
  openTurn,
} from "./mailbox-store-fixture.ts";

/** Who may have the store, and what it keeps from one keeper to the next. */
export function claimKeeping(createStore: CreateStore): void {
  describe("open and close", () => {
    it("B59: refuse a second keeper while one has the store, and leave the first alone", async () => {
      const { store, mailboxes, clock } = await openStore(createStore);
      const again = async (): Promise<unknown> => store.open({ clock, createId: () => "id" });
      await expect(again()).rejects.toMatchObject({ code: "STORE_IN_USE" });
      await accept(mailboxes, message("s", "a"));
      await store.close();
      await expect(again()).resolves.toBeDefined();
      await expect(again()).rejects.toMatchObject({ code: "STORE_IN_USE" });
    });

    it("keep what was accepted, in order, and what is known of ids", async () => {
      const { mailboxes, reopen } = await openStore(createStore);
      const items = await acceptAll(mailboxes, "s", ["a", "b", "c"]);
      await mailboxes.withdraw({
        sessionKey: "s",
        ids: ["b"],
        events: false,
        outcome: { status: "cancelled", reason: "cleared" },
        dedupeMs: limits.dedupeMs,
      });
      const record = await mailboxes.session("s");
      const next = await reopen();
      expect(next.known).toBe(1);
      expect(await next.session("s")).toEqual(record);
      expect(await next.waiting("s")).toEqual([items[0], items[2]]);
      expect(await next.find("s", "b")).toMatchObject({
        state: "settled",
        item: { outcome: { reason: "cleared" } },
      });
      expect(await next.append(message("s", "a"), limits)).toMatchObject({ status: "duplicate" });
    });

    it("keep pauses, commands and dead letters", async () => {
      const { mailboxes, reopen } = await openStore(createStore);
      await mailboxes.pause(undefined, true);
      await mailboxes.pause("s", true);
      const { record } = await mailboxes.recordExecution(announced("s", "running"));
      await completeCommand(mailboxes, "s", "ended");
      const { deadLetters } = await mailboxes.restart({ sessionKey: "s", dedupeMs: limits.dedupeMs });
      const next = await reopen();
      expect(await next.pauses()).toEqual({ keeper: true, sessions: ["s"] });
      expect(await next.execution("running")).toEqual(record);
      expect(await next.execution("ended")).toMatchObject({ state: "completed" });
      expect(await next.deadLetters({ sessionKey: "s", limit: 10 })).toEqual(deadLetters);
    });

    it("I5: go on counting tokens, incarnations and the order of acceptance", async () => {
      const { mailboxes, reopen } = await openStore(createStore);
      const { item } = await accept(mailboxes, message("s", "a"));
      const before = await openTurn(mailboxes, "s", "t1", [item]);
      await mailboxes.settleTurn({
        sessionKey: "s",
        turnId: "t1",
        fencingToken: before.fencingToken,
        dispositions: [{ seq: item.seq, fate: "return", retryAt: undefined, counts: "nothing" }],
        dedupeMs: limits.dedupeMs,
      });
      const next = await reopen();
      const later = await accept(next, message("s", "b"));
      expect(later.item.seq).toBeGreaterThan(item.seq);
      const after = await openTurn(next, "s", "t2", []);
      expect(after.fencingToken).toBeGreaterThan(before.fencingToken);
      expect(after.incarnation).toBe(before.incarnation);
      const other = await accept(next, message("another", "c"));
      expect(other.item.seq).toBeGreaterThan(later.item.seq);
      expect((await next.session("another")).incarnation).toBeGreaterThan(before.incarnation);
    });
  });
}
