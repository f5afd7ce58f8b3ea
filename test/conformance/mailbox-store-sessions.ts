import type { Mailboxes, SessionPage } from "lanekeeper/ports";
import { describe, expect, it } from "vitest";
import {
  accept,
  acceptAll,
  type CreateStore,
  message,
  openStore,
  openTurn,
  plainEnd,
  returned,
  running,
  settle,
} from "./mailbox-store-fixture.ts";

const keys = ["b", "a:10", "a:2", "a", "z", "a:1", "B", "ä"] as const;

async function knowAll(mailboxes: Mailboxes): Promise<void> {
  for (const key of keys) await accept(mailboxes, message(key, "m"));
}

function keysOf({ sessions }: SessionPage): readonly string[] {
  return sessions.map(({ sessionKey }) => sessionKey);
}

/** What `session`, `page` and `pause` keep to. */
export function claimSessions(createStore: CreateStore): void {
  describe("session", () => {
    it("is an empty record of a session never seen, which stays unknown", async () => {
      const { mailboxes } = await openStore(createStore);
      const record = await mailboxes.session("s");
      expect(record).toMatchObject({
        sessionKey: "s",
        isPaused: false,
        mailbox: { messages: 0, events: 0, quiet: 0, retry: null },
      });
      expect(record.lastReclaim).toBeUndefined();
      expect(mailboxes.known).toBe(0);
      expect((await mailboxes.page({ prefix: "", after: undefined, limit: 10 })).sessions).toEqual([]);
    });

    it("tells what the last step of the session told", async () => {
      const { mailboxes } = await openStore(createStore);
      const { mailbox } = await accept(mailboxes, message("s", "m"));
      expect((await mailboxes.session("s")).mailbox).toEqual(mailbox);
    });

    it("says whether something waits that may expire: a message that no turn has held (B22)", async () => {
      const { mailboxes } = await openStore(createStore);
      const isExpiring = async () => (await mailboxes.session("s")).isExpiring;
      expect(await isExpiring()).toBe(false);
      await acceptAll(mailboxes, "s", ["a"]);
      expect(await isExpiring()).toBe(false);
      const { item } = await accept(mailboxes, message("s", "b", "b", { expiresInMs: 9_000 }));
      expect(await isExpiring()).toBe(true);
      const end = await running(mailboxes, [item]);
      expect(await isExpiring()).toBe(false);
      await settle(mailboxes, end, returned(item, "nothing"));
      expect(await isExpiring()).toBe(false);
    });

    it("counts as known once, from its first item on", async () => {
      const { mailboxes } = await openStore(createStore);
      await acceptAll(mailboxes, "one", ["a", "b"]);
      await acceptAll(mailboxes, "two", ["a"]);
      expect(mailboxes.known).toBe(2);
    });
  });

  describe("page", () => {
    it("lists every session by its key, in the order of UTF-16 units", async () => {
      const { mailboxes } = await openStore(createStore);
      await knowAll(mailboxes);
      const page = await mailboxes.page({ prefix: "", after: undefined, limit: 100 });
      expect(keysOf(page)).toEqual(["B", "a", "a:1", "a:10", "a:2", "b", "z", "ä"]);
      expect(page.next).toBeUndefined();
      expect(page.sessions[0]).toEqual(await mailboxes.session("B"));
    });

    it.each([1, 2, 3, 7, 8])("gives every session once over pages of %i", async (limit) => {
      const { mailboxes } = await openStore(createStore);
      await knowAll(mailboxes);
      const seen: string[] = [];
      let after: string | undefined = undefined;
      do {
        const page: SessionPage = await mailboxes.page({ prefix: "", after, limit });
        expect(page.sessions.length).toBeLessThanOrEqual(limit);
        seen.push(...keysOf(page));
        after = page.next;
      } while (after !== undefined);
      expect(seen).toEqual([...keys].toSorted());
    });

    it("keeps to a prefix", async () => {
      const { mailboxes } = await openStore(createStore);
      await knowAll(mailboxes);
      const page = await mailboxes.page({ prefix: "a:", after: undefined, limit: 100 });
      expect(keysOf(page)).toEqual(["a:1", "a:10", "a:2"]);
      expect(page.next).toBeUndefined();
      const none = await mailboxes.page({ prefix: "nobody", after: undefined, limit: 100 });
      expect(none).toEqual({ sessions: [], next: undefined });
    });

    it("says where the next page of a prefix begins, and nothing on its last", async () => {
      const { mailboxes } = await openStore(createStore);
      await knowAll(mailboxes);
      const first = await mailboxes.page({ prefix: "a:", after: undefined, limit: 2 });
      expect(keysOf(first)).toEqual(["a:1", "a:10"]);
      const last = await mailboxes.page({ prefix: "a:", after: first.next, limit: 1 });
      expect(keysOf(last)).toEqual(["a:2"]);
      expect(last.next).toBeUndefined();
    });

    it("begins after a key, whether it is known or not, and before or beyond the prefix", async () => {
      const { mailboxes } = await openStore(createStore);
      await knowAll(mailboxes);
      const after = async (key: string): Promise<readonly string[]> =>
        keysOf(await mailboxes.page({ prefix: "a", after: key, limit: 100 }));
      expect(await after("a:1")).toEqual(["a:10", "a:2"]);
      expect(await after("a:15")).toEqual(["a:2"]);
      expect(await after("A")).toEqual(["a", "a:1", "a:10", "a:2"]);
      expect(await after("b")).toEqual([]);
    });

    it("lists those in which items wait, or some that may expire, page by page", async () => {
      const { mailboxes } = await openStore(createStore);
      await knowAll(mailboxes);
      await accept(mailboxes, message("late", "m", "m", { expiresInMs: 9_000 }));
      const [held] = await mailboxes.waiting("z");
      const { fencingToken } = await openTurn(mailboxes, "z", "t", [held!]);
      const next = async (holding: "items" | "expiring", after?: string): Promise<readonly string[]> =>
        keysOf(await mailboxes.page({ prefix: "", after, limit: 4, holding }));
      expect(await next("items")).toEqual(["B", "a", "a:1", "a:10"]);
      expect(await next("items", "a:10")).toEqual(["a:2", "b", "late", "ä"]);
      expect(await next("expiring")).toEqual(["late"]);
      const end = { sessionKey: "z", turnId: "t", fencingToken, dispositions: [], dedupeMs: 0, ...plainEnd };
      await settle(mailboxes, end, returned(held!, "nothing"));
      expect(await next("items", "b")).toEqual(["late", "z", "ä"]);
    });

    it("lists a session that came to be known between two pages", async () => {
      const { mailboxes } = await openStore(createStore);
      await knowAll(mailboxes);
      const { next } = await mailboxes.page({ prefix: "", after: undefined, limit: 5 });
      await accept(mailboxes, message("m", "new"));
      expect(keysOf(await mailboxes.page({ prefix: "", after: next, limit: 5 }))).toEqual([
        "b",
        "m",
        "z",
        "ä",
      ]);
    });
  });

  describe("pause", () => {
    it("pauses a session, and says so in its record", async () => {
      const { mailboxes } = await openStore(createStore);
      await acceptAll(mailboxes, "s", ["a"]);
      await mailboxes.pause("s", true);
      expect(await mailboxes.pauses()).toEqual({ keeper: false, sessions: ["s"] });
      expect((await mailboxes.session("s")).isPaused).toBe(true);
      await mailboxes.pause("s", false);
      expect(await mailboxes.pauses()).toEqual({ keeper: false, sessions: [] });
      expect((await mailboxes.session("s")).isPaused).toBe(false);
    });

    it("pauses the keeper and the sessions independently", async () => {
      const { mailboxes } = await openStore(createStore);
      await mailboxes.pause("s", true);
      await mailboxes.pause(undefined, true);
      expect(await mailboxes.pauses()).toEqual({ keeper: true, sessions: ["s"] });
      await mailboxes.pause(undefined, false);
      expect(await mailboxes.pauses()).toEqual({ keeper: false, sessions: ["s"] });
    });

    it("remembers the pause of a session never seen, and resumes one without making it known", async () => {
      const { mailboxes } = await openStore(createStore);
      await mailboxes.pause("never", false);
      expect(mailboxes.known).toBe(0);
      await mailboxes.pause("new", true);
      expect((await mailboxes.session("new")).isPaused).toBe(true);
    });
  });
}
