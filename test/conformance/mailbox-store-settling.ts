import { describe, expect, it } from "vitest";
import {
  accept,
  acceptAll,
  completed,
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
  returned,
  running,
  waitingIds,
} from "./mailbox-store-fixture.ts";

/** What `settleTurn` keeps to. */
export function claimSettling(createStore: CreateStore): void {
  describe("settleTurn", () => {
    it("finishes an item, whose outcome is known by its id from then on", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a"]);
      const end = await running(mailboxes, [a!]);
      const result = expectStatus(
        await mailboxes.settleTurn({ ...end, dispositions: [finished(a!)] }),
        "settled",
      );
      expect(result).toMatchObject({ deadLetters: [], finished: [], mailbox: { messages: 0 } });
      expect(await mailboxes.unfinished("s")).toEqual([]);
      const known = await mailboxes.find("s", "a");
      expect(known).toMatchObject({ state: "settled", item: { seq: a!.seq, outcome: completed } });
      const again = await mailboxes.append(message("s", "a"), limits);
      expect(again).toMatchObject({ status: "duplicate", known: { state: "settled" } });
    });

    it("gives an item back to its place, with its count and the time of its next try", async () => {
      const { mailboxes, clock } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a", "b"]);
      const end = await running(mailboxes, [a!]);
      const retryAt = clock.now() + 5_000;
      const result = await mailboxes.settleTurn({ ...end, dispositions: [returned(a!, "failure", retryAt)] });
      expect(result.mailbox).toMatchObject({ messages: 2, retry: { holding: "message", at: retryAt } });
      const [first] = await mailboxes.waiting("s");
      expect(first).toEqual({ ...a!, failures: 1, retryAt, lastTurnId: "t" });
      expect(await waitingIds(mailboxes, "s")).toEqual(["a", "b"]);
      expect(await mailboxes.find("s", "a")).toEqual({ state: "open", item: first });
    });

    it.each([
      ["failure", { failures: 1, reclaims: 0, crashes: 0 }],
      ["reclaim", { failures: 0, reclaims: 1, crashes: 0 }],
      ["crash", { failures: 0, reclaims: 0, crashes: 1 }],
      ["nothing", { failures: 0, reclaims: 0, crashes: 0 }],
    ] as const)("counts what is given back as %s", async (counts, expected) => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a"]);
      const end = await running(mailboxes, [a!]);
      await mailboxes.settleTurn({ ...end, dispositions: [returned(a!, counts)] });
      expect((await mailboxes.waiting("s"))[0]).toMatchObject(expected);
    });

    it("adds up the counts over the turns that held an item", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a"]);
      for (const counts of ["failure", "reclaim", "failure", "crash"] as const) {
        const end = await running(mailboxes, await mailboxes.waiting("s"));
        await mailboxes.settleTurn({ ...end, dispositions: [returned(a!, counts)] });
      }
      expect((await mailboxes.waiting("s"))[0]).toMatchObject({ failures: 2, reclaims: 1, crashes: 1 });
    });

    it("says what the first message waits for, and of events the last", async () => {
      const { mailboxes, clock } = await openStore(createStore);
      const { item: e1 } = await accept(mailboxes, event("s", "e1"));
      const { item: e2 } = await accept(mailboxes, event("s", "e2"));
      const end = await running(mailboxes, [e1, e2]);
      const at = clock.now() + 3_000;
      const dispositions = [returned(e1, "failure", at), returned(e2, "failure", at - 1_000)];
      const { mailbox } = await mailboxes.settleTurn({ ...end, dispositions });
      expect(mailbox).toMatchObject({ events: 2, retry: { holding: "event", at } });
    });

    it("dead-letters an item with what it was", async () => {
      const { mailboxes, clock } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a"]);
      const end = await running(mailboxes, [a!]);
      const result = await mailboxes.settleTurn({ ...end, dispositions: [deadLettered(a!)] });
      const letter = {
        id: "dead-a",
        sessionKey: "s",
        at: clock.now(),
        reason: "no",
        attempts: 1,
        items: [expect.objectContaining({ id: "a", body: "a" })],
      };
      expect(expectStatus(result, "settled").deadLetters).toEqual([letter]);
      expect(await mailboxes.deadLetters({ sessionKey: "s", limit: 10 })).toEqual([letter]);
      expect(await mailboxes.find("s", "a")).toMatchObject({ item: { outcome: { status: "failed" } } });
      expect(await mailboxes.unfinished("s")).toEqual([]);
    });

    it("I1: settles everything the turn held in one step", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a, b, c] = await acceptAll(mailboxes, "s", ["a", "b", "c", "d"]);
      const end = await running(mailboxes, [a!, b!, c!]);
      const dispositions = [finished(a!), returned(b!, "reclaim"), deadLettered(c!)];
      const settled = mailboxes.settleTurn({ ...end, dispositions });
      const seen = mailboxes.waiting("s");
      expect((await settled).mailbox).toMatchObject({ messages: 2 });
      expect(idsOf(await seen)).toEqual(["b", "d"]);
      expect(await mailboxes.deadLetters({ sessionKey: undefined, limit: 10 })).toHaveLength(1);
    });

    it("records a reclaim with its session", async () => {
      const { mailboxes } = await openStore(createStore);
      const end = await running(mailboxes, []);
      expect((await mailboxes.session("s")).lastReclaim).toBeUndefined();
      const reclaim = { at: 17, turnId: "t", reason: "stalled" };
      await mailboxes.settleTurn({ ...end, reclaim });
      expect((await mailboxes.session("s")).lastReclaim).toEqual(reclaim);
    });

    it("I4: answers the same settlement again and changes nothing", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a"]);
      const end = await running(mailboxes, [a!]);
      const settlement = { ...end, dispositions: [returned(a!, "failure")] };
      const first = await mailboxes.settleTurn(settlement);
      const before = await mailboxes.session("s");
      expect(await mailboxes.settleTurn(settlement)).toEqual(first);
      expect(await mailboxes.session("s")).toEqual(before);
      expect((await mailboxes.waiting("s"))[0]).toMatchObject({ failures: 1 });
    });

    it("I4: dead-letters nothing twice", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a"]);
      const end = await running(mailboxes, [a!]);
      const settlement = { ...end, dispositions: [deadLettered(a!)] };
      await mailboxes.settleTurn(settlement);
      expectStatus(await mailboxes.settleTurn(settlement), "settled");
      expect(await mailboxes.deadLetters({ sessionKey: undefined, limit: 10 })).toHaveLength(1);
    });

    it("refuses the settlement of a turn that is not open as stale", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a"]);
      const end = await running(mailboxes, [a!]);
      const before = await mailboxes.session("s");
      const other = { ...end, turnId: "another", dispositions: [finished(a!)] };
      const result = expectStatus(await mailboxes.settleTurn(other), "stale");
      expect(result.mailbox).toEqual(before.mailbox);
      expect(await mailboxes.find("s", "a")).toMatchObject({ state: "open" });
      expectStatus(await mailboxes.settleTurn({ ...end, dispositions: [finished(a!)] }), "settled");
    });

    it("refuses the settlement of the open turn with another token as stale", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a"]);
      const end = await running(mailboxes, [a!]);
      const forged = { ...end, fencingToken: end.fencingToken + 1n, dispositions: [finished(a!)] };
      expectStatus(await mailboxes.settleTurn(forged), "stale");
      expect(await mailboxes.find("s", "a")).toMatchObject({ state: "open" });
    });

    it("lets the late settlement of an earlier turn change nothing of a later one", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a, b] = await acceptAll(mailboxes, "s", ["a", "b"]);
      const first = await running(mailboxes, [a!]);
      await mailboxes.settleTurn({ ...first, dispositions: [deadLettered(a!)] });
      const second = await openTurn(mailboxes, "s", "t2", [b!]);
      const before = await mailboxes.session("s");
      await mailboxes.settleTurn({ ...first, dispositions: [finished(a!)] });
      expect(await mailboxes.session("s")).toEqual(before);
      expect(await mailboxes.find("s", "a")).toMatchObject({ item: { outcome: { status: "failed" } } });
      expect((await openTurn(mailboxes, "s", "t2", [])).fencingToken).toBe(second.fencingToken);
    });

    it("I2: takes an opening, its end and the next opening in the order they are asked for", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a, b] = await acceptAll(mailboxes, "s", ["a", "b"]);
      const end = await running(mailboxes, [a!]);
      const settled = mailboxes.settleTurn({ ...end, dispositions: [finished(a!)] });
      const next = mailboxes.openTurn({ sessionKey: "s", turnId: "t2", seqs: [b!.seq] });
      expectStatus(await settled, "settled");
      expect(expectStatus(await next, "opened").fencingToken).toBeGreaterThan(end.fencingToken);
    });
  });
}
