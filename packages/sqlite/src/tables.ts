import type { DeadLetter } from "lanekeeper";
import type { DeadLetterShelf, ExecutionTable, HeartbeatTable } from "lanekeeper/mailboxes";
import type { ExecutionRecord, HeartbeatState } from "lanekeeper/ports";
import type { Connection } from "./connection.ts";
import { type RowText, readRowText, toRowText } from "./row-text.ts";

/** Milliseconds for which a completed command is known, so that it is accepted once (B35). */
const executionKeptMs = 86_400_000;
/** Milliseconds for which a dead letter is kept: 30 days; and how many are (B31b). */
const letterKeptMs = 30 * 86_400_000;
const lettersKept = 10_000;

/** A table that forgets what is old. */
interface Forgetting {
  sweep(now: number): void;
  /** When the next row is to be forgotten (epoch milliseconds). */
  next(): number | undefined;
}

/** The table of commands. */
export function openExecutions(
  connection: Connection,
): ExecutionTable & Forgetting & { isAwaited(key: string): boolean } {
  const { path } = connection;
  const get = connection.prepare("SELECT data, sum FROM execution WHERE exec_id = ?");
  const open = connection.prepare(
    "SELECT exec_id AS name, data, sum FROM execution WHERE forget_at IS NULL ORDER BY number",
  );
  const awaited = connection.prepare(
    "SELECT 1 FROM execution WHERE session = ? AND forget_at IS NULL LIMIT 1",
  );
  const put = connection.prepare(
    `INSERT INTO execution (exec_id, session, forget_at, data, sum) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (exec_id) DO UPDATE SET
       session = excluded.session, forget_at = excluded.forget_at, data = excluded.data, sum = excluded.sum`,
  );
  const remove = connection.prepare("DELETE FROM execution WHERE exec_id = ?");
  const sweep = connection.prepare("DELETE FROM execution WHERE forget_at <= ?");
  const next = connection.prepare("SELECT min(forget_at) AS at FROM execution WHERE forget_at IS NOT NULL");
  const read = (name: string, row: RowText): ExecutionRecord => {
    const record = readRowText(path, "execution", name, row) as ExecutionRecord;
    return { ...record, incarnation: record.incarnation, command: record.command, dueAt: record.dueAt };
  };
  const write = (record: ExecutionRecord, forgetAt: number | null): void => {
    const { execId, sessionKey } = record;
    const { data, sum } = toRowText(execId, record);
    connection.write(put, execId, sessionKey, forgetAt, data, sum);
  };
  return {
    get(execId) {
      const row = get.get(execId) as unknown as RowText | undefined;
      return row === undefined ? undefined : read(execId, row);
    },
    add: (record) => write(record, null),
    remove: (execId) => connection.write(remove, execId),
    open: () =>
      (open.all() as unknown as (RowText & { readonly name: string })[]).map((row) => read(row.name, row)),
    isAwaited: (sessionKey) => awaited.get(sessionKey) !== undefined,
    complete: (record, now) => write({ ...record, state: "completed" }, now + executionKeptMs),
    sweep: (now) => connection.write(sweep, now),
    next: () => atOf(next.get()),
  };
}

/** The dead letters. */
export function openDeadLetters(connection: Connection): DeadLetterShelf & Forgetting {
  const { path } = connection;
  const get = connection.prepare("SELECT data, sum FROM dead_letter WHERE id = ?");
  const put = connection.prepare(
    `INSERT INTO dead_letter (id, session, at, data, sum) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET
       session = excluded.session, at = excluded.at, data = excluded.data, sum = excluded.sum`,
  );
  const count = connection.prepare("SELECT count(*) AS at FROM dead_letter");
  const trim = connection.prepare(
    "DELETE FROM dead_letter WHERE number = (SELECT min(number) FROM dead_letter)",
  );
  const remove = connection.prepare("DELETE FROM dead_letter WHERE id = ?");
  const list = connection.prepare(
    "SELECT id AS name, data, sum FROM dead_letter ORDER BY number DESC LIMIT ?",
  );
  const listOf = connection.prepare(
    "SELECT id AS name, data, sum FROM dead_letter WHERE session = ? ORDER BY number DESC LIMIT ?",
  );
  // The oldest first, as long as they are due: their numbers are in the order of their times.
  const oldest = connection.prepare("SELECT id AS name, at FROM dead_letter ORDER BY number LIMIT 1");
  const read = (id: string, row: RowText): DeadLetter =>
    readRowText(path, "dead letter", id, row) as DeadLetter;
  const first = (): { readonly name: string; readonly at: number } | undefined =>
    oldest.get() as unknown as { readonly name: string; readonly at: number } | undefined;
  return {
    add(letter) {
      const { data, sum } = toRowText(letter.id, letter);
      connection.write(put, letter.id, letter.sessionKey, letter.at, data, sum);
      if (atOf(count.get())! > lettersKept) connection.write(trim);
    },
    get(id) {
      const row = get.get(id) as unknown as RowText | undefined;
      return row === undefined ? undefined : read(id, row);
    },
    remove: (id) => connection.write(remove, id) > 0,
    list(sessionKey, limit) {
      // SQLite's own integers end here.
      const most = Math.min(limit, Number.MAX_SAFE_INTEGER);
      const rows = sessionKey === undefined ? list.all(most) : listOf.all(sessionKey, most);
      return (rows as unknown as (RowText & { readonly name: string })[]).map((row) => read(row.name, row));
    },
    sweep(now) {
      for (let letter = first(); letter !== undefined && letter.at + letterKeptMs <= now; letter = first())
        connection.write(remove, letter.name);
    },
    next() {
      const letter = first();
      return letter === undefined ? undefined : letter.at + letterKeptMs;
    },
  };
}

/** What is kept of heartbeats. */
export function openHeartbeats(connection: Connection): HeartbeatTable {
  const list = connection.prepare("SELECT agent AS name, data, sum FROM heartbeat ORDER BY agent");
  const put = connection.prepare("INSERT OR REPLACE INTO heartbeat (agent, data, sum) VALUES (?, ?, ?)");
  return {
    list: () =>
      (list.all() as unknown as (RowText & { readonly name: string })[]).map(
        (row) => readRowText(connection.path, "heartbeat", row.name, row) as HeartbeatState,
      ),
    set(state) {
      const { data, sum } = toRowText(state.agent, state);
      connection.write(put, state.agent, data, sum);
    },
  };
}

/** The number in a row's column `at`; undefined where there is no row, or no number. */
export function atOf(row: unknown): number | undefined {
  return (row as { readonly at: number | null } | undefined)?.at ?? undefined;
}
