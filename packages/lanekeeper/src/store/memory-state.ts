import { createExpiry } from "./expiry.ts";
import { attemptsOf } from "./attempts.ts";
import type { DeadLetter } from "./dead-letter.ts";
import { createMemoryExecutions, type MemoryExecutions } from "./memory-executions.ts";
import { createMemoryDeadLetters, type MemoryDeadLetters } from "./memory-dead-letters.ts";
import { MemorySession, type OpenTurn, type RememberedItem } from "./memory-session.ts";
import type { Outcome } from "../turns/outcome.ts";
import type {
  AppendResult,
  Disposition,
  KnownItem,
  MailboxLimits,
  NewItem,
  RestartResult,
  Settlement,
  SettleResult,
  SettledItem,
  StoredItem,
  StoreHost,
} from "./store.ts";

/**
 * What the memory store holds, and its steps on one session.
 *
 * I1. An id is in its session's `known` from acceptance until its time to be forgotten.
 * I2. `counter` only grows; tokens, incarnations and sequence numbers come from it.
 */
export class MemoryState {
  readonly sessions = new Map<string, MemorySession>();
  readonly executions: MemoryExecutions = createMemoryExecutions();
  readonly deadLetters: MemoryDeadLetters = createMemoryDeadLetters();
  readonly #remembered = createExpiry<RememberedItem>();
  #host: StoreHost;
  #sortedKeys: string[] | undefined;
  counter = 0;
  isPaused = false;

  constructor(host: StoreHost) {
    this.#host = host;
  }

  /** The clock and ids of the keeper that has the store. */
  get host(): StoreHost {
    return this.#host;
  }
  set host(host: StoreHost) {
    this.#host = host;
  }

  /** A session's record, made if need be. */
  require(sessionKey: string): MemorySession {
    let session = this.sessions.get(sessionKey);
    if (session === undefined) {
      session = new MemorySession(sessionKey, ++this.counter);
      this.sessions.set(sessionKey, session);
      this.#sortedKeys = undefined;
    }
    return session;
  }

  /** Every key, in order. */
  keys(): readonly string[] {
    return (this.#sortedKeys ??= [...this.sessions.keys()].toSorted());
  }

  /** What is known of an id now. */
  find(session: MemorySession | undefined, knownAs: string): KnownItem | undefined {
    const entry = session?.known?.get(knownAs);
    if (entry === undefined) return undefined;
    if (!("outcome" in entry)) return { state: "open", item: entry };
    return entry.forgetAt > this.#host.clock.now() ? { state: "settled", item: entry } : undefined;
  }

  /** Accepts an item, or says why not. */
  append(item: NewItem, limits: MailboxLimits): AppendResult {
    const before = this.sessions.get(item.sessionKey);
    const known = this.find(before, knownName(item));
    if (known !== undefined) return { status: "duplicate", known };
    const replacing =
      item.key === undefined ? undefined : before?.waiting.find((other) => other.key === item.key);
    let dropping: StoredItem | undefined;
    if (before !== undefined && replacing === undefined) {
      if (item.type === "message" && before.messages >= limits.cap) {
        return { status: "full", waiting: before.messages, limit: limits.cap };
      }
      if (item.type === "event" && before.events >= limits.eventCap) {
        dropping = before.waiting.find(isDroppable);
        if (dropping === undefined && item.incarnation === undefined) {
          return { status: "full", waiting: before.events, limit: limits.eventCap };
        }
      }
    }
    const session = this.require(item.sessionKey);
    const finish = (
      old: StoredItem | undefined,
      reason: "replaced" | "overflow",
    ): SettledItem | undefined => {
      if (old === undefined) return undefined;
      session.remove(old.seq);
      return this.remember(session, old, { status: "dropped", reason }, limits.dedupeMs);
    };
    const replaced = finish(replacing, "replaced");
    const dropped = finish(dropping, "overflow");
    const stored: StoredItem = {
      seq: ++this.counter,
      id: item.id,
      sessionKey: item.sessionKey,
      type: item.type,
      body: item.body,
      kind: item.kind ?? "",
      key: item.key,
      meta: item.meta,
      acceptedAt: this.#host.clock.now(),
      wakes: item.wakes,
      incarnation: item.incarnation,
      failures: 0,
      reclaims: 0,
      crashes: 0,
      retryAt: undefined,
      lastTurnId: undefined,
    };
    session.add(stored);
    (session.known ??= new Map()).set(knownName(stored), stored);
    return {
      status: "accepted",
      item: stored,
      mailbox: session.changed(),
      replaced,
      dropped,
    };
  }

  /** Notes how an item ended, for as long as its id is known. */
  remember(session: MemorySession, item: StoredItem, outcome: Outcome, dedupeMs: number): SettledItem {
    const { seq, id, type, sessionKey, acceptedAt } = item;
    const forgetAt = this.#host.clock.now() + dedupeMs;
    const knownAs = knownName(item);
    const settled: RememberedItem = { seq, id, type, sessionKey, acceptedAt, outcome, knownAs, forgetAt };
    if (dedupeMs === 0) {
      this.#forget(session, knownAs);
    } else {
      session.known!.set(knownAs, settled);
      this.#remembered.keep(settled, forgetAt, dedupeMs);
    }
    return settled;
  }

  /** Forgets ids whose time is over. Answers when the next one is due. */
  sweep(): number | undefined {
    const now = this.#host.clock.now();
    this.#remembered.sweep(now, (item) => {
      const session = this.sessions.get(item.sessionKey);
      if (session?.known?.get(item.knownAs) === item) this.#forget(session, item.knownAs);
    });
    this.executions.sweep(now);
    this.deadLetters.sweep(now);
    const due = [this.#remembered.next(), this.executions.next(), this.deadLetters.next()];
    return due.reduce((soonest, at) => (at !== undefined && !(soonest! < at) ? at : soonest), undefined);
  }

