import type { Mailboxes } from "lanekeeper/ports";
import { describe, expect, it } from "vitest";
import {
  accept,
  acceptAll,
  type CreateStore,
  expectStatus,
  idsOf,
  limits,
  message,
  openStore,
  openTurn,
  plainEnd,
} from "./mailbox-store-fixture.ts";

const day = 24 * 3_600_000;

/** Accepts messages of a session and finishes each, remembered for so long. */
async function finish(mailboxes: Mailboxes, ids: readonly string[], dedupeMs: number): Promise<void> {
  await acceptAll(mailboxes, "s", ids);
  await mailboxes.withdraw({
    sessionKey: "s",
    events: false,
    isFresh: false,
    outcome: { status: "cancelled", reason: "cleared" },
    dedupeMs,
  });
}

/** Accepts so many messages of a session and dead-letters them, in one turn. */
async function deadLetter(mailboxes: Mailboxes, sessionKey: string, ids: readonly string[]): Promise<void> {
  const wide = { ...limits, cap: ids.length, dedupeMs: 0 };
  const accepted = await Promise.all(ids.map(async (id) => accept(mailboxes, message(sessionKey, id), wide)));
  const items = accepted.map(({ item }) => item);
  const turnId = `${sessionKey} ${ids[0]}`;
  const { fencingToken } = await openTurn(mailboxes, sessionKey, turnId, items);
  const result = await mailboxes.settleTurn({
    sessionKey,
    turnId,
    fencingToken,
    ...plainEnd,
    dedupeMs: 0,
    dispositions: items.map(({ seq, id }) => ({
      seq,
      fate: "dead-letter",
      deadLetterId: `dead ${id}`,
      reason: "stalled",
      outcome: { status: "reclaimed", turnId, reason: "stalled", deadLetterId: `dead ${id}` },
    })),
  });
  expectStatus(result, "settled");
}

