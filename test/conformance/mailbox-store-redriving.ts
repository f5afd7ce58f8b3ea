import type { Mailboxes, NewItem, StoredItem } from "lanekeeper/ports";
import { describe, expect, it } from "vitest";
import {
  accept,
  acceptAll,
  announced,
  completeCommand,
  completion,
  type CreateStore,
  deadLettered,
  event,
  expectStatus,
  finished,
  idsOf,
  limits,
  message,
  openStore,
  openTurn,
  plainEnd,
  running,
  settle,
  waitingIds,
} from "./mailbox-store-fixture.ts";

type RedriveResult = Awaited<ReturnType<Mailboxes["redrive"]>>;

/** Accepts an item, lets a turn hold it and give it up. */
async function giveUp(mailboxes: Mailboxes, given: NewItem, dedupeMs = limits.dedupeMs): Promise<StoredItem> {
  const { item } = await accept(mailboxes, given);
  const { fencingToken } = await openTurn(mailboxes, given.sessionKey, "gave up", [item]);
  const { sessionKey } = given;
  const end = { sessionKey, turnId: "gave up", fencingToken, dispositions: [], dedupeMs, ...plainEnd };
  await settle(mailboxes, end, deadLettered(item));
  return item;
}

async function redrive(mailboxes: Mailboxes, id: string, within = limits): Promise<RedriveResult> {
  return mailboxes.redrive({ id, limits: within });
}

