import { isDeepStrictEqual } from "node:util";
import { connect, Observable, type Subscriber } from "rxjs";
import { LanekeeperError } from "../keeper/errors.ts";
import type { Lanekeeper } from "../keeper/keeper.ts";
import { check, port } from "../keeper/validation.ts";
import type { LanekeeperEvent } from "../seeing/events.ts";
import type { SessionView } from "../seeing/views.ts";
import { sessionKeyOf } from "./of-session.ts";
import { SessionTable } from "./session-table.ts";

/**
 * A live table of a keeper's sessions.
 *
 * Owns: when a session is looked at again. Must not know: what an event does to a session; the keeper is asked for that.
 * I1. Events only mark sessions; they are looked at when the keeper has done all that belongs to these events.
 * I2. The row of a live session is what `session()` says; that of one that sleeps is read from the store.
 * I3. The store is asked one thing at a time; what it says of a session that changed meanwhile is not believed.
 * I4. It is lifted from `events$`, so that a subscriber that throws is contained here as there (B5).
 */

/** What a live table needs of a keeper. */
type Watched = Pick<Lanekeeper, "events$" | "session" | "sessions">;

const keeperPort = port<Watched>("Lanekeeper", ["session", "sessions"]);
/** Sessions of one page. */
const pageSize = 500;

/** Events that change no row. The session they name may be unknown, and a store that fails is not asked even more. */
const unchanging: ReadonlySet<LanekeeperEvent["type"]> = new Set([
  "message.refused",
  "event.refused",
  "exec.refused",
  "store.failed",
  "wake.merged",
  "wake.retrying",
  "wake.dropped",
]);

/**
 * All known sessions, live: first a map of what `keeper.sessions()` tells, then another whenever something has changed, at
 * most one each turn of the event loop. A map is in the order of its keys and never changes; a row that has not changed is
 * the same object in the next map. Sessions that sleep stay in it, those that the keeper forgets do not.
 *
 * A row is as of the last event of its session, so `turn.lastProgressAt` moves with progress that has a note or data. An
 * error of `keeper.sessions()` is the table's error; `retry` reads it anew. The table completes when the keeper has closed.
 * Each subscription keeps a table of its own; `shareReplay` makes it one. Throws `INVALID_OPTION` at once for what is no keeper.
 *
 * @example
 * ```ts
 * liveSessions(keeper)
 *   .pipe(auditTime(250))
 *   .subscribe((sessions) => render([...sessions.values()]));
 * ```
 */
export function liveSessions(keeper: Watched): Observable<ReadonlyMap<string, SessionView>> {
  check("keeper", keeperPort, keeper, "What liveSessions is given");
  return keeper.events$.pipe(
    connect((events$) => new Observable<SessionTable>((subscriber) => watch(keeper, events$, subscriber))),
  );
}

function watch(
  keeper: Watched,
  events$: Observable<LanekeeperEvent>,
  subscriber: Subscriber<SessionTable>,
): void {
  /** What was told last. */
  let table: SessionTable | undefined;
  /** The rows that differ from it; undefined for a session that is no more. */
  const changes = new Map<string, SessionView | undefined>();
  /** Sessions to look at again: those marked in this turn of the event loop, and those marked before it. */
  let marked = new Set<string>();
  let ripe = new Set<string>();
  /** Sessions that sleep and whose record is to be read. */
  const unread = new Set<string>();
  /** Sessions that something happened to since the store was asked what it is asked now. */
  const changedMeanwhile = new Set<string>();
  let arePagesUnread = true;
  /** Whether every page was read once. */
  let isComplete = false;
  let isReading = false;
  let coming: NodeJS.Immediate | undefined;

  const rowOf = (sessionKey: string): SessionView | undefined =>
    changes.has(sessionKey) ? changes.get(sessionKey) : table?.get(sessionKey);
  const put = (sessionKey: string, row: SessionView | undefined): void => {
    if (isDeepStrictEqual(row, table?.get(sessionKey))) changes.delete(sessionKey);
    else changes.set(sessionKey, row);
  };

  const take = (event: LanekeeperEvent): void => {
    const sessionKey = sessionKeyOf(event);
    if (sessionKey === undefined) {
      // The record of a session that sleeps says whether it is paused itself.
      if (event.type !== "session.paused" && event.type !== "session.resumed") return;
      arePagesUnread = true;
    } else {
      // An idle session that falls asleep looks the same.
      if (event.type === "lane.passivated" && rowOf(sessionKey)?.state === "idle") return;
      if (unchanging.has(event.type)) return;
      if (isReading) changedMeanwhile.add(sessionKey);
      if (event.type === "session.forgotten") put(sessionKey, undefined);
      // It may have begun anew before that was told.
      const isOver = event.type === "session.forgotten" && !isReading;
      if (!isOver || keeper.session(sessionKey) !== undefined) marked.add(sessionKey);
    }
    publishSoon();
  };

  const publishSoon = (): void => {
    coming ??= setImmediate(publish);
  };
  const publish = (): void => {
    coming = undefined;
    for (const sessionKey of ripe) {
      const row = keeper.session(sessionKey);
      if (row === undefined) unread.add(sessionKey);
      else put(sessionKey, row);
    }
    ripe.clear();
    // The keeper's queue may have given way in the middle of its work: within one more turn of the loop it is done (I1).
    [ripe, marked] = [marked, ripe];
    if (ripe.size > 0) publishSoon();
    void read();
    if (!isComplete || (changes.size === 0 && table !== undefined)) return;
    table = (table ?? SessionTable.empty).with(changes);
    changes.clear();
    subscriber.next(table);
  };

  const read = async (): Promise<void> => {
    if (isReading) return;
    isReading = true;
    try {
      while (!subscriber.closed) {
        const [sessionKey] = unread;
        if (arePagesUnread) await readPages();
        else if (sessionKey !== undefined) await readOne(sessionKey);
        else break;
        if (!subscriber.closed) publishSoon();
      }
    } catch (error) {
      // A keeper that closes goes on telling what happens, and completes.
      if (!(error instanceof LanekeeperError && error.code === "CLOSED")) subscriber.error(error);
    }
    isReading = false;
  };
  const readPages = async (): Promise<void> => {
    arePagesUnread = false;
    let after: string | undefined;
    do {
      const page = await ask({ after, limit: pageSize });
      for (const row of page.sessions) believe(row.sessionKey, row);
      after = page.next;
    } while (after !== undefined && !subscriber.closed);
    isComplete = true;
  };
  const readOne = async (sessionKey: string): Promise<void> => {
    unread.delete(sessionKey);
    const { sessions } = await ask({ prefix: sessionKey, limit: 1 });
    believe(sessionKey, sessions[0]?.sessionKey === sessionKey ? sessions[0] : undefined);
  };
  const ask: Watched["sessions"] = (query) => {
    changedMeanwhile.clear();
    return keeper.sessions(query);
  };
  const believe = (sessionKey: string, row: SessionView | undefined): void => {
    if (!changedMeanwhile.has(sessionKey)) put(sessionKey, row);
  };

  subscriber.add(() => clearImmediate(coming));
  subscriber.add(events$.subscribe({ next: take, complete: () => subscriber.complete() }));
  // Not before the events come.
  queueMicrotask(() => void read());
}