  /** Records the end of a session's open turn. Throws, and has changed nothing, unless each item has its disposition. */
  settle(session: MemorySession, open: OpenTurn, settlement: Settlement): SettleResult {
    const { turnId, fencingToken, dispositions, dedupeMs, reclaim, restart } = settlement;
    const items = dispositions.map(({ seq }) => open.items.find((item) => item.seq === seq));
    if (
      items.length !== open.items.length ||
      new Set(items).size !== items.length ||
      items.includes(undefined)
    ) {
      throw new RangeError(`turn ${turnId} holds ${open.items.length} items; each needs one disposition`);
    }
    session.open = undefined;
    if (reclaim !== undefined) session.lastReclaim = reclaim;
    let deadLetters: readonly DeadLetter[] = nothing;
    for (const [index, disposition] of dispositions.entries()) {
      const letter = this.dispose(session, items[index]!, disposition, turnId, dedupeMs);
      if (letter !== undefined) deadLetters = [...deadLetters, letter];
    }
    let finished: readonly SettledItem[] = nothing;
    if (restart === true) {
      const restarted = this.restart(session, dedupeMs);
      ({ finished } = restarted);
      deadLetters = [...deadLetters, ...restarted.deadLetters];
    }
    session.last = { turnId, fencingToken, deadLetters, finished };
    const { incarnation } = session;
    return { status: "settled", mailbox: session.changed(), incarnation, deadLetters, finished };
  }

  /** Does with an item of an ended turn what the settlement says. */
  dispose(
    session: MemorySession,
    item: StoredItem,
    fate: Disposition,
    turnId: string,
    dedupeMs: number,
  ): DeadLetter | undefined {
    if (fate.fate === "return") {
      const returned: StoredItem = {
        ...item,
        failures: item.failures + (fate.counts === "failure" ? 1 : 0),
        reclaims: item.reclaims + (fate.counts === "reclaim" ? 1 : 0),
        crashes: item.crashes + (fate.counts === "crash" ? 1 : 0),
        retryAt: fate.retryAt,
        lastTurnId: turnId,
      };
      session.add(returned);
      session.known?.set(knownName(item), returned);
      return undefined;
    }
    this.remember(session, item, fate.outcome, dedupeMs);
    if (fate.fate === "finish") return undefined;
    const letter = {
      id: fate.deadLetterId,
      sessionKey: session.sessionKey,
      at: this.#host.clock.now(),
      reason: fate.reason,
      attempts: attemptsOf(item) + 1,
      items: [item],
    };
    this.deadLetters.add(letter);
    return letter;
  }

  /** Starts a new incarnation: what backed off is cancelled, completions of earlier commands become dead letters. */
  restart(session: MemorySession, dedupeMs: number): RestartResult {
    const { clock, createId } = this.#host;
    const now = clock.now();
    const finished: SettledItem[] = [];
    const deadLetters: DeadLetter[] = [];
    for (const item of [...session.waiting]) {
      const isBackingOff = item.retryAt !== undefined && item.retryAt > now;
      if (item.type === "message" && isBackingOff) {
        session.remove(item.seq);
        finished.push(this.remember(session, item, { status: "cancelled", reason: "reset" }, dedupeMs));
      } else if (item.incarnation !== undefined) {
        session.remove(item.seq);
        finished.push(this.remember(session, item, { status: "cancelled", reason: "reset" }, dedupeMs));
        const letter = {
          id: createId(),
          sessionKey: session.sessionKey,
          at: now,
          reason: "stale-incarnation",
          attempts: attemptsOf(item),
          items: [item],
        };
        this.deadLetters.add(letter);
        deadLetters.push(letter);
      } else if (item.retryAt !== undefined) {
        const freed: StoredItem = { ...item, retryAt: undefined };
        session.remove(item.seq);
        session.add(freed);
        session.known?.set(knownName(item), freed);
      }
    }
    session.incarnation = ++this.counter;
    return { mailbox: session.changed(), incarnation: session.incarnation, finished, deadLetters };
  }

  #forget(session: MemorySession, knownAs: string): void {
    session.known?.delete(knownAs);
    if (session.known?.size === 0) session.known = undefined;
  }
}

/** Shared by all that finish nothing besides. */
const nothing: readonly never[] = [];

/** A host's event that no turn has held: what started once is never dropped (B22). */
function isDroppable(item: StoredItem): boolean {
  return item.type === "event" && item.incarnation === undefined && item.lastTurnId === undefined;
}

/** The name an item is known by: completions have names of their own, apart from the ids that hosts give (B23). */
function knownName(item: { readonly id: string; readonly incarnation?: number | undefined }): string {
  return item.incarnation === undefined ? item.id : `\0exec ${item.id}`;
}
