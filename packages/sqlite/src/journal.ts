import type { Connection } from "./connection.ts";
import { compareKeys } from "./key-order.ts";
import type { JournalFile } from "./journal-file.ts";
import type {
  ItemRow,
  KeyedRow,
  PageRange,
  RememberedRow,
  SessionReader,
  SessionRow,
  SessionTables,
  SessionWriter,
} from "./session-tables.ts";

/** What changed of a session's rows: its own, an item's, or what is remembered by a name. */
type Entry =
  | ["session", string, ...SessionColumns, data: unknown]
  | ["item", string, seq: number, data: unknown, body?: unknown]
  | ["change", string, seq: number, data: unknown]
  | ["end", string, seq: number]
  | ["remember", string, name: string, forgetAt: number, data: unknown]
  | ["forget", string, name: string];
type SessionColumns = [
  waiting: number,
  held: number,
  marks: number,
  usedAt: number,
  usedHour: number,
  opening: number,
];

/** An item that is not in the tables yet, or another text for one that is; null: it is to be removed there. */
type PendingItem = ItemRow | Omit<ItemRow, "body"> | null;

/** What of a session is not in the tables yet. */
interface Pending {
  /** Its key as JSON. */
  readonly name: string;
  row: SessionRow | undefined;
  /** What the tables have of its row, where that is known. */
  before: SessionRow | undefined;
  readonly items: Map<number, PendingItem>;
  readonly remembered: Map<string, RememberedRow | null>;
}

/** Characters: a journal that is to grow beyond is brought into the tables instead. */
const journalLength = 1_048_576;

/**
 * The rows of sessions: the tables, and what has changed since. A commit writes what it changed into one row of the journal;
 * the tables, where the same change costs a row here and an index there, get it later, all that came together at once. What
 * was accepted and has ended meanwhile never gets there.
 *
 * I1. The tables and the journal in the file say together what was made last, at every instant.
 * I2. Whoever reads sees all that was written, also what no commit has made last yet.
 * I3. Where space is short the journal is empty after every commit that changes a session: nothing is kept twice, and nothing
 *     is left to be moved when there is no room for it.
 */
export class Journal implements SessionReader, SessionWriter {
  readonly #connection: Connection;
  readonly #tables: SessionTables;
  readonly #file: JournalFile;
  readonly #pending = new Map<string, Pending>();
  /** What was written since the last commit, as JSON. */
  #entries: string[] = [];
  #entriesLength = 0;
  /** The rows of the journal: as the file has them for good, and as the open transaction has them. */
  #lasting: readonly string[];
  #texts: readonly string[];
  #length = 0;

  /** The journal of an opened file, with all that it holds. Throws `STORE_CORRUPT`. */
  constructor(connection: Connection, tables: SessionTables, file: JournalFile) {
    this.#connection = connection;
    this.#tables = tables;
    this.#file = file;
    this.#lasting = file.read();
    this.#texts = this.#lasting;
    this.restore();
  }

  session(key: string): SessionRow | undefined {
    return this.#pending.get(key)?.row ?? this.#tables.session(key);
  }

  items(key: string): readonly ItemRow[] {
    const stored = this.#tables.items(key);
    const items = this.#pending.get(key)?.items;
    if (items === undefined || items.size === 0) return stored;
    const rows = new Map(stored.map((row) => [row.seq, row]));
    for (const [seq, item] of items) {
      if (item === null) rows.delete(seq);
      else rows.set(seq, { ...rows.get(seq)!, ...item });
    }
    return [...rows.values()].toSorted((a, b) => a.seq - b.seq);
  }

  item(key: string, seq: number): Omit<ItemRow, "body"> | undefined {
    const item = this.#pending.get(key)?.items.get(seq);
    return item === undefined ? this.#tables.item(key, seq) : (item ?? undefined);
  }

  remembered(key: string, name: string): RememberedRow | undefined {
    const row = this.#pending.get(key)?.remembered.get(name);
    return row === undefined ? this.#tables.remembered(key, name) : (row ?? undefined);
  }

  page(range: PageRange): readonly KeyedRow[] {
    const { prefix, after, limit, mask } = range;
    const own = new Map<string, SessionRow>();
    for (const [key, { row }] of this.#pending)
      if (row !== undefined && key.startsWith(prefix) && compareKeys(key, after) > 0) own.set(key, row);
    const stored = this.#tables.page({ ...range, limit: limit + own.size });
    if (own.size === 0) return stored;
    const rows = stored.filter(({ key }) => !own.has(key));
    for (const [key, row] of own) if (mask === 0 || (row.marks & mask) !== 0) rows.push({ key, row });
    return rows.toSorted((a, b) => compareKeys(a.key, b.key)).slice(0, limit);
  }

  putSession(key: string, row: SessionRow, before: SessionRow | undefined): void {
    const { waiting, held, marks, used_at, used_hour, opening, data } = row;
    const pending = this.#of(key);
    this.#note(
      `["session",${pending.name},${waiting},${held},${marks},${used_at},${used_hour},${opening},${data}]`,
    );
    if (pending.row === undefined) pending.before = before;
    pending.row = row;
  }

