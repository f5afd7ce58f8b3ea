import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MailboxLimits, NewItem } from "lanekeeper/ports";
import { createSimulatedClock } from "lanekeeper/simulated-clock";
import { expect, it, onTestFinished } from "vitest";
import { openDatabaseFile } from "./database-file.ts";
import { createSqliteMailboxes } from "./sqlite-mailboxes.ts";
import { SqliteState } from "./sqlite-state.ts";

const limits: MailboxLimits = {
  cap: 10,
  eventCap: 10,
  overflow: "reject",
  summarize: () => "",
  backlog: undefined,
  dedupeMs: 1_000,
};

function message(id: string): NewItem {
  return {
    sessionKey: "s",
    id,
    type: "message",
    body: id,
    wakes: true,
    mode: "followup",
    priority: "foreground",
  };
}

it("B57 says of a file that became read-only that it is, keeps what was accepted, and goes on once it is not", async () => {
  const folder = mkdtempSync(join(tmpdir(), "lanekeeper-"));
  const settings = { durability: "normal", maxBytes: undefined } as const;
  const { connection, close } = openDatabaseFile(join(folder, "store.db"), settings);
  onTestFinished(() => {
    close();
    rmSync(folder, { recursive: true });
  });
  const host = { clock: createSimulatedClock(), createId: () => "id" };
  const state = new SqliteState(connection, host, { isSameClock: false, memoryBytes: 0 });
  const { mailboxes } = createSqliteMailboxes(connection, state);
  await mailboxes.append(message("a"), limits);

  connection.database.exec("PRAGMA query_only = ON");
  const sent = async (id: string): Promise<unknown> => mailboxes.append(message(id), limits);
  await expect(sent("b")).rejects.toMatchObject({
    code: "STORE_UNAVAILABLE",
    details: { reason: "read-only" },
  });
  expect(mailboxes.backlog).toBe(1);

  connection.database.exec("PRAGMA query_only = OFF");
  await expect(sent("c")).resolves.toMatchObject({ status: "accepted" });
  expect((await mailboxes.waiting("s")).map(({ id }) => id)).toEqual(["a", "c"]);
});
