import { knownName, MailboxState, type RememberedItem, type StoreCounts } from "lanekeeper/mailboxes";
import type { DeadLetter } from "lanekeeper";
import type { AbandonedTurn, Mailboxes, SessionPage, SessionRecord, StoreHost } from "lanekeeper/ports";
import { createBodyText } from "./body-text.ts";
import type { Connection } from "./connection.ts";
import { corrupt } from "./failures.ts";
import type { Opening } from "./item-text.ts";
import { Journal } from "./journal.ts";
import { openJournalFile } from "./journal-file.ts";
import { SessionMemory } from "./session-memory.ts";
import { marks, openSessionRows, type SessionRows } from "./session-rows.ts";
import { openSessionTables, type SessionTables } from "./session-tables.ts";
import { SqliteSession } from "./sqlite-session.ts";
import { atOf, openDeadLetters, openExecutions, openHeartbeats } from "./tables.ts";

interface StoreRow {
  readonly counter: number;
  readonly version: number;
  readonly is_paused: number;
  readonly opening: number;
}
interface KeyRow {
  readonly key: string;
}

/** What a store counts over all sessions. */
interface FileCounts {
  readonly counter: number;
  readonly version: number;
  readonly backlog: number;
  readonly isPaused: boolean;
  readonly known: number;
  /** The last opening in which anything was written. */
  readonly opening: number;
}

const hourMs = 3_600_000;
/** Rows of one page at most. */
const mostRows = 100_000;

/**
 * What a store in a file holds. Steps are taken on sessions in memory; what they change is written before the commit.
 *
 * I1. A session is in memory while it has changes that are not written; else it may be dropped, and is read again.
 * I2. `counter`, `counts` and `known` are the file's and what has changed since; `restore` takes them back to the file's.
 */
export class SqliteState extends MailboxState {
  override readonly executions: ReturnType<typeof openExecutions>;
  override readonly deadLetters: ReturnType<typeof openDeadLetters>;
  override readonly heartbeats: ReturnType<typeof openHeartbeats>;
  override readonly counts: StoreCounts = { version: 0, backlog: 0 };
  override readonly host: StoreHost;
  override isPaused = false;
  /** Whether the step that is being taken may change what it touches. */
  isChanging = false;
  readonly #connection: Connection;
  readonly #tables: SessionTables;
  readonly #journal: Journal;
  readonly #rows: SessionRows;
  readonly #opening: Opening;
  readonly #bodyText = createBodyText();
  readonly #statements: ReturnType<typeof prepare>;
  readonly #memory: SessionMemory;
  readonly #touched = new Set<SqliteSession>();
  /** As the file has them for good, and as they were written last. */
  #committed: FileCounts;
  #written: Pick<FileCounts, "counter" | "version" | "isPaused" | "opening">;
  #known: number;
  /** The number of the transaction that is open, or is to be next. */
  #transaction = 1;

  constructor(
    connection: Connection,
    host: StoreHost,
    { isSameClock, memoryBytes }: { readonly isSameClock: boolean; readonly memoryBytes: number },
  ) {
    super();
    this.#memory = new SessionMemory(memoryBytes);
    this.#connection = connection;
    this.host = host;
    this.#statements = prepare(connection);
    this.executions = openExecutions(connection);
    this.deadLetters = openDeadLetters(connection);
    this.heartbeats = openHeartbeats(connection);
    const row = this.#statements.store.get() as unknown as StoreRow | undefined;
    if (row === undefined) throw corrupt(connection.path, "its own record is missing");
    const { clock } = host;
    const number = isSameClock ? row.opening : row.opening + 1;
    this.#opening = { number, now: clock.now(), monotonic: clock.monotonic() };
    this.#tables = openSessionTables(connection);
    this.#journal = new Journal(connection, this.#tables, openJournalFile(connection));
    this.#journal.flush();
    connection.commit();
    this.#journal.committed();
    const encode = (body: unknown): string | null => this.#bodyText.of(body);
    this.#rows = openSessionRows(connection.path, this.#journal, this.counts, this.#opening, encode);
    this.#committed = this.#readCounts(row);
    this.#written = this.#committed;
    this.#known = this.#committed.known;
    this.#takeBack();
  }

  override get known(): number {
    return this.#known;
  }

  override session(sessionKey: string): SqliteSession | undefined {
    const session = this.#memory.use(sessionKey) ?? this.#load(sessionKey);
    if (session !== undefined && this.isChanging) this.#touch(session);
    return session;
  }

  override record(sessionKey: string): SessionRecord | undefined {
    return this.#memory.peek(sessionKey)?.record() ?? this.#rows.record(sessionKey);
  }

