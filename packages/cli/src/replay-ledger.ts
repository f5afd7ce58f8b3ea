import { createCompletionLedger, isLostCompletion } from "./completion-ledger.ts";
import type { CompletionTally } from "./completion-ledger.ts";
import { createMessageLedger } from "./message-ledger.ts";
import type { MessageTally, ToldOutcome } from "./message-ledger.ts";
import { createOverlapLedger } from "./overlap-ledger.ts";
import type { FencedTurn } from "./overlap-ledger.ts";

/**
 * Owns the replay's own books: what its client sent and was told, and what its agent was given to do.
 *
 * It must not read the runtime's counters, events or store: it exists to catch the runtime. The rules of each count
 * are in the three ledgers it keeps: messages, overlaps, completions. Of what a process that was killed had not finished it
 * allows what rule B55 allows: a turn that was running runs again with a later attempt.
 */
export interface ReplayLedger {
  /** The client is about to send a message. */
  offer(messageId: string, sessionKey: string, at: number): void;
  accept(messageId: string): void;
  refuse(messageId: string): void;
  settle(messageId: string, outcome: ToldOutcome): void;
  /** The agent begins a turn. */
  begin(turn: ReplayTurn, at: number): TurnEntry;
  /** A turn of the session is about to start a command, and could not. */
  launching(sessionKey: string): void;
  launchFailed(sessionKey: string): void;
  /** A turn of the session started a command. */
  launch(execId: string, sessionKey: string): void;
  /** The completion is among the dead letters; whether that was news. */
  bury(execId: string): boolean;
  /** The keeper begins to close: what a turn does not end by itself now is handed back. */
  closing(): void;
  /** The process has ended, and another one goes on with the same store. */
  restart(): void;
  /** Messages that were accepted and have no outcome, in the order of acceptance. */
  unsettled(): readonly { readonly id: string; readonly sessionKey: string }[];
  /** Messages that were accepted or refused. */
  readonly sent: number;
  /** Grows with everything written here. */
  readonly activity: number;
  /** Turns that began so far, and overlaps found. */
  readonly turns: number;
  readonly overlaps: number;
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
  readonly events: readonly { readonly id: string; readonly body?: unknown }[];
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

interface LatestTurn {
  readonly attempt: number;
  readonly messageIds: readonly string[];
  readonly execIds: readonly string[];
  hasThrown: boolean;
  hasEnded: boolean;
}

/** Opens empty books; `attempts` is how often work may be tried. */
export function createReplayLedger(options: { readonly attempts: number }): ReplayLedger {
  const messages = createMessageLedger(options.attempts);
  const completions = createCompletionLedger(options.attempts);
  const overlaps = createOverlapLedger();
  /** By session. */
  const latest = new Map<string, LatestTurn>();
  let isClosing = false;
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
    const state: LatestTurn = { attempt, messageIds, execIds, hasThrown: false, hasEnded: false };
    const endInVain = (end: "giveUp" | "fail") => {
      signal.removeEventListener("abort", giveUp);
      completions.release(execIds);
      for (const id of messageIds) messages[end](id);
      state.hasEnded = true;
      record();
    };
    const giveUp = () => {
      if (!isClosing) endInVain("giveUp");
    };
    turns += 1;
    latest.set(sessionKey, state);
    for (const id of messageIds) messages.start(id, sessionKey, attempt, at);
    completions.show(execIds, sessionKey);
    for (const { id, body } of turn.events) if (isLostCompletion(body)) completions.noteLost(id);
    overlaps.enter(turn);
    signal.addEventListener("abort", giveUp);
    record();
    return {
      check() {
        overlaps.check(turn);
        record();
      },
      answer() {
        signal.removeEventListener("abort", giveUp);
        overlaps.check(turn);
        overlaps.leave(turn);
        for (const id of messageIds) messages.answer(id);
        completions.consume(execIds, sessionKey);
        state.hasEnded = true;
        record();
      },
      crash() {
        overlaps.leave(turn);
        if (signal.aborted) return;
        state.hasThrown = true;
        endInVain("fail");
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
    launching: (sessionKey) => completions.launching(sessionKey),
    launchFailed: (sessionKey) => completions.launchFailed(sessionKey),
    launch(execId, sessionKey) {
      completions.launch(execId, sessionKey);
      record();
    },
    bury(execId) {
      const isNews = completions.bury(execId);
      record();
      return isNews;
    },
    closing() {
      isClosing = true;
    },
    restart() {
      messages.restart();
      completions.restart();
      for (const [sessionKey, { attempt, messageIds, execIds, hasThrown, hasEnded }] of latest) {
        const turn = { attempt, hasThrown, wasClosing: isClosing && !hasEnded };
        for (const id of messageIds) messages.reopen(id, turn);
        completions.reopen(execIds, sessionKey);
      }
      latest.clear();
      isClosing = false;
    },
    begin,
    unsettled: () => messages.unsettled(),
    get sent() {
      return messages.sent;
    },
    get activity() {
      return activity;
    },
    get turns() {
      return turns;
    },
    get overlaps() {
      return overlaps.overlaps;
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
