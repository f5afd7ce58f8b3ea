import type { Mailboxes, NewItem, StoredItem } from "lanekeeper/ports";
import { describe, expect, it } from "vitest";
import {
  accept,
  acceptAll,
  completed,
  type CreateStore,
  deadLettered,
  event,
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

const cancelled = { status: "cancelled", reason: "cancelled" } as const;
const request = {
  sessionKey: "s",
  events: true,
  isFresh: false,
  outcome: cancelled,
  dedupeMs: limits.dedupeMs,
};

/** Accepts a message that steers turn `t`, or another. */
async function steer(mailboxes: Mailboxes, id: string, more: Partial<NewItem> = {}): Promise<StoredItem> {
  const given = { mode: "steer", steersTurn: "t", ...more } as const;
  return (await accept(mailboxes, message("s", id, id, given))).item;
}

async function claim(mailboxes: Mailboxes, items: readonly StoredItem[], turnId = "t") {
  return mailboxes.claimSteering({ sessionKey: "s", turnId, seqs: items.map(({ seq }) => seq) });
}

/** What waits for the turn that holds these items to take it. */
async function steeringOf(mailboxes: Mailboxes, items: readonly StoredItem[], turnId = "t2") {
  return idsOf((await openTurn(mailboxes, "s", turnId, items)).steering);
}

/** What the store does with messages that steer a turn, until they are taken (B19). */
export function claimSteering(createStore: CreateStore): void {
  describe("steering (B19)", () => {
    it("waits for the open turn, by its first item, and starts none", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a"]);
      const { item: e } = await accept(mailboxes, event("s", "e"));
      await running(mailboxes, [a!, e]);
      const item = await steer(mailboxes, "b");
      expect(item).toMatchObject({ mode: "steer", steers: a!.seq, ahead: 0 });
      const { mailbox } = await mailboxes.session("s");
      expect(mailbox).toMatchObject({ messages: 0, events: 0, steering: 1 });
      expect(await mailboxes.waiting("s")).toEqual([item]);
      expect(idsOf(await mailboxes.unfinished("s"))).toEqual(["a", "e", "b"]);
    });

    it("is a message like others where its turn is open no more, or never was, or holds nothing", async () => {
      const { mailboxes } = await openStore(createStore);
      const like = { steers: undefined, ahead: 0, mode: "steer" };
      expect(await steer(mailboxes, "a", { steersTurn: undefined })).toMatchObject(like);
      const end = await running(mailboxes, [], "t0");
      expect(await steer(mailboxes, "b", { steersTurn: "t0" })).toMatchObject(like);
      await settle(mailboxes, end);
      expect(await steer(mailboxes, "c", { steersTurn: "t0" })).toMatchObject(like);
      const { item: e } = await accept(mailboxes, event("s", "e"));
      await running(mailboxes, [e], "t1");
      expect(await steer(mailboxes, "d", { steersTurn: "t0" })).toMatchObject(like);
      const { mailbox } = await mailboxes.session("s");
      expect(mailbox).toMatchObject({ messages: 4, steering: 0 });
      expect(await waitingIds(mailboxes, "s")).toEqual(["a", "b", "c", "d"]);
    });

    it("I4: is known by its id, also once it is taken", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a"]);
      await running(mailboxes, [a!]);
      const item = await steer(mailboxes, "b");
      const again = async () => mailboxes.append(message("s", "b", "b", { mode: "steer" }), limits);
      expect(await again()).toEqual({ status: "duplicate", known: { state: "open", item } });
      await claim(mailboxes, [item]);
      expect(await again()).toMatchObject({ status: "duplicate", known: { state: "open" } });
    });

    it("can be withdrawn until it is taken", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a"]);
      await running(mailboxes, [a!]);
      const [b, c] = [await steer(mailboxes, "b"), await steer(mailboxes, "c")];
      await claim(mailboxes, [c]);
      const { withdrawn, mailbox } = await mailboxes.withdraw({ ...request, seqs: [b.seq, c.seq] });
      expect(withdrawn).toMatchObject([{ id: "b", outcome: cancelled }]);
      expect(mailbox).toMatchObject({ messages: 0, steering: 0 });
      expect(await mailboxes.find("s", "c")).toMatchObject({ state: "open" });
    });

    it("is withdrawn with all that waits", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a", "z"]);
      await running(mailboxes, [a!]);
      await steer(mailboxes, "b");
      expect(idsOf((await mailboxes.withdraw(request)).withdrawn)).toEqual(["z", "b"]);
      expect(idsOf(await mailboxes.unfinished("s"))).toEqual(["a"]);
    });
  });

  describe("claimSteering (B19)", () => {
    it("gives the turn what it has taken, which waits no longer", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a"]);
      const end = await running(mailboxes, [a!]);
      const [b] = [await steer(mailboxes, "b"), await steer(mailboxes, "c")];
      expect(await claim(mailboxes, [b])).toMatchObject({ messages: 0, steering: 1 });
      expect(await waitingIds(mailboxes, "s")).toEqual(["c"]);
      expect(idsOf(await mailboxes.unfinished("s"))).toEqual(["a", "b", "c"]);
      await settle(mailboxes, end, finished(a!), finished(b));
      expect(await mailboxes.find("s", "b")).toMatchObject({
        state: "settled",
        item: { outcome: completed },
      });
    });

    it("I4: asked again gives the same answer and changes nothing", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a"]);
      await running(mailboxes, [a!]);
      const b = await steer(mailboxes, "b");
      const first = await claim(mailboxes, [b]);
      const before = await mailboxes.session("s");
      expect(await claim(mailboxes, [b])).toEqual(first);
      expect(await mailboxes.session("s")).toEqual(before);
      expect(idsOf(await mailboxes.unfinished("s"))).toEqual(["a", "b"]);
    });

    it("passes over what does not wait for that turn", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a, other] = await acceptAll(mailboxes, "s", ["a", "other"]);
      const end = await running(mailboxes, [a!]);
      const [b, gone] = [await steer(mailboxes, "b"), await steer(mailboxes, "gone")];
      await mailboxes.withdraw({ ...request, seqs: [gone.seq] });
      await claim(mailboxes, [gone, other!, b, { ...b, seq: b.seq + 999 }]);
      expect(await waitingIds(mailboxes, "s")).toEqual(["other"]);
      expect(idsOf(await mailboxes.unfinished("s"))).toEqual(["a", "other", "b"]);
      await settle(mailboxes, end, finished(a!), finished(b));
      expect(await mailboxes.find("s", "gone")).toMatchObject({ item: { outcome: cancelled } });
    });

    it("gives nothing to a turn that is not open", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a"]);
      const end = await running(mailboxes, [a!]);
      const b = await steer(mailboxes, "b");
      const before = await mailboxes.session("s");
      expect(await claim(mailboxes, [b], "another")).toEqual(before.mailbox);
      expect(await waitingIds(mailboxes, "s")).toEqual(["b"]);
      await settle(mailboxes, end, finished(a!));
      expect(await claim(mailboxes, [b])).toMatchObject({ messages: 1 });
      expect(await waitingIds(mailboxes, "s")).toEqual(["b"]);
    });

    it("gives nothing to a turn that holds other work than what it steers", async () => {
      const { mailboxes, clock } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a"]);
      const end = await running(mailboxes, [a!]);
      const b = await steer(mailboxes, "b");
      const retryAt = clock.now() + 1_000;
      await settle(mailboxes, { ...end, steering: "stays" }, returned(a!, "failure", retryAt));
      const interrupt = await accept(mailboxes, message("s", "i", "", { mode: "interrupt" }));
      const opened = await openTurn(mailboxes, "s", "t2", [interrupt.item]);
      expect(opened.steering).toEqual([]);
      await claim(mailboxes, [b], "t2");
      expect(await waitingIds(mailboxes, "s")).toEqual(["a", "b"]);
      const ofInterrupt = { ...end, turnId: "t2", fencingToken: opened.fencingToken };
      await settle(mailboxes, ofInterrupt, finished(interrupt.item));
      expect((await mailboxes.session("s")).mailbox).toMatchObject({ messages: 1, steering: 1 });
      expect(await steeringOf(mailboxes, [a!], "t3")).toEqual(["b"]);
    });
  });

  describe("steering that nobody took (B19)", () => {
    it("runs next, first in order, once its turn is over for good", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a", "later"]);
      const end = await running(mailboxes, [a!]);
      const [b, c] = [await steer(mailboxes, "b"), await steer(mailboxes, "c")];
      const { mailbox } = await settle(mailboxes, end, finished(a!));
      expect(mailbox).toMatchObject({ messages: 3, steering: 0 });
      const [first, second, third] = await mailboxes.waiting("s");
      expect([first, second]).toEqual([b, c].map((item) => ({ ...item, steers: undefined, ahead: 1 })));
      expect(third).toMatchObject({ id: "later", ahead: 0 });
      expect(await mailboxes.find("s", "b")).toEqual({ state: "open", item: first });
    });

    it("runs behind an interrupt", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a", "later"]);
      const end = await running(mailboxes, [a!]);
      await steer(mailboxes, "b");
      await accept(mailboxes, message("s", "i", "", { mode: "interrupt" }));
      await settle(mailboxes, end, finished(a!));
      expect(await waitingIds(mailboxes, "s")).toEqual(["i", "b", "later"]);
    });

    it("stays for the turn that tries the work again, whatever runs between", async () => {
      const { mailboxes, reopen } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a", "later"]);
      const end = await running(mailboxes, [a!]);
      await steer(mailboxes, "b");
      const { mailbox } = await settle(mailboxes, { ...end, steering: "stays" }, returned(a!));
      expect(mailbox).toMatchObject({ messages: 2, steering: 1 });
      expect(await waitingIds(mailboxes, "s")).toEqual(["a", "later", "b"]);
      const next = await reopen();
      expect(await steeringOf(next, [a!])).toEqual(["b"]);
      expect(await steeringOf(next, [a!])).toEqual(["b"]);
    });

    it("stays for another item of its turn where that one alone is tried again", async () => {
      const { mailboxes } = await openStore(createStore);
      const { item: e } = await accept(mailboxes, event("s", "e"));
      const { item: f } = await accept(mailboxes, event("s", "f"));
      const end = await running(mailboxes, [e, f]);
      const b = await steer(mailboxes, "b");
      await settle(mailboxes, { ...end, steering: "stays" }, deadLettered(e), returned(f));
      expect(await mailboxes.find("s", "b")).toEqual({ state: "open", item: { ...b, steers: f.seq } });
      expect(await steeringOf(mailboxes, [f])).toEqual(["b"]);
    });

    it("is released, where that is said, also by a turn whose work is given back (B31a)", async () => {
      const { mailboxes } = await openStore(createStore);
      const { item: e } = await accept(mailboxes, event("s", "e"));
      const end = await running(mailboxes, [e]);
      await steer(mailboxes, "b");
      const { mailbox } = await settle(mailboxes, { ...end, steering: "released" }, returned(e));
      expect(mailbox).toMatchObject({ messages: 1, events: 1, steering: 0 });
      expect(await waitingIds(mailboxes, "s")).toEqual(["b", "e"]);
    });

    it("is released where nothing is given back that would start the turn again", async () => {
      const { mailboxes } = await openStore(createStore);
      for (const [wakes, doesReturn] of [
        [false, true],
        [true, false],
      ] as const) {
        const { item: e } = await accept(mailboxes, event("s", `e ${wakes}`, { wakes }));
        const { item: a } = await accept(mailboxes, message("s", `a ${wakes}`));
        const end = await running(mailboxes, [a, e]);
        await steer(mailboxes, `b ${wakes}`);
        const ends = [finished(a), doesReturn ? returned(e) : finished(e)];
        const { mailbox } = await settle(mailboxes, { ...end, steering: "stays" }, ...ends);
        expect(mailbox).toMatchObject({ messages: 1, steering: 0 });
        await mailboxes.withdraw(request);
      }
    });

    it("is released when what it steers is withdrawn before it is tried again", async () => {
      const { mailboxes } = await openStore(createStore);
      const { item: e } = await accept(mailboxes, event("s", "e"));
      const end = await running(mailboxes, [e]);
      const b = await steer(mailboxes, "b");
      await settle(mailboxes, { ...end, steering: "stays" }, returned(e));
      const { mailbox } = await mailboxes.withdraw({ ...request, seqs: [e.seq] });
      expect(mailbox).toMatchObject({ messages: 1, steering: 0 });
      expect(await mailboxes.waiting("s")).toEqual([{ ...b, steers: undefined, ahead: 1 }]);
    });

    it("is withdrawn once, with what it steers, where all that waits is", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a"]);
      const end = await running(mailboxes, [a!]);
      await steer(mailboxes, "b");
      await settle(mailboxes, { ...end, steering: "stays" }, returned(a!));
      const { withdrawn, mailbox } = await mailboxes.withdraw(request);
      expect(idsOf(withdrawn)).toEqual(["a", "b"]);
      expect(mailbox).toMatchObject({ messages: 0, steering: 0 });
      expect(mailboxes.backlog).toBe(0);
    });

    it("is released when what it steers is replaced", async () => {
      const { mailboxes } = await openStore(createStore);
      const { item: e } = await accept(mailboxes, event("s", "e", { key: "k" }));
      const end = await running(mailboxes, [e]);
      await steer(mailboxes, "b");
      await settle(mailboxes, { ...end, steering: "stays" }, returned(e));
      const { mailbox } = await accept(mailboxes, event("s", "f", { key: "k" }));
      expect(mailbox).toMatchObject({ messages: 1, steering: 0, events: 1 });
      expect(await waitingIds(mailboxes, "s")).toEqual(["b", "f"]);
    });

    it("is released when what it steers is cancelled by a later interrupt (B20)", async () => {
      const { mailboxes, clock } = await openStore(createStore);
      const { item: i } = await accept(mailboxes, message("s", "i", "", { mode: "interrupt" }));
      const end = await running(mailboxes, [i]);
      await steer(mailboxes, "b");
      const retryAt = clock.now() + 1_000;
      await settle(mailboxes, { ...end, steering: "stays" }, returned(i, "failure", retryAt));
      const { finished: gone } = await accept(mailboxes, message("s", "j", "", { mode: "interrupt" }));
      expect(idsOf(gone)).toEqual(["i"]);
      expect(await waitingIds(mailboxes, "s")).toEqual(["j", "b"]);
      expect((await mailboxes.session("s")).mailbox).toMatchObject({ messages: 2, steering: 0 });
    });

    it("is released by a reset that cancels what it steers, and kept for an event that stays (B36)", async () => {
      const { mailboxes, clock } = await openStore(createStore);
      const retryAt = clock.now() + 1_000;
      const restart = { sessionKey: "s", dedupeMs: limits.dedupeMs };
      const [a] = await acceptAll(mailboxes, "s", ["a"]);
      const end = await running(mailboxes, [a!]);
      await steer(mailboxes, "b");
      await settle(mailboxes, { ...end, steering: "stays" }, returned(a!, "failure", retryAt));
      expect(idsOf((await mailboxes.restart(restart)).finished)).toEqual(["a"]);
      expect((await mailboxes.waiting("s"))[0]).toMatchObject({ id: "b", steers: undefined, ahead: 1 });
      await mailboxes.withdraw(request);
      const { item: e } = await accept(mailboxes, event("s", "e"));
      const again = await running(mailboxes, [e], "t2");
      await steer(mailboxes, "c", { steersTurn: "t2" });
      await settle(mailboxes, { ...again, steering: "stays" }, returned(e, "failure", retryAt));
      const { finished: gone, mailbox } = await mailboxes.restart(restart);
      expect([gone, mailbox]).toMatchObject([[], { events: 1, steering: 1, retry: null }]);
      expect(await steeringOf(mailboxes, [e], "t3")).toEqual(["c"]);
    });
  });
}
