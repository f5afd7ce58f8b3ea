import { mkdtempSync, rmSync } from "node:fs";
import type { StatementSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Mailboxes, MailboxLimits, NewItem } from "lanekeeper/ports";
import { createSimulatedClock } from "lanekeeper/simulated-clock";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Connection } from "./connection.ts";
import { openDatabaseFile } from "./database-file.ts";
import { createSqliteMailboxes } from "./sqlite-mailboxes.ts";
import { SqliteState } from "./sqlite-state.ts";

const sessions = ["a", "b", "c"];
const each = 50;

const limits: MailboxLimits = {
  cap: 1_000,
  eventCap: 1_000,
  overflow: "reject",
  summarize: () => "",
  backlog: undefined,
  dedupeMs: 1_000,
};

function message(sessionKey: string, id: string, other?: Partial<NewItem>): NewItem {
  const usual = { type: "message", wakes: true, mode: "followup", priority: "foreground" } as const;
  return { sessionKey, id, body: `${id} says ${"so ".repeat(100)}`, ...usual, ...other };
}

/** A file with long queues, of which memory has room for little; and how often a queue was read. */
async function createQueues() {
  const folder = mkdtempSync(join(tmpdir(), "lanekeeper-"));
  const { connection, close } = openDatabaseFile(join(folder, "store.db"), {
    durability: "normal",
    maxBytes: undefined,
  });
  onTestFinished(() => {
    close();
    rmSync(folder, { recursive: true });
  });
  let reads = 0;
  const prepare = (sql: string): StatementSync => {
    const statement = connection.prepare(sql);
    if (!/^SELECT .* FROM item WHERE session = /.test(sql)) return statement;
    const all = statement.all.bind(statement);
    statement.all = ((...keys: readonly string[]) => {
      reads++;
      return all(...keys);
    }) as StatementSync["all"];
    return statement;
  };
  const counted = Object.assign(Object.create(connection) as Connection, { prepare });
  const host = { clock: createSimulatedClock(), createId: () => "id" };
  const state = new SqliteState(counted, host, { isSameClock: false, memoryBytes: 24_000 });
  const { mailboxes } = createSqliteMailboxes(counted, state);
  for (let index = 0; index < each; index++)
    for (const key of sessions) await mailboxes.append(message(key, `m${index}`), limits);
  return {
    mailboxes,
    readsOf: async (step: () => unknown): Promise<number> => {
      const before = reads;
      await step();
      return reads - before;
    },
  };
}

async function idsOf(mailboxes: Mailboxes, key: string): Promise<readonly string[]> {
  return (await mailboxes.waiting(key)).map(({ id }) => id);
}

const idsUpTo = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, index) => `m${index}`);

describe("a queue that memory has no room for", () => {
  it("is not read for what is added to it, and is whole for whoever looks", async () => {
    const { mailboxes, readsOf } = await createQueues();
    const addMore = async (): Promise<void> => {
      for (let index = each; index < 2 * each; index++)
        for (const key of sessions) await mailboxes.append(message(key, `m${index}`), limits);
      await mailboxes.append(message("a", "event", { type: "event", priority: "normal" }), limits);
      expect(await mailboxes.session("a")).toMatchObject({ mailbox: { messages: 2 * each, events: 1 } });
    };
    expect(await readsOf(addMore)).toBe(0);
    expect(mailboxes.backlog).toBe(6 * each + 1);
    const inOrder = idsUpTo(2 * each);
    const look = async (): Promise<void> => {
      expect(await idsOf(mailboxes, "a")).toEqual([...inOrder, "event"]);
    };
    expect(await readsOf(look)).toBe(1);
    expect(await idsOf(mailboxes, "b")).toEqual(inOrder);
    expect((await mailboxes.unfinished("c")).map(({ body }) => (body as string).slice(0, 3))).toEqual(
      inOrder.map((id) => `${id} says`.slice(0, 3)),
    );
  });

  it("knows the ids of all that waits in it", async () => {
    const { mailboxes, readsOf } = await createQueues();
    expect(await readsOf(async () => mailboxes.find("a", "unheard of"))).toBe(0);
    const again = await mailboxes.append(message("b", "m3"), limits);
    expect(again).toMatchObject({ status: "duplicate", known: { state: "open", item: { id: "m3" } } });
    expect(await mailboxes.find("c", "m49")).toMatchObject({ state: "open" });
    expect(await mailboxes.find("a", "unheard of")).toBeUndefined();
  });

  it("gives its first to a turn, and has the rest as it was", async () => {
    const { mailboxes } = await createQueues();
    const inOrder = idsUpTo(each);
    const [first] = await mailboxes.waiting("a");
    const opened = await mailboxes.openTurn({ sessionKey: "a", turnId: "t", seqs: [first!.seq] });
    expect(opened).toMatchObject({ status: "opened", items: [{ id: "m0" }] });
    await mailboxes.append(message("a", "urgent", { mode: "interrupt" }), limits);
    expect(await idsOf(mailboxes, "a")).toEqual(["urgent", ...inOrder.slice(1)]);
    for (const key of ["b", "c"]) await mailboxes.append(message(key, "more"), limits);
    expect(await idsOf(mailboxes, "a")).toEqual(["urgent", ...inOrder.slice(1)]);
    expect(mailboxes.backlog).toBe(3 * each + 2);
  });
});
