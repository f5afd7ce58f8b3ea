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
  message,
  openStore,
  openTurn,
  returned,
  running,
  settle,
  waitingIds,
} from "./mailbox-store-fixture.ts";

/** What `append`, `waiting`, `unfinished`, `find` and `withdraw` keep to. */
export function claimAppending(createStore: CreateStore): void {
  describe("append", () => {
    it("keeps what it accepts as it was given", async () => {
      const { mailboxes, clock } = await openStore(createStore);
      const body = { text: "hello" };
      const { item } = await accept(mailboxes, { ...message("s", "m", body), meta: { thread: "7" } });
      expect(item).toMatchObject({
        id: "m",
        sessionKey: "s",
        type: "message",
        body,
        meta: { thread: "7" },
        acceptedAt: clock.now(),
        wakes: true,
        failures: 0,
        reclaims: 0,
        crashes: 0,
      });
      expect(item.incarnation).toBeUndefined();
      expect(item.retryAt).toBeUndefined();
      expect(item.lastTurnId).toBeUndefined();
      expect(await mailboxes.waiting("s")).toEqual([item]);
    });

    it("keeps how it meets its session, how urgent it is, its group and when it expires", async () => {
      const { mailboxes, clock } = await openStore(createStore);
      const more = { mode: "collect", priority: "background", group: "webhook", expiresInMs: 500 } as const;
      const { item } = await accept(mailboxes, message("s", "m", "m", more));
      const { mode, priority, group } = more;
      expect(item).toMatchObject({ mode, priority, group, expiresAt: clock.now() + 500, ahead: 0 });
      expect(item.steers).toBeUndefined();
      const { item: plain } = await accept(mailboxes, event("s", "e"));
      expect(plain).toMatchObject({ mode: "followup", priority: "normal", ahead: 0 });
      expect([plain.group, plain.expiresAt, plain.steers]).toEqual([undefined, undefined, undefined]);
      expect(await mailboxes.waiting("s")).toEqual([item, plain]);
    });

    it("counts messages, events and quiet events apart", async () => {
      const { mailboxes } = await openStore(createStore);
      await accept(mailboxes, message("s", "m"));
      await accept(mailboxes, event("s", "e1"));
      await accept(mailboxes, event("s", "e2"));
      const { mailbox } = await accept(mailboxes, event("s", "q", { wakes: false }));
      expect(mailbox).toMatchObject({ messages: 1, events: 2, quiet: 1, retry: null });
    });

    it("grows the mailbox's version with every change", async () => {
      const { mailboxes } = await openStore(createStore);
      const first = await accept(mailboxes, message("s", "a"));
      const second = await accept(mailboxes, message("s", "b"));
      expect(second.mailbox.version).toBeGreaterThan(first.mailbox.version);
    });

    it("orders acceptance over the whole store", async () => {
      const { mailboxes } = await openStore(createStore);
      const seqs: number[] = [];
      for (const key of ["a", "b", "a", "c", "b"]) {
        seqs.push((await accept(mailboxes, message(key, `m${seqs.length}`))).item.seq);
      }
      expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
      expect(new Set(seqs).size).toBe(5);
    });

    it("I2: takes steps of one session in the order they are asked for", async () => {
      const { mailboxes } = await openStore(createStore);
      const ids = Array.from({ length: 20 }, (_, index) => `m${index}`);
      const steps = ids.map(async (id) => mailboxes.append(message("s", id), limits));
      const seen = mailboxes.waiting("s");
      expect(idsOf(await seen)).toEqual(ids);
      const answers = await Promise.all(steps);
      const seqs = answers.map((answer) => expectStatus(answer, "accepted").item.seq);
      expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
    });

    it("I4: answers a repeated id with the work that has it, and changes nothing", async () => {
      const { mailboxes } = await openStore(createStore);
      const { item } = await accept(mailboxes, message("s", "m", "first"));
      const before = await mailboxes.session("s");
      const again = await mailboxes.append(message("s", "m", "second"), limits);
      expect(again).toEqual({ status: "duplicate", known: { state: "open", item } });
      expect(await mailboxes.session("s")).toEqual(before);
      expect(await mailboxes.waiting("s")).toEqual([item]);
    });

    it("knows ids by session", async () => {
      const { mailboxes } = await openStore(createStore);
      await accept(mailboxes, message("a", "m"));
      await accept(mailboxes, message("b", "m"));
      expect(await waitingIds(mailboxes, "b")).toEqual(["m"]);
    });

    it("still knows the id of what a turn holds", async () => {
      const { mailboxes } = await openStore(createStore);
      const items = await acceptAll(mailboxes, "s", ["m"]);
      await openTurn(mailboxes, "s", "t", items);
      const again = await mailboxes.append(message("s", "m"), limits);
      expect(again).toMatchObject({ status: "duplicate", known: { state: "open", item: { id: "m" } } });
    });

    it("refuses a message beyond the cap and does not remember it", async () => {
      const { mailboxes } = await openStore(createStore);
      const two = { ...limits, cap: 2 };
      await acceptAll(mailboxes, "s", ["a", "b"]);
      const before = await mailboxes.session("s");
      expect(await mailboxes.append(message("s", "c"), two)).toEqual({
        status: "full",
        waiting: 2,
        limit: 2,
      });
      expect(await mailboxes.session("s")).toEqual(before);
      expect(await mailboxes.find("s", "c")).toBeUndefined();
    });

    it("counts only what waits towards the cap, not what a turn holds", async () => {
      const { mailboxes } = await openStore(createStore);
      const one = { ...limits, cap: 1 };
      const items = await acceptAll(mailboxes, "s", ["a"]);
      await openTurn(mailboxes, "s", "t", items);
      await accept(mailboxes, message("s", "b"), one);
      expect(await mailboxes.append(message("s", "c"), one)).toMatchObject({ status: "full", waiting: 1 });
    });

    it("drops the oldest of the host's events to make room for a new one", async () => {
      const { mailboxes } = await openStore(createStore);
      const three = { ...limits, eventCap: 3 };
      await completeCommand(mailboxes, "s", "x");
      await accept(mailboxes, event("s", "e1"), three);
      await accept(mailboxes, event("s", "e2"), three);
      const { finished } = await accept(mailboxes, event("s", "e3"), three);
      expect(finished).toMatchObject([{ id: "e1", outcome: { status: "dropped", reason: "overflow" } }]);
      expect(await waitingIds(mailboxes, "s")).toEqual(["x", "e2", "e3"]);
      expect(await mailboxes.find("s", "e1")).toMatchObject({
        state: "settled",
        item: { outcome: { status: "dropped", reason: "overflow" } },
      });
    });

    it("never drops a completion: with nothing but completions a host's event is refused", async () => {
      const { mailboxes } = await openStore(createStore);
      const two = { ...limits, eventCap: 2 };
      await completeCommand(mailboxes, "s", "x1");
      await completeCommand(mailboxes, "s", "x2");
      expect(await mailboxes.append(event("s", "e"), two)).toEqual({ status: "full", waiting: 2, limit: 2 });
      expect(await waitingIds(mailboxes, "s")).toEqual(["x1", "x2"]);
    });

    it("accepts a completion also where only completions wait", async () => {
      const { mailboxes } = await openStore(createStore);
      const one = { ...limits, eventCap: 1 };
      await completeCommand(mailboxes, "s", "x1", one);
      await completeCommand(mailboxes, "s", "x2", one);
      expect(await waitingIds(mailboxes, "s")).toEqual(["x1", "x2"]);
    });

    it("replaces the waiting event of the same key, which takes the end of the queue", async () => {
      const { mailboxes } = await openStore(createStore);
      const two = { ...limits, eventCap: 2 };
      await accept(mailboxes, event("s", "e1", { key: "k" }), two);
      await accept(mailboxes, event("s", "e2"), two);
      const { finished } = await accept(mailboxes, event("s", "e3", { key: "k" }), two);
      expect(finished).toMatchObject([{ id: "e1", outcome: { status: "dropped", reason: "replaced" } }]);
      expect(await waitingIds(mailboxes, "s")).toEqual(["e2", "e3"]);
    });

    it("does not replace an event that a turn holds", async () => {
      const { mailboxes } = await openStore(createStore);
      const { item } = await accept(mailboxes, event("s", "e1", { key: "k" }));
      await openTurn(mailboxes, "s", "t", [item]);
      const { finished } = await accept(mailboxes, event("s", "e2", { key: "k" }));
      expect(finished).toEqual([]);
      expect(idsOf(await mailboxes.unfinished("s"))).toEqual(["e1", "e2"]);
    });

    it("replaces every waiting event of the same key, also one that a failed turn gave back", async () => {
      const { mailboxes } = await openStore(createStore);
      const { item } = await accept(mailboxes, event("s", "e1", { key: "k" }));
      const turn = await running(mailboxes, [item]);
      await accept(mailboxes, event("s", "e2", { key: "k" }));
      await settle(mailboxes, turn, returned(item, "failure"));
      expect(await waitingIds(mailboxes, "s")).toEqual(["e1", "e2"]);
      const { finished } = await accept(mailboxes, event("s", "e3", { key: "k" }));
      expect(idsOf(finished)).toEqual(["e1", "e2"]);
      expect(await waitingIds(mailboxes, "s")).toEqual(["e3"]);
    });
  });

  describe("waiting and unfinished", () => {
    it("know nothing of a session never seen", async () => {
      const { mailboxes } = await openStore(createStore);
      expect(await mailboxes.waiting("s")).toEqual([]);
      expect(await mailboxes.unfinished("s")).toEqual([]);
    });

    it("tell what waits and what a turn holds, both in the order of acceptance", async () => {
      const { mailboxes } = await openStore(createStore);
      const [, second, third] = await acceptAll(mailboxes, "s", ["a", "b", "c", "d"]);
      await openTurn(mailboxes, "s", "t", [second!, third!]);
      expect(await waitingIds(mailboxes, "s")).toEqual(["a", "d"]);
      expect(idsOf(await mailboxes.unfinished("s"))).toEqual(["a", "b", "c", "d"]);
    });
  });

  describe("withdraw", () => {
    const outcome = { status: "cancelled", reason: "cleared" } as const;
    const all = { sessionKey: "s", events: true, isFresh: false, outcome, dedupeMs: limits.dedupeMs };

    it("finishes the waiting messages and leaves the events alone", async () => {
      const { mailboxes } = await openStore(createStore);
      await acceptAll(mailboxes, "s", ["a", "b"]);
      await accept(mailboxes, event("s", "e"));
      const { withdrawn, mailbox } = await mailboxes.withdraw({ ...all, events: false });
      expect(idsOf(withdrawn)).toEqual(["a", "b"]);
      expect(withdrawn.map((item) => item.outcome)).toEqual([outcome, outcome]);
      expect(mailbox).toMatchObject({ messages: 0, events: 1 });
      expect(await mailboxes.find("s", "a")).toMatchObject({ state: "settled", item: { outcome } });
    });

    it("takes the host's events too if asked, never completions", async () => {
      const { mailboxes } = await openStore(createStore);
      await accept(mailboxes, message("s", "m"));
      await accept(mailboxes, event("s", "e"));
      await accept(mailboxes, event("s", "q", { wakes: false }));
      await completeCommand(mailboxes, "s", "x");
      expect(idsOf((await mailboxes.withdraw(all)).withdrawn)).toEqual(["m", "e", "q"]);
      expect(await waitingIds(mailboxes, "s")).toEqual(["x"]);
    });

    it("takes only what is named", async () => {
      const { mailboxes } = await openStore(createStore);
      const [, b] = await acceptAll(mailboxes, "s", ["a", "b", "c"]);
      const { item: e } = await accept(mailboxes, event("s", "e"));
      const { withdrawn } = await mailboxes.withdraw({ ...all, seqs: [b!.seq, e.seq, e.seq + 999] });
      expect(idsOf(withdrawn)).toEqual(["b", "e"]);
      expect(await waitingIds(mailboxes, "s")).toEqual(["a", "c"]);
    });

    it("leaves what a turn holds", async () => {
      const { mailboxes } = await openStore(createStore);
      const items = await acceptAll(mailboxes, "s", ["a"]);
      await openTurn(mailboxes, "s", "t", items);
      await accept(mailboxes, message("s", "b"));
      expect(idsOf((await mailboxes.withdraw(all)).withdrawn)).toEqual(["b"]);
      expect(idsOf(await mailboxes.unfinished("s"))).toEqual(["a"]);
    });

    it("takes only what no turn has held, if asked (B22)", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a", "b"]);
      await settle(mailboxes, await running(mailboxes, [a!]), returned(a!, "nothing"));
      const before = await mailboxes.session("s");
      const one = await mailboxes.withdraw({ ...all, seqs: [a!.seq], isFresh: true });
      expect([one.withdrawn, await mailboxes.session("s")]).toEqual([[], before]);
      expect(idsOf((await mailboxes.withdraw({ ...all, isFresh: true })).withdrawn)).toEqual(["b"]);
      expect(idsOf((await mailboxes.withdraw(all)).withdrawn)).toEqual(["a"]);
    });

    it("takes no completion, also if it is named", async () => {
      const { mailboxes } = await openStore(createStore);
      const { item } = await completeCommand(mailboxes, "s", "x");
      const { withdrawn } = await mailboxes.withdraw({ ...all, seqs: [item.seq] });
      expect([withdrawn, await waitingIds(mailboxes, "s")]).toEqual([[], ["x"]]);
    });

    it("finds nothing the second time, and nothing in a session never seen", async () => {
      const { mailboxes } = await openStore(createStore);
      await acceptAll(mailboxes, "s", ["a"]);
      await mailboxes.withdraw(all);
      const before = await mailboxes.session("s");
      expect((await mailboxes.withdraw(all)).withdrawn).toEqual([]);
      expect(await mailboxes.session("s")).toEqual(before);
      expect((await mailboxes.withdraw({ ...all, sessionKey: "never" })).withdrawn).toEqual([]);
      expect(mailboxes.known).toBe(1);
    });
  });
}
