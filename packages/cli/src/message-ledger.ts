import type { Outcome } from "lanekeeper";

/**
 * Owns what the replay knows of each message: when it was sent, how often it was tried, what it came to.
 *
 * It must not ask the runtime. A message is over once it was answered, given up, refused or settled. Where the process of
 * its turn was killed before its outcome was told, it is open again: that end may not have been recorded. Invariants:
 * I1 A message starts only when all that its session accepted before it are over; every start that breaks this is one
 *    order violation. So a retry keeps its place.
 * I2 A start with an attempt the message has had, or when it is over, is duplicated.
 * I3 An accepted message without an outcome is lost; so is one that was `suspended` though nobody interrupted the
 *    replay, one `completed` though the agent never gave its answer, and one shown to another session.
 */
export interface MessageLedger {
  /** The client is about to send a message; sends of one session follow each other. */
  offer(messageId: string, sessionKey: string, at: number): void;
  accept(messageId: string): void;
  refuse(messageId: string): void;
  /** Its outcome was told; `suspended` is one only until the next `restart`. */
  settle(messageId: string, outcome: ToldOutcome): void;
  /** A turn of the session begins with this message. */
  start(messageId: string, sessionKey: string, attempt: number, at: number): void;
  answer(messageId: string): void;
  /** A turn with this message threw: the last of its attempts gives it up. */
  fail(messageId: string): void;
  /** The message will not be tried again. */
  giveUp(messageId: string): void;
  /** The process has ended, and another one goes on. What was handed back to the store waits again. */
  restart(): void;
  /** A message of a session's last turn before a `restart`, whose end may not have been recorded unless it was told. */
  reopen(messageId: string, turn: LastTurn): void;
  /** Messages that were accepted and have no outcome, in the order of acceptance. */
  unsettled(): readonly { readonly id: string; readonly sessionKey: string }[];
  /** Messages that were accepted or refused. */
  readonly sent: number;
  /** Messages that have neither an outcome nor were refused. */
  readonly open: number;
  /** Messages that have an outcome or were refused. */
  readonly settled: number;
  tally(end: { readonly isInterrupted: boolean }): MessageTally;
}

/** What a client was told of an outcome. */
export interface ToldOutcome {
  readonly status: Outcome["status"];
  /** Of a completed one. */
  readonly reply?: string | undefined;
}

/** How a session's last turn stood when its process ended. */
export interface LastTurn {
  readonly attempt: number;
  /** Whether it had thrown: the store may know of that, or only that the turn was running. */
  readonly hasThrown: boolean;
  /** Whether the keeper was closing: then the turn may have been handed back, and its attempt comes again. */
  readonly wasClosing: boolean;
}

/** What became of the messages. */
export interface MessageTally {
  readonly orderViolations: number;
  readonly duplicated: number;
  readonly lost: readonly string[];
  readonly accepted: number;
  readonly refused: number;
  readonly outcomes: Readonly<Record<Outcome["status"], number>>;
  /** From the offer to the first start, one for each message that started. */
  readonly waitsMs: readonly number[];
}

interface MessageEntry {
  readonly sessionKey: string;
  readonly offeredAt: number;
  readonly attempts: Set<number>;
  /** Turns that threw, and how many of them the store may have taken for turns that were running. */
  failures: number;
  undecidedFailures: number;
  isAccepted: boolean;
  isRefused: boolean;
  /** Whether the agent ever gave its answer. */
  isAnswered: boolean;
  isOver: boolean;
  /** Whether it has failed often enough if undecided failures count. */
  mayBeOver: boolean;
  outcome?: ToldOutcome | undefined;
}

/** Those of a session in order of acceptance; all before `firstOpen` are over. */
interface SessionOrder {
  readonly messages: MessageEntry[];
  firstOpen: number;
}

