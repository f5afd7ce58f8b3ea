import type { LockContext, LockEvent, LockRefusal } from "@lanekeeper/machines";
import type { Journal } from "../seeing/journal.ts";
import type { Clock } from "../time/clock.ts";
import type { LiveLock } from "./live-lock.ts";

/** What a lock's life looks like from outside: its events, and a line in the log for what an operator should see (B61). */
export interface LockReports {
  waiting(lock: LiveLock, context: LockContext, isInLine: boolean): void;
  /** `failure` is how the store failed, where that is the reason. */
  refused(lock: LiveLock, reason: LockRefusal, failure: Error | undefined): void;
  acquired(lock: LiveLock): void;
  atRisk(lock: LiveLock, context: LockContext, event: LockEvent): void;
  recovered(lock: LiveLock): void;
  lost(lock: LiveLock, context: LockContext): void;
  released(lock: LiveLock): void;
  unwatched(lock: LiveLock, error: unknown): void;
}

/** Creates the reports of a keeper. */
export function createLockReports(journal: Journal, clock: Clock): LockReports {
  const factsOf = (lock: LiveLock) => ({
    at: clock.now(),
    name: lock.name,
    owner: lock.owner,
    label: lock.request.label,
    sessionKey: lock.turn?.sessionKey,
    turnId: lock.turn?.id,
  });
  const waitedMs = ({ askedMono }: LiveLock): number => clock.monotonic() - askedMono;
  const heldMs = ({ acquiredMono }: LiveLock): number => Math.round(clock.monotonic() - acquiredMono);

  return {
    waiting(lock, { occupied, unsure }, isInLine) {
      const reason = isInLine ? "line" : unsure || occupied === null ? "store" : "held";
      const heldBy = reason === "held" ? occupied?.by : undefined;
      const { name, owner } = lock;
      const error = reason === "store" ? lock.failure : undefined;
      if (error !== undefined)
        journal.warn(
          `lock waiting:${name}`,
          { name, owner, error },
          "The lease store failed; who waits for a lock asks it again every second.",
        );
      const said = `${reason} ${heldBy ?? ""}`;
      if (said === lock.waitsFor) return;
      lock.waitsFor = said;
      if (!journal.isObserved) return;
      const expiresInMs = reason === "held" ? occupied?.forMs : undefined;
      journal.emit({ type: "lock.waiting", ...factsOf(lock), reason, heldBy, expiresInMs, error });
    },
    refused(lock, reason, error) {
      if (!journal.isObserved) return;
      journal.emit({ type: "lock.refused", ...factsOf(lock), reason, waitedMs: waitedMs(lock), error });
    },
    acquired(lock) {
      if (!journal.isObserved) return;
      const { fencingToken } = lock;
      journal.emit({ type: "lock.acquired", ...factsOf(lock), fencingToken, waitedMs: waitedMs(lock) });
    },
    atRisk(lock, { failures }, event) {
      const reason =
        event.type === "renewal.failed"
          ? "renewal-failed"
          : event.type === "clock.jumped" || event.type === "renewal.confirmed"
            ? "suspended"
            : "renewal-late";
      const { name, owner } = lock;
      const error = reason === "renewal-failed" ? lock.failure : undefined;
      journal.warn(
        `lock at risk:${name}`,
        { name, owner, reason, failures, error },
        "A lock is at risk: it is lost unless a renewal is confirmed in time.",
      );
      if (journal.isObserved) journal.emit({ type: "lock.atRisk", ...factsOf(lock), reason, error });
    },
    recovered(lock) {
      if (journal.isObserved) journal.emit({ type: "lock.recovered", ...factsOf(lock) });
    },
    lost(lock, { loss }) {
      const reason = loss ?? "expired";
      const error = reason === "expired" ? lock.renewalFailure : undefined;
      const { name, owner, turn } = lock;
      journal.warn(
        `lock lost:${name}`,
        { name, owner, reason, sessionKey: turn?.sessionKey, turnId: turn?.id, heldMs: heldMs(lock), error },
        "A lock was lost; its work was told to stop.",
      );
      if (journal.isObserved)
        journal.emit({ type: "lock.lost", ...factsOf(lock), reason, heldMs: heldMs(lock), error });
    },
    released(lock) {
      if (journal.isObserved) journal.emit({ type: "lock.released", ...factsOf(lock), heldMs: heldMs(lock) });
    },
    unwatched({ name }, error) {
      journal.warn(
        `lock unwatched:${name}`,
        { name, error },
        "The lease store could not watch a lock; it is asked again by the clock.",
      );
    },
  };
}
