import { tellDeadLetters } from "../seeing/dead-letter-events.ts";
import { emitCancelled } from "../seeing/item-events.ts";
import type { Conclusion, MailboxSummary } from "@lanekeeper/machines";
import type { DeadLetter } from "../store/dead-letter.ts";
import type { LanekeeperEvent } from "../seeing/events.ts";
import type { LanekeeperError } from "../keeper/errors.ts";
import type { LiveTurn } from "./live-turn.ts";
import type { Runtime } from "../keeper/runtime.ts";
import { judge, type Verdict } from "./verdict.ts";
import { jsonFault } from "../store/json-values.ts";
import type { Answer, Disposition, SettleResult } from "../store/store.ts";

/**
 * Records the ends of turns, and tells everybody afterwards.
 *
 * I1. A turn's end is recorded once; asked again while it is being recorded, the same answer comes to both.
 * I2. Outcomes are told only after the record, and after the lane has made its next step (B6, B55).
 */
export interface Settlements {
  /** Records a turn's end. Calls back exactly once. */
  settle(
    turn: LiveTurn,
    conclusion: Conclusion,
    settled: (mailbox: MailboxSummary) => void,
    failed: (error: LanekeeperError) => void,
  ): void;
}

/** How far the record of a turn's end is. */
export interface TurnRecord {
  /** What was judged, so that a second try records the same. */
  verdict: Verdict | undefined;
  /** Who waits while it is being recorded. */
  waiters: RecordWaiter[] | undefined;
  /** The mailbox once it is recorded. */
  mailbox: MailboxSummary | undefined;
}
interface RecordWaiter {
  readonly settled: (mailbox: MailboxSummary) => void;
  readonly failed: (error: LanekeeperError) => void;
}
/** One try to record a turn's end. */
interface Ending {
  readonly turn: LiveTurn;
  readonly conclusion: Conclusion;
  readonly verdict: Verdict;
  readonly waiters: readonly RecordWaiter[];
  /** What became of the wake that it was for. */
  wake: LanekeeperEvent | undefined;
}

type Settled = SettleResult & { readonly status: "settled" };

/** Creates the settlements of a keeper. */
export function createSettlements(runtime: Runtime): Settlements {
  const { settings, queue } = runtime;
  const { clock, random, createId } = settings;
  const { isDurable } = runtime.mailboxes;

  const verdictOn = (turn: LiveTurn, conclusion: Conclusion): Verdict => {
    if (turn.record.verdict !== undefined) return turn.record.verdict;
    const verdict = judge(
      {
        turnId: turn.id,
        cause: turn.cause,
        items: turn.held,
        conclusion,
        abort: turn.stopReason,
        reply: turn.reply,
        error: turn.error,
      },
      { settings: turn.lane.options, now: clock.now(), random, createId },
    );
    // A second try to record it must record the same.
    turn.record.verdict = verdict;
    return verdict;
  };

  const ask = ({ turn, conclusion, verdict }: Ending): Answer<SettleResult> =>
    runtime.mailboxes.settleTurn({
      sessionKey: turn.sessionKey,
      turnId: turn.id,
      fencingToken: turn.fencingToken,
      dispositions: isDurable ? keepable(runtime, turn, verdict.dispositions) : verdict.dispositions,
      dedupeMs: turn.lane.options.dedupeMs,
      steering: verdict.steering,
      hasToldDropped: conclusion === "completed",
      reclaim:
        conclusion === "reclaimed"
          ? { at: clock.now(), turnId: turn.id, reason: turn.stopReason ?? "stalled" }
          : undefined,
      restart: turn.stopReason === "reset" && conclusion === "cancelled",
    });
  const recorded = (result: SettleResult, ending: Ending): void => {
    const { record, lane } = ending.turn;
    record.waiters = undefined;
    record.mailbox = result.mailbox;
    if (result.status === "settled") {
      lane.incarnation = result.incarnation;
      // Before the lane asks for its next turn: that one is not to run on a slot lent for this.
      for (const { seq, fate } of ending.verdict.dispositions)
        if (fate !== "return") runtime.awaits.finished(seq);
      for (const { seq } of result.finished) runtime.awaits.finished(seq);
    }
    runtime.awaits.resume(lane.sessionKey);
    // Before the next turn starts: that may be the wake's next try, or one that satisfies it.
    if (result.status === "settled") ending.wake = retryWake(runtime, ending.turn, ending.conclusion);
    for (const waiter of ending.waiters) waiter.settled(result.mailbox);
    // After the step in which the lane asks for its next turn, and after the one that opens it (B6).
    if (result.status === "settled") queue.post(tellLater, ending, result);
  };
  const notRecorded = (error: LanekeeperError, { turn, waiters }: Ending): void => {
    turn.record.waiters = undefined;
    for (const waiter of waiters) waiter.failed(error);
  };
  const tellLater = (ending: Ending, result: Settled): void => queue.post(tell, ending, result);
  const tell = ({ turn, conclusion, verdict, wake }: Ending, { finished, deadLetters }: Settled): void => {
    announce(runtime, turn, conclusion, verdict, deadLetters);
    if (wake !== undefined && runtime.journal.isObserved) runtime.journal.emit(wake);
    if (runtime.journal.isObserved) emitCancelled(runtime, finished, undefined);
    for (const item of finished) runtime.outcomes.settle(item.seq, item.outcome);
  };

  return {
    settle(turn, conclusion, settled, failed) {
      const { record } = turn;
      if (record.mailbox !== undefined) {
        settled(record.mailbox);
        return;
      }
      if (record.waiters !== undefined) {
        record.waiters.push({ settled, failed });
        return;
      }
      const waiters: RecordWaiter[] = [{ settled, failed }];
      record.waiters = waiters;
      const ending = { turn, conclusion, verdict: verdictOn(turn, conclusion), waiters, wake: undefined };
      runtime.ask(ask, recorded, notRecorded, ending);
    },
  };
}

