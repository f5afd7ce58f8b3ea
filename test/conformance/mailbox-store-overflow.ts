import type { MailboxLimits, Mailboxes } from "lanekeeper/ports";
import { describe, expect, it } from "vitest";
import {
  accept,
  acceptAll,
  completeCommand,
  type CreateStore,
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

const dropped = { status: "dropped", reason: "overflow" } as const;
const oldest: MailboxLimits = { ...limits, cap: 2, overflow: "drop-oldest" };
const newest: MailboxLimits = { ...limits, cap: 2, overflow: "drop-newest" };
const summarizing: MailboxLimits = { ...limits, cap: 2, overflow: "summarize" };

/** What the turn that opens next is told of what was summarised away. */
async function told(mailboxes: Mailboxes, turnId: string): Promise<unknown> {
  return (await openTurn(mailboxes, "s", turnId, [])).dropped;
}

/** What `append` does where there is no room (B12, B22). */
export function claimOverflow(createStore: CreateStore): void {
  describe("append beyond the cap (B22)", () => {
    it("drops the oldest message to make room", async () => {
      const { mailboxes } = await openStore(createStore);
      await acceptAll(mailboxes, "s", ["a", "b"]);
      const { finished: gone, mailbox } = await accept(mailboxes, message("s", "c"), oldest);
      expect(gone).toMatchObject([{ id: "a", type: "message", sessionKey: "s", outcome: dropped }]);
      expect(mailbox).toMatchObject({ messages: 2 });
      expect(await waitingIds(mailboxes, "s")).toEqual(["b", "c"]);
      expect(await mailboxes.find("s", "a")).toMatchObject({ state: "settled", item: { outcome: dropped } });
    });

    it("drops as many as it takes where the cap was lowered", async () => {
      const { mailboxes } = await openStore(createStore);
      await acceptAll(mailboxes, "s", ["a", "b", "c", "d"]);
      const { finished: gone } = await accept(mailboxes, message("s", "e"), oldest);
      expect(idsOf(gone)).toEqual(["a", "b", "c"]);
      expect(await waitingIds(mailboxes, "s")).toEqual(["d", "e"]);
    });

    it("drops by the order of acceptance, whatever runs first", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a", "b"]);
      const end = await running(mailboxes, [a!]);
      await accept(mailboxes, message("s", "released", "", { mode: "steer", steersTurn: "t" }));
      await settle(mailboxes, end, finished(a!));
      expect(await waitingIds(mailboxes, "s")).toEqual(["released", "b"]);
      expect(idsOf((await accept(mailboxes, message("s", "c"), oldest)).finished)).toEqual(["b"]);
      expect(idsOf((await accept(mailboxes, message("s", "d"), oldest)).finished)).toEqual(["released"]);
    });

    it("drops the newest: the one that comes, which is remembered", async () => {
      const { mailboxes, clock } = await openStore(createStore);
      await acceptAll(mailboxes, "s", ["a", "b"]);
      const before = await mailboxes.session("s");
      const answer = await mailboxes.append(message("s", "c"), newest);
      const { item } = expectStatus(answer, "dropped");
      expect(item).toMatchObject({ id: "c", sessionKey: "s", acceptedAt: clock.now(), outcome: dropped });
      expect((await mailboxes.session("s")).mailbox).toEqual(before.mailbox);
      expect(await waitingIds(mailboxes, "s")).toEqual(["a", "b"]);
      const again = await mailboxes.append(message("s", "c"), newest);
      expect(again).toMatchObject({
        status: "duplicate",
        known: { state: "settled", item: { seq: item.seq, outcome: dropped } },
      });
    });

    it("never drops what a turn has held", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a", "b"]);
      await settle(mailboxes, await running(mailboxes, [a!]), returned(a!));
      const { finished: gone } = await accept(mailboxes, message("s", "c"), oldest);
      expect(idsOf(gone)).toEqual(["b"]);
      expect(await waitingIds(mailboxes, "s")).toEqual(["a", "c"]);
    });

    it("never drops an interrupt, nor steering that waits to be taken (B19)", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a"]);
      await running(mailboxes, [a!]);
      await accept(mailboxes, message("s", "steering", "", { mode: "steer", steersTurn: "t" }));
      await accept(mailboxes, message("s", "interrupt", "", { mode: "interrupt" }));
      const answer = await mailboxes.append(message("s", "c"), oldest);
      expect(expectStatus(answer, "dropped").item).toMatchObject({ id: "c", outcome: dropped });
      expect(await waitingIds(mailboxes, "s")).toEqual(["interrupt", "steering"]);
    });

    it("drops the one that comes where nothing else may be dropped", async () => {
      const { mailboxes } = await openStore(createStore);
      const items = await acceptAll(mailboxes, "s", ["a", "b"]);
      await settle(mailboxes, await running(mailboxes, items), ...items.map((item) => returned(item)));
      for (const [id, within] of [
        ["c", oldest],
        ["d", summarizing],
      ] as const) {
        const answer = await mailboxes.append(message("s", id), within);
        expect(expectStatus(answer, "dropped").item).toMatchObject({ id, outcome: dropped });
      }
      expect(await waitingIds(mailboxes, "s")).toEqual(["a", "b"]);
      expect(await told(mailboxes, "t2")).toEqual({ count: 1, summary: ["about d"] });
    });

    it("counts steering that waits towards the cap (B19)", async () => {
      const { mailboxes } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a"]);
      await running(mailboxes, [a!]);
      const one = { ...limits, cap: 1 };
      const steering = (id: string) => message("s", id, "", { mode: "steer", steersTurn: "t" });
      await accept(mailboxes, steering("b"), one);
      for (const item of [steering("c"), message("s", "c")])
        expect(await mailboxes.append(item, one)).toEqual({ status: "full", waiting: 1, limit: 1 });
    });

    it("never refuses an interrupt, and counts it towards the cap (B20)", async () => {
      const { mailboxes } = await openStore(createStore);
      await acceptAll(mailboxes, "s", ["a", "b"]);
      for (const within of [{ ...limits, cap: 2 }, oldest, newest]) {
        const id = `interrupt ${within.overflow}`;
        const item = message("s", id, "", { mode: "interrupt" });
        expect((await accept(mailboxes, item, within)).item.id).toBe(id);
      }
      expect(await waitingIds(mailboxes, "s")).toEqual(["interrupt drop-newest", "a", "b"]);
      const full = await mailboxes.append(message("s", "c"), { ...limits, cap: 3 });
      expect(full).toEqual({ status: "full", waiting: 3, limit: 3 });
    });

    it("never drops a message for an event, nor an event for a message", async () => {
      const { mailboxes } = await openStore(createStore);
      const tight = { ...oldest, cap: 1, eventCap: 1 };
      await accept(mailboxes, message("s", "a"), tight);
      await accept(mailboxes, event("s", "e"), tight);
      expect(idsOf((await accept(mailboxes, event("s", "f"), tight)).finished)).toEqual(["e"]);
      expect(idsOf((await accept(mailboxes, message("s", "b"), tight)).finished)).toEqual(["a"]);
      expect(await waitingIds(mailboxes, "s")).toEqual(["f", "b"]);
    });

    it("never drops an event that a turn has held, and refuses the one that comes instead", async () => {
      const { mailboxes } = await openStore(createStore);
      const { item } = await accept(mailboxes, event("s", "e"));
      await settle(mailboxes, await running(mailboxes, [item]), returned(item));
      const one = { ...limits, eventCap: 1 };
      expect(await mailboxes.append(event("s", "f"), one)).toEqual({ status: "full", waiting: 1, limit: 1 });
      expect(await waitingIds(mailboxes, "s")).toEqual(["e"]);
    });

    it("remembers what it drops for as long as it is told, or not at all", async () => {
      const { mailboxes } = await openStore(createStore);
      await acceptAll(mailboxes, "s", ["a", "b"]);
      await accept(mailboxes, message("s", "c"), { ...oldest, dedupeMs: 0 });
      await mailboxes.append(message("s", "d"), { ...newest, dedupeMs: 0 });
      expect([await mailboxes.find("s", "a"), await mailboxes.find("s", "d")]).toEqual([
        undefined,
        undefined,
      ]);
    });
  });

  describe("what overflow summarised away (B22)", () => {
    it("is told to the next turn: how many, and a line for each of the last cap", async () => {
      const { mailboxes } = await openStore(createStore);
      await acceptAll(mailboxes, "s", ["a", "b"]);
      for (const id of ["c", "d", "e"]) await accept(mailboxes, message("s", id), summarizing);
      expect(await told(mailboxes, "t")).toEqual({ count: 3, summary: ["about b", "about c"] });
    });

    it("is nothing where nothing was, or where messages are dropped without a word", async () => {
      const { mailboxes } = await openStore(createStore);
      await acceptAll(mailboxes, "s", ["a", "b"]);
      await accept(mailboxes, message("s", "c"), oldest);
      await mailboxes.append(message("s", "d"), newest);
      expect(await told(mailboxes, "t")).toBeUndefined();
    });

    it("is told once: a turn that completed has told it", async () => {
      const { mailboxes } = await openStore(createStore);
      await acceptAll(mailboxes, "s", ["a", "b"]);
      await accept(mailboxes, message("s", "c"), summarizing);
      await settle(mailboxes, await running(mailboxes, []));
      expect(await told(mailboxes, "t2")).toBeUndefined();
    });

    it("is told again after a turn that did not complete, before what came meanwhile", async () => {
      const { mailboxes } = await openStore(createStore);
      const three = { ...summarizing, cap: 3 };
      await acceptAll(mailboxes, "s", ["a", "b", "c"]);
      await accept(mailboxes, message("s", "d"), three);
      const end = await running(mailboxes, []);
      await accept(mailboxes, message("s", "e"), three);
      await settle(mailboxes, { ...end, hasToldDropped: false });
      expect(await told(mailboxes, "t2")).toEqual({ count: 2, summary: ["about a", "about b"] });
    });

    it("is what came meanwhile alone after a turn that completed", async () => {
      const { mailboxes } = await openStore(createStore);
      await acceptAll(mailboxes, "s", ["a", "b"]);
      await accept(mailboxes, message("s", "c"), summarizing);
      const end = await running(mailboxes, []);
      await accept(mailboxes, message("s", "d"), summarizing);
      await settle(mailboxes, end);
      expect(await told(mailboxes, "t2")).toEqual({ count: 1, summary: ["about b"] });
    });

    it("has no more than cap lines, however many turns did not complete", async () => {
      const { mailboxes } = await openStore(createStore);
      await acceptAll(mailboxes, "s", ["a", "b"]);
      for (let turn = 0; turn < 5; turn++) {
        const end = await running(mailboxes, [], `t${turn}`);
        for (const id of ["x", "y"]) await accept(mailboxes, message("s", `${id}${turn}`), summarizing);
        await settle(mailboxes, { ...end, hasToldDropped: false });
      }
      expect(await told(mailboxes, "last")).toEqual({ count: 10, summary: ["about x3", "about y3"] });
    });

    it("I4: is the same for a turn that is opened again", async () => {
      const { mailboxes, reopen } = await openStore(createStore);
      await acceptAll(mailboxes, "s", ["a", "b"]);
      await accept(mailboxes, message("s", "c"), summarizing);
      const summary = { count: 1, summary: ["about a"] };
      expect([await told(mailboxes, "t"), await told(mailboxes, "t")]).toEqual([summary, summary]);
      const next = await reopen();
      expect(await told(next, "t")).toEqual(summary);
      const { fencingToken } = (await next.abandonedTurns())[0]!;
      const end = { sessionKey: "s", turnId: "t", fencingToken, steering: "released" } as const;
      await next.settleTurn({ ...end, dispositions: [], dedupeMs: 0, hasToldDropped: false });
      expect(await told(next, "t2")).toEqual(summary);
    });

    it("is its own session's alone", async () => {
      const { mailboxes } = await openStore(createStore);
      await acceptAll(mailboxes, "s", ["a", "b"]);
      await accept(mailboxes, message("s", "c"), summarizing);
      expect((await openTurn(mailboxes, "other", "t", [])).dropped).toBeUndefined();
    });
  });

  describe("the backlog of all sessions (B12)", () => {
    const two = { ...limits, backlog: 2 };

    it("counts what waits, not what a turn holds", async () => {
      const { mailboxes } = await openStore(createStore);
      expect(mailboxes.backlog).toBe(0);
      const [a] = await acceptAll(mailboxes, "s", ["a", "b"]);
      await accept(mailboxes, event("other", "e", { wakes: false }));
      expect(mailboxes.backlog).toBe(3);
      const end = await running(mailboxes, [a!]);
      expect(mailboxes.backlog).toBe(2);
      await settle(mailboxes, end, returned(a!));
      expect(mailboxes.backlog).toBe(3);
      await settle(mailboxes, await running(mailboxes, [a!], "t2"), finished(a!));
      expect(mailboxes.backlog).toBe(2);
    });

    it("refuses work of any session once it is full, and changes nothing", async () => {
      const { mailboxes } = await openStore(createStore);
      await acceptAll(mailboxes, "s", ["a"]);
      await accept(mailboxes, event("other", "e"));
      const interrupt = message("s", "i", "", { mode: "interrupt" });
      for (const item of [message("s", "b"), message("new", "b"), event("s", "f"), interrupt])
        expect(await mailboxes.append(item, two)).toEqual({ status: "overloaded", waiting: 2, limit: 2 });
      expect([mailboxes.known, mailboxes.backlog]).toEqual([2, 2]);
      expect(await mailboxes.find("s", "b")).toBeUndefined();
    });

    it("refuses no completion, no event that replaces another, and nothing that is known", async () => {
      const { mailboxes } = await openStore(createStore);
      await acceptAll(mailboxes, "s", ["a"]);
      await accept(mailboxes, event("s", "e", { key: "k" }));
      await accept(mailboxes, event("s", "f", { key: "k" }), two);
      await completeCommand(mailboxes, "s", "x", two);
      expect(await mailboxes.append(message("s", "a"), two)).toMatchObject({ status: "duplicate" });
      expect([await waitingIds(mailboxes, "s"), mailboxes.backlog]).toEqual([["a", "f", "x"], 3]);
    });

    it("is kept from one keeper to the next", async () => {
      const { mailboxes, reopen } = await openStore(createStore);
      await acceptAll(mailboxes, "s", ["a", "b"]);
      expect((await reopen()).backlog).toBe(2);
    });
  });
}
