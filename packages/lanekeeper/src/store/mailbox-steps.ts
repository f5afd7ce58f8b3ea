import { appendItem } from "./mailbox-append.ts";
import { completeExecution, releaseCompletions } from "./mailbox-completing.ts";
import { redriveItem } from "./mailbox-redriving.ts";
import { isFreshInterrupt, type OpenTurn } from "./mailbox-session.ts";
import { restartSession, settleTurn } from "./mailbox-settling.ts";
import type { MailboxState } from "./mailbox-state.ts";
import type { MailboxSummary } from "@lanekeeper/machines";
import type { Answer, Mailboxes, OpenTurnResult, SettledItem, StoredItem } from "./store.ts";
import { emptyMailbox } from "./empty-mailbox.ts";

/** Every step of an opened store, each taken at once. */
export type MailboxSteps = {
  readonly [Name in Exclude<keyof Mailboxes, "isHeld" | "isDurable">]: Mailboxes[Name] extends (
    ...request: infer Request
  ) => Answer<infer Given>
    ? (...request: Request) => Given
    : Mailboxes[Name];
};

/** The steps of a store on what it holds. */
export function createMailboxSteps(state: MailboxState): MailboxSteps {
  const { executions, deadLetters, heartbeats } = state;
  return {
    get known() {
      return state.known;
    },
    get backlog() {
      return state.counts.backlog;
    },
    pauses: () => ({
      keeper: state.isPaused,
      sessions: state.pausedSessions(),
    }),
    append: (item, limits) => appendItem(state, item, limits),
    waiting: (sessionKey) => state.session(sessionKey)?.waiting ?? [],
    unfinished(sessionKey) {
      const session = state.session(sessionKey);
      if (session === undefined) return [];
      return [...(session.open?.items ?? []), ...session.waiting].toSorted((a, b) => a.seq - b.seq);
    },
    find: (sessionKey, id) => state.find(state.session(sessionKey), id),
    withdraw({ sessionKey, seqs, events, isFresh, outcome, dedupeMs }) {
      const session = state.session(sessionKey);
      if (session === undefined) return { mailbox: emptyMailbox(state.counts), withdrawn: [] };
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
      state.record(sessionKey) ?? {
        sessionKey,
        incarnation: 0,
        isPaused: false,
        mailbox: emptyMailbox(state.counts),
        lastReclaim: undefined,
        isExpiring: false,
      },
    forget: (sessionKey) => state.forget(sessionKey),
    unused: (query) => state.unused(query),
    abandonedTurns: () => state.abandonedTurns(),
    page: (query) => state.page(query),
    pause(sessionKey, isPaused) {
      if (sessionKey === undefined) state.isPaused = isPaused;
      else if (isPaused || state.session(sessionKey) !== undefined)
        state.require(sessionKey).isPaused = isPaused;
    },
    recordExecution(record) {
      const known = executions.get(record.execId);
      if (known !== undefined) return { status: "known", record: known };
      const recorded = { ...record, incarnation: state.require(record.sessionKey).incarnation };
      executions.add(recorded);
      return { status: "recorded", record: recorded };
    },
    recordProcess({ execId, process }) {
      const known = executions.get(execId);
      if (known?.state === "running") executions.add({ ...known, process });
    },
    forgetExecution: (execId) => executions.remove(execId),
    execution: (execId) => executions.get(execId),
    openExecutions: () => executions.open(),
    completeExecution: (request) => completeExecution(state, request),
    releaseCompletions: (sessionKey) => releaseCompletions(state, sessionKey),
    heartbeats: () => heartbeats.list(),
    recordHeartbeat: (kept) => heartbeats.set(kept),
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