  override require(sessionKey: string): SqliteSession {
    const known = this.session(sessionKey);
    if (known !== undefined) return known;
    const { shelf } = this.#rows;
    const session = new SqliteSession(sessionKey, ++this.counter, this.counts, this.host.clock.now(), shelf);
    session.remembersNone = true;
    this.#memory.add(session);
    this.#touch(session);
    this.#known++;
    return session;
  }

  /** Whether a session is in memory, with nothing that waits for a commit. */
  isLasting(sessionKey: string): boolean {
    const session = this.#memory.peek(sessionKey);
    return session !== undefined && session.changedIn !== this.#transaction;
  }

  /** Makes a body text before anything is changed. Throws `INVALID_MESSAGE` where JSON cannot say it. */
  encode(body: unknown): void {
    this.#bodyText.of(body);
  }
  /** A step was taken: whose the body is may change it now. */
  stepTaken(): void {
    this.#bodyText.clear();
  }

  /** What was accepted is buried, not what the host has made of its object since. */
  override bury(...[item, ...rest]: Parameters<MailboxState["bury"]>): DeadLetter {
    const held = this.session(item.sessionKey)?.bodies.get(knownName(item));
    const body = held === undefined || held.seq !== item.seq ? item.body : parse(held.body);
    return super.bury({ ...item, body }, ...rest);
  }

  /** Its row has the time; the sweep goes by that. */
  override keepUntilForgotten(_settled: RememberedItem): void {}

  override forget(sessionKey: string): boolean {
    const session = this.session(sessionKey);
    if (session === undefined) return false;
    if (session.isPaused || session.open !== undefined || session.waitingCount > 0) return false;
    if (this.executions.isAwaited(sessionKey)) return false;
    this.flush();
    const now = this.host.clock.now();
    if (this.#statements.remembers.get(sessionKey, now) !== undefined) return false;
    this.#tables.removeSession(sessionKey);
    this.#memory.remove(session);
    this.#touched.delete(session);
    this.#known--;
    return true;
  }

  override unused({ before, limit }: Parameters<Mailboxes["unused"]>[0]): {
    readonly sessionKeys: readonly string[];
    readonly nextUsedAt: number | undefined;
  } {
    this.flush();
    const { unused, nextUsed } = this.#statements;
    const now = this.host.clock.now();
    const rows = unused.all(hourOf(before), before, now, Math.min(limit, Number.MAX_SAFE_INTEGER));
    const sessionKeys = (rows as unknown as readonly KeyRow[]).map(({ key }) => key);
    return { sessionKeys, nextUsedAt: atOf(nextUsed.get(hourOf(before), before)) };
  }

  override page({ prefix, after, limit, holding }: Parameters<Mailboxes["page"]>[0]): SessionPage {
    this.#save();
    const mask = holding === undefined ? 0 : holding === "expiring" ? marks.expiring : marks.items;
    const most = Math.min(limit, mostRows);
    // No key is empty, and every key with a prefix comes right after the prefix.
    const range = { prefix, after: after ?? "", limit: most + 1, mask };
    const sessions: SessionRecord[] = [];
    for (const { key, row } of this.#journal.page(range)) {
      if (!key.startsWith(prefix)) break;
      if (sessions.length === most) return { sessions, next: sessions.at(-1)?.sessionKey };
      sessions.push(this.#memory.peek(key)?.record() ?? this.#rows.recordOf(key, row));
    }
    return { sessions, next: undefined };
  }

  override pausedSessions(): readonly string[] {
    return this.#keysMarked(marks.paused);
  }

  override abandonedTurns(): readonly AbandonedTurn[] {
    return this.#keysMarked(marks.turn).map((sessionKey) => ({
      sessionKey,
      ...this.session(sessionKey)!.open!,
    }));
  }

  override sweep(): number | undefined {
    this.flush();
    const { sweep, nextRemembered } = this.#statements;
    const now = this.host.clock.now();
    this.#connection.write(sweep, now);
    this.executions.sweep(now);
    this.deadLetters.sweep(now);
    const due = [atOf(nextRemembered.get()), this.executions.next(), this.deadLetters.next()];
    return due.reduce((soonest, at) => (at !== undefined && !(soonest! < at) ? at : soonest), undefined);
  }

  /** Writes what has changed in memory into the open transaction. */
  write(): void {
    this.#save();
    this.#journal.write();
    this.#writeCounts();
  }

  /** Writes it into the tables, for a question that those are to answer. */
  flush(): void {
    this.#save();
    this.#journal.flush();
  }

  #save(): void {
    for (const session of this.#touched) {
      this.#rows.save(session);
      this.#memory.weigh(session);
    }
    this.#touched.clear();
  }

  #writeCounts(): void {
    const { counter, isPaused, counts } = this;
    const { version } = counts;
    const opening = this.#opening.number;
    const written = this.#written;
    const isCounted =
      counter === written.counter && version === written.version && isPaused === written.isPaused;
    // No later opening is to have the number of one that rows speak of.
    if (isCounted && (opening === written.opening || !this.#connection.isWriting)) return;
    this.#connection.write(this.#statements.saveStore, counter, version, isPaused ? 1 : 0, opening);
    this.#written = { counter, version, isPaused, opening };
  }

  /** Notes that what was written is in the file for good, and drops sessions that memory has no room for. */
  committed(): void {
    const { counter, isPaused, counts } = this;
    const { version, backlog } = counts;
    const { opening } = this.#written;
    this.#committed = { counter, version, backlog, isPaused, known: this.#known, opening };
    this.#journal.committed();
    this.#transaction++;
    this.#memory.makeRoom(this.#touched);
  }

  /** Forgets everything that is not in the file. */
  restore(): void {
    this.#memory.clear();
    this.#touched.clear();
    this.#journal.restore();
    this.#takeBack();
  }

  #takeBack(): void {
    const { counter, version, backlog, isPaused, known, opening } = this.#committed;
    this.#written = { counter, version, isPaused, opening };
    this.counter = counter;
    this.isPaused = isPaused;
    this.#known = known;
    this.counts.version = version;
    this.counts.backlog = backlog;
  }

  /** Throws `STORE_CORRUPT` where the sessions speak of other items than there are. */
  #readCounts({ counter, version, is_paused, opening }: StoreRow): FileCounts {
    const { known, totals, items } = this.#statements;
    const { waiting, held } = totals.get() as unknown as { waiting: number; held: number };
    const found = atOf(items.get());
    if (found !== waiting + held) {
      throw corrupt(this.#connection.path, `${found} items, but the sessions speak of ${waiting + held}`);
    }
    const isPaused = is_paused !== 0;
    return { counter, version, isPaused, backlog: waiting, known: atOf(known.get())!, opening };
  }

  #keysMarked(mask: number): readonly string[] {
    this.flush();
    const rows = this.#statements.keysMarked.all(mask) as unknown as readonly KeyRow[];
    return rows.map(({ key }) => key);
  }

  #touch(session: SqliteSession): void {
    this.#touched.add(session);
    session.changedIn = this.#transaction;
  }

  #load(sessionKey: string): SqliteSession | undefined {
    const session = this.#rows.load(sessionKey);
    if (session === undefined) return undefined;
    // It may have been changed, written and dropped within this transaction.
    session.changedIn = this.#transaction;
    this.#memory.makeRoom(this.#touched);
    this.#memory.add(session);
    return session;
  }
}

