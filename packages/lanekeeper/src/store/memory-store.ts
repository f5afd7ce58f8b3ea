import { systemClock } from "../time/clock.ts";
import { LanekeeperError } from "../keeper/errors.ts";
import { memoryLeases } from "./memory-leases.ts";
import { MemoryState } from "./memory-state.ts";
import { execCompletedKind, type Mailboxes, type SettledItem, type Store, type StoredItem } from "./store.ts";
import { emptyMailbox } from "./empty-mailbox.ts";

/**
 * A store in this process's memory. It keeps its content over `close()`, so a later keeper in the same process can open
 * it again; one keeper at a time (`STORE_IN_USE`).
 */
export function memoryStore(): Store {
  let state: MemoryState | undefined;
  let isOpen = false;
  const leases = memoryLeases(() => state?.host.clock ?? systemClock);
  return {
    leases,
    open(host) {
      if (isOpen) {
        throw new LanekeeperError(
          "STORE_IN_USE",
          "Another keeper has this memory store open. Close that keeper first, or give each its own store.",
        );
      }
      isOpen = true;
      if (state === undefined) state = new MemoryState(host);
      else state.host = host;
      return openMailboxes(state);
    },
    async close() {
      isOpen = false;
    },
  };
}

function openMailboxes(state: MemoryState): Mailboxes {
  const { sessions, executions, deadLetters } = state;
  return {
    get known() {
      return sessions.size;
    },
    pauses: () => ({
      keeper: state.isPaused,
      sessions: [...sessions.values()].filter(({ isPaused }) => isPaused).map(({ sessionKey }) => sessionKey),
    }),
    append: (item, limits) => state.append(item, limits),
    waiting: (sessionKey) => sessions.get(sessionKey)?.waiting ?? [],
    unfinished(sessionKey) {
      const session = sessions.get(sessionKey);
      if (session === undefined) return [];
      return [...(session.open?.items ?? []), ...session.waiting].toSorted((a, b) => a.seq - b.seq);
    },
    find: (sessionKey, id) => state.find(sessions.get(sessionKey), id),
    withdraw({ sessionKey, ids, events, outcome, dedupeMs }) {
      const session = sessions.get(sessionKey);
      if (session === undefined) return { mailbox: emptyMailbox, withdrawn: [] };
      const withdrawn: SettledItem[] = [];
      for (const item of [...session.waiting]) {
        const isHostEvent = item.type === "event" && item.incarnation === undefined;
        const isMeant =
          ids === undefined
            ? item.type === "message" || (events && isHostEvent)
            : item.incarnation === undefined && ids.includes(item.id);
        if (!isMeant) continue;
        session.remove(item.seq);
        withdrawn.push(state.remember(session, item, outcome, dedupeMs));
      }
      return { mailbox: withdrawn.length > 0 ? session.changed() : session.summary(), withdrawn };
    },
    openTurn({ sessionKey, turnId, seqs }) {
      const session = state.require(sessionKey);
      if (session.open?.turnId === turnId) {
        const { fencingToken, items } = session.open;
        return {
          status: "opened",
          fencingToken,
          items,
          incarnation: session.incarnation,
          mailbox: session.summary(),
        };
      }
      const items: StoredItem[] = [];
      for (const seq of seqs) {
        const item = session.remove(seq);
        if (item !== undefined) items.push(item);
      }
      if (items.length < seqs.length || session.open !== undefined) {
        for (const item of items) session.add(item);
        return { status: "changed", mailbox: session.changed() };
      }
      const fencingToken = BigInt(++state.counter);
      session.open = { turnId, fencingToken, items };
      return {
        status: "opened",
        fencingToken,
        items,
        incarnation: session.incarnation,
        mailbox: session.changed(),
      };
    },
    settleTurn(settlement) {
      const { sessionKey, turnId, fencingToken } = settlement;
      const session = state.require(sessionKey);
      const { open, last } = session;
      if (open?.turnId === turnId && open.fencingToken === fencingToken) {
        return state.settle(session, open, settlement);
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
    restart: ({ sessionKey, dedupeMs }) => state.restart(state.require(sessionKey), dedupeMs),
    session: (sessionKey) =>
      sessions.get(sessionKey)?.record() ?? {
        sessionKey,
        incarnation: 0,
        isPaused: false,
        mailbox: emptyMailbox,
        lastReclaim: undefined,
      },
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
    completeExecution({ record, completion, isSilent, limits }) {
      const { now } = state.host.clock;
      if (executions.get(record.execId)?.state === "completed") return { status: "duplicate" };
      if (isSilent) {
        executions.complete(record, now());
        return { status: "silent" };
      }
      const incarnation = record.incarnation ?? state.require(record.sessionKey).incarnation;
      if (incarnation !== state.require(record.sessionKey).incarnation) {
        executions.complete(record, now());
        const deadLetter = {
          id: state.host.createId(),
          sessionKey: record.sessionKey,
          at: now(),
          reason: "stale-incarnation",
          attempts: 0,
          items: [{ id: record.execId, type: "event", kind: execCompletedKind, body: completion }],
        };
        deadLetters.add(deadLetter);
        return { status: "stale", deadLetter };
      }
      const appended = state.append(
        {
          sessionKey: record.sessionKey,
          id: record.execId,
          type: "event",
          kind: execCompletedKind,
          body: completion,
          wakes: true,
          incarnation,
        },
        limits,
      );
      if (appended.status !== "accepted") return { status: "duplicate" };
      executions.complete(record, now());
      return appended;
    },
    deadLetters: ({ sessionKey, limit }) => deadLetters.list(sessionKey, limit),
    sweep: () => state.sweep(),
  };
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
