import type { Conclusion, MailboxSummary } from "@lanekeeper/machines";
import type { DeadLetter } from "./dead-letter.ts";
import type { LanekeeperError } from "./errors.ts";
import type { LiveTurn } from "./live-turn.ts";
import type { Runtime } from "./runtime.ts";
import { judge, type Verdict } from "./verdict.ts";
import type { Settlement } from "./store.ts";

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

interface Waiter {
  readonly settled: (mailbox: MailboxSummary) => void;
  readonly failed: (error: LanekeeperError) => void;
}

/** Creates the settlements of a keeper. */
export function createSettlements(runtime: Runtime): Settlements {
  const waiting = new WeakMap<LiveTurn, Waiter[]>();
  const verdicts = new WeakMap<LiveTurn, Verdict>();
  const mailboxes = new WeakMap<LiveTurn, MailboxSummary>();
  const { settings, queue } = runtime;

  const verdictOn = (turn: LiveTurn, conclusion: Conclusion): Verdict => {
    const known = verdicts.get(turn);
    if (known !== undefined) return known;
    const verdict = judge(
      {
        turnId: turn.id,
        cause: turn.cause,
        items: turn.items,
        conclusion,
        abort: turn.stopReason,
        reply: turn.reply,
        error: turn.error,
      },
      {
        settings: settings.lane,
        now: settings.clock.now(),
        random: settings.random,
        createId: settings.createId,
      },
    );
    // A second try to record it must record the same.
    if (conclusion !== "completed") verdicts.set(turn, verdict);
    return verdict;
  };

  return {
    settle(turn, conclusion, settled, failed) {
      if (turn.settlement === "settled") {
        settled(mailboxes.get(turn)!);
        return;
      }
      const waiters = waiting.get(turn);
      if (waiters !== undefined) {
        waiters.push({ settled, failed });
        return;
      }
      const own: Waiter[] = [{ settled, failed }];
      waiting.set(turn, own);
      turn.settlement = "asking";
      const verdict = verdictOn(turn, conclusion);
      const settlement: Settlement = {
        sessionKey: turn.sessionKey,
        turnId: turn.id,
        fencingToken: turn.fencingToken,
        dispositions: verdict.dispositions,
        dedupeMs: settings.lane.dedupeMs,
        reclaim:
          conclusion === "reclaimed"
            ? { at: settings.clock.now(), turnId: turn.id, reason: turn.stopReason ?? "stalled" }
            : undefined,
        restart: turn.stopReason === "reset" && conclusion === "cancelled",
      };
      runtime.ask(
        () => runtime.mailboxes.settleTurn(settlement),
        (result) => {
          waiting.delete(turn);
          turn.settlement = "settled";
          if (result.status === "settled") turn.lane.incarnation = result.incarnation;
          mailboxes.set(turn, result.mailbox);
          for (const waiter of own) waiter.settled(result.mailbox);
          if (result.status === "stale") return;
          queue.post(() => {
            for (const item of result.finished) runtime.outcomes.settle(item.seq, item.outcome);
            announce(runtime, turn, conclusion, verdict, result.deadLetters);
          });
        },
        (error) => {
          waiting.delete(turn);
          turn.settlement = "none";
          for (const waiter of own) waiter.failed(error);
        },
      );
    },
  };
}

/** Tells of a recorded end: events, then outcomes. */
function announce(
  runtime: Runtime,
  turn: LiveTurn,
  conclusion: Conclusion,
  verdict: Verdict,
  deadLetters: readonly DeadLetter[],
): void {
  const { journal, counters, outcomes, settings } = runtime;
  if (conclusion === "completed") counters.completed++;
  if (conclusion === "failed") counters.failed++;
  if (journal.isObserved) emitEnd(runtime, turn, conclusion, verdict);
  for (const letter of deadLetters) {
    journal.warn(
      `deadLetter:${letter.reason}`,
      { sessionKey: letter.sessionKey, deadLetterId: letter.id, reason: letter.reason },
      "Work was given up; it is a dead letter.",
    );
    if (journal.isObserved) {
      journal.emit({
        type: "deadLetter.added",
        at: letter.at,
        sessionKey: letter.sessionKey,
        id: letter.id,
        reason: letter.reason,
      });
    }
  }
  for (const disposition of verdict.dispositions) {
    if (disposition.fate !== "return") outcomes.settle(disposition.seq, disposition.outcome);
  }
  if (turn.cause === "wake" && conclusion !== "completed") {
    retryWake(runtime, turn, conclusion, settings.lane.retry.attempts);
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
    for (const item of turn.items) {
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
function retryWake(runtime: Runtime, turn: LiveTurn, conclusion: Conclusion, attempts: number): void {
  if (conclusion === "cancelled" || conclusion === "handed-back") return;
  const error = turn.error ?? new Error(`The turn was ${conclusion}.`);
  runtime.wakes.retry(turn.sessionKey, turn.reasons, turn.attempt, attempts, error);
}