function parse(body: string | null): unknown {
  return body === null ? undefined : JSON.parse(body);
}

function hourOf(at: number): number {
  return Math.floor(at / hourMs);
}

function prepare(connection: Connection) {
  return {
    store: connection.prepare("SELECT counter, version, is_paused, opening FROM store WHERE id = 1"),
    saveStore: connection.prepare(
      "UPDATE store SET counter = ?, version = ?, is_paused = ?, opening = ? WHERE id = 1",
    ),
    known: connection.prepare("SELECT count(*) AS at FROM session"),
    items: connection.prepare("SELECT count(*) AS at FROM item"),
    totals: connection.prepare(
      `SELECT coalesce(sum(waiting), 0) AS waiting, coalesce(sum(held), 0) AS held
       FROM session INDEXED BY session_marks WHERE marks <> 0`,
    ),
    keysMarked: connection.prepare(
      `SELECT key FROM session INDEXED BY session_marks
       WHERE marks <> 0 AND (marks & ?) <> 0 ORDER BY key`,
    ),
    remembers: connection.prepare("SELECT 1 FROM remembered WHERE session = ? AND forget_at > ? LIMIT 1"),
    unused: connection.prepare(
      `SELECT key FROM session WHERE used_hour <= ? AND used_at <= ? AND marks = 0
       AND NOT EXISTS (SELECT 1 FROM execution WHERE session = key AND forget_at IS NULL)
       AND NOT EXISTS (SELECT 1 FROM remembered WHERE remembered.session = key AND forget_at > ?)
       LIMIT ?`,
    ),
    // The first hour has the first of them; later ones are not looked at.
    nextUsed: connection.prepare(
      `SELECT used_at AS at FROM session WHERE used_hour >= ? AND used_at > ?
       ORDER BY used_hour, used_at LIMIT 1`,
    ),
    sweep: connection.prepare("DELETE FROM remembered WHERE forget_at <= ?"),
    nextRemembered: connection.prepare("SELECT min(forget_at) AS at FROM remembered"),
  };
}
