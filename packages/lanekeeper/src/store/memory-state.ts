import { createExpiry } from "./expiry.ts";
import type { DeadLetter } from "./dead-letter.ts";
import { knownName } from "./known-name.ts";
import { createMemoryExecutions, type MemoryExecutions } from "./memory-executions.ts";
import { createMemoryDeadLetters, type MemoryDeadLetters } from "./memory-dead-letters.ts";
import { MemorySession, type RememberedItem, type StoreCounts } from "./memory-session.ts";
import type { Outcome } from "../turns/outcome.ts";
import type { HeartbeatState } from "./heartbeat-keeping.ts";
import type { KnownItem, NewItem, SettledItem, StoredItem, StoreHost } from "./store.ts";

/** What a dead letter keeps of an item: enough to accept it again. */
type BuriedItem = NewItem & Pick<StoredItem, "seq" | "acceptedAt">;

/**
 * What the memory store holds, and the ends of its items.
 *
 * I1. An id is in its session's `known` from acceptance until its time to be forgotten.
 * I2. `counter` only grows; tokens, incarnations and sequence numbers come from it.
 */
export class MemoryState {
  readonly sessions = new Map<string, MemorySession>();
  readonly executions: MemoryExecutions = createMemoryExecutions();
  readonly deadLetters: MemoryDeadLetters = createMemoryDeadLetters();
  /** By agent. */
  readonly heartbeats: Map<string, HeartbeatState> = new Map();
  readonly counts: StoreCounts = { version: 0, backlog: 0 };
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
    const isOtherClock = host.clock !== this.#host.clock;
    this.#host = host;
    if (!isOtherClock) return;
    const { clock } = host;
    for (const session of this.sessions.values()) session.rebase(clock.now(), clock.monotonic());
  }

  /** A session's record, made if need be. */
  require(sessionKey: string): MemorySession {
    let session = this.sessions.get(sessionKey);
    if (session === undefined) {
      session = new MemorySession(sessionKey, ++this.counter, this.counts, this.#host.clock.now());
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

  /** Ends a waiting item: it waits no longer, what steered it is released, and its outcome is remembered. */
  finish(session: MemorySession, item: StoredItem, outcome: Outcome, dedupeMs: number): SettledItem {
    session.remove(item.seq);
    session.passSteering(item.seq, undefined);
    return this.remember(session, item, outcome, dedupeMs);
  }

  /** Notes how an item ended, for as long as its id is known. */
  remember(session: MemorySession, item: StoredItem, outcome: Outcome, dedupeMs: number): SettledItem {
    const { seq, id, type, sessionKey, acceptedAt } = item;
    const forgetAt = this.#host.clock.now() + dedupeMs;
    const knownAs = knownName(item);
    const settled: RememberedItem = { seq, id, type, sessionKey, acceptedAt, outcome, knownAs, forgetAt };
    if (dedupeMs === 0) {
      this.#forgetId(session, knownAs);
    } else {
      (session.known ??= new Map()).set(knownAs, settled);
      this.#remembered.keep(settled, forgetAt, dedupeMs);
    }
    return settled;
  }

  /** Makes an item that was given up a dead letter. */
  bury(item: BuriedItem, reason: string, attempts: number, id: string = this.#host.createId()): DeadLetter {
    const { sessionKey } = item;
    const letter = { id, sessionKey, at: this.#host.clock.now(), reason, attempts, items: [item] };
    this.deadLetters.add(letter);
    return letter;
  }

  /** Removes a session with nothing left in it. */
  forget(sessionKey: string): boolean {
    const session = this.sessions.get(sessionKey);
    if (session === undefined || !this.#isEmpty(session)) return false;
    this.sessions.delete(sessionKey);
    this.#sortedKeys = undefined;
    return true;
  }

  /** Sessions with nothing left that were not used since an instant, and when the first of the others was. */
  unused(
    before: number,
    limit: number,
  ): { readonly sessionKeys: readonly string[]; readonly nextUsedAt: number | undefined } {
    const sessionKeys: string[] = [];
    let nextUsedAt: number | undefined;
    for (const session of this.sessions.values()) {
      const { sessionKey, usedAt } = session;
      if (usedAt > before) nextUsedAt = Math.min(nextUsedAt ?? usedAt, usedAt);
      else if (this.#isEmpty(session)) sessionKeys.push(sessionKey);
      if (sessionKeys.length === limit) break;
    }
    return { sessionKeys, nextUsedAt };
  }

  /** Forgets ids whose time is over. Answers when the next one is due. */
  sweep(): number | undefined {
    const now = this.#host.clock.now();
    this.#remembered.sweep(now, (item) => {
      const session = this.sessions.get(item.sessionKey);
      if (session?.known?.get(item.knownAs) === item) this.#forgetId(session, item.knownAs);
    });
    this.executions.sweep(now);
    this.deadLetters.sweep(now);
    const due = [this.#remembered.next(), this.executions.next(), this.deadLetters.next()];
    return due.reduce((soonest, at) => (at !== undefined && !(soonest! < at) ? at : soonest), undefined);
  }

  /** Whether nothing waits, is held, remembered, announced or paused. */
  #isEmpty(session: MemorySession): boolean {
    const { isPaused, open, waiting, known, sessionKey } = session;
    if (isPaused || open !== undefined || waiting.length > 0) return false;
    if (this.executions.isAwaited(sessionKey)) return false;
    return [...(known?.keys() ?? [])].every((knownAs) => this.find(session, knownAs) === undefined);
  }

  #forgetId(session: MemorySession, knownAs: string): void {
    session.known?.delete(knownAs);
    if (session.known?.size === 0) session.known = undefined;
  }
}