/** How long stores remember, and what they forget. */
export function claimForgetting(createStore: CreateStore): void {
  describe("dedupe (B23)", () => {
    it("knows an id until its time is over, then takes it anew", async () => {
      const { mailboxes, clock } = await openStore(createStore);
      await finish(mailboxes, ["a"], 1_000);
      await clock.advance(999);
      await mailboxes.sweep();
      expectStatus(await mailboxes.append(message("s", "a"), limits), "duplicate");
      await clock.advance(1);
      expect(await mailboxes.find("s", "a")).toBeUndefined();
      await accept(mailboxes, message("s", "a"));
      expect(await mailboxes.find("s", "a")).toMatchObject({ state: "open" });
    });

    it("keeps an id that was taken anew when the old one is swept", async () => {
      const { mailboxes, clock } = await openStore(createStore);
      await finish(mailboxes, ["a"], 1_000);
      await clock.advance(1_000);
      const { item } = await accept(mailboxes, message("s", "a"));
      await mailboxes.sweep();
      expect(await mailboxes.find("s", "a")).toEqual({ state: "open", item });
    });

    it("remembers nothing for no time", async () => {
      const { mailboxes } = await openStore(createStore);
      await finish(mailboxes, ["a"], 0);
      expect(await mailboxes.find("s", "a")).toBeUndefined();
      await accept(mailboxes, message("s", "a"));
    });

    it("keeps what takes an id anew in the very moment in which that is forgotten", async () => {
      const { mailboxes, reopen } = await openStore(createStore);
      await accept(mailboxes, message("s", "a", "old"));
      const outcome = { status: "cancelled", reason: "cleared" } as const;
      const request = { sessionKey: "s", events: false, isFresh: false, outcome, dedupeMs: 0 };
      const [, taken] = await Promise.all([
        mailboxes.withdraw(request),
        mailboxes.append(message("s", "a", "new"), limits),
      ]);
      const { item } = expectStatus(taken, "accepted");
      const next = await reopen();
      expect(await next.waiting("s")).toEqual([item]);
      expect(await next.find("s", "a")).toEqual({ state: "open", item });
    });

    it("never forgets what is not finished", async () => {
      const { mailboxes, clock } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a", "b"]);
      await openTurn(mailboxes, "s", "t", [a!]);
      await clock.advance(365 * day);
      await mailboxes.sweep();
      expect(await mailboxes.find("s", "a")).toMatchObject({ state: "open" });
      expect(await mailboxes.find("s", "b")).toMatchObject({ state: "open" });
    });

    it("keeps each for its own time", async () => {
      const { mailboxes, clock } = await openStore(createStore);
      await finish(mailboxes, ["long"], 10_000);
      await finish(mailboxes, ["short"], 1_000);
      await clock.advance(5_000);
      await mailboxes.sweep();
      expect(await mailboxes.find("s", "short")).toBeUndefined();
      expect(await mailboxes.find("s", "long")).toMatchObject({ state: "settled" });
    });
  });

  describe("sweep", () => {
    it("says when to sweep next, as long as there is something to forget", async () => {
      const { mailboxes, clock } = await openStore(createStore);
      expect(await mailboxes.sweep()).toBeUndefined();
      const start = clock.now();
      await finish(mailboxes, ["later"], 5_000);
      await finish(mailboxes, ["soon"], 2_000);
      expect(await mailboxes.sweep()).toBe(start + 2_000);
      await clock.advance(2_000);
      expect(await mailboxes.sweep()).toBe(start + 5_000);
      await clock.advance(3_000);
      expect(await mailboxes.sweep()).toBeUndefined();
    });
  });

  describe("dead letters", () => {
    it("come newest first, of all sessions or of one, at most so many", async () => {
      const { mailboxes, clock } = await openStore(createStore);
      await deadLetter(mailboxes, "one", ["a"]);
      await clock.advance(10);
      await deadLetter(mailboxes, "two", ["b"]);
      await clock.advance(10);
      await deadLetter(mailboxes, "one", ["c"]);
      const ids = async (sessionKey: string | undefined, limit: number): Promise<readonly string[]> =>
        idsOf(await mailboxes.deadLetters({ sessionKey, limit }));
      expect(await ids(undefined, 10)).toEqual(["dead c", "dead b", "dead a"]);
      expect(await ids("one", 10)).toEqual(["dead c", "dead a"]);
      expect(await ids(undefined, 2)).toEqual(["dead c", "dead b"]);
      expect(await ids("nobody", 10)).toEqual([]);
    });

    it("are kept for 30 days", async () => {
      const { mailboxes, clock } = await openStore(createStore);
      await deadLetter(mailboxes, "s", ["a"]);
      const due = clock.now() + 30 * day;
      expect(await mailboxes.sweep()).toBe(due);
      await clock.advance(30 * day - 1);
      await mailboxes.sweep();
      expect(await mailboxes.deadLetters({ sessionKey: undefined, limit: 10 })).toHaveLength(1);
      await clock.advance(1);
      await mailboxes.sweep();
      expect(await mailboxes.deadLetters({ sessionKey: undefined, limit: 10 })).toEqual([]);
    });

    it("are kept up to 10,000: then the oldest goes for each that comes", async () => {
      const { mailboxes } = await openStore(createStore);
      for (let batch = 0; batch < 10; batch++) {
        const ids = Array.from({ length: 1_000 }, (_, index) => `${batch * 1_000 + index}`);
        await deadLetter(mailboxes, `s${batch}`, ids);
      }
      await deadLetter(mailboxes, "last", ["10000", "10001"]);
      const kept = await mailboxes.deadLetters({ sessionKey: undefined, limit: 20_000 });
      expect(kept).toHaveLength(10_000);
      expect(kept[0]!.id).toBe("dead 10001");
      expect(kept.at(-1)!.id).toBe("dead 2");
    });
  });
}
