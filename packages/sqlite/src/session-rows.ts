import { knownName, type RememberedItem, type StoreCounts } from "lanekeeper/mailboxes";
import type { SessionRecord, StoredItem } from "lanekeeper/ports";
import type { Connection } from "./connection.ts";
import { corrupt } from "./failures.ts";
import { acceptedMonoOf, fromPlainItem, type Opening, type PlainItem, toPlainItem } from "./item-text.ts";
import { type RowText, readRowText, toRowText, withSum } from "./row-text.ts";
import {
  fromPlainEnd,
  fromPlainSettled,
  fromPlainTurn,
  type PlainSession,
  type PlainSettled,
  toPlainSession,
} from "./session-text.ts";
import {
  type NameChange,
  type RecordRow,
  type SessionRow,
  type SessionShelf,
  SqliteSession,
} from "./sqlite-session.ts";

/** What a session's `marks` say: only sessions with one are looked through when the store is opened. */
export const marks = { items: 1, turn: 2, expiring: 4, paused: 8 } as const;

/** Reads and writes sessions, their items and what is remembered of them. */
export interface SessionRows {
  /** A session with all that is open in it; undefined where there is none. Throws `STORE_CORRUPT`. */
  load(sessionKey: string): SqliteSession | undefined;
  /** What a session's record says, by its row alone where that is enough. */
  record(sessionKey: string): SessionRecord | undefined;
  recordOf(sessionKey: string, row: RecordRow): SessionRecord;
  /** Writes what has changed. */
  save(session: SqliteSession): void;
  /** Removes a session in which nothing is open, with what is remembered of it. */
  remove(sessionKey: string): void;
  /** What a session reads from. */
  readonly shelf: SessionShelf;
}

type Batch = NonNullable<SessionRecord["mailbox"]["batch"]>;
type RememberedRow = RowText & { readonly forget_at: number };
type ItemRow = RowText & { readonly seq: number; readonly body: string | null; readonly body_sum: number };

const hourMs = 3_600_000;

