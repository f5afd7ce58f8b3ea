import type { Outcome } from "lanekeeper";

/**
 * Owns what the replay knows of each message: when it was sent, how often it was tried, what it came to.
 *
 * It must not ask the runtime. A message is over once it was answered, given up, refused or settled. Invariants:
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
  settle(messageId: string, outcome: Outcome<string>): void;
  /** A turn of the session begins with this message. */
  start(messageId: string, sessionKey: string, attempt: number, at: number): void;
  answer(messageId: string): void;
  /** The message will not be tried again. */
  giveUp(messageId: string): void;
  /** Messages that have neither an outcome nor were refused. */
  readonly open: number;
  /** Messages that have an outcome or were refused. */
  readonly settled: number;
  tally(end: { readonly isInterrupted: boolean }): MessageTally;
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
  isAccepted: boolean;
  isRefused: boolean;
  isAnswered: boolean;
  isGivenUp: boolean;
  outcome?: Outcome<string>;
}

/** Those of a session in order of acceptance; all before `firstOpen` are over. */
interface SessionOrder {
  readonly messages: MessageEntry[];
  firstOpen: number;
}

/** Starts an empty ledger. */
export function createMessageLedger(): MessageLedger {
  const entries = new Map<string, MessageEntry>();
  const orders = new Map<string, SessionOrder>();
  const strays = new Set<string>();
  const waitsMs: number[] = [];
  let settled = 0;
  let orderViolations = 0;
  let duplicated = 0;

  return {
    offer(id, sessionKey, offeredAt) {
      const entry = createEntry(sessionKey, offeredAt);
      entries.set(id, entry);
      const order = orders.get(sessionKey);
      if (order === undefined) orders.set(sessionKey, { messages: [entry], firstOpen: 0 });
      else order.messages.push(entry);
    },
    accept(id) {
      const entry = entries.get(id);
      if (entry !== undefined) entry.isAccepted = true;
    },
    refuse(id) {
      const entry = entries.get(id);
      if (entry === undefined || entry.isRefused) return;
      entry.isRefused = true;
      settled += 1;
    },
    settle(id, outcome) {
      const entry = entries.get(id);
      if (entry === undefined || entry.outcome !== undefined) return;
      entry.outcome = outcome;
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
      if (entry.attempts.has(attempt) || isOver(entry)) duplicated += 1;
      else if (firstOpen(order) !== entry) orderViolations += 1;
      entry.attempts.add(attempt);
    },
    answer(id) {
      const entry = entries.get(id);
      if (entry !== undefined) entry.isAnswered = true;
    },
    giveUp(id) {
      const entry = entries.get(id);
      if (entry !== undefined) entry.isGivenUp = true;
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
    isAccepted: false,
    isRefused: false,
    isAnswered: false,
    isGivenUp: false,
  };
}

function isOver(entry: MessageEntry): boolean {
  return entry.isAnswered || entry.isGivenUp || entry.isRefused || entry.outcome !== undefined;
}

function firstOpen(order: SessionOrder): MessageEntry | undefined {
  for (; order.firstOpen < order.messages.length; order.firstOpen += 1) {
    const entry = order.messages[order.firstOpen];
    if (entry !== undefined && !isOver(entry)) return entry;
  }
  return undefined;
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

function countOutcomes(
  outcomes: readonly (Outcome<string> | undefined)[],
): Record<Outcome["status"], number> {
  const counts = { completed: 0, failed: 0, reclaimed: 0, cancelled: 0, dropped: 0, suspended: 0 };
  for (const outcome of outcomes) if (outcome !== undefined) counts[outcome.status] += 1;
  return counts;
}
