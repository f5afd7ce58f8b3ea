import { systemClock } from "../time/clock.ts";
import { LanekeeperError } from "../keeper/errors.ts";
import { memoryLeases } from "./memory-leases.ts";
import { appendItem } from "./memory-append.ts";
import { completeExecution, releaseCompletions } from "./memory-completing.ts";
import { redriveItem } from "./memory-redriving.ts";
import { isFreshInterrupt, type OpenTurn } from "./memory-session.ts";
import { restartSession, settleTurn } from "./memory-settling.ts";
import { MemoryState } from "./memory-state.ts";
import type { MailboxSummary } from "@lanekeeper/machines";
import type { Mailboxes, OpenTurnResult, SettledItem, Store, StoredItem } from "./store.ts";
import { emptyMailbox } from "./empty-mailbox.ts";

/**
 * A store in this process's memory. It keeps its content over `close()`, so a later keeper in the same process can open
 * it again; one keeper at a time (`STORE_IN_USE`).
 */
export function memoryStore(): Store {
  let state: MemoryState | undefined;
  /** What the keeper that has it was given. */
  let given: object | undefined;
  const leases = memoryLeases(() => state?.host.clock ?? systemClock);
  return {
    leases,
    open(host) {
      if (given !== undefined) {
        throw new LanekeeperError(
          "STORE_IN_USE",
          "Another keeper has this memory store open. Close that keeper first, or give each its own store.",
        );
      }
      if (state === undefined) state = new MemoryState(host);
      else state.host = host;
      const hold = {};
      given = hold;
      return whileHeld(openMailboxes(state), () => given === hold);
    },
    async close() {
      given = undefined;
    },
  };
}

/** A keeper that has closed the store, or lost it to another, changes nothing in it any more. */
function whileHeld(mailboxes: Omit<Mailboxes, "isHeld">, isHeld: () => boolean): Mailboxes {
  const held: Record<string, unknown> = {};
  for (const [name, step] of Object.entries(Object.getOwnPropertyDescriptors(mailboxes))) {
    const { value } = step as { readonly value?: (...args: readonly unknown[]) => unknown };
    if (value === undefined) {
      Object.defineProperty(held, name, step);
      continue;
    }
    held[name] = (request: unknown, more: unknown) => {
      if (isHeld()) return value(request, more);
      throw new LanekeeperError(
        "STORE_IN_USE",
        "This keeper has given the memory store back. Create another keeper to use it.",
      );
    };
  }
  Object.defineProperty(held, "isHeld", { get: isHeld, enumerable: true });
  return held as unknown as Mailboxes;
}

