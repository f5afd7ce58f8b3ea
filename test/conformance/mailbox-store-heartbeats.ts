import type { ExecCompletion } from "lanekeeper";
import type { ExecutionRecord, Mailboxes, MailboxLimits, NewItem, StoredItem } from "lanekeeper/ports";
import { describe, expect, it } from "vitest";
import { type CreateStore, openStore } from "./mailbox-store-fixture.ts";

const limits: MailboxLimits = {
  cap: 100,
  eventCap: 100,
  overflow: "reject",
  summarize: () => "",
  backlog: undefined,
  dedupeMs: 60_000,
};

function message(sessionKey: string, id: string, more: Partial<NewItem> = {}): NewItem {
  return {
    sessionKey,
    id,
    type: "message",
    body: id,
    wakes: true,
    mode: "followup",
    priority: "foreground",
    ...more,
  };
}

function completion(sessionKey: string, execId: string): ExecCompletion {
  const end = { status: "completed", exitCode: 0, signal: null } as const;
  return { execId, sessionKey, ...end, output: "", truncated: false, startedAt: 1, endedAt: 2 };
}

/** Records a command of some origin and completes it, so that its event may not start a turn. */
async function holdBack(
  mailboxes: Mailboxes,
  sessionKey: string,
  execId: string,
  origin: ExecutionRecord["origin"] = "heartbeat",
): Promise<StoredItem> {
  const { record } = await mailboxes.recordExecution({
    execId,
    sessionKey,
    incarnation: undefined,
    command: undefined,
    startedAt: 1,
    dueAt: undefined,
    origin,
    state: "announced",
  });
  const result = await mailboxes.completeExecution({
    record,
    completion: completion(sessionKey, execId),
    isSilent: false,
    wakes: false,
    limits,
  });
  expect(result.status).toBe("accepted");
  return (await mailboxes.waiting(sessionKey)).find(({ id }) => id === execId)!;
}

/** What a store keeps for heartbeats: origins, completions that are held back, what was turned off. */
export function claimHeartbeats(createStore: CreateStore): void {
  describe("heartbeats", () => {
    it("B39: know who caused an item and a command, a person where nobody says", async () => {
      const { mailboxes, reopen } = await openStore(createStore);
      await mailboxes.append(message("s", "a"), limits);
      await mailboxes.append(message("s", "b", { origin: "heartbeat" }), limits);
      await holdBack(mailboxes, "s", "c");
      const next = await reopen();
      expect((await next.waiting("s")).map(({ id, origin }) => [id, origin])).toEqual([
        ["a", "person"],
        ["b", "heartbeat"],
        ["c", "heartbeat"],
      ]);
      expect(await next.execution("c")).toMatchObject({ origin: "heartbeat" });
    });

    it("B39: release what is held back of heartbeat origin, once, and nothing else", async () => {
      const { mailboxes } = await openStore(createStore);
      await holdBack(mailboxes, "s", "a");
      await holdBack(mailboxes, "s", "b", "person");
      await holdBack(mailboxes, "another", "c");
      await mailboxes.append(
        { ...message("s", "d", { origin: "heartbeat" }), type: "event", wakes: false },
        limits,
      );
      const before = (await mailboxes.session("s")).mailbox;
      expect(before).toMatchObject({ events: 0, quiet: 3 });
      const { mailbox, released } = await mailboxes.releaseCompletions("s");
      expect(released).toBe(1);
      expect(mailbox).toMatchObject({ events: 1, quiet: 2 });
      expect(mailbox.version).toBeGreaterThan(before.version);
      expect((await mailboxes.waiting("s")).map(({ id, wakes }) => [id, wakes])).toEqual([
        ["a", true],
        ["b", false],
        ["d", false],
      ]);
      expect(await mailboxes.releaseCompletions("s")).toEqual({ mailbox, released: 0 });
      expect(await mailboxes.releaseCompletions("never seen")).toMatchObject({ released: 0 });
    });

    it("B39: release what a turn holds as well, so that it wakes if the turn does not complete with it", async () => {
      const { mailboxes } = await openStore(createStore);
      const held = await holdBack(mailboxes, "s", "a");
      const opened = await mailboxes.openTurn({ sessionKey: "s", turnId: "t", seqs: [held.seq] });
      expect(opened.status).toBe("opened");
      expect(await mailboxes.releaseCompletions("s")).toMatchObject({ released: 1 });
      const { mailbox } = await mailboxes.settleTurn({
        sessionKey: "s",
        turnId: "t",
        fencingToken: opened.status === "opened" ? opened.fencingToken : 0n,
        dispositions: [{ seq: held.seq, fate: "return", retryAt: undefined, counts: "nothing" }],
        dedupeMs: 0,
        steering: "released",
        hasToldDropped: false,
      });
      expect(mailbox).toMatchObject({ events: 1, quiet: 0 });
    });

    it("B47: say whether a message waits that a heartbeat gives way to", async () => {
      const { mailboxes } = await openStore(createStore);
      const pressing = async (): Promise<boolean> => (await mailboxes.session("s")).mailbox.pressing;
      expect(await pressing()).toBe(false);
      await mailboxes.append({ ...message("s", "a"), type: "event" }, limits);
      await mailboxes.append(message("s", "b", { priority: "background" }), limits);
      expect(await pressing()).toBe(false);
      await mailboxes.append(message("s", "c", { priority: "normal" }), limits);
      expect(await pressing()).toBe(true);
      const outcome = { status: "cancelled", reason: "cleared" } as const;
      const [, , last] = await mailboxes.waiting("s");
      await mailboxes.withdraw({
        sessionKey: "s",
        seqs: [last!.seq],
        events: true,
        isFresh: false,
        outcome,
        dedupeMs: 0,
      });
      expect(await pressing()).toBe(false);
    });

    it("B21: are not busy for a message of mode reject while a turn is open that gives way", async () => {
      for (const yields of [true, false]) {
        const { mailboxes } = await openStore(createStore);
        await mailboxes.openTurn({ sessionKey: "s", turnId: "t", seqs: [], yields });
        const { status } = await mailboxes.append(message("s", "a", { mode: "reject" }), limits);
        expect(status).toBe(yields ? "accepted" : "busy");
      }
    });

    it("B56: keep what was turned off, and the latest starts, for the next keeper", async () => {
      const { mailboxes, reopen } = await openStore(createStore);
      expect(await mailboxes.heartbeats()).toEqual([]);
      await mailboxes.recordHeartbeat({ agent: "a", isEnabled: true, starts: [1] });
      await mailboxes.recordHeartbeat({ agent: "b", isEnabled: true, starts: [] });
      await mailboxes.recordHeartbeat({ agent: "a", isEnabled: false, starts: [1, 2] });
      const kept = await (await reopen()).heartbeats();
      expect(kept.toSorted((one, other) => one.agent.localeCompare(other.agent))).toEqual([
        { agent: "a", isEnabled: false, starts: [1, 2] },
        { agent: "b", isEnabled: true, starts: [] },
      ]);
    });
  });
}
