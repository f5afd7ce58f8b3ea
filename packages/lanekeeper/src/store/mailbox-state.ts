import { knownName } from "./known-name.ts";
import type { DeadLetter, DeadLetterItem } from "./dead-letter.ts";
import type { HeartbeatState } from "./heartbeat-keeping.ts";
import type { MailboxSession, RememberedItem, StoreCounts } from "./mailbox-session.ts";
import type { Outcome } from "../turns/outcome.ts";
import type {
  AbandonedTurn,
  ExecutionRecord,
  KnownItem,
  Mailboxes,
  NewItem,
  SessionRecord,
  SettledItem,
  StoredItem,
  StoreHost,
} from "./store.ts";

/** A store's table of commands. */
export interface ExecutionTable {
  get(execId: string): ExecutionRecord | undefined;
  add(record: ExecutionRecord): void;
  remove(execId: string): void;
  /** Commands that are not completed. */
  open(): readonly ExecutionRecord[];
  /** Marks a command as completed at an instant (epoch milliseconds); its id stays known for 24 hours. */
  complete(record: ExecutionRecord, now: number): void;
}

/** A store's dead letters. */
export interface DeadLetterShelf {
  add(letter: DeadLetter): void;
  get(id: string): DeadLetter | undefined;
  /** Forgets one; false if there is none. */
  remove(id: string): boolean;
  /** The newest first. */
  list(sessionKey: string | undefined, limit: number): readonly DeadLetter[];
}

/** What a store keeps of heartbeats, by agent. */
export interface HeartbeatTable {
  list(): readonly HeartbeatState[];
  set(state: HeartbeatState): void;
}

/** What a dead letter is made of. */
type BuriedItem = NewItem & Pick<StoredItem, "seq" | "acceptedAt">;

/**
 * What a mailbox store holds, and the ends of its items: the steps are the same wherever it is kept.
 *
 * I1. An id is known to its session from acceptance until its time to be forgotten.
 * I2. `counter` only grows; tokens, incarnations and sequence numbers come from it.
 */
export abstract class MailboxState {
  abstract readonly executions: ExecutionTable;
  abstract readonly deadLetters: DeadLetterShelf;
  abstract readonly heartbeats: HeartbeatTable;
  abstract readonly counts: StoreCounts;
  /** The clock and ids of the keeper that has the store. */
  abstract readonly host: StoreHost;
  /** Sessions it knows. */
  abstract readonly known: number;
  /** Whether the whole keeper is paused. */
  abstract isPaused: boolean;
  counter = 0;

  /** A session that it knows. */
  abstract session(sessionKey: string): MailboxSession | undefined;
  /** What the record of a session says that it knows, without its items where those are kept elsewhere. */
  record(sessionKey: string): SessionRecord | undefined {
    return this.session(sessionKey)?.record();
  }
  /** A session, made if need be. */
  abstract require(sessionKey: string): MailboxSession;
  /** Sees to it that a settled item is forgotten when its time is over, which is that many milliseconds from now. */
  abstract keepUntilForgotten(settled: RememberedItem, forMs: number): void;
  /** Removes a session with nothing left in it. */
  abstract forget(sessionKey: string): boolean;
  abstract unused(...query: Parameters<Mailboxes["unused"]>): Awaited<ReturnType<Mailboxes["unused"]>>;
  abstract page(...query: Parameters<Mailboxes["page"]>): Awaited<ReturnType<Mailboxes["page"]>>;
  abstract pausedSessions(): readonly string[];
  abstract abandonedTurns(): readonly AbandonedTurn[];
  /** Forgets what is remembered no longer. Answers when the next one is due. */
  abstract sweep(): number | undefined;

  /** What is known of an id now. */
  find(session: MailboxSession | undefined, knownAs: string): KnownItem | undefined {
    const entry = session?.knownAs(knownAs);
    if (entry === undefined) return undefined;
    if (!("outcome" in entry)) return { state: "open", item: entry };
    return entry.forgetAt > this.host.clock.now() ? { state: "settled", item: entry } : undefined;
  }

  /** Ends a waiting item: it waits no longer, what steered it is released, and its outcome is remembered. */
  finish(session: MailboxSession, item: StoredItem, outcome: Outcome, dedupeMs: number): SettledItem {
    session.remove(item.seq);
    session.passSteering(item.seq, undefined);
    return this.remember(session, item, outcome, dedupeMs);
  }

  /** Notes how an item ended, for as long as its id is known. */
  remember(session: MailboxSession, item: StoredItem, outcome: Outcome, dedupeMs: number): SettledItem {
    const { seq, id, type, sessionKey, acceptedAt } = item;
    const forgetAt = this.host.clock.now() + dedupeMs;
    const knownAs = knownName(item);
    const settled: RememberedItem = { seq, id, type, sessionKey, acceptedAt, outcome, knownAs, forgetAt };
    if (dedupeMs === 0) {
      session.unknow(knownAs);
    } else {
      session.know(knownAs, settled);
      this.keepUntilForgotten(settled, dedupeMs);
    }
    return settled;
  }

  /** Makes an item that was given up a dead letter. */
  bury(item: BuriedItem, reason: string, attempts: number, id: string = this.host.createId()): DeadLetter {
    const { sessionKey } = item;
    const at = this.host.clock.now();
    const letter = { id, sessionKey, at, reason, attempts, items: [toDeadItem(item, attempts)] };
    this.deadLetters.add(letter);
    return letter;
  }
}

/** Enough to accept it again, and to know it by. */
function toDeadItem(item: BuriedItem, attempts: number): DeadLetterItem {
  const { seq, id, sessionKey, type, body, key, meta, priority, group, wakes, incarnation, acceptedAt } =
    item;
  const kind = type === "event" ? item.kind : undefined;
  return {
    seq,
    id,
    sessionKey,
    type,
    body,
    kind,
    key,
    meta,
    priority,
    group,
    wakes,
    incarnation,
    acceptedAt,
    attempts,
  };
}