function openMailboxes(state: MemoryState): Omit<Mailboxes, "isHeld"> {
  const { sessions, executions, deadLetters } = state;
  return {
    get known() {
      return sessions.size;
    },
    get backlog() {
      return state.counts.backlog;
    },
    pauses: () => ({
      keeper: state.isPaused,
      sessions: [...sessions.values()].filter(({ isPaused }) => isPaused).map(({ sessionKey }) => sessionKey),
    }),
    append: (item, limits) => appendItem(state, item, limits),
    waiting: (sessionKey) => sessions.get(sessionKey)?.waiting ?? [],
    unfinished(sessionKey) {
      const session = sessions.get(sessionKey);
      if (session === undefined) return [];
      return [...(session.open?.items ?? []), ...session.waiting].toSorted((a, b) => a.seq - b.seq);
    },
    find: (sessionKey, id) => state.find(sessions.get(sessionKey), id),
    withdraw({ sessionKey, seqs, events, isFresh, outcome, dedupeMs }) {
      const session = sessions.get(sessionKey);
      if (session === undefined) return { mailbox: emptyMailbox, withdrawn: [] };
      const withdrawn: SettledItem[] = [];
      for (const item of [...session.waiting]) {
        const isHosts = item.incarnation === undefined;
        const isMeant =
          seqs === undefined
            ? item.type === "message" || (events && isHosts)
            : isHosts && seqs.includes(item.seq);
        if (!isMeant || (isFresh && item.lastTurnId !== undefined)) continue;
        withdrawn.push(state.finish(session, item, outcome, dedupeMs));
      }
      return { mailbox: withdrawn.length > 0 ? session.changed() : session.summary(), withdrawn };
    },
    openTurn({ sessionKey, turnId, seqs, yields = false }) {
      const session = state.require(sessionKey);
      const opened = (
        { fencingToken, items, dropped }: OpenTurn,
        mailbox: MailboxSummary,
      ): OpenTurnResult => ({
        status: "opened",
        fencingToken,
        items,
        dropped,
        steering: session.hasSteering ? session.waiting.filter(({ steers }) => isAmong(items, steers)) : none,
        incarnation: session.incarnation,
        mailbox,
      });
      if (session.open?.turnId === turnId) return opened(session.open, session.summary());
      const [first] = session.waiting;
      const isOutdated = isFreshInterrupt(first) && !seqs.includes(first!.seq);
      const items: StoredItem[] = [];
      for (const seq of seqs) {
        const item = session.remove(seq);
        if (item !== undefined) items.push(item);
      }
      if (items.length < seqs.length || session.open !== undefined || isOutdated) {
        for (const item of items) session.add(item);
        return { status: "changed", mailbox: session.changed() };
      }
      const fencingToken = BigInt(++state.counter);
      session.open = { turnId, fencingToken, items, dropped: session.dropped, yields };
      session.dropped = undefined;
      return opened(session.open, session.changed());
    },
    claimSteering({ sessionKey, turnId, seqs }) {
      const session = state.require(sessionKey);
      const { open } = session;
      if (open?.turnId !== turnId) return session.summary();
      const claimed = session.waiting.filter(
        ({ seq, steers }) => seqs.includes(seq) && isAmong(open.items, steers),
      );
      for (const { seq } of claimed) session.remove(seq);
      session.open = { ...open, items: [...open.items, ...claimed] };
      return claimed.length > 0 ? session.changed() : session.summary();
    },
    settleTurn(settlement) {
      const { sessionKey, turnId, fencingToken } = settlement;
      const session = state.require(sessionKey);
      const { open, last } = session;
      if (open?.turnId === turnId && open.fencingToken === fencingToken) {
        return settleTurn(state, session, open, settlement);
      }
      const mailbox = session.summary();
      if (last?.turnId !== turnId || last.fencingToken !== fencingToken) return { status: "stale", mailbox };
      const { incarnation } = session;
      return {
        status: "settled",
        mailbox,
        incarnation,
        deadLetters: last.deadLetters,
        finished: last.finished,
      };
    },
    restart: ({ sessionKey, dedupeMs }) => restartSession(state, state.require(sessionKey), dedupeMs),
    session: (sessionKey) =>
      sessions.get(sessionKey)?.record() ?? {
        sessionKey,
        incarnation: 0,
        isPaused: false,
        mailbox: emptyMailbox,
        lastReclaim: undefined,
        isExpiring: false,
      },
    forget: (sessionKey) => state.forget(sessionKey),
    unused: ({ before, limit }) => state.unused(before, limit),
    abandonedTurns: () =>
      [...sessions.values()].flatMap(({ sessionKey, open }) =>
        open === undefined ? [] : { sessionKey, ...open },
      ),
    page({ prefix, after, limit }) {
      const keys = state.keys();
      const from = after === undefined ? firstNotBefore(keys, prefix) : firstNotBefore(keys, `${after}\0`);
      const page = [];
      let index = Math.max(from, firstNotBefore(keys, prefix));
      for (; index < keys.length && page.length < limit && keys[index]!.startsWith(prefix); index++) {
        page.push(sessions.get(keys[index]!)!.record());
      }
      const hasMore = index < keys.length && keys[index]!.startsWith(prefix);
      return { sessions: page, next: hasMore ? page.at(-1)?.sessionKey : undefined };
    },
    pause(sessionKey, isPaused) {
      if (sessionKey === undefined) state.isPaused = isPaused;
      else if (isPaused || sessions.has(sessionKey)) state.require(sessionKey).isPaused = isPaused;
    },
    recordExecution(record) {
      const known = executions.get(record.execId);
      if (known !== undefined) return { status: "known", record: known };
      const recorded = { ...record, incarnation: state.require(record.sessionKey).incarnation };
      executions.add(recorded);
      return { status: "recorded", record: recorded };
    },
    forgetExecution: (execId) => executions.remove(execId),
    execution: (execId) => executions.get(execId),
    openExecutions: () => executions.open(),
    completeExecution: (request) => completeExecution(state, request),
    releaseCompletions: (sessionKey) => releaseCompletions(state, sessionKey),
    heartbeats: () => [...state.heartbeats.values()],
    recordHeartbeat: (kept) => void state.heartbeats.set(kept.agent, kept),
    deadLetters: ({ sessionKey, limit }) => deadLetters.list(sessionKey, limit),
    deadLetter: (id) => deadLetters.get(id),
    redrive: ({ id, limits }) => redriveItem(state, id, limits),
    discard: (id) => deadLetters.remove(id),
    sweep: () => state.sweep(),
  };
}

function isAmong(items: readonly StoredItem[], seq: number | undefined): boolean {
  return seq !== undefined && items.some((item) => item.seq === seq);
}

/** Shared by every turn that nothing steers. */
const none: readonly never[] = [];

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
