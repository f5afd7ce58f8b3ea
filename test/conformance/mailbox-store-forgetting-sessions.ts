import type { Mailboxes } from "lanekeeper/ports";
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
  finished,
  limits,
  message,
  openStore,
  openTurn,
  running,
  settle,
  type StoreInUse,
} from "./mailbox-store-fixture.ts";

/** Lets a session be known with nothing left in it: what it did is remembered no longer. */
async function useUp(mailboxes: Mailboxes, sessionKey: string): Promise<void> {
  await acceptAll(mailboxes, sessionKey, ["used"]);
  await mailboxes.withdraw({
    sessionKey,
    events: false,
    isFresh: false,
    outcome: { status: "cancelled", reason: "cleared" },
    dedupeMs: 0,
  });
}

/** What `forget` and `unused` keep to (B11). */
export function claimForgettingSessions(createStore: CreateStore): void {
  describe("forget (B11)", () => {
    it("removes a session with nothing left, once", async () => {
      const { mailboxes } = await openStore(createStore);
      await useUp(mailboxes, "s");
      await useUp(mailboxes, "other");
      expect([await mailboxes.forget("s"), mailboxes.known]).toEqual([true, 1]);
      const { sessions } = await mailboxes.page({ prefix: "", after: undefined, limit: 9 });
      expect(sessions.map(({ sessionKey }) => sessionKey)).toEqual(["other"]);
      expect(await mailboxes.session("s")).toMatchObject({
        sessionKey: "s",
        isPaused: false,
        isExpiring: false,
        lastReclaim: undefined,
        mailbox: { messages: 0, events: 0, quiet: 0, steering: 0, batch: null, interrupt: false },
      });
      expect([await mailboxes.forget("s"), await mailboxes.forget("never")]).toEqual([false, false]);
    });

    it("gives an unknown session's mailbox a version that no earlier news of it exceeds", async () => {
      const { mailboxes } = await openStore(createStore);
      const { mailbox } = await accept(mailboxes, message("s", "m"));
      await useUp(mailboxes, "s");
      expect(await mailboxes.forget("s")).toBe(true);
      const { mailbox: empty } = await mailboxes.session("s");
      expect(empty).toMatchObject({ messages: 0, events: 0 });
      expect(empty.version).toBeGreaterThan(mailbox.version);
      const outcome = { status: "cancelled", reason: "cleared" } as const;
      const request = { sessionKey: "s", events: true, isFresh: false, dedupeMs: 0, outcome } as const;
      const withdrawn = await mailboxes.withdraw(request);
      expect(withdrawn.mailbox.version).toBeGreaterThanOrEqual(empty.version);
    });

    it.each<[string, (store: StoreInUse) => Promise<unknown>]>([
      ["a message waits", async ({ mailboxes }) => acceptAll(mailboxes, "s", ["a"])],
      ["a quiet event waits", async ({ mailboxes }) => accept(mailboxes, event("s", "e", { wakes: false }))],
      ["a turn is open that holds nothing", async ({ mailboxes }) => openTurn(mailboxes, "s", "t", [])],
      [
        "a turn holds a message",
        async ({ mailboxes }) => running(mailboxes, await acceptAll(mailboxes, "s", ["a"])),
      ],
      [
        "an id is remembered",
        async ({ mailboxes }) => {
          const items = await acceptAll(mailboxes, "s", ["a"]);
          await settle(mailboxes, await running(mailboxes, items), finished(items[0]!));
        },
      ],
      ["it is paused", async ({ mailboxes }) => mailboxes.pause("s", true)],
      ["a command is announced", async ({ mailboxes }) => mailboxes.recordExecution(announced("s", "x"))],
      [
        "a command runs",
        async ({ mailboxes }) => mailboxes.recordExecution({ ...announced("s", "x"), state: "running" }),
      ],
      ["a completion waits", async ({ mailboxes }) => completeCommand(mailboxes, "s", "x")],
    ])("keeps a session while %s", async (_, occupy) => {
      const store = await openStore(createStore);
      const { mailboxes } = store;
      await useUp(mailboxes, "s");
      await occupy(store);
      const before = await mailboxes.session("s");
      expect([await mailboxes.forget("s"), mailboxes.known]).toEqual([false, 1]);
      expect(await mailboxes.session("s")).toEqual(before);
    });

    it("removes a session as soon as its ids are remembered no longer, swept or not", async () => {
      const { mailboxes, clock } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a"]);
      await settle(mailboxes, await running(mailboxes, [a!]), finished(a!));
      await clock.advance(limits.dedupeMs - 1);
      expect(await mailboxes.forget("s")).toBe(false);
      await clock.advance(1);
      expect(await mailboxes.forget("s")).toBe(true);
      await mailboxes.sweep();
      await accept(mailboxes, message("s", "a"));
    });

    it("removes a session whose command has ended, or could not be started, or that is resumed", async () => {
      const { mailboxes } = await openStore(createStore);
      const { record } = await mailboxes.recordExecution(announced("s", "x"));
      await mailboxes.recordExecution(announced("s", "y"));
      await mailboxes.pause("s", true);
      const request = { record, completion: completion("s", "x"), isSilent: true, limits };
      await mailboxes.completeExecution(request);
      await mailboxes.forgetExecution("y");
      await mailboxes.forgetExecution("y");
      expect(await mailboxes.forget("s")).toBe(false);
      await mailboxes.pause("s", false);
      expect(await mailboxes.forget("s")).toBe(true);
      expect(await mailboxes.completeExecution({ ...request, isSilent: false })).toEqual({
        status: "duplicate",
      });
      expect(mailboxes.known).toBe(0);
    });

    it("leaves dead letters, and what other sessions have", async () => {
      const { mailboxes } = await openStore(createStore);
      const { item } = await accept(mailboxes, message("s", "a"));
      const end = await running(mailboxes, [item]);
      await settle(mailboxes, { ...end, dedupeMs: 0 }, deadLettered(item));
      await acceptAll(mailboxes, "other", ["a"]);
      expect(await mailboxes.forget("s")).toBe(true);
      expect(await mailboxes.deadLetters({ sessionKey: "s", limit: 9 })).toMatchObject([{ id: "dead-a" }]);
      expect(await mailboxes.find("other", "a")).toMatchObject({ state: "open" });
    });

    it("I5: lets no token, incarnation or version of a mailbox go back or repeat", async () => {
      const { mailboxes, reopen } = await openStore(createStore);
      const seen: bigint[] = [];
      let version = 0;
      let now = mailboxes;
      for (let life = 0; life < 4; life++) {
        const { item, mailbox } = await accept(now, message("s", "a"));
        expect(mailbox.version).toBeGreaterThan(version);
        const { fencingToken, incarnation } = await openTurn(now, "s", "t", [item]);
        seen.push(BigInt(incarnation), fencingToken);
        const end = { sessionKey: "s", turnId: "t", fencingToken, steering: "released" } as const;
        const rest = { dedupeMs: 0, hasToldDropped: true, dispositions: [finished(item)] };
        ({ version } = (await now.settleTurn({ ...end, ...rest })).mailbox);
        expect(await now.forget("s")).toBe(true);
        if (life === 1) now = await reopen();
      }
      expect(seen).toEqual([...new Set(seen)].toSorted((a, b) => (a < b ? -1 : 1)));
    });

    it("lets a settlement that comes too late change nothing", async () => {
      const { mailboxes } = await openStore(createStore);
      const { item } = await accept(mailboxes, message("s", "a"));
      const end = { ...(await running(mailboxes, [item])), dedupeMs: 0 };
      await settle(mailboxes, end, finished(item));
      await mailboxes.forget("s");
      const { item: anew } = await accept(mailboxes, message("s", "a"));
      const late = await mailboxes.settleTurn({ ...end, dispositions: [finished(item)] });
      expect(late.status).toBe("stale");
      expect(await mailboxes.find("s", "a")).toEqual({ state: "open", item: anew });
    });
  });

  describe("unused (B11)", () => {
    const unused = async (mailboxes: Mailboxes, before: number, limit = 9) => {
      const answer = await mailboxes.unused({ before, limit });
      return { ...answer, sessionKeys: [...answer.sessionKeys].toSorted() };
    };

    it("tells the sessions with nothing left and not used since, and when the first of the others was", async () => {
      const { mailboxes, clock } = await openStore(createStore);
      const start = clock.now();
      expect(await unused(mailboxes, start)).toEqual({ sessionKeys: [], nextUsedAt: undefined });
      await useUp(mailboxes, "a");
      await clock.advance(10);
      await useUp(mailboxes, "b");
      await clock.advance(10);
      await useUp(mailboxes, "c");
      expect(await unused(mailboxes, start - 1)).toEqual({ sessionKeys: [], nextUsedAt: start });
      expect(await unused(mailboxes, start + 9)).toEqual({ sessionKeys: ["a"], nextUsedAt: start + 10 });
      expect(await unused(mailboxes, start + 10)).toEqual({
        sessionKeys: ["a", "b"],
        nextUsedAt: start + 20,
      });
      const all = { sessionKeys: ["a", "b", "c"], nextUsedAt: undefined };
      expect(await unused(mailboxes, start + 20)).toEqual(all);
    });

    it("tells at most so many, and leaves out what would not be forgotten", async () => {
      const { mailboxes, clock } = await openStore(createStore);
      await acceptAll(mailboxes, "0 waits", ["a"]);
      await mailboxes.pause("0 is paused", true);
      await mailboxes.recordExecution(announced("0 awaits a command", "x"));
      for (const key of ["a", "b", "c"]) await useUp(mailboxes, key);
      const { sessionKeys } = await unused(mailboxes, clock.now(), 2);
      expect(sessionKeys).toEqual(["a", "b"]);
      for (const key of sessionKeys) await mailboxes.forget(key);
      expect((await unused(mailboxes, clock.now(), 2)).sessionKeys).toHaveLength(1);
    });

    it("counts the acceptance of work, also of what is dropped, and the end of a turn as use", async () => {
      const { mailboxes, clock } = await openStore(createStore);
      const start = clock.now();
      const items = await acceptAll(mailboxes, "s", ["a"]);
      const end = await running(mailboxes, items);
      await acceptAll(mailboxes, "dropping", ["a"]);
      await acceptAll(mailboxes, "accepting", ["a"]);
      await clock.advance(10);
      expect(await unused(mailboxes, start)).toEqual({ sessionKeys: [], nextUsedAt: undefined });
      const newest = { ...limits, cap: 1, overflow: "drop-newest" } as const;
      const uses = [
        () => mailboxes.append(message("dropping", "b"), newest),
        () => acceptAll(mailboxes, "accepting", ["b"]),
        () => settle(mailboxes, end, finished(items[0]!)),
      ];
      for (const [index, use] of uses.entries()) {
        await use();
        const before = start + index * 10;
        expect(await unused(mailboxes, before)).toEqual({ sessionKeys: [], nextUsedAt: before + 10 });
        await clock.advance(10);
      }
    });

    it("does not count as use what is only looked at, refused or known already", async () => {
      const { mailboxes, clock } = await openStore(createStore);
      const start = clock.now();
      await acceptAll(mailboxes, "s", ["a"]);
      await clock.advance(10);
      await mailboxes.append(message("s", "a"), limits);
      await mailboxes.append(message("s", "b"), { ...limits, cap: 1 });
      await mailboxes.append(message("s", "c", "c", { mode: "reject" }), limits);
      await mailboxes.waiting("s");
      await mailboxes.session("s");
      expect((await unused(mailboxes, start)).nextUsedAt).toBeUndefined();
    });

    it("is kept from one keeper to the next", async () => {
      const { mailboxes, clock, reopen } = await openStore(createStore);
      const start = clock.now();
      await useUp(mailboxes, "s");
      await clock.advance(10);
      expect(await unused(await reopen(), start)).toEqual({ sessionKeys: ["s"], nextUsedAt: undefined });
    });
  });
}