  insertItem(key: string, item: ItemRow): void {
    const { seq, body, data } = item;
    const { name, items } = this.#of(key);
    this.#note(body === null ? `["item",${name},${seq},${data}]` : `["item",${name},${seq},${data},${body}]`);
    items.set(seq, item);
  }

  updateItem(key: string, seq: number, data: string): void {
    const { name, items } = this.#of(key);
    this.#note(`["change",${name},${seq},${data}]`);
    items.set(seq, { ...items.get(seq), seq, data });
  }

  removeItem(key: string, seq: number): void {
    const { name, items } = this.#of(key);
    this.#note(`["end",${name},${seq}]`);
    if (isNew(items.get(seq))) items.delete(seq);
    else items.set(seq, null);
  }

  putRemembered(key: string, known: string, row: RememberedRow): void {
    const { forget_at, data } = row;
    const { name, remembered } = this.#of(key);
    this.#note(`["remember",${name},${JSON.stringify(known)},${forget_at},${data}]`);
    remembered.set(known, row);
  }

  removeRemembered(key: string, known: string): void {
    const { name, remembered } = this.#of(key);
    this.#note(`["forget",${name},${JSON.stringify(known)}]`);
    remembered.set(known, null);
  }

  /** Writes what has changed since the last commit into the open transaction, for the next commit to make last. */
  write(): void {
    if (this.#entries.length === 0) return;
    this.#connection.begin();
    const isTooLong = this.#length + this.#entriesLength > journalLength;
    if (isTooLong || this.#connection.isTight) {
      this.flush();
      return;
    }
    const text = `[${this.#entries.join(",")}]`;
    this.#texts = [...this.#texts, text];
    this.#length += text.length;
    this.#file.add(this.#texts.length, text);
    this.#clearEntries();
  }

  /** Brings everything into the tables, in the open transaction: for questions that only those can answer. */
  flush(): void {
    this.#clearEntries();
    // First of all, so that what it takes is free for the rows.
    if (this.#texts.length > 0) this.#file.clear();
    this.#texts = [];
    this.#length = 0;
    const accepted: (readonly [key: string, item: ItemRow])[] = [];
    for (const [key, pending] of this.#pending) {
      this.#move(key, pending);
      for (const item of pending.items.values()) if (isNew(item)) accepted.push([key, item]);
    }
    // In the order of their numbers, so that they fill page after page.
    accepted.sort(([, one], [, other]) => one.seq - other.seq);
    for (const [key, item] of accepted) this.#tables.insertItem(key, item);
    this.#pending.clear();
  }

  /** Notes that what was written is in the file for good. */
  committed(): void {
    this.#lasting = this.#texts;
  }

  /** Takes back what no commit has made last. */
  restore(): void {
    this.#pending.clear();
    this.#texts = this.#lasting;
    this.#length = 0;
    for (const text of this.#texts) {
      this.#length += text.length;
      for (const entry of JSON.parse(text) as readonly Entry[]) this.#repeat(entry);
    }
    this.#clearEntries();
  }

  #note(entry: string): void {
    this.#entries.push(entry);
    this.#entriesLength += entry.length;
  }

  #clearEntries(): void {
    this.#entries = [];
    this.#entriesLength = 0;
  }

  #repeat(entry: Entry): void {
    const key = entry[1];
    switch (entry[0]) {
      case "session": {
        const [, , waiting, held, marks, used_at, used_hour, opening, plain] = entry;
        const data = JSON.stringify(plain);
        this.putSession(key, { waiting, held, marks, used_at, used_hour, opening, data }, undefined);
        return;
      }
      case "item": {
        const [, , seq, plain, ...body] = entry;
        const text = body.length === 0 ? null : JSON.stringify(body[0]);
        this.insertItem(key, { seq, body: text, data: JSON.stringify(plain) });
        return;
      }
      case "change":
        this.updateItem(key, entry[2], JSON.stringify(entry[3]));
        return;
      case "end":
        this.removeItem(key, entry[2]);
        return;
      case "remember":
        this.putRemembered(key, entry[2], { forget_at: entry[3], data: JSON.stringify(entry[4]) });
        return;
      case "forget":
        this.removeRemembered(key, entry[2]);
    }
  }

  #of(key: string): Pending {
    let pending = this.#pending.get(key);
    if (pending === undefined) {
      const name = JSON.stringify(key);
      pending = { name, row: undefined, before: undefined, items: new Map(), remembered: new Map() };
      this.#pending.set(key, pending);
    }
    return pending;
  }

  #move(key: string, { row, before, items, remembered }: Pending): void {
    if (row !== undefined) this.#tables.putSession(key, row, before);
    for (const [seq, item] of items) {
      if (item === null) this.#tables.removeItem(key, seq);
      else if (!isNew(item)) this.#tables.updateItem(key, seq, item.data);
    }
    for (const [name, known] of remembered) {
      if (known === null) this.#tables.removeRemembered(key, name);
      else this.#tables.putRemembered(key, name, known);
    }
  }
}

/** Whether an item is not in the tables. */
function isNew(item: PendingItem | undefined): item is ItemRow {
  return item !== undefined && item !== null && "body" in item;
}
