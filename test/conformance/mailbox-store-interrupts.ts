import type { AppendResult, MailboxLimits, Mailboxes } from "lanekeeper/ports";
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

const interrupted = { status: "cancelled", reason: "interrupted" } as const;
const cancelled = { status: "cancelled", reason: "cancelled" } as const;

/** Accepts a message that interrupts what runs. */
async function interrupt(
  mailboxes: Mailboxes,
  id: string,
  within: MailboxLimits = limits,
): Promise<AppendResult & { status: "accepted" }> {
  return accept(mailboxes, message("s", id, id, { mode: "interrupt" }), within);
}

/** Whether an interrupt waits that no turn has held. */
async function isInterrupted(mailboxes: Mailboxes): Promise<boolean> {
  return (await mailboxes.session("s")).mailbox.interrupt;
}

/** What the store does with messages that interrupt, and with those that refuse to wait. */
export function claimInterrupts(createStore: CreateStore): void {
  describe("an interrupt (B20)", () => {
    it("is ahead of all that waits, which stays", async () => {
      const { mailboxes } = await openStore(createStore);
      await acceptAll(mailboxes, "s", ["a"]);
      await accept(mailboxes, event("s", "e"));
      const { item, mailbox, finished } = await interrupt(mailboxes, "i");
      expect([item.ahead, finished]).toEqual([2, []]);
      expect(mailbox).toMatchObject({ messages: 2, events: 1, interrupt: true });
      expect(await waitingIds(mailboxes, "s")).toEqual(["i", "a", "e"]);
      await acceptAll(mailboxes, "s", ["b"]);
      expect(await waitingIds(mailboxes, "s")).toEqual(["i", "a", "e", "b"]);
    });

    it("cancels one that waits: the newest wins", async () => {
      const { mailboxes } = await openStore(createStore);
      await interrupt(mailboxes, "i");
      const { finished } = await interrupt(mailboxes, "j");
      expect(finished).toMatchObject([{ id: "i", type: "message", outcome: interrupted }]);
      expect(await waitingIds(mailboxes, "s")).toEqual(["j"]);
      expect(await mailboxes.find("s", "i")).toMatchObject({
        state: "settled",
        item: { outcome: interrupted },
      });
    });

    it("cancels one that backs off", async () => {
      const { mailboxes, clock } = await openStore(createStore);
      const { item } = await interrupt(mailboxes, "i");
      const end = await running(mailboxes, [item]);
      await settle(mailboxes, end, returned(item, "failure", clock.now() + 1_000));
      expect((await mailboxes.session("s")).mailbox.retry).not.toBeNull();
      const { finished, mailbox } = await interrupt(mailboxes, "j");
      expect(finished).toMatchObject([{ id: "i", outcome: interrupted }]);
      expect(mailbox).toMatchObject({ messages: 1, retry: null, interrupt: true });
    });

    it("cancels none that a turn holds", async () => {
      const { mailboxes } = await openStore(createStore);
      const { item } = await interrupt(mailboxes, "i");
      await running(mailboxes, [item]);
      expect(await isInterrupted(mailboxes)).toBe(false);
      const { finished } = await interrupt(mailboxes, "j");
      expect(finished).toEqual([]);
      expect(idsOf(await mailboxes.unfinished("s"))).toEqual(["i", "j"]);
      expect(await isInterrupted(mailboxes)).toBe(true);
    });

    it("cancels an older one that is given back while it waits, and lets what steered that run next", async () => {
      const { mailboxes, clock } = await openStore(createStore);
      const { item: older } = await interrupt(mailboxes, "i");
      const end = await running(mailboxes, [older]);
      await accept(mailboxes, message("s", "steering", "", { mode: "steer", steersTurn: "t" }));
      const { item: newer } = await interrupt(mailboxes, "j");
      const back = returned(older, "failure", clock.now() + 1_000);
      const { finished, mailbox } = await settle(mailboxes, { ...end, steering: "stays" }, back);
      expect(finished).toMatchObject([{ id: "i", outcome: interrupted }]);
      expect(mailbox).toMatchObject({ messages: 2, steering: 0, interrupt: true, retry: null });
      expect(await waitingIds(mailboxes, "s")).toEqual(["j", "steering"]);
      expect(await mailboxes.find("s", "i")).toMatchObject({
        state: "settled",
        item: { outcome: interrupted },
      });
      await openTurn(mailboxes, "s", "t2", [newer]);
    });

    it("interrupts nothing any more once a turn has held it, but stays ahead", async () => {
      const { mailboxes } = await openStore(createStore);
      const { item } = await interrupt(mailboxes, "i");
      const [a] = await acceptAll(mailboxes, "s", ["a"]);
      await settle(mailboxes, await running(mailboxes, [item]), returned(item, "nothing"));
      expect(await waitingIds(mailboxes, "s")).toEqual(["i", "a"]);
      expect(await isInterrupted(mailboxes)).toBe(false);
      expect(idsOf((await openTurn(mailboxes, "s", "t2", [a!])).items)).toEqual(["a"]);
    });

    it("interrupts nothing any more once it is withdrawn", async () => {
      const { mailboxes } = await openStore(createStore);
      const { item } = await interrupt(mailboxes, "i");
      const request = { sessionKey: "s", events: false, isFresh: true, outcome: cancelled, dedupeMs: 1 };
      const { mailbox } = await mailboxes.withdraw({ ...request, seqs: [item.seq] });
      expect(mailbox).toMatchObject({ messages: 0, interrupt: false });
    });

    it("lets a message that backs off wait no longer than itself", async () => {
      const { mailboxes, clock } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a"]);
      const retryAt = clock.now() + 1_000;
      await settle(mailboxes, await running(mailboxes, [a!]), returned(a!, "failure", retryAt));
      expect((await interrupt(mailboxes, "i")).mailbox.retry).toBeNull();
      const { item } = (await mailboxes.find("s", "i"))! as { item: typeof a };
      await running(mailboxes, [item!], "t2");
      expect((await mailboxes.session("s")).mailbox.retry).toEqual({ holding: "message", at: retryAt });
    });

    it("is kept over a restart of its session, and from one keeper to the next (B36)", async () => {
      const { mailboxes, reopen } = await openStore(createStore);
      await acceptAll(mailboxes, "s", ["a"]);
      await interrupt(mailboxes, "i");
      await mailboxes.restart({ sessionKey: "s", dedupeMs: limits.dedupeMs });
      const next = await reopen();
      expect([await waitingIds(next, "s"), await isInterrupted(next)]).toEqual([["i", "a"], true]);
    });

    it("I4: is known by its id, and interrupts once", async () => {
      const { mailboxes } = await openStore(createStore);
      const { item } = await interrupt(mailboxes, "i");
      await interrupt(mailboxes, "j");
      const again = await mailboxes.append(message("s", "i", "i", { mode: "interrupt" }), limits);
      expect(again).toMatchObject({
        status: "duplicate",
        known: { state: "settled", item: { seq: item.seq } },
      });
      expect(await waitingIds(mailboxes, "s")).toEqual(["j"]);
    });
  });

  describe("openTurn while an interrupt waits (B20)", () => {
    it("opens no turn without it", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a"]);
      const { item: e } = await accept(mailboxes, event("s", "e"));
      const { item } = await interrupt(mailboxes, "i");
      const before = await mailboxes.waiting("s");
      const copy = [...before];
      for (const seqs of [[a!.seq], [a!.seq, e.seq], [e.seq], []]) {
        const answer = await mailboxes.openTurn({ sessionKey: "s", turnId: "t", seqs });
        expect(expectStatus(answer, "changed").mailbox).toMatchObject({ messages: 2, events: 1 });
        expect(await mailboxes.waiting("s")).toEqual(copy);
      }
      expect(idsOf((await openTurn(mailboxes, "s", "t", [item, e])).items)).toEqual(["i", "e"]);
    });

    it("I4: gives a turn that is open its items again, whatever waits by now", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a"]);
      const opened = await openTurn(mailboxes, "s", "t", [a!]);
      await interrupt(mailboxes, "i");
      const again = await openTurn(mailboxes, "s", "t", [a!]);
      expect([again.items, again.fencingToken]).toEqual([opened.items, opened.fencingToken]);
      expect(again.mailbox).toMatchObject({ messages: 1, interrupt: true });
    });
  });

  describe("a message that does not wait: mode `reject` (B21)", () => {
    const given = { mode: "reject" } as const;
    const ask = async (mailboxes: Mailboxes, id = "r", meetsBusyLane = false): Promise<AppendResult> =>
      mailboxes.append(message("s", id, id, { ...given, meetsBusyLane }), limits);

    it("is accepted where the session is idle: nothing waits that may start a turn, and nothing is held", async () => {
      const { mailboxes } = await openStore(createStore);
      expectStatus(await ask(mailboxes), "accepted");
      await mailboxes.withdraw({
        sessionKey: "s",
        events: true,
        isFresh: false,
        outcome: cancelled,
        dedupeMs: limits.dedupeMs,
      });
      await accept(mailboxes, event("s", "quiet", { wakes: false }));
      const { item } = expectStatus(await ask(mailboxes, "r2"), "accepted");
      expect(item).toMatchObject({ mode: "reject", ahead: 0 });
    });

    it.each<[string, (mailboxes: Mailboxes) => Promise<unknown>]>([
      ["a message waits", async (mailboxes) => acceptAll(mailboxes, "s", ["a"])],
      ["an event waits", async (mailboxes) => accept(mailboxes, event("s", "e"))],
      ["a completion waits", async (mailboxes) => completeCommand(mailboxes, "s", "x")],
      [
        "a turn holds something",
        async (mailboxes) => running(mailboxes, await acceptAll(mailboxes, "s", ["a"])),
      ],
      ["a turn is open that holds nothing", async (mailboxes) => running(mailboxes, [])],
      [
        "a message backs off",
        async (mailboxes) => {
          const [a] = await acceptAll(mailboxes, "s", ["a"]);
          const end = await running(mailboxes, [a!]);
          await settle(mailboxes, end, returned(a!, "failure", Number.MAX_SAFE_INTEGER));
        },
      ],
    ])("is refused where %s, and nothing has changed", async (_, occupy) => {
      const { mailboxes } = await openStore(createStore);
      await occupy(mailboxes);
      const before = await mailboxes.session("s");
      expect(await ask(mailboxes)).toEqual({ status: "busy" });
      expect(await mailboxes.session("s")).toEqual(before);
      expect(await mailboxes.find("s", "r")).toBeUndefined();
    });

    it("is refused where its lane is not idle, also in a session never seen, which stays unknown", async () => {
      const { mailboxes } = await openStore(createStore);
      expect(await ask(mailboxes, "r", true)).toEqual({ status: "busy" });
      expect(mailboxes.known).toBe(0);
    });

    it("I4: is known by its id, however busy its session is by now", async () => {
      const { mailboxes } = await openStore(createStore);
      const { item } = expectStatus(await ask(mailboxes), "accepted");
      expect(await ask(mailboxes, "r", true)).toEqual({
        status: "duplicate",
        known: { state: "open", item },
      });
    });

    it("does not mind other sessions", async () => {
      const { mailboxes } = await openStore(createStore);
      await acceptAll(mailboxes, "other", ["a"]);
      expect(await ask(mailboxes)).toMatchObject({ status: "accepted", item: { id: "r" } });
    });
  });
}
