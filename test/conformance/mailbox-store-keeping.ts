import type { Mailboxes } from "lanekeeper/ports";
import { describe, expect, it } from "vitest";
import {
  accept,
  acceptAll,
  announced,
  completeCommand,
  completion,
  type CreateStore,
  limits,
  message,
  openStore,
  openTurn,
  plainEnd,
} from "./mailbox-store-fixture.ts";

/** Everything that a keeper asks of its store. */
type StoreStep = Exclude<keyof Mailboxes, "isHeld" | "isDurable" | "known" | "backlog">;

/** Who may have the store, and what it keeps from one keeper to the next. */
export function claimKeeping(createStore: CreateStore): void {
  describe("open and close", () => {
    it("B59: refuse a second keeper while one has the store, and leave the first alone", async () => {
      const { store, mailboxes, clock } = await openStore(createStore);
      const again = async (): Promise<unknown> => store.open({ clock, createId: () => "id" });
      await expect(again()).rejects.toMatchObject({ code: "STORE_IN_USE" });
      await accept(mailboxes, message("s", "a"));
      await store.close();
      await expect(again()).resolves.toBeDefined();
      await expect(again()).rejects.toMatchObject({ code: "STORE_IN_USE" });
    });

    it("B58: refuse every step of a keeper that has given the store back, and change nothing", async () => {
      const { mailboxes, store, reopen } = await openStore(createStore);
      const [a] = await acceptAll(mailboxes, "s", ["a"]);
      const { fencingToken } = await openTurn(mailboxes, "s", "t", [a!]);
      expect(mailboxes.isHeld).toBe(true);
      await store.close();
      expect(mailboxes.isHeld).toBe(false);
      const next = await reopen();
      expect([mailboxes.isHeld, next.isHeld]).toEqual([false, true]);
      const before = await next.session("s");
      const given = { sessionKey: "s", dedupeMs: limits.dedupeMs };
      const outcome = { status: "cancelled", reason: "cleared" } as const;
      const record = announced("s", "x");
      const end = { ...given, turnId: "t", fencingToken, dispositions: [], ...plainEnd };
      const steps: { readonly [Step in StoreStep]: () => unknown } = {
        pauses: () => mailboxes.pauses(),
        append: () => mailboxes.append(message("s", "late"), limits),
        waiting: () => mailboxes.waiting("s"),
        unfinished: () => mailboxes.unfinished("s"),
        find: () => mailboxes.find("s", "a"),
        withdraw: () => mailboxes.withdraw({ ...given, events: true, isFresh: false, outcome }),
        openTurn: () => mailboxes.openTurn({ ...given, turnId: "t", seqs: [] }),
        claimSteering: () => mailboxes.claimSteering({ ...given, turnId: "t", seqs: [] }),
        settleTurn: () => mailboxes.settleTurn(end),
        restart: () => mailboxes.restart(given),
        session: () => mailboxes.session("s"),
        page: () => mailboxes.page({ prefix: "", after: undefined, limit: 1 }),
        forget: () => mailboxes.forget("s"),
        unused: () => mailboxes.unused({ before: Infinity, limit: 1 }),
        abandonedTurns: () => mailboxes.abandonedTurns(),
        pause: () => mailboxes.pause("s", true),
        recordExecution: () => mailboxes.recordExecution(record),
        recordProcess: () => mailboxes.recordProcess({ execId: "x", process: { pid: 1, mark: "then" } }),
        forgetExecution: () => mailboxes.forgetExecution("x"),
        execution: () => mailboxes.execution("x"),
        openExecutions: () => mailboxes.openExecutions(),
        completeExecution: () =>
          mailboxes.completeExecution({ record, completion: completion("s", "x"), isSilent: true, limits }),
        releaseCompletions: () => mailboxes.releaseCompletions("s"),
        heartbeats: () => mailboxes.heartbeats(),
        recordHeartbeat: () => mailboxes.recordHeartbeat({ agent: "a", isEnabled: true, starts: [] }),
        deadLetters: () => mailboxes.deadLetters({ sessionKey: undefined, limit: 1 }),
        deadLetter: () => mailboxes.deadLetter("none"),
        redrive: () => mailboxes.redrive({ id: "none", limits }),
        discard: () => mailboxes.discard("none"),
        sweep: () => mailboxes.sweep(),
      };
      for (const [name, step] of Object.entries(steps)) {
        const refusal: unknown = await (async () => step())().catch((error: unknown) => error);
        expect({ name, refusal }).toMatchObject({ name, refusal: { code: "STORE_IN_USE" } });
      }
      expect([await next.session("s"), await next.execution("x"), await next.pauses()]).toEqual([
        before,
        undefined,
        { keeper: false, sessions: [] },
      ]);
      expect((await openTurn(next, "s", "t", [])).items).toEqual([a]);
    });

    it("keep what was accepted, in order, and what is known of ids", async () => {
      const { mailboxes, reopen } = await openStore(createStore);
      const items = await acceptAll(mailboxes, "s", ["a", "b", "c"]);
      await mailboxes.withdraw({
        sessionKey: "s",
        seqs: [items[1]!.seq],
        events: false,
        isFresh: false,
        outcome: { status: "cancelled", reason: "cleared" },
        dedupeMs: limits.dedupeMs,
      });
      const record = await mailboxes.session("s");
      const next = await reopen();
      expect(next.known).toBe(1);
      expect(await next.session("s")).toEqual(record);
      expect(await next.waiting("s")).toEqual([items[0], items[2]]);
      expect(await next.find("s", "b")).toMatchObject({
        state: "settled",
        item: { outcome: { reason: "cleared" } },
      });
      expect(await next.append(message("s", "a"), limits)).toMatchObject({ status: "duplicate" });
    });

    it("keep pauses, commands and dead letters", async () => {
      const { mailboxes, reopen } = await openStore(createStore);
      await mailboxes.pause(undefined, true);
      await mailboxes.pause("s", true);
      const { record } = await mailboxes.recordExecution(announced("s", "running"));
      await completeCommand(mailboxes, "s", "ended");
      const { deadLetters } = await mailboxes.restart({ sessionKey: "s", dedupeMs: limits.dedupeMs });
      const next = await reopen();
      expect(await next.pauses()).toEqual({ keeper: true, sessions: ["s"] });
      expect(await next.execution("running")).toEqual(record);
      expect(await next.execution("ended")).toMatchObject({ state: "completed" });
      expect(await next.deadLetters({ sessionKey: "s", limit: 10 })).toEqual(deadLetters);
    });

    it("I5: go on counting tokens, incarnations and the order of acceptance", async () => {
      const { mailboxes, reopen } = await openStore(createStore);
      const { item } = await accept(mailboxes, message("s", "a"));
      const before = await openTurn(mailboxes, "s", "t1", [item]);
      await mailboxes.settleTurn({
        sessionKey: "s",
        turnId: "t1",
        ...plainEnd,
        fencingToken: before.fencingToken,
        dispositions: [{ seq: item.seq, fate: "return", retryAt: undefined, counts: "nothing" }],
        dedupeMs: limits.dedupeMs,
      });
      const next = await reopen();
      const later = await accept(next, message("s", "b"));
      expect(later.item.seq).toBeGreaterThan(item.seq);
      const after = await openTurn(next, "s", "t2", []);
      expect(after.fencingToken).toBeGreaterThan(before.fencingToken);
      expect(after.incarnation).toBe(before.incarnation);
      const other = await accept(next, message("another", "c"));
      expect(other.item.seq).toBeGreaterThan(later.item.seq);
      expect((await next.session("another")).incarnation).toBeGreaterThan(before.incarnation);
    });
  });
}