/** What `redrive`, `discard` and `deadLetter` keep to (B31b). */
export function claimRedriving(createStore: CreateStore): void {
  describe("redrive (B31b)", () => {
    it("puts the work back at the end of its session's queue, with no attempts, and forgets the letter", async () => {
      const { mailboxes, clock } = await openStore(createStore);
      const more = { meta: { thread: "7" }, priority: "normal", group: "webhook", expiresInMs: 9 } as const;
      const before = await giveUp(mailboxes, message("s", "a", { text: "hello" }, more));
      await acceptAll(mailboxes, "s", ["b"]);
      await clock.advance(1_000);
      const { item, mailbox, finished: gone } = expectStatus(await redrive(mailboxes, "dead-a"), "accepted");
      expect(item).toEqual({
        ...before,
        seq: item.seq,
        acceptedAt: clock.now(),
        acceptedMono: clock.monotonic(),
        expiresAt: undefined,
      });
      expect(item.seq).toBeGreaterThan(before.seq);
      expect([mailbox.messages, gone]).toEqual([2, []]);
      expect(await waitingIds(mailboxes, "s")).toEqual(["b", "a"]);
      expect(await mailboxes.find("s", "a")).toEqual({ state: "open", item });
      expect(await mailboxes.deadLetter("dead-a")).toBeUndefined();
      expect(await mailboxes.deadLetters({ sessionKey: undefined, limit: 9 })).toEqual([]);
    });

    it.each(["collect", "steer", "interrupt", "reject"] as const)(
      "puts a message of mode %s back as a followup",
      async (mode) => {
        const { mailboxes } = await openStore(createStore);
        await giveUp(mailboxes, message("s", "a", "a", { mode }));
        await acceptAll(mailboxes, "s", ["b"]);
        const { item } = expectStatus(await redrive(mailboxes, "dead-a"), "accepted");
        expect(item).toMatchObject({ mode: "followup", ahead: 0, steers: undefined });
        expect(await waitingIds(mailboxes, "s")).toEqual(["b", "a"]);
      },
    );

    it("puts an event back as what it was", async () => {
      const { mailboxes } = await openStore(createStore);
      const before = await giveUp(mailboxes, event("s", "e", { key: "k", wakes: false }));
      const { item, mailbox } = expectStatus(await redrive(mailboxes, "dead-e"), "accepted");
      expect(item).toEqual({ ...before, seq: item.seq });
      expect(mailbox).toMatchObject({ events: 0, quiet: 1 });
    });

    it("lets an event replace the one of its key that waits", async () => {
      const { mailboxes } = await openStore(createStore);
      await giveUp(mailboxes, event("s", "e", { key: "k" }));
      await accept(mailboxes, event("s", "f", { key: "k" }));
      const { finished: gone } = expectStatus(await redrive(mailboxes, "dead-e"), "accepted");
      expect(gone).toMatchObject([{ id: "f", outcome: { status: "dropped", reason: "replaced" } }]);
      expect(await waitingIds(mailboxes, "s")).toEqual(["e"]);
    });

    it("answers `missing` for a letter there is not, also one that was put back, and changes nothing", async () => {
      const { mailboxes } = await openStore(createStore);
      expect(await redrive(mailboxes, "none")).toEqual({ status: "missing" });
      expect(mailboxes.known).toBe(0);
      await giveUp(mailboxes, message("s", "a"));
      await redrive(mailboxes, "dead-a");
      const before = await mailboxes.session("s");
      expect(await redrive(mailboxes, "dead-a")).toEqual({ status: "missing" });
      expect(await mailboxes.session("s")).toEqual(before);
      expect(await waitingIds(mailboxes, "s")).toEqual(["a"]);
    });

    it("I1: of two at once puts the work back once", async () => {
      const { mailboxes } = await openStore(createStore);
      await giveUp(mailboxes, message("s", "a"));
      const both = await Promise.all([redrive(mailboxes, "dead-a"), redrive(mailboxes, "dead-a")]);
      expect(both.map(({ status }) => status)).toEqual(["accepted", "missing"]);
      expect(await waitingIds(mailboxes, "s")).toEqual(["a"]);
    });

    it("takes the id of the work that was given up, remembered or not: it is open from then on", async () => {
      const { mailboxes, clock } = await openStore(createStore);
      await giveUp(mailboxes, message("s", "a"));
      await giveUp(mailboxes, message("s", "b"), 0);
      await redrive(mailboxes, "dead-a");
      await redrive(mailboxes, "dead-b");
      await clock.advance(2 * limits.dedupeMs);
      await mailboxes.sweep();
      for (const id of ["a", "b"]) {
        expect(await mailboxes.find("s", id)).toMatchObject({ state: "open" });
        expect(await mailboxes.append(message("s", id), limits)).toMatchObject({ status: "duplicate" });
      }
    });

    it("makes a new id where other work has taken the old one, and leaves that work alone", async () => {
      const { mailboxes } = await openStore(createStore);
      await giveUp(mailboxes, message("s", "a", "old"), 0);
      const { item: other } = await accept(mailboxes, message("s", "a", "new"));
      const { item } = expectStatus(await redrive(mailboxes, "dead-a"), "accepted");
      expect(item).toMatchObject({ body: "old" });
      expect(item.id).not.toBe("a");
      expect(await mailboxes.find("s", "a")).toEqual({ state: "open", item: other });
      expect(await mailboxes.find("s", item.id)).toEqual({ state: "open", item });
      expect(await waitingIds(mailboxes, "s")).toEqual(["a", item.id]);
    });

    it("makes a new id also where a turn holds the work that has taken the old one", async () => {
      const { mailboxes } = await openStore(createStore);
      await giveUp(mailboxes, message("s", "a", "old"), 0);
      const items = await acceptAll(mailboxes, "s", ["a"]);
      const end = await running(mailboxes, items);
      const { item } = expectStatus(await redrive(mailboxes, "dead-a"), "accepted");
      expect(item.id).not.toBe("a");
      await settle(mailboxes, end, finished(items[0]!));
      expect(await mailboxes.find("s", "a")).toMatchObject({ state: "settled" });
    });

    it.each(["reject", "drop-oldest", "drop-newest", "summarize"] as const)(
      "leaves the letter, and all else, where the mailbox is full (overflow %s)",
      async (overflow) => {
        const { mailboxes } = await openStore(createStore);
        await giveUp(mailboxes, message("s", "a"));
        const letter = await mailboxes.deadLetter("dead-a");
        await acceptAll(mailboxes, "s", ["b", "c"]);
        const before = await mailboxes.session("s");
        const full = { status: "full", waiting: 2, limit: 2 };
        expect(await redrive(mailboxes, "dead-a", { ...limits, cap: 2, overflow })).toEqual(full);
        expect(await mailboxes.session("s")).toEqual(before);
        expect(await mailboxes.deadLetter("dead-a")).toEqual(letter);
        expect(await mailboxes.find("s", "a")).toMatchObject({
          state: "settled",
          item: { outcome: { status: "failed" } },
        });
        expect((await openTurn(mailboxes, "s", "t", [])).dropped).toBeUndefined();
        expectStatus(await redrive(mailboxes, "dead-a"), "accepted");
      },
    );

    it("leaves the letter where too much waits over all sessions (B12)", async () => {
      const { mailboxes } = await openStore(createStore);
      await giveUp(mailboxes, message("s", "a"));
      await acceptAll(mailboxes, "other", ["b"]);
      const overloaded = { status: "overloaded", waiting: 1, limit: 1 };
      expect(await redrive(mailboxes, "dead-a", { ...limits, backlog: 1 })).toEqual(overloaded);
      expect(await mailboxes.deadLetter("dead-a")).toMatchObject({ id: "dead-a" });
      expect(mailboxes.backlog).toBe(1);
    });

    it("puts a completion into the session's present incarnation, however full it is (B36)", async () => {
      const { mailboxes } = await openStore(createStore);
      const { record } = await mailboxes.recordExecution(announced("s", "x"));
      await mailboxes.restart({ sessionKey: "s", dedupeMs: limits.dedupeMs });
      const request = { record, completion: completion("s", "x"), isSilent: false, limits };
      const { deadLetter } = expectStatus(await mailboxes.completeExecution(request), "stale");
      await accept(mailboxes, event("s", "e"));
      const none = { ...limits, eventCap: 1, backlog: 1 };
      const { item } = expectStatus(await redrive(mailboxes, deadLetter.id, none), "accepted");
      const { incarnation } = await mailboxes.session("s");
      expect(item).toMatchObject({
        id: "x",
        kind: "exec.completed",
        body: completion("s", "x"),
        incarnation,
        wakes: true,
      });
      expect(await mailboxes.completeExecution(request)).toEqual({ status: "duplicate" });
    });

    it("puts a completion back that a reset ended while it waited, beside a message of the same id (B23)", async () => {
      const { mailboxes } = await openStore(createStore);
      await completeCommand(mailboxes, "s", "x");
      const { item: named } = await accept(mailboxes, message("s", "x"));
      const { deadLetters } = await mailboxes.restart({ sessionKey: "s", dedupeMs: limits.dedupeMs });
      const { item } = expectStatus(await redrive(mailboxes, deadLetters[0]!.id), "accepted");
      expect(item).toMatchObject({ id: "x", type: "event" });
      expect(await mailboxes.find("s", "x")).toEqual({ state: "open", item: named });
      expect(await waitingIds(mailboxes, "s")).toEqual(["x", "x"]);
    });

    it("makes a session known again that was forgotten (B11)", async () => {
      const { mailboxes } = await openStore(createStore);
      await giveUp(mailboxes, message("s", "a"), 0);
      expect(await mailboxes.forget("s")).toBe(true);
      expectStatus(await redrive(mailboxes, "dead-a"), "accepted");
      expect([mailboxes.known, await waitingIds(mailboxes, "s")]).toEqual([1, ["a"]]);
    });

    it("gives work that is given up again a letter of its own", async () => {
      const { mailboxes } = await openStore(createStore);
      await giveUp(mailboxes, message("s", "a"));
      const { item } = expectStatus(await redrive(mailboxes, "dead-a"), "accepted");
      await settle(mailboxes, await running(mailboxes, [item]), deadLettered(item, "dead again"));
      const letters = await mailboxes.deadLetters({ sessionKey: "s", limit: 9 });
      expect(letters).toMatchObject([{ id: "dead again", attempts: 1 }]);
    });

    it("is kept from one keeper to the next", async () => {
      const { mailboxes, reopen } = await openStore(createStore);
      await giveUp(mailboxes, message("s", "a"));
      const next = await reopen();
      expectStatus(await redrive(next, "dead-a"), "accepted");
      expect(await waitingIds(next, "s")).toEqual(["a"]);
    });
  });

  describe("discard (B31b)", () => {
    it("forgets a letter, once, and no other", async () => {
      const { mailboxes } = await openStore(createStore);
      await giveUp(mailboxes, message("s", "a"));
      await giveUp(mailboxes, message("s", "b"));
      expect(await mailboxes.discard("dead-a")).toBe(true);
      expect([await mailboxes.discard("dead-a"), await mailboxes.discard("none")]).toEqual([false, false]);
      expect(await mailboxes.deadLetter("dead-a")).toBeUndefined();
      expect(idsOf(await mailboxes.deadLetters({ sessionKey: "s", limit: 9 }))).toEqual(["dead-b"]);
      expect(await redrive(mailboxes, "dead-a")).toEqual({ status: "missing" });
      expect(await mailboxes.find("s", "a")).toMatchObject({ state: "settled" });
    });
  });
}
