import type { Connection } from "./connection.ts";
import { checkedText, type RowText, sumOf } from "./row-text.ts";

/** What is kept of a session, in its own row. */
export interface SessionRow {
  readonly waiting: number;
  readonly held: number;
  readonly marks: number;
  readonly used_at: number;
  readonly used_hour: number;
  readonly opening: number;
  readonly data: string;
}

/** A session's row and whose it is. */
export interface KeyedRow {
  readonly key: string;
  readonly row: SessionRow;
}

/** What is kept of an item that is open. */
export interface ItemRow {
  readonly seq: number;
  /** As JSON; null: there is none. */
  readonly body: string | null;
  readonly data: string;
}

/** What is remembered by a name. */
export interface RememberedRow {
  readonly forget_at: number;
  readonly data: string;
}

/** Which sessions a page is to have: those after a key, with a prefix, and with one of these marks (0: all). */
export interface PageRange {
  readonly prefix: string;
  readonly after: string;
  readonly limit: number;
  readonly mask: number;
}

/** Where the rows of sessions are read. All throw `STORE_CORRUPT` where a row is not what was written. */
export interface SessionReader {
  session(key: string): SessionRow | undefined;
  /** The items of a session, by `seq`. */
  items(key: string): readonly ItemRow[];
  /** One item, without its body. */
  item(key: string, seq: number): Omit<ItemRow, "body"> | undefined;
  remembered(key: string, name: string): RememberedRow | undefined;
  /** Sessions in the order of their keys. */
  page(range: PageRange): readonly KeyedRow[];
}

/** Where they are written. */
export interface SessionWriter {
  /** Makes or changes a session's row; `before` is what the tables have of it, where that is known. */
  putSession(key: string, row: SessionRow, before: SessionRow | undefined): void;
  insertItem(key: string, item: ItemRow): void;
  updateItem(key: string, seq: number, data: string): void;
  removeItem(key: string, seq: number): void;
  putRemembered(key: string, name: string, row: RememberedRow): void;
  removeRemembered(key: string, name: string): void;
}

/** The tables of sessions, their items and what is remembered of them. */
export interface SessionTables extends SessionReader, SessionWriter {
  /** Removes a session, with what is remembered of it. */
  removeSession(key: string): void;
}

type Summed<Row> = Row & { readonly sum: number };
type ItemColumns = Summed<ItemRow> & { readonly body_sum: number };

/** The tables of an opened file. */
export function openSessionTables(connection: Connection): SessionTables {
  const { path } = connection;
  const columns = "waiting, held, marks, used_at, used_hour, opening, data, sum";
  const get = connection.prepare(`SELECT ${columns} FROM session WHERE key = ?`);
  const put = connection.prepare(
    `INSERT INTO session (key, ${columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (key) DO UPDATE SET
       waiting = excluded.waiting, held = excluded.held, marks = excluded.marks, used_at = excluded.used_at,
       used_hour = excluded.used_hour, opening = excluded.opening, data = excluded.data, sum = excluded.sum`,
  );
  // Where the indexed columns are as they were, the indexes are left alone: they cost as much as the rows.
  const touch = connection.prepare(
    "UPDATE session SET used_at = ?, opening = ?, data = ?, sum = ? WHERE key = ?",
  );
  const range = "key >= max(?1, ?2) AND key <> ?2 ORDER BY key LIMIT ?3";
  const page = connection.prepare(`SELECT key, ${columns} FROM session WHERE ${range}`);
  const marked = connection.prepare(
    `SELECT key, ${columns} FROM session INDEXED BY session_marks
     WHERE marks <> 0 AND (marks & ?4) <> 0 AND ${range}`,
  );
  const remove = connection.prepare("DELETE FROM session WHERE key = ?");
  const items = connection.prepare(
    "SELECT seq, body, body_sum, data, sum FROM item WHERE session = ? ORDER BY seq",
  );
  const item = connection.prepare("SELECT data, sum FROM item WHERE seq = ?");
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

  const rowOf = (key: string, { sum, ...row }: Summed<SessionRow>): SessionRow => {
    checkedText(path, "session", sessionName(key, row), { data: row.data, sum });
    return row;
  };

  return {
    session(key) {
      const row = get.get(key) as unknown as Summed<SessionRow> | undefined;
      return row === undefined ? undefined : rowOf(key, row);
    },
    items: (key) =>
      (items.all(key) as unknown as readonly ItemColumns[]).map(({ seq, body, body_sum, data, sum }) => {
        const name = itemName(key, seq);
        checkedText(path, "item", name, { data, sum });
        checkedText(path, "body", name, { data: body ?? "null", sum: body_sum });
        return { seq, body, data };
      }),
    item(key, seq) {
      const row = item.get(seq) as unknown as RowText | undefined;
      if (row === undefined) return undefined;
      return { seq, data: checkedText(path, "item", itemName(key, seq), row) };
    },
    remembered(key, name) {
      const row = getRemembered.get(key, name) as unknown as Summed<RememberedRow> | undefined;
      if (row === undefined) return undefined;
      const { forget_at } = row;
      return { forget_at, data: checkedText(path, "remembered", rememberedName(key, name, forget_at), row) };
    },
    page({ prefix, after, limit, mask }) {
      const rows = mask === 0 ? page.all(prefix, after, limit) : marked.all(prefix, after, limit, mask);
      return (rows as unknown as readonly (Summed<SessionRow> & { readonly key: string })[]).map(
        ({ key, ...row }) => ({ key, row: rowOf(key, row) }),
      );
    },
    putSession(key, row, before) {
      const { waiting, held, marks, used_at, used_hour, opening, data } = row;
      const sum = sumOf(sessionName(key, row), data);
      const isTouch =
        before !== undefined &&
        before.waiting === waiting &&
        before.held === held &&
        before.marks === marks &&
        before.used_hour === used_hour;
      if (isTouch) connection.write(touch, used_at, opening, data, sum, key);
      else connection.write(put, key, waiting, held, marks, used_at, used_hour, opening, data, sum);
    },
    removeSession(key) {
      connection.write(removeAllRemembered, key);
      connection.write(remove, key);
    },
    insertItem(key, { seq, body, data }) {
      const name = itemName(key, seq);
      connection.write(insertItem, seq, key, body, sumOf(name, body ?? "null"), data, sumOf(name, data));
    },
    updateItem(key, seq, data) {
      connection.write(updateItem, data, sumOf(itemName(key, seq), data), seq);
    },
    removeItem: (_key, seq) => void connection.write(removeItem, seq),
    putRemembered(key, name, { forget_at, data }) {
      const sum = sumOf(rememberedName(key, name, forget_at), data);
      connection.write(putRemembered, key, name, forget_at, data, sum);
    },
    removeRemembered: (key, name) => void connection.write(removeRemembered, key, name),
  };
}

// What a checksum covers beside the text.

function sessionName(key: string, { waiting, held, marks, opening }: SessionRow): string {
  return `${key} ${waiting} ${held} ${marks} ${opening}`;
}

function itemName(key: string, seq: number): string {
  return `${seq} ${key}`;
}

function rememberedName(key: string, name: string, forgetAt: number): string {
  return `${key} ${name} ${forgetAt}`;
}