/** What a durable store is told: a reply that it could not give back as it was is told to who waits for it alone (B57). */
function keepable(
  { journal, settings }: Runtime,
  { sessionKey, id, reply }: LiveTurn,
  dispositions: readonly Disposition[],
): readonly Disposition[] {
  const isCompleted = dispositions.some(isCompletion);
  const fault = isCompleted ? jsonFault(reply, "reply", settings.maxMessageBytes) : undefined;
  if (fault === undefined) return dispositions;
  journal.warn(
    "reply",
    { sessionKey, turnId: id, fault },
    "A reply that the store cannot keep is not remembered: whoever asks for it later finds none.",
  );
  return dispositions.map((disposition) =>
    isCompletion(disposition)
      ? { ...disposition, outcome: { ...disposition.outcome, reply: undefined } }
      : disposition,
  );
}

type Completion = Disposition & {
  readonly fate: "finish";
  readonly outcome: { readonly status: "completed" };
};

function isCompletion(disposition: Disposition): disposition is Completion {
  return disposition.fate === "finish" && disposition.outcome.status === "completed";
}

/** Tells of a recorded end: events, then outcomes. */
function announce(
  runtime: Runtime,
  turn: LiveTurn,
  conclusion: Conclusion,
  verdict: Verdict,
  deadLetters: readonly DeadLetter[],
): void {
  const { journal, counters, outcomes } = runtime;
  if (conclusion === "completed") counters.completed++;
  if (conclusion === "failed") counters.failed++;
  if (journal.isObserved) emitEnd(runtime, turn, conclusion, verdict);
  tellDeadLetters(journal, deadLetters);
  for (const disposition of verdict.dispositions) {
    if (disposition.fate !== "return") outcomes.settle(disposition.seq, disposition.outcome);
  }
}

function emitEnd(runtime: Runtime, turn: LiveTurn, conclusion: Conclusion, verdict: Verdict): void {
  const { journal, settings } = runtime;
  const facts = turn.facts();
  const durationMs = settings.clock.monotonic() - turn.startedMono;
  const { attempt } = turn;
  const willRetry = verdict.dispositions.some(({ fate }) => fate === "return");
  if (conclusion === "completed") journal.emit({ type: "turn.completed", ...facts, durationMs, attempt });
  if (conclusion === "failed") {
    const error = turn.error ?? new Error("The turn failed.");
    journal.emit({ type: "turn.failed", ...facts, error, attempt, durationMs, willRetry });
  }
  if (conclusion === "cancelled") {
    const reason = turn.stopReason ?? "aborted";
    journal.emit({ type: "turn.cancelled", ...facts, reason });
    for (const item of turn.held) {
      if (item.type !== "message") continue;
      const { sessionKey, at } = facts;
      journal.emit({ type: "message.cancelled", at, sessionKey, id: item.id, reason });
    }
  }
  if (conclusion === "handed-back") journal.emit({ type: "turn.handedBack", ...facts, reason: "closed" });
  if (willRetry && (conclusion === "failed" || conclusion === "reclaimed" || conclusion === "crashed")) {
    journal.emit({
      type: "turn.retrying",
      ...facts,
      reason: conclusion,
      retryAt: verdict.retryAt ?? facts.at,
    });
  }
}

/** A wake whose turn failed is tried again like other work, and dropped visibly after the last attempt (B31, B61). */
function retryWake({ wakes }: Runtime, turn: LiveTurn, conclusion: Conclusion): LanekeeperEvent | undefined {
  const isTried = conclusion === "failed" || conclusion === "reclaimed" || conclusion === "crashed";
  if (turn.cause !== "wake" || !isTried) return undefined;
  // What a turn threw after it was told to stop says nothing of its wake.
  const error =
    (conclusion === "failed" ? turn.error : undefined) ?? new Error(`The turn was ${conclusion}.`);
  const { attempts } = turn.lane.options.retry;
  return wakes.retry(turn.sessionKey, turn.reasons, turn.attempt, attempts, error, turn.origin);
}
