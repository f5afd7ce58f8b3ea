import type { Mailboxes, StoredItem } from "lanekeeper/ports";
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
  settle,
  waitingIds,
} from "./mailbox-store-fixture.ts";

const reset = { status: "cancelled", reason: "reset" } as const;

async function steer(mailboxes: Mailboxes, id: string): Promise<StoredItem> {
  return (await accept(mailboxes, message("s", id, id, { mode: "steer", steersTurn: "t" }))).item;
}

/** Accepts steering of turn `t` and gives it to that turn. */
async function take(mailboxes: Mailboxes, id: string): Promise<StoredItem> {
  const item = await steer(mailboxes, id);
  await mailboxes.claimSteering({ sessionKey: "s", turnId: "t", seqs: [item.seq] });
  return item;
}

/** What the store does with steering that a turn has taken, at the turn's end (B19). */
export function claimTakenSteering(createStore: CreateStore): void {
  describe("the end of a turn that took steering (B19)", () => {
    it("is the end of that steering, also where its claim was lost on the way", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a"]);
      const end = await running(mailboxes, [a!]);
      const claimed = await take(mailboxes, "claimed");
      const lost = await steer(mailboxes, "lost");
      const { mailbox } = await settle(mailboxes, end, finished(a!), finished(claimed), deadLettered(lost));
      expect(mailbox).toMatchObject({ messages: 0, steering: 0 });
      expect(await mailboxes.unfinished("s")).toEqual([]);
      expect(await mailboxes.find("s", "claimed")).toMatchObject({ item: { outcome: completed } });
      expect(await mailboxes.find("s", "lost")).toMatchObject({ item: { outcome: { status: "failed" } } });
      expect(mailboxes.backlog).toBe(0);
    });

    it("releases steering that nobody took beside it", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a", "later"]);
      const end = await running(mailboxes, [a!]);
      const taken = await take(mailboxes, "taken");
      await steer(mailboxes, "untaken");
      await settle(mailboxes, end, finished(a!), finished(taken));
      expect(await waitingIds(mailboxes, "s")).toEqual(["untaken", "later"]);
    });

    it("gives it back to the turn that tries the work again, claimed or not, in the order of acceptance", async () => {
      const { mailboxes, clock } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a"]);
      const end = await running(mailboxes, [a!]);
      const lost = await steer(mailboxes, "lost");
      const claimed = await take(mailboxes, "claimed");
      const untaken = await steer(mailboxes, "untaken");
      const at = clock.now() + 1_000;
      const ends = [a!, claimed, lost].map((item) => returned(item, "failure", at));
      const { mailbox } = await settle(mailboxes, { ...end, steering: "stays" }, ...ends);
      expect(mailbox).toMatchObject({ messages: 1, steering: 3, retry: { holding: "message", at } });
      const opened = await openTurn(mailboxes, "s", "t2", [a!]);
      expect(idsOf(opened.items)).toEqual(["a"]);
      const tried = { failures: 1, retryAt: at, lastTurnId: "t", steers: a!.seq };
      expect(opened.steering).toEqual([{ ...lost, ...tried }, { ...claimed, ...tried }, untaken]);
    });

    it("gives it back to another item of the turn, where that alone is tried again", async () => {
      const { mailboxes } = await openStore(createStore);
      const { item: e } = await accept(mailboxes, event("s", "e"));
      const { item: f } = await accept(mailboxes, event("s", "f"));
      const end = await running(mailboxes, [e, f]);
      const taken = await take(mailboxes, "taken");
      const ends = [deadLettered(e), returned(f), returned(taken)];
      await settle(mailboxes, { ...end, steering: "stays" }, ...ends);
      expect(idsOf((await openTurn(mailboxes, "s", "t2", [f])).steering)).toEqual(["taken"]);
    });

    it("gives it back as a message of its own where nothing else of the turn is", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a", "later"]);
      const end = await running(mailboxes, [a!]);
      const taken = await take(mailboxes, "taken");
      await steer(mailboxes, "untaken");
      await settle(mailboxes, { ...end, steering: "stays" }, finished(a!), returned(taken, "nothing"));
      expect((await mailboxes.session("s")).mailbox).toMatchObject({ messages: 3, steering: 0 });
      expect(await waitingIds(mailboxes, "s")).toEqual(["taken", "untaken", "later"]);
    });

    it("lets it be withdrawn while it waits for that, and released when what it steers is", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a"]);
      const end = await running(mailboxes, [a!]);
      const [b, c] = [await take(mailboxes, "b"), await take(mailboxes, "c")];
      await settle(mailboxes, { ...end, steering: "stays" }, returned(a!), returned(b), returned(c));
      const outcome = { status: "cancelled", reason: "cancelled" } as const;
      const request = { sessionKey: "s", events: false, outcome, dedupeMs: limits.dedupeMs };
      const fresh = await mailboxes.withdraw({ ...request, seqs: [b.seq], isFresh: true });
      expect(fresh.withdrawn).toEqual([]);
      const one = await mailboxes.withdraw({ ...request, seqs: [b.seq], isFresh: false });
      expect([idsOf(one.withdrawn), one.mailbox.steering]).toEqual([["b"], 1]);
      await mailboxes.withdraw({ ...request, seqs: [a!.seq], isFresh: false });
      expect(await mailboxes.waiting("s")).toMatchObject([
        { id: "c", steers: undefined, ahead: 1, failures: 1, lastTurnId: "t" },
      ]);
    });

    it("I4: is answered the same when it is asked again, and changes nothing", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a"]);
      const end = await running(mailboxes, [a!]);
      const taken = await take(mailboxes, "taken");
      const lost = await steer(mailboxes, "lost");
      const untaken = await steer(mailboxes, "untaken");
      const dispositions = [returned(a!), returned(taken), returned(lost)];
      const settlement = { ...end, steering: "stays", dispositions } as const;
      const first = await mailboxes.settleTurn(settlement);
      const before = [await mailboxes.session("s"), await mailboxes.waiting("s")];
      expect(await mailboxes.settleTurn(settlement)).toEqual(first);
      expect([await mailboxes.session("s"), await mailboxes.waiting("s")]).toEqual(before);
      expect(idsOf(before[1] as readonly StoredItem[])).toEqual(idsOf([a!, taken, lost, untaken]));
    });

    it("passes over steering that was withdrawn before, whose claim found nothing", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a"]);
      const end = await running(mailboxes, [a!]);
      const gone = await take(mailboxes, "gone too late");
      const withdrawn = await steer(mailboxes, "withdrawn");
      const outcome = { status: "cancelled", reason: "cancelled" } as const;
      const request = { sessionKey: "s", events: false, isFresh: false, outcome };
      const answer = await mailboxes.withdraw({
        ...request,
        seqs: [gone.seq, withdrawn.seq],
        dedupeMs: 60_000,
      });
      expect(idsOf(answer.withdrawn)).toEqual(["withdrawn"]);
      await mailboxes.claimSteering({ sessionKey: "s", turnId: "t", seqs: [withdrawn.seq] });
      await settle(mailboxes, end, finished(a!), finished(gone), finished(withdrawn));
      expect(await mailboxes.find("s", "withdrawn")).toMatchObject({ item: { outcome } });
      expect(await mailboxes.find("s", "gone too late")).toMatchObject({ item: { outcome: completed } });
    });

    it("I1: is refused, and nothing has happened, where an item that the turn holds has no end", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a"]);
      const end = await running(mailboxes, [a!]);
      const taken = await take(mailboxes, "taken");
      const before = await mailboxes.session("s");
      const ends = [finished(a!), finished(taken)] as const;
      for (const dispositions of [[], [ends[0]], [ends[1]], [ends[0], ends[0]], [...ends, ends[1]]]) {
        const settled = (async () => mailboxes.settleTurn({ ...end, dispositions }))();
        await expect(settled).rejects.toThrow(/./);
        expect(await mailboxes.session("s")).toEqual(before);
      }
      expect(idsOf(await mailboxes.unfinished("s"))).toEqual(["a", "taken"]);
      expectStatus(
        await mailboxes.settleTurn({ ...end, dispositions: [finished(a!), finished(taken)] }),
        "settled",
      );
    });

    it("B36: with a reset in the same step releases what nobody took", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a", "later"]);
      const end = await running(mailboxes, [a!]);
      const taken = await take(mailboxes, "taken");
      await steer(mailboxes, "untaken");
      const ends = [a!, taken].map(({ seq }) => ({ seq, fate: "finish", outcome: reset }) as const);
      const result = await settle(mailboxes, { ...end, restart: true }, ...ends);
      expect(result.finished).toEqual([]);
      expect(await waitingIds(mailboxes, "s")).toEqual(["untaken", "later"]);
    });
  });

  describe("a reset while work backs off that was steered (B36)", () => {
    it("cancels what was taken with it, once, and keeps what nobody took", async () => {
      const { mailboxes, clock } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a"]);
      const end = await running(mailboxes, [a!]);
      const taken = await take(mailboxes, "taken");
      await steer(mailboxes, "untaken");
      const ends = [a!, taken].map((item) => returned(item, "failure", clock.now() + 1_000));
      await settle(mailboxes, { ...end, steering: "stays" }, ...ends);
      const { finished: gone, mailbox } = await mailboxes.restart({ sessionKey: "s", dedupeMs: 60_000 });
      expect(gone).toMatchObject([
        { id: "a", outcome: reset },
        { id: "taken", outcome: reset },
      ]);
      expect(mailbox).toMatchObject({ messages: 1, steering: 0, retry: null });
      expect(await waitingIds(mailboxes, "s")).toEqual(["untaken"]);
    });
  });
}
