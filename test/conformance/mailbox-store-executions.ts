import type { ExecutionRecord } from "lanekeeper/ports";
import { describe, expect, it } from "vitest";
import {
  accept,
  acceptAll,
  announced,
  completeCommand,
  completion,
  type CreateStore,
  expectStatus,
  limits,
  message,
  openStore,
  openTurn,
  plainEnd,
  waitingIds,
} from "./mailbox-store-fixture.ts";

const restart = { sessionKey: "s", dedupeMs: limits.dedupeMs };

/** What the table of commands keeps to (B34–B36). */
export function claimExecutions(createStore: CreateStore): void {
  describe("executions", () => {
    it("remembers a command with its session's incarnation", async () => {
      const { mailboxes } = await openStore(createStore);
      await acceptAll(mailboxes, "s", ["a"]);
      const { incarnation } = await mailboxes.session("s");
      const given = { ...announced("s", "x"), command: "make all", state: "running" } as const;
      const record = { ...given, incarnation };
      expect(await mailboxes.recordExecution(given)).toEqual({ status: "recorded", record });
      expect(await mailboxes.execution("x")).toEqual(record);
    });

    it("knows nothing of a command never recorded, and forgets one that could not be started", async () => {
      const { mailboxes } = await openStore(createStore);
      expect(await mailboxes.execution("x")).toBeUndefined();
      await mailboxes.recordExecution(announced("s", "x"));
      await mailboxes.forgetExecution("x");
      expect(await mailboxes.execution("x")).toBeUndefined();
      await mailboxes.forgetExecution("x");
    });

    it("remembers the process of a command that runs, over a restart, and passes over any other", async () => {
      const { mailboxes, reopen } = await openStore(createStore);
      const process = { pid: 42, mark: "then" };
      const running = { ...announced("s", "x"), state: "running" } as const;
      const { record } = await mailboxes.recordExecution(running);
      await mailboxes.recordExecution(announced("s", "announced"));
      await mailboxes.recordExecution({ ...running, execId: "over" });
      const over = { ...record, execId: "over" };
      const request = { completion: completion("s", "over"), isSilent: true, limits };
      await mailboxes.completeExecution({ ...request, record: over });
      for (const execId of ["x", "announced", "over", "unknown"])
        await mailboxes.recordProcess({ execId, process });
      expect(await mailboxes.execution("x")).toEqual({ ...record, process });
      expect(await mailboxes.execution("announced")).not.toHaveProperty("process", process);
      expect(await mailboxes.execution("over")).toMatchObject({ state: "completed" });
      expect(await mailboxes.execution("unknown")).toBeUndefined();
      const next = await reopen();
      expect(await next.execution("x")).toEqual({ ...record, process });
      await next.completeExecution({ ...request, record, completion: completion("s", "x") });
      await next.forgetExecution("announced");
      expect(await next.forget("s")).toBe(true);
    });

    it("lets what is known of an id win", async () => {
      const { mailboxes } = await openStore(createStore);
      const { record } = await mailboxes.recordExecution(announced("s", "x"));
      const again = await mailboxes.recordExecution(announced("other", "x"));
      expect(again).toEqual({ status: "known", record });
      expect(mailboxes.known).toBe(1);
    });

    it("accepts a completion as an event of the session that started its command", async () => {
      const { mailboxes } = await openStore(createStore);
      const { item, mailbox } = await completeCommand(mailboxes, "s", "x");
      expect(item).toMatchObject({
        id: "x",
        sessionKey: "s",
        type: "event",
        kind: "exec.completed",
        body: completion("s", "x"),
        wakes: true,
        incarnation: (await mailboxes.session("s")).incarnation,
      });
      expect(mailbox).toMatchObject({ events: 1 });
      expect(await mailboxes.waiting("s")).toEqual([item]);
      expect(await mailboxes.execution("x")).toMatchObject({ state: "completed" });
    });

    it("B35: accepts a completion once, also when its event was handled long ago", async () => {
      const { mailboxes, clock } = await openStore(createStore);
      const { item } = await completeCommand(mailboxes, "s", "x");
      const request = { completion: completion("s", "x"), isSilent: false, limits };
      const record = (await mailboxes.execution("x"))!;
      expect(await mailboxes.completeExecution({ ...request, record })).toEqual({ status: "duplicate" });
      const { fencingToken } = await openTurn(mailboxes, "s", "t", [item]);
      const outcome = { status: "completed", turnId: "t", reply: undefined, attempts: 1 } as const;
      await mailboxes.settleTurn({
        ...restart,
        turnId: "t",
        fencingToken,
        ...plainEnd,
        dispositions: [{ seq: item.seq, fate: "finish", outcome }],
      });
      await clock.advance(2 * limits.dedupeMs);
      await mailboxes.sweep();
      expect(await mailboxes.completeExecution({ ...request, record })).toEqual({ status: "duplicate" });
      expect(await mailboxes.unfinished("s")).toEqual([]);
    });

    it("I4: takes one of two completions that arrive together", async () => {
      const { mailboxes } = await openStore(createStore);
      const { record } = await mailboxes.recordExecution(announced("s", "x"));
      const request = { record, completion: completion("s", "x"), isSilent: false, limits };
      const complete = async (): Promise<string> => (await mailboxes.completeExecution(request)).status;
      expect(await Promise.all([complete(), complete()])).toEqual(["accepted", "duplicate"]);
      expect(await waitingIds(mailboxes, "s")).toEqual(["x"]);
    });

    it("completes silently without an event, once", async () => {
      const { mailboxes } = await openStore(createStore);
      const { record } = await mailboxes.recordExecution(announced("s", "x"));
      const request = { record, completion: completion("s", "x"), limits };
      expect(await mailboxes.completeExecution({ ...request, isSilent: true })).toEqual({ status: "silent" });
      expect(await mailboxes.completeExecution({ ...request, isSilent: false })).toEqual({
        status: "duplicate",
      });
      expect(await mailboxes.waiting("s")).toEqual([]);
    });

    it("B36: refuses the completion of a command of an earlier incarnation, which becomes a dead letter", async () => {
      const { mailboxes } = await openStore(createStore);
      const { record } = await mailboxes.recordExecution(announced("s", "x"));
      await mailboxes.restart(restart);
      const request = { record, completion: completion("s", "x"), isSilent: false, limits };
      const { deadLetter } = expectStatus(await mailboxes.completeExecution(request), "stale");
      expect(deadLetter).toMatchObject({ sessionKey: "s", reason: "stale-incarnation" });
      expect(await mailboxes.deadLetters({ sessionKey: "s", limit: 10 })).toEqual([deadLetter]);
      expect(await mailboxes.waiting("s")).toEqual([]);
      expect(await mailboxes.completeExecution(request)).toEqual({ status: "duplicate" });
      expect(await mailboxes.deadLetters({ sessionKey: "s", limit: 10 })).toHaveLength(1);
    });

    it("takes a report of a command nobody announced into the session's present incarnation", async () => {
      const { mailboxes } = await openStore(createStore);
      await mailboxes.restart(restart);
      const { incarnation } = await mailboxes.restart(restart);
      const record = announced("s", "x");
      const request = { record, completion: completion("s", "x"), isSilent: false, limits };
      const { item } = expectStatus(await mailboxes.completeExecution(request), "accepted");
      expect(item.incarnation).toBe(incarnation);
      expect(await mailboxes.completeExecution(request)).toEqual({ status: "duplicate" });
    });

    it("B23: knows commands apart from the ids that hosts give", async () => {
      const { mailboxes } = await openStore(createStore);
      await accept(mailboxes, message("s", "same"));
      await completeCommand(mailboxes, "s", "same");
      expect(await waitingIds(mailboxes, "s")).toEqual(["same", "same"]);
      expect(await mailboxes.find("s", "same")).toMatchObject({ item: { type: "message" } });
    });

    it("B35: knows a completed command for 24 hours", async () => {
      const { mailboxes, clock } = await openStore(createStore);
      const { record } = await mailboxes.recordExecution(announced("s", "x"));
      const request = { record, completion: completion("s", "x"), isSilent: true, limits };
      await mailboxes.completeExecution(request);
      const day = 24 * 3_600_000;
      await clock.advance(day - 1);
      await mailboxes.sweep();
      expect(await mailboxes.execution("x")).toMatchObject({ state: "completed" });
      await clock.advance(1);
      await mailboxes.sweep();
      expect(await mailboxes.execution("x")).toBeUndefined();
    });

    it("B37: lists the commands that are not completed, as they were recorded", async () => {
      const { mailboxes, reopen } = await openStore(createStore);
      expect(await mailboxes.openExecutions()).toEqual([]);
      const given = [
        { ...announced("s", "announced"), dueAt: 9_000 },
        { ...announced("other", "running"), state: "running", command: "make" } as const,
        announced("s", "completed"),
        announced("s", "forgotten"),
      ];
      const records: ExecutionRecord[] = [];
      for (const one of given) records.push((await mailboxes.recordExecution(one)).record);
      const request = { completion: completion("s", "completed"), isSilent: true, limits };
      await mailboxes.completeExecution({ ...request, record: records[2]! });
      await mailboxes.forgetExecution("forgotten");
      expect(await mailboxes.openExecutions()).toEqual(records.slice(0, 2));
      expect(records[0]).toMatchObject({ dueAt: 9_000, state: "announced" });
      expect(await (await reopen()).openExecutions()).toEqual(records.slice(0, 2));
    });

    it("knows a command that has not completed as long as it takes", async () => {
      const { mailboxes, clock } = await openStore(createStore);
      await mailboxes.recordExecution(announced("s", "x"));
      await clock.advance(365 * 24 * 3_600_000);
      await mailboxes.sweep();
      expect(await mailboxes.execution("x")).toMatchObject({ state: "announced" });
    });
  });
}
