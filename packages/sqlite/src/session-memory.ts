import type { SqliteSession } from "./sqlite-session.ts";

/** About how many bytes a session takes in memory without its items. */
const sessionBytes = 2_048;
/** Items of a queue that is read again at once rather than known without being read. */
const shortQueue = 3;

/**
 * The sessions that are in memory, and which of them go where it has no room for all.
 *
 * I1. Whoever was used since it was looked at last is looked at once more, after all others.
 * I2. Of a long queue what is left without its items goes last: it is not to be read for each message that is added to it.
 */
export class SessionMemory {
  readonly #most: number;
  readonly #sessions = new Map<string, SqliteSession>();
  /** Those to be looked at, the next one first, and those whose items were spared since they were used. */
  readonly #line = new Set<SqliteSession>();
  readonly #spared = new Set<SqliteSession>();
  /** About what all take. */
  #bytes = 0;

  /** Room for about so many bytes. */
  constructor(most: number) {
    this.#most = most;
  }

  /** A session that is to be used. */
  use(sessionKey: string): SqliteSession | undefined {
    const session = this.#sessions.get(sessionKey);
    if (session === undefined) return undefined;
    session.isUsed = true;
    // What it had spared may have come back since.
    this.weigh(session);
    if (this.#spared.delete(session)) this.#line.add(session);
    return session;
  }

  /** A session that is only looked at. */
  peek(sessionKey: string): SqliteSession | undefined {
    return this.#sessions.get(sessionKey);
  }

  add(session: SqliteSession): void {
    this.#sessions.set(session.sessionKey, session);
    this.#line.add(session);
    session.isUsed = true;
    this.weigh(session);
  }

  remove(session: SqliteSession): void {
    this.#sessions.delete(session.sessionKey);
    this.#line.delete(session);
    this.#spared.delete(session);
    this.#bytes -= session.weight;
  }

  clear(): void {
    this.#sessions.clear();
    this.#line.clear();
    this.#spared.clear();
    this.#bytes = 0;
  }

  /** Counts what a session takes now. */
  weigh(session: SqliteSession): void {
    const weight = sessionBytes + session.size;
    this.#bytes += weight - session.weight;
    session.weight = weight;
  }

  /** Drops what it has no room for, but for sessions that have to stay. */
  makeRoom(staying: ReadonlySet<SqliteSession>): void {
    for (const session of this.#line) {
      if (this.#bytes <= this.#most) return;
      if (staying.has(session)) continue;
      this.#line.delete(session);
      if (session.isUsed) {
        session.isUsed = false;
        this.#line.add(session);
      } else if (session.waitingCount > shortQueue && session.maySpareItems) {
        session.spareItems();
        this.weigh(session);
        this.#spared.add(session);
      } else {
        this.remove(session);
      }
    }
    for (const session of this.#spared) {
      if (this.#bytes <= this.#most) return;
      if (!staying.has(session)) this.remove(session);
    }
  }
}
