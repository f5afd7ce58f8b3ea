import type { LanekeeperEvent } from "../seeing/events.ts";
import type { Deadline } from "../time/deadlines.ts";
import { isPermanent } from "../keeper/errors.ts";
import type { Origin } from "../heartbeats/origin.ts";
import { higherPriority, type Priority } from "../dispatch/priority.ts";
import type { Runtime } from "../keeper/runtime.ts";
import { backoffMs } from "../turns/verdict.ts";

/**
 * Requests for turns, merged per session (B40, B41).
 *
 * I1. One wake a session at most; no session's wake delays another's.
 * I2. A wake that came due stays until a turn of its session starts.
 */
export interface Wakes {
  /** Asks for a turn of a session soon. */
  request(
    sessionKey: string,
    wake: { reason: string | undefined; priority: Priority; coalesceMs: number; origin: Origin },
  ): void;
  /** What a turn that starts now satisfies. */
  take(sessionKey: string): { readonly reasons: readonly string[]; readonly attempts: number };
  /** Whether a wake of the session is due. */
  isDue(sessionKey: string): boolean;
  /** Whether a wake of the session is asked for. */
  has(sessionKey: string): boolean;
  /** How urgent the session's wake is; "background" if none is asked for. */
  priorityOf(sessionKey: string): Priority;
  /** Who asked for the session's wake: a person, where one of several did (B39). */
  originOf(sessionKey: string): Origin;
  /** Milliseconds until the session's wake is due; undefined if none is asked for. */
  dueInMs(sessionKey: string): number | undefined;
  /** Attempts of the session's wake so far. */
  attempts(sessionKey: string): number;
  /** Tries a failed wake again, or drops it: the event that says so. */
  retry(
    sessionKey: string,
    reasons: readonly string[],
    attempt: number,
    attempts: number,
    error: Error,
    origin: Origin,
  ): LanekeeperEvent;
  /** Forgets them all. */
  close(): void;
}

interface Wake {
  readonly reasons: string[];
  priority: Priority;
  origin: Origin;
  attempts: number;
  /** Monotonic milliseconds. */
  dueMono: number;
  deadline: Deadline | undefined;
}

/** Reasons of one wake that are kept. */
const keptReasons = 32;

/** Creates the wakes of a keeper. */
export function createWakes(
  runtime: Runtime,
  host: {
    /** A wake is due: starts the session's lane if need be and tells it. */
    due(sessionKey: string): void;
    /** A wake that was due has become more urgent: tells the lane. */
    raised(sessionKey: string): void;
  },
): Wakes {
  const wakes = new Map<string, Wake>();
  const { settings, deadlines, journal } = runtime;

  const arm = (sessionKey: string, wake: Wake, delayMs: number): void => {
    wake.deadline?.cancel();
    wake.dueMono = settings.clock.monotonic() + delayMs;
    wake.deadline = undefined;
    // What is due now needs no timer.
    if (delayMs === 0) {
      host.due(sessionKey);
      return;
    }
    wake.deadline = deadlines.arm(delayMs, () => {
      wake.deadline = undefined;
      host.due(sessionKey);
    });
  };
  const addReason = (wake: Wake, reason: string | undefined): void => {
    if (reason !== undefined && !wake.reasons.includes(reason) && wake.reasons.length < keptReasons) {
      wake.reasons.push(reason);
    }
  };
  const create = (priority: Priority, attempts: number, origin: Origin): Wake => ({
    reasons: [],
    priority,
    origin,
    attempts,
    dueMono: 0,
    deadline: undefined,
  });

  return {
    request(sessionKey, { reason, priority, coalesceMs, origin }) {
      const pending = wakes.get(sessionKey);
      if (pending === undefined) {
        const wake = create(priority, 0, origin);
        addReason(wake, reason);
        wakes.set(sessionKey, wake);
        arm(sessionKey, wake, coalesceMs);
        return;
      }
      addReason(pending, reason);
      if (origin === "person") pending.origin = origin;
      const { priority: before } = pending;
      pending.priority = higherPriority(priority, before);
      if (pending.priority !== before && pending.deadline === undefined) host.raised(sessionKey);
      const isSooner = settings.clock.monotonic() + coalesceMs < pending.dueMono;
      if (pending.deadline !== undefined && isSooner) arm(sessionKey, pending, coalesceMs);
      if (journal.isObserved) {
        const at = settings.clock.now();
        journal.emit({ type: "wake.merged", at, sessionKey, reason, priority: pending.priority });
      }
    },
    take(sessionKey) {
      const wake = wakes.get(sessionKey);
      if (wake === undefined) return nothing;
      wakes.delete(sessionKey);
      wake.deadline?.cancel();
      return { reasons: wake.reasons, attempts: wake.attempts };
    },
    isDue(sessionKey) {
      const wake = wakes.get(sessionKey);
      return wake !== undefined && wake.deadline === undefined;
    },
    has: (sessionKey) => wakes.has(sessionKey),
    originOf: (sessionKey) => wakes.get(sessionKey)?.origin ?? "person",
    priorityOf: (sessionKey) => wakes.get(sessionKey)?.priority ?? "background",
    dueInMs(sessionKey) {
      const wake = wakes.get(sessionKey);
      return wake === undefined ? undefined : Math.max(0, wake.dueMono - settings.clock.monotonic());
    },
    attempts: (sessionKey) => wakes.get(sessionKey)?.attempts ?? 0,
    retry(sessionKey, reasons, attempt, attempts, error, origin) {
      const at = settings.clock.now();
      if (attempt >= attempts || isPermanent(error)) {
        journal.warn(
          `wake:${sessionKey}`,
          { sessionKey, attempt, error },
          "A wake was dropped after its last attempt.",
        );
        return { type: "wake.dropped", at, sessionKey, attempts: attempt, error };
      }
      const { retry } = runtime.laneOptionsOf(sessionKey);
      const delayMs = backoffMs(attempt - 1, retry, settings.random);
      let wake = wakes.get(sessionKey);
      if (wake === undefined) {
        wakes.set(sessionKey, (wake = create("normal", attempt, origin)));
        arm(sessionKey, wake, delayMs);
      }
      wake.attempts = attempt;
      for (const reason of reasons) addReason(wake, reason);
      return { type: "wake.retrying", at, sessionKey, attempt: attempt + 1, retryAt: at + delayMs };
    },
    close() {
      for (const wake of wakes.values()) wake.deadline?.cancel();
      wakes.clear();
    },
  };
}

const nothing = { reasons: [], attempts: 0 } as const;