/** Starts an empty ledger; `attempts` is how many turns may fail with a message. */
export function createMessageLedger(attempts: number): MessageLedger {
  const entries = new Map<string, MessageEntry>();
  const orders = new Map<string, SessionOrder>();
  const strays = new Set<string>();
  const waitsMs: number[] = [];
  let settled = 0;
  let sent = 0;
  let orderViolations = 0;
  let duplicated = 0;

  return {
    offer(id, sessionKey, offeredAt) {
      // Sent again, because the answer was lost with the process.
      if (entries.has(id)) return;
      const entry = createEntry(sessionKey, offeredAt);
      entries.set(id, entry);
      const order = orders.get(sessionKey);
      if (order === undefined) orders.set(sessionKey, { messages: [entry], firstOpen: 0 });
      else order.messages.push(entry);
    },
    accept(id) {
      const entry = entries.get(id);
      if (entry === undefined || entry.isAccepted) return;
      entry.isAccepted = true;
      sent += 1;
    },
    refuse(id) {
      const entry = entries.get(id);
      if (entry === undefined || entry.isRefused) return;
      entry.isRefused = true;
      entry.isOver = true;
      sent += 1;
      settled += 1;
    },
    settle(id, outcome) {
      const entry = entries.get(id);
      if (entry === undefined || entry.outcome !== undefined) return;
      entry.outcome = outcome;
      entry.isOver = true;
      settled += 1;
    },
    start(id, sessionKey, attempt, at) {
      const entry = entries.get(id);
      const order = orders.get(sessionKey);
      if (entry?.sessionKey !== sessionKey || order === undefined) {
        strays.add(id);
        return;
      }
      if (entry.attempts.size === 0) waitsMs.push(Math.max(0, at - entry.offeredAt));
      if (entry.attempts.has(attempt) || entry.isOver) duplicated += 1;
      else if (!isNext(order, entry)) orderViolations += 1;
      entry.attempts.add(attempt);
      entry.mayBeOver = false;
    },
    answer(id) {
      const entry = entries.get(id);
      if (entry === undefined) return;
      entry.isAnswered = true;
      entry.isOver = true;
    },
    fail(id) {
      const entry = entries.get(id);
      if (entry === undefined) return;
      entry.failures += 1;
      if (entry.failures - entry.undecidedFailures >= attempts) entry.isOver = true;
      else if (entry.failures >= attempts) entry.mayBeOver = true;
    },
    giveUp(id) {
      const entry = entries.get(id);
      if (entry !== undefined) entry.isOver = true;
    },
    restart() {
      for (const entry of entries.values()) {
        if (entry.outcome?.status !== "suspended") continue;
        entry.outcome = undefined;
        entry.isOver = false;
        settled -= 1;
      }
    },
    reopen(id, { attempt, hasThrown, wasClosing }) {
      const entry = entries.get(id);
      if (entry === undefined || entry.outcome !== undefined) return;
      entry.isOver = false;
      entry.mayBeOver = false;
      if (hasThrown) entry.undecidedFailures += 1;
      if (wasClosing) entry.attempts.delete(attempt);
    },
    unsettled() {
      return [...entries]
        .filter(([, { isAccepted, outcome }]) => isAccepted && outcome === undefined)
        .map(([id, { sessionKey }]) => ({ id, sessionKey }));
    },
    get sent() {
      return sent;
    },
    get open() {
      return entries.size - settled;
    },
    get settled() {
      return settled;
    },
    tally(end) {
      const all = [...entries];
      const lost = new Set(
        all.filter(([id, entry]) => isLost(id, entry, end.isInterrupted)).map(([id]) => id),
      );
      return {
        orderViolations,
        duplicated,
        lost: [...new Set([...lost, ...strays])],
        accepted: all.filter(([, entry]) => entry.isAccepted).length,
        refused: all.filter(([, entry]) => entry.isRefused).length,
        outcomes: countOutcomes(all.map(([, entry]) => entry.outcome)),
        waitsMs,
      };
    },
  };
}

function createEntry(sessionKey: string, offeredAt: number): MessageEntry {
  return {
    sessionKey,
    offeredAt,
    attempts: new Set(),
    failures: 0,
    undecidedFailures: 0,
    isAccepted: false,
    isRefused: false,
    isAnswered: false,
    isOver: false,
    mayBeOver: false,
  };
}

/** Whether all that the session accepted before it are over; those that may be are, as it starts. */
function isNext(order: SessionOrder, started: MessageEntry): boolean {
  for (; order.firstOpen < order.messages.length; order.firstOpen += 1) {
    const entry = order.messages[order.firstOpen];
    if (entry === started) return true;
    if (entry === undefined || !(entry.isOver || entry.mayBeOver)) return false;
    entry.isOver = true;
  }
  return false;
}

function isLost(
  id: string,
  { isAccepted, isAnswered, outcome }: MessageEntry,
  isInterrupted: boolean,
): boolean {
  if (outcome === undefined) return isAccepted;
  if (outcome.status === "suspended") return !isInterrupted;
  return outcome.status === "completed" && (!isAnswered || outcome.reply !== id);
}

function countOutcomes(outcomes: readonly (ToldOutcome | undefined)[]): Record<Outcome["status"], number> {
  const counts = { completed: 0, failed: 0, reclaimed: 0, cancelled: 0, dropped: 0, suspended: 0 };
  for (const outcome of outcomes) if (outcome !== undefined) counts[outcome.status] += 1;
  return counts;
}
