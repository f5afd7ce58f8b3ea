import { knownName, type RememberedItem, type StoreCounts } from "lanekeeper/mailboxes";
import type { SessionRecord, StoredItem } from "lanekeeper/ports";
import { corrupt } from "./failures.ts";
import { acceptedMonoOf, fromPlainItem, type Opening, type PlainItem, toPlainItem } from "./item-text.ts";
import type { Journal } from "./journal.ts";
import {
  fromPlainEnd,
  fromPlainMailbox,
  fromPlainSettled,
  fromPlainTurn,
  type PlainSession,
  type PlainSettled,
  toPlainSession,
} from "./session-text.ts";
import type { ItemRow, SessionRow } from "./session-tables.ts";
import { type NameChange, type SessionShelf, SqliteSession } from "./sqlite-session.ts";

/** What a session's `marks` say: only sessions with one are looked through when the store is opened. */
export const marks = { items: 1, turn: 2, expiring: 4, paused: 8 } as const;

/** Reads and writes sessions, their items and what is remembered of them. */
export interface SessionRows {
  /** A session with all that is open in it; undefined where there is none. Throws `STORE_CORRUPT`. */
  load(sessionKey: string): SqliteSession | undefined;
  /** What a session's record says, by its row alone where that is enough. */
  record(sessionKey: string): SessionRecord | undefined;
  recordOf(sessionKey: string, row: SessionRow): SessionRecord;
  /** Writes what has changed. */
  save(session: SqliteSession): void;
  /** What a session reads from. */
  readonly shelf: SessionShelf;
}

type Batch = NonNullable<SessionRecord["mailbox"]["batch"]>;

const hourMs = 3_600_000;

/** The rows of sessions in an opened file; its path is for what is said of damage. */
export function openSessionRows(
  path: string,
  journal: Journal,
  counts: StoreCounts,
  opening: Opening,
  encode: SessionShelf["encode"],
): SessionRows {
  const remembered = (sessionKey: string, name: string): RememberedItem | undefined => {
    const row = journal.remembered(sessionKey, columnOf(name));
    if (row === undefined) return undefined;
    const settled = fromPlainSettled(sessionKey, JSON.parse(row.data) as PlainSettled);
    return { ...settled, knownAs: name, forgetAt: row.forget_at };
  };

  const items: SessionShelf["items"] = (sessionKey) =>
    journal.items(sessionKey).map((row) => ({ item: readItem(sessionKey, row), body: row.body }));

  const shelf: SessionShelf = { remembered, encode, items };

  const load: SessionRows["load"] = (sessionKey) => {
    const row = journal.session(sessionKey);
    if (row === undefined) return undefined;
    const { incarnation, mailbox, lastReclaim, open, last, dropped, droppedLines = 0 } = plainOf(row);
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
    for (const { item, body } of items(sessionKey)) {
      const { seq } = item;
      session.load(knownName(item), item, body);
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

  const readItem = (sessionKey: string, { seq, body, data }: ItemRow): StoredItem => {
    const read: unknown = body === null ? undefined : JSON.parse(body);
    return fromPlainItem({ seq, sessionKey, body: read }, JSON.parse(data) as PlainItem, opening);
  };

  const saveItem = ({ sessionKey, bodies }: SqliteSession, name: string, item: StoredItem): void => {
    const { seq } = item;
    const data = JSON.stringify(toPlainItem(item, opening));
    const held = bodies.get(name)!;
    if (held.isStored) {
      journal.updateItem(sessionKey, seq, data);
      return;
    }
    journal.insertItem(sessionKey, { seq, body: held.body, data });
    held.isStored = true;
  };

  const saveChange = (session: SqliteSession, name: string, change: NameChange): void => {
    const { sessionKey, bodies } = session;
    if (change !== undefined && !("data" in change)) {
      saveItem(session, name, change.entry);
      return;
    }
    const held = bodies.get(name);
    if (held?.isStored === true) journal.removeItem(sessionKey, held.seq);
    session.release(name);
    const column = columnOf(name);
    if (change === undefined) journal.removeRemembered(sessionKey, column);
    else journal.putRemembered(sessionKey, column, { forget_at: change.entry.forgetAt, data: change.data });
  };

  const saveRow = (session: SqliteSession): void => {
    const { sessionKey, row: before } = session;
    const row = rowOf(session, opening);
    if (before !== undefined && isSameRow(row, before)) return;
    journal.putSession(sessionKey, row, before);
    session.row = row;
  };

  /** A batch whose times are told on a clock that is gone. Its items are not read but for the first. */
  const rebase = (sessionKey: string, batch: Batch): Batch => {
    const { firstSeq } = batch;
    const row = journal.item(sessionKey, firstSeq);
    if (row === undefined) throw corrupt(path, `items of session ${JSON.stringify(sessionKey)} are missing`);
    const firstMono = acceptedMonoOf(JSON.parse(row.data) as PlainItem, opening);
    const lastMono = Math.min(opening.monotonic, firstMono + batch.lastMono - batch.firstMono);
    return { ...batch, firstMono, lastMono };
  };

  const recordOf: SessionRows["recordOf"] = (sessionKey, row) => {
    const { incarnation, mailbox: plain, lastReclaim } = plainOf(row);
    const kept = fromPlainMailbox(plain);
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
      const row = journal.session(sessionKey);
      return row === undefined ? undefined : recordOf(sessionKey, row);
    },
    recordOf,
    save(session) {
      for (const seq of session.ended) journal.removeItem(session.sessionKey, seq);
      session.ended.length = 0;
      for (const [name, change] of session.changes) saveChange(session, name, change);
      session.changes.clear();
      saveRow(session);
    },
    shelf,
  };
}

function rowOf(session: SqliteSession, opening: Opening): SessionRow {
  const waiting = session.waitingCount;
  const { open, isPaused, isExpiring, usedAt } = session;
  return {
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
    data: JSON.stringify(toPlainSession(session)),
  };
}

function isSameRow(row: SessionRow, before: SessionRow): boolean {
  const isMarkedAlike = row.marks === before.marks && row.opening === before.opening;
  const holdsAlike = row.waiting === before.waiting && row.held === before.held;
  return isMarkedAlike && holdsAlike && row.used_at === before.used_at && row.data === before.data;
}

function plainOf(row: SessionRow): PlainSession {
  return JSON.parse(row.data) as PlainSession;
}

/** A name for a column: no id begins with a space, so what a completion is known by stays apart, without its NUL. */
function columnOf(name: string): string {
  return name.startsWith("\0") ? ` ${name.slice(1)}` : name;
}
