import type { Mailboxes, StoredItem } from "lanekeeper/ports";
import { describe, expect, it } from "vitest";
import {
  accept,
  acceptAll,
  completeCommand,
  type CreateStore,
  event,
  expectStatus,
  idsOf,
  limits,
  openStore,
  openTurn,
  plainEnd,
  waitingIds,
} from "./mailbox-store-fixture.ts";

const reset = { status: "cancelled", reason: "reset" } as const;
const request = { sessionKey: "s", dedupeMs: limits.dedupeMs };

/** Lets a turn of session `s` hold an item, fail, and back off until `retryAt`. */
async function backOff(mailboxes: Mailboxes, item: StoredItem, retryAt: number): Promise<void> {
  const { fencingToken } = await openTurn(mailboxes, "s", "failed", [item]);
  await mailboxes.settleTurn({
    sessionKey: "s",
    turnId: "failed",
    ...plainEnd,
    fencingToken,
    dispositions: [{ seq: item.seq, fate: "return", retryAt, counts: "failure" }],
    dedupeMs: limits.dedupeMs,
  });
}

/** What `restart`, and a settlement that restarts in the same step, keep to (B36). */
export function claimRestarts(createStore: CreateStore): void {
  describe("restart (B36)", () => {
    it("starts a new, larger incarnation, which the session's record tells", async () => {
      const { mailboxes } = await openStore(createStore);
      await acceptAll(mailboxes, "s", ["a"]);
      const before = await mailboxes.session("s");
      const { incarnation } = await mailboxes.restart(request);
      expect(incarnation).toBeGreaterThan(before.incarnation);
      expect((await mailboxes.session("s")).incarnation).toBe(incarnation);
      expect((await openTurn(mailboxes, "s", "t", [])).incarnation).toBe(incarnation);
    });

    it("keeps waiting messages and the host's events in order", async () => {
      const { mailboxes } = await openStore(createStore);
      await acceptAll(mailboxes, "s", ["a"]);
      await accept(mailboxes, event("s", "e"));
      await accept(mailboxes, event("s", "q", { wakes: false }));
      await acceptAll(mailboxes, "s", ["b"]);
      const { finished, deadLetters, mailbox } = await mailboxes.restart(request);
      expect(finished).toEqual([]);
      expect(deadLetters).toEqual([]);
      expect(mailbox).toMatchObject({ messages: 2, events: 1, quiet: 1 });
      expect(await waitingIds(mailboxes, "s")).toEqual(["a", "e", "q", "b"]);
    });

    it("cancels a message that backs off", async () => {
      const { mailboxes, clock } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a", "b"]);
      await backOff(mailboxes, a!, clock.now() + 5_000);
      const { finished, mailbox } = await mailboxes.restart(request);
      expect(finished).toMatchObject([{ id: "a", outcome: reset }]);
      expect(mailbox).toMatchObject({ messages: 1, retry: null });
      expect(await mailboxes.find("s", "a")).toMatchObject({ state: "settled", item: { outcome: reset } });
    });

    it("keeps a message whose backoff is over", async () => {
      const { mailboxes, clock } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a"]);
      await backOff(mailboxes, a!, clock.now() + 5_000);
      await clock.advance(5_000);
      const { finished, mailbox } = await mailboxes.restart(request);
      expect(finished).toEqual([]);
      expect(mailbox).toMatchObject({ messages: 1, retry: null });
      expect(await mailboxes.find("s", "a")).toMatchObject({ state: "open", item: { failures: 1 } });
    });

    it("keeps a host's event that backs off, and lets it wait no longer", async () => {
      const { mailboxes, clock } = await openStore(createStore);
      const { item } = await accept(mailboxes, event("s", "e"));
      await backOff(mailboxes, item, clock.now() + 5_000);
      const { finished, mailbox } = await mailboxes.restart(request);
      expect(finished).toEqual([]);
      expect(mailbox).toMatchObject({ events: 1, retry: null });
      const [kept] = await mailboxes.waiting("s");
      expect(kept).toMatchObject({ id: "e", failures: 1 });
      expect(kept!.retryAt).toBeUndefined();
    });

    it("dead-letters waiting completions of earlier commands", async () => {
      const { mailboxes } = await openStore(createStore);
      await completeCommand(mailboxes, "s", "x");
      const { finished, deadLetters, mailbox } = await mailboxes.restart(request);
      expect(finished).toMatchObject([{ id: "x", outcome: { status: "cancelled" } }]);
      expect(deadLetters).toMatchObject([{ sessionKey: "s", reason: "stale-incarnation" }]);
      expect(mailbox).toMatchObject({ events: 0 });
      expect(await mailboxes.deadLetters({ sessionKey: "s", limit: 10 })).toEqual(deadLetters);
    });

    it("touches no other session", async () => {
      const { mailboxes } = await openStore(createStore);
      await completeCommand(mailboxes, "other", "x");
      const before = await mailboxes.session("other");
      await mailboxes.restart(request);
      expect(await mailboxes.session("other")).toEqual(before);
      expect(await waitingIds(mailboxes, "other")).toEqual(["x"]);
    });

    it("happens in the same step as the end of a turn", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a", "b"]);
      const { item: e } = await accept(mailboxes, event("s", "e"));
      await completeCommand(mailboxes, "s", "x");
      const opened = await openTurn(mailboxes, "s", "t", [a!, e]);
      const result = await mailboxes.settleTurn({
        ...request,
        turnId: "t",
        ...plainEnd,
        fencingToken: opened.fencingToken,
        dispositions: [
          { seq: a!.seq, fate: "finish", outcome: reset },
          { seq: e.seq, fate: "return", retryAt: undefined, counts: "nothing" },
        ],
        restart: true,
      });
      const settled = expectStatus(result, "settled");
      expect(settled.incarnation).toBeGreaterThan(opened.incarnation);
      expect(idsOf(settled.finished)).toEqual(["x"]);
      expect(settled.deadLetters).toMatchObject([{ reason: "stale-incarnation" }]);
      expect(settled.mailbox).toMatchObject({ messages: 1, events: 1 });
      expect(await waitingIds(mailboxes, "s")).toEqual(["b", "e"]);
    });

    it("I4: a settlement asked again starts no second incarnation", async () => {
      const { mailboxes } = await openStore(createStore);
      const { fencingToken } = await openTurn(mailboxes, "s", "t", []);
      const settlement = {
        ...request,
        turnId: "t",
        ...plainEnd,
        fencingToken,
        dispositions: [],
        restart: true,
      };
      const { incarnation } = expectStatus(await mailboxes.settleTurn(settlement), "settled");
      expect(await mailboxes.settleTurn(settlement)).toMatchObject({ status: "settled", incarnation });
      expect((await mailboxes.session("s")).incarnation).toBe(incarnation);
    });
  });
}
