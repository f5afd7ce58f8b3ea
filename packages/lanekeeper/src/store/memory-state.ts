import { createExpiry } from "./expiry.ts";
import type { HeartbeatState } from "./heartbeat-keeping.ts";
import { createMemoryExecutions, type MemoryExecutions } from "./memory-executions.ts";
import { createMemoryDeadLetters, type MemoryDeadLetters } from "./memory-dead-letters.ts";
import { MailboxSession, type RememberedItem, type StoreCounts } from "./mailbox-session.ts";
import { type HeartbeatTable, MailboxState } from "./mailbox-state.ts";
import type { AbandonedTurn, Mailboxes, SessionPage, SessionRecord, StoreHost } from "./store.ts";

/** What the memory store holds. */
export class MemoryState extends MailboxState {
  readonly sessions = new Map<string, MailboxSession>();
  override readonly executions: MemoryExecutions = createMemoryExecutions();
  override readonly deadLetters: MemoryDeadLetters = createMemoryDeadLetters();
  override readonly heartbeats: HeartbeatTable = createHeartbeatTable();
  override readonly counts: StoreCounts = { version: 0, backlog: 0 };
  override isPaused = false;
  readonly #remembered = createExpiry<RememberedItem>();
  #host: StoreHost;
  #sortedKeys: string[] | undefined;

  constructor(host: StoreHost) {
    super();
    this.#host = host;
  }

  override get host(): StoreHost {
    return this.#host;
  }

  /** Goes on with the clock and ids of the next keeper. */
  serve(host: StoreHost): void {
    const isOtherClock = host.clock !== this.#host.clock;
    this.#host = host;
    if (!isOtherClock) return;
    const { clock } = host;
    for (const session of this.sessions.values()) session.rebase(clock.now(), clock.monotonic());
  }

  override get known(): number {
    return this.sessions.size;
  }

  override session(sessionKey: string): MailboxSession | undefined {
    return this.sessions.get(sessionKey);
  }

  override require(sessionKey: string): MailboxSession {
    let session = this.sessions.get(sessionKey);
    if (session === undefined) {
      session = new MailboxSession(sessionKey, ++this.counter, this.counts, this.#host.clock.now());
      this.sessions.set(sessionKey, session);
      this.#sortedKeys = undefined;
    }
    return session;
  }

  override keepUntilForgotten(settled: RememberedItem, forMs: number): void {
    this.#remembered.keep(settled, settled.forgetAt, forMs);
  }

  override forget(sessionKey: string): boolean {
    const session = this.sessions.get(sessionKey);
    if (session === undefined || !this.#isEmpty(session)) return false;
    this.sessions.delete(sessionKey);
    this.#sortedKeys = undefined;
    return true;
  }

  override unused({ before, limit }: Parameters<Mailboxes["unused"]>[0]): {
    readonly sessionKeys: readonly string[];
    readonly nextUsedAt: number | undefined;
  } {
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

  override page({ prefix, after, limit, holding }: Parameters<Mailboxes["page"]>[0]): SessionPage {
    const keys = (this.#sortedKeys ??= [...this.sessions.keys()].toSorted());
    const first = firstNotBefore(keys, prefix);
    let index = after === undefined ? first : Math.max(first, firstNotBefore(keys, `${after}\0`));
    const sessions: SessionRecord[] = [];
    for (; index < keys.length && keys[index]!.startsWith(prefix); index++) {
      const session = this.sessions.get(keys[index]!)!;
      if (holding === "items" && session.waiting.length === 0) continue;
      if (holding === "expiring" && !session.isExpiring) continue;
      if (sessions.length === limit) return { sessions, next: sessions.at(-1)?.sessionKey };
      sessions.push(session.record());
    }
    return { sessions, next: undefined };
  }

  override pausedSessions(): readonly string[] {
    return [...this.sessions.values()].filter(({ isPaused }) => isPaused).map(({ sessionKey }) => sessionKey);
  }

  override abandonedTurns(): readonly AbandonedTurn[] {
    return [...this.sessions.values()].flatMap(({ sessionKey, open }) =>
      open === undefined ? [] : { sessionKey, ...open },
    );
  }

  override sweep(): number | undefined {
    const now = this.#host.clock.now();
    this.#remembered.sweep(now, (item) => {
      const session = this.sessions.get(item.sessionKey);
      if (session?.knownAs(item.knownAs) === item) session.unknow(item.knownAs);
    });
    this.executions.sweep(now);
    this.deadLetters.sweep(now);
    const due = [this.#remembered.next(), this.executions.next(), this.deadLetters.next()];
    return due.reduce((soonest, at) => (at !== undefined && !(soonest! < at) ? at : soonest), undefined);
  }

  /** Whether nothing waits, is held, remembered, announced or paused. */
  #isEmpty(session: MailboxSession): boolean {
    const { isPaused, open, waiting, sessionKey } = session;
    if (isPaused || open !== undefined || waiting.length > 0) return false;
    return !this.executions.isAwaited(sessionKey) && !session.remembersAt(this.#host.clock.now());
  }
}

function createHeartbeatTable(): HeartbeatTable {
  const states = new Map<string, HeartbeatState>();
  return { list: () => [...states.values()], set: (state) => void states.set(state.agent, state) };
}

function firstNotBefore(keys: readonly string[], bound: string): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (keys[middle]! < bound) low = middle + 1;
    else high = middle;
  }
  return low;
}
