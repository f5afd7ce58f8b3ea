import { type KnownEntry, MailboxSession, type StoreCounts } from "lanekeeper/mailboxes";
import type { StoredItem } from "lanekeeper/ports";

/** Where a session finds what it does not have in memory. */
export interface SessionShelf {
  /** How work ended that is remembered by a name. */
  remembered(sessionKey: string, name: string): KnownEntry | undefined;
}

/**
 * A session in memory, and what of it is not in the file yet. What is open it has whole; what is remembered is read when it
 * is asked for.
 *
 * I1. `changes` has every name whose entry differs from the file's, with undefined for one that is to go.
 * I2. `stored` says which items have a row.
 */
export class SqliteSession extends MailboxSession {
  readonly changes = new Map<string, KnownEntry | undefined>();
  readonly stored = new Map<string, number>();
  /** Its row as it was written last; undefined: it has none. */
  row: SessionRow | undefined = undefined;
  /** About how many bytes it takes: what its open items take as text. */
  size = 0;
  /** What of it counts as taken in memory. */
  weight = 0;
  readonly #items = new Map<string, StoredItem>();
  readonly #shelf: SessionShelf;

  constructor(sessionKey: string, incarnation: number, counts: StoreCounts, usedAt: number, shelf: SessionShelf) {
    super(sessionKey, incarnation, counts, usedAt);
    this.#shelf = shelf;
  }

  /** Takes an item as the file has it. */
  load(name: string, item: StoredItem, size: number): void {
    this.#items.set(name, item);
    this.stored.set(name, item.seq);
    this.size += size;
  }

  override knownAs(name: string): KnownEntry | undefined {
    if (this.changes.has(name)) return this.changes.get(name);
    return this.#items.get(name) ?? this.#shelf.remembered(this.sessionKey, name);
  }

  override know(name: string, entry: KnownEntry): void {
    this.changes.set(name, entry);
    if ("outcome" in entry) this.#items.delete(name);
    else this.#items.set(name, entry);
  }

  override unknow(name: string): void {
    this.changes.set(name, undefined);
    this.#items.delete(name);
  }
}

/** The columns of a session's row. */
export interface SessionRow {
  readonly waiting: number;
  readonly held: number;
  readonly marks: number;
  readonly used_at: number;
  readonly used_hour: number;
  readonly opening: number;
  readonly data: string;
  readonly sum: number;
}