/** The rows of sessions in an opened file. */
export function openSessionRows(
  connection: Connection,
  counts: StoreCounts,
  opening: Opening,
  encode: SessionShelf["encode"],
): SessionRows {
  const { path } = connection;
  const columns = "waiting, held, marks, used_at, used_hour, opening, data, sum";
  const get = connection.prepare(`SELECT ${columns} FROM session WHERE key = ?`);
  const insert = connection.prepare(
    `INSERT INTO session (key, ${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const update = connection.prepare(
    `UPDATE session SET waiting = ?, held = ?, marks = ?, used_at = ?, used_hour = ?, opening = ?, data = ?, sum = ?
     WHERE key = ?`,
  );
  // Most steps of a session leave the indexed columns alone, or the indexes would cost as much as the rows.
  const touch = connection.prepare(
    "UPDATE session SET used_at = ?, opening = ?, data = ?, sum = ? WHERE key = ?",
  );
  const remove = connection.prepare("DELETE FROM session WHERE key = ?");
  const items = connection.prepare(
    "SELECT seq, body, body_sum, data, sum FROM item WHERE session = ? ORDER BY seq",
  );
  const itemText = connection.prepare("SELECT data, sum FROM item WHERE seq = ?");
  const insertItem = connection.prepare(
    "INSERT INTO item (seq, session, body, body_sum, data, sum) VALUES (?, ?, ?, ?, ?, ?)",
  );
  const updateItem = connection.prepare("UPDATE item SET data = ?, sum = ? WHERE seq = ?");
  const removeItem = connection.prepare("DELETE FROM item WHERE seq = ?");
  const getRemembered = connection.prepare(
    "SELECT forget_at, data, sum FROM remembered WHERE session = ? AND name = ?",
  );
  const putRemembered = connection.prepare(
    "INSERT OR REPLACE INTO remembered (session, name, forget_at, data, sum) VALUES (?, ?, ?, ?, ?)",
  );
  const removeRemembered = connection.prepare("DELETE FROM remembered WHERE session = ? AND name = ?");
  const removeAllRemembered = connection.prepare("DELETE FROM remembered WHERE session = ?");

  const plainOf = (sessionKey: string, row: RecordRow): PlainSession =>
    readRowText(path, "session", nameOf(sessionKey, row), row) as PlainSession;

  const remembered = (sessionKey: string, name: string): RememberedItem | undefined => {
    const row = getRemembered.get(sessionKey, columnOf(name)) as unknown as RememberedRow | undefined;
    if (row === undefined) return undefined;
    const plain = readRowText(path, "remembered", `${sessionKey} ${columnOf(name)} ${row.forget_at}`, row);
    const settled = fromPlainSettled(sessionKey, plain as PlainSettled);
    return { ...settled, knownAs: name, forgetAt: row.forget_at };
  };

  const shelf: SessionShelf = { remembered, encode };

  const load: SessionRows["load"] = (sessionKey) => {
    const row = get.get(sessionKey) as unknown as SessionRow | undefined;
    if (row === undefined) return undefined;
    const {
      incarnation,
      mailbox,
      lastReclaim,
      open,
      last,
      dropped,
      droppedLines = 0,
    } = plainOf(sessionKey, row);
    const session = new SqliteSession(sessionKey, incarnation, counts, row.used_at, shelf);
    session.row = row;
    session.version = mailbox.version;
    session.isPaused = (row.marks & marks.paused) !== 0;
    session.lastReclaim = lastReclaim;
    session.dropped = dropped;
    session.droppedLines = droppedLines;
    session.last = last === undefined ? undefined : fromPlainEnd(sessionKey, last);
    const held = new Map(open?.seqs.map((seq) => [seq, undefined as StoredItem | undefined]));
    const waiting: StoredItem[] = [];
    for (const itemRow of items.all(sessionKey) as unknown as readonly ItemRow[]) {
      const { seq } = itemRow;
      const item = readItem(sessionKey, itemRow);
      session.load(knownName(item), item, itemRow.body);
      if (held.has(seq)) held.set(seq, item);
      else waiting.push(item);
    }
    const holds = [...held.values()].filter((item) => item !== undefined);
    if (waiting.length !== row.waiting || holds.length !== row.held)
      throw corrupt(path, `items of session ${JSON.stringify(sessionKey)} are missing`);
    const { backlog } = counts;
    for (const item of waiting.toSorted((a, b) => b.ahead - a.ahead || a.seq - b.seq)) session.add(item);
    // They were counted when they were accepted, or when the file was opened.
    counts.backlog = backlog;
    if (open !== undefined) session.open = fromPlainTurn(open, holds);
    return session;
  };

  const readItem = (sessionKey: string, row: ItemRow): StoredItem => {
    const { seq, body, body_sum } = row;
    const name = `${seq} ${sessionKey}`;
    const plain = readRowText(path, "item", name, row) as PlainItem;
    const read = readRowText(path, "body", name, { data: body ?? "null", sum: body_sum });
    return fromPlainItem({ seq, sessionKey, body: body === null ? undefined : read }, plain, opening);
  };

  const saveItem = (session: SqliteSession, name: string, item: StoredItem): void => {
    const { sessionKey, bodies } = session;
    const { seq } = item;
    const rowName = `${seq} ${sessionKey}`;
    const { data, sum } = toRowText(rowName, toPlainItem(item, opening));
    const held = bodies.get(name)!;
    if (held.isStored) {
      connection.write(updateItem, data, sum, seq);
      return;
    }
    const { sum: bodySum } = withSum(rowName, held.body ?? "null");
    connection.write(insertItem, seq, sessionKey, held.body, bodySum, data, sum);
    held.isStored = true;
  };

  const saveChange = (session: SqliteSession, name: string, change: NameChange): void => {
    const { sessionKey, bodies } = session;
    if (change !== undefined && !("data" in change)) {
      saveItem(session, name, change.entry);
      return;
    }
    const held = bodies.get(name);
    if (held?.isStored === true) connection.write(removeItem, held.seq);
    session.release(name);
    const column = columnOf(name);
    if (change === undefined) {
      connection.write(removeRemembered, sessionKey, column);
      return;
    }
    const { forgetAt } = change.entry;
    const { data, sum } = withSum(`${sessionKey} ${column} ${forgetAt}`, change.data);
    connection.write(putRemembered, sessionKey, column, forgetAt, data, sum);
  };

  const saveRow = (session: SqliteSession): void => {
    const { sessionKey, row: before } = session;
    const row = rowOf(session, opening);
    if (before === undefined) {
      connection.write(insert, sessionKey, ...valuesOf(row));
    } else {
      if (before.sum === row.sum && before.data === row.data && before.used_at === row.used_at) return;
      const isTouch =
        before.waiting === row.waiting &&
        before.held === row.held &&
        before.marks === row.marks &&
        before.used_hour === row.used_hour;
      if (isTouch) connection.write(touch, row.used_at, row.opening, row.data, row.sum, sessionKey);
      else connection.write(update, ...valuesOf(row), sessionKey);
    }
    session.row = row;
  };

  /** A batch whose times are told on a clock that is gone. Its items are not read but for the first. */
  const rebase = (sessionKey: string, batch: Batch): Batch => {
    const { firstSeq } = batch;
    const row = itemText.get(firstSeq) as unknown as RowText | undefined;
    if (row === undefined) throw corrupt(path, `items of session ${JSON.stringify(sessionKey)} are missing`);
    const plain = readRowText(path, "item", `${firstSeq} ${sessionKey}`, row) as PlainItem;
    const firstMono = acceptedMonoOf(plain, opening);
    const lastMono = Math.min(opening.monotonic, firstMono + batch.lastMono - batch.firstMono);
    return { ...batch, firstMono, lastMono };
  };

  const recordOf: SessionRows["recordOf"] = (sessionKey, row) => {
    const { incarnation, mailbox: kept, lastReclaim } = plainOf(sessionKey, row);
    const { batch } = kept;
    const isOfThisClock = batch === null || row.opening === opening.number;
    const mailbox = isOfThisClock ? kept : { ...kept, batch: rebase(sessionKey, batch) };
    const isPaused = (row.marks & marks.paused) !== 0;
    const isExpiring = (row.marks & marks.expiring) !== 0;
    return { sessionKey, incarnation, isPaused, mailbox, lastReclaim, isExpiring };
  };

  return {
    load,
    record(sessionKey) {
      const row = get.get(sessionKey) as unknown as SessionRow | undefined;
      return row === undefined ? undefined : recordOf(sessionKey, row);
    },
    recordOf,
    save(session) {
      for (const [name, change] of session.changes) saveChange(session, name, change);
      session.changes.clear();
      saveRow(session);
    },
    remove(sessionKey) {
      connection.write(removeAllRemembered, sessionKey);
      connection.write(remove, sessionKey);
    },
    shelf,
  };
}

function rowOf(session: SqliteSession, opening: Opening): SessionRow {
  const waiting = session.waiting.length;
  const { open, isPaused, isExpiring, usedAt } = session;
  const row = {
    waiting,
    held: open?.items.length ?? 0,
    marks:
      (waiting > 0 ? marks.items : 0) |
      (open === undefined ? 0 : marks.turn) |
      (isExpiring ? marks.expiring : 0) |
      (isPaused ? marks.paused : 0),
    used_at: usedAt,
    used_hour: Math.floor(usedAt / hourMs),
    opening: opening.number,
  };
  return { ...row, ...toRowText(nameOf(session.sessionKey, row), toPlainSession(session)) };
}

function valuesOf(row: SessionRow): readonly (string | number)[] {
  const { waiting, held, marks: marked, used_at, used_hour, opening, data, sum } = row;
  return [waiting, held, marked, used_at, used_hour, opening, data, sum];
}

/** What a session's checksum covers beside its text. */
function nameOf(sessionKey: string, row: Omit<RecordRow, "data" | "sum">): string {
  return `${sessionKey} ${row.waiting} ${row.held} ${row.marks} ${row.opening}`;
}

/** A name for a column: no id begins with a space, so what a completion is known by stays apart, without its NUL. */
function columnOf(name: string): string {
  return name.startsWith("\0") ? ` ${name.slice(1)}` : name;
}
