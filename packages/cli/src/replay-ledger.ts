import type { Outcome } from "lanekeeper";
import { createCompletionLedger } from "./completion-ledger.ts";
import type { CompletionTally } from "./completion-ledger.ts";
import { createMessageLedger } from "./message-ledger.ts";
import type { MessageTally } from "./message-ledger.ts";
import { createOverlapLedger } from "./overlap-ledger.ts";
import type { FencedTurn } from "./overlap-ledger.ts";

/**
 * Owns the replay's own books: what its client sent and was told, and what its agent was given to do.
 *
 * It must not read the runtime's counters, events or store: it exists to catch the runtime. The rules of each count
 * are in the three ledgers it keeps: messages, overlaps, completions.
 */
export interface ReplayLedger {
  /** The client is about to send a message. */
  offer(messageId: string, sessionKey: string, at: number): void;
  accept(messageId: string): void;
  refuse(messageId: string): void;
  settle(messageId: string, outcome: Outcome<string>): void;
  /** The agent begins a turn. */
  begin(turn: ReplayTurn, at: number): TurnEntry;
  /** A turn of the session started a command. */
  launch(execId: string, sessionKey: string): void;
  /** Grows with everything written here. */
  readonly activity: number;
  /** Messages that have an outcome or were refused. */
  readonly settled: number;
  /** Resolves once every message offered has an outcome or was refused and every completion has been delivered. */
  whenSettled(): Promise<void>;
  tally(end: { readonly isInterrupted: boolean }): ReplayTally;
}

/** What the ledger looks at of a turn. */
export interface ReplayTurn extends FencedTurn {
  readonly attempt: number;
  readonly messages: readonly { readonly id: string }[];
  readonly events: readonly { readonly id: string }[];
  readonly signal: AbortSignal;
}

/** A turn in the books. */
export interface TurnEntry {
  /** The turn is alive, or about to have an effect. */
  check(): void;
  /** The turn returns its answer. */
  answer(): void;
  /** The turn throws. */
  crash(): void;
}

/** The four counts and what explains them. */
export interface ReplayTally {
  readonly orderViolations: number;
  readonly overlaps: number;
  /** Messages and completions together. */
  readonly lost: number;
  readonly duplicated: number;
  /** Turns that began. */
  readonly turns: number;
  readonly deadLettered: number;
  readonly messages: MessageTally;
  readonly completions: CompletionTally;
}

/** Opens empty books; `attempts` is how often work may be tried. */
export function createReplayLedger(options: { readonly attempts: number }): ReplayLedger {
  const messages = createMessageLedger();
  const completions = createCompletionLedger(options.attempts);
  const overlaps = createOverlapLedger();
  let activity = 0;
  let turns = 0;
  let onSettled: (() => void)[] = [];

  const record = () => {
    activity += 1;
    if (messages.open > 0 || completions.open > 0 || onSettled.length === 0) return;
    const listeners = onSettled;
    onSettled = [];
    for (const listener of listeners) listener();
  };

  const begin = (turn: ReplayTurn, at: number): TurnEntry => {
    const { sessionKey, attempt, signal } = turn;
    const messageIds = turn.messages.map(({ id }) => id);
    const execIds = turn.events.map(({ id }) => id);
    const endInVain = () => {
      signal.removeEventListener("abort", endInVain);
      completions.release(execIds);
      if (signal.aborted || attempt >= options.attempts) for (const id of messageIds) messages.giveUp(id);
      record();
    };
    turns += 1;
    for (const id of messageIds) messages.start(id, sessionKey, attempt, at);
    completions.show(execIds, sessionKey);
    overlaps.enter(turn);
    signal.addEventListener("abort", endInVain);
    record();
    return {
      check() {
        overlaps.check(turn);
        record();
      },
      answer() {
        signal.removeEventListener("abort", endInVain);
        overlaps.check(turn);
        overlaps.leave(turn);
        for (const id of messageIds) messages.answer(id);
        completions.consume(execIds, sessionKey);
        record();
      },
      crash() {
        overlaps.leave(turn);
        if (!signal.aborted) endInVain();
      },
    };
  };

  return {
    offer(id, sessionKey, at) {
      messages.offer(id, sessionKey, at);
      record();
    },
    accept(id) {
      messages.accept(id);
      record();
    },
    refuse(id) {
      messages.refuse(id);
      record();
    },
    settle(id, outcome) {
      messages.settle(id, outcome);
      record();
    },
    launch(execId, sessionKey) {
      completions.launch(execId, sessionKey);
      record();
    },
    begin,
    get activity() {
      return activity;
    },
    get settled() {
      return messages.settled;
    },
    whenSettled() {
      return new Promise((resolve) => {
        onSettled.push(resolve);
        record();
      });
    },
    tally(end) {
      const ofMessages = messages.tally(end);
      const ofCompletions = completions.tally();
      const undelivered = end.isInterrupted ? [] : ofCompletions.undelivered;
      const lostCompletions = new Set([...undelivered, ...ofCompletions.misrouted]);
      return {
        orderViolations: ofMessages.orderViolations,
        overlaps: overlaps.overlaps,
        lost: ofMessages.lost.length + lostCompletions.size,
        duplicated: ofMessages.duplicated + ofCompletions.duplicated,
        turns,
        deadLettered: ofMessages.outcomes.failed + ofMessages.outcomes.reclaimed + ofCompletions.deadLettered,
        messages: ofMessages,
        completions: ofCompletions,
      };
    },
  };
}
