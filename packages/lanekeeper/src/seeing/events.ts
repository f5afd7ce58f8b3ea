import type { QueueMode } from "../lanes/queue-mode.ts";
import type { LaneState } from "./views.ts";
import type { LockLoss, LockRefusal } from "@lanekeeper/machines";
import type { ExecCompletion } from "../commands/execution.ts";

/**
 * Everything that happens, as one discriminated union on `type`, `<thing>.<what happened>`.
 *
 * I1. Every event carries `at` (epoch milliseconds) and, where there is one, `sessionKey`.
 * I2. Every `turn.*` event carries the turn's id and the ids of its messages and events.
 */
export type LanekeeperEvent =
  | ItemEvents
  | TurnEvents
  | LaneEvents
  | SessionEvents
  | WakeEvents
  | HeartbeatEvents
  | ExecEvents
  | LockEvents
  | KeeperEvents;

/** What every event carries. */
interface Base {
  readonly at: number;
}
interface OfSession extends Base {
  readonly sessionKey: string;
}
interface OfHeartbeat extends OfSession {
  readonly agent: string;
}
interface OfItem extends OfSession {
  readonly id: string;
  readonly meta?: Readonly<Record<string, string>> | undefined;
}
interface OfTurn extends OfSession {
  readonly turnId: string;
  readonly messageIds: readonly string[];
  readonly eventIds: readonly string[];
  readonly meta?: Readonly<Record<string, string>> | undefined;
}

/** What happens to messages and system events. */
export type ItemEvents =
  | (OfItem & {
      readonly type: "message.accepted";
      readonly mode: QueueMode;
      /** Whether the running turn may take it (B19). */
      readonly isSteering: boolean;
    })
  /** A turn has taken it. */
  | (OfItem & { readonly type: "message.steered"; readonly turnId: string })
  | (OfItem & { readonly type: "event.accepted"; readonly kind: string })
  | (OfItem & { readonly type: "message.duplicate" | "event.duplicate" })
  | (OfItem & {
      readonly type: "message.refused" | "event.refused";
      /** The code of the error that the sender got; "aborted" where its own signal was. */
      readonly reason: string;
      readonly message: string;
    })
  | (OfItem & {
      readonly type: "message.cancelled" | "event.cancelled";
      readonly reason: string;
      /** What the host gave as its reason. */
      readonly note?: string | undefined;
    })
  | (OfItem & { readonly type: "message.dropped"; readonly reason: "overflow" | "expired" })
  | (OfItem & {
      readonly type: "event.replaced";
      /** The id of the event that came instead; undefined where the store's answer that said so was lost. */
      readonly by: string | undefined;
    })
  | (OfItem & { readonly type: "event.dropped"; readonly reason: "overflow" });

/** What happens to turns. */
export type TurnEvents =
  | (OfTurn & {
      readonly type: "turn.started";
      readonly cause: "message" | "event" | "wake" | "heartbeat";
      readonly attempt: number;
      readonly reasons: readonly string[];
      readonly fencingToken: bigint;
    })
  | (OfTurn & { readonly type: "turn.progressed"; readonly note: string | undefined })
  | (OfTurn & { readonly type: "turn.emitted"; readonly data: unknown })
  | (OfTurn & {
      readonly type: "turn.waiting";
      readonly reason: string;
      /** Epoch milliseconds until which its stall clock stands; absent: until what it awaits has ended. */
      readonly untilAt: number | undefined;
    })
  | (OfTurn & { readonly type: "turn.resumed"; readonly reason: string })
  | (OfTurn & {
      readonly type: "turn.aborting";
      readonly reason: string;
      /** The reason that the host gave to `abort`. */
      readonly note: string | undefined;
      readonly graceMs: number;
    })
  | (OfTurn & { readonly type: "turn.completed"; readonly durationMs: number; readonly attempt: number })
  | (OfTurn & {
      readonly type: "turn.failed";
      readonly error: Error;
      readonly attempt: number;
      readonly durationMs: number;
      /** Whether the same work is tried again. */
      readonly willRetry: boolean;
    })
  | (OfTurn & { readonly type: "turn.cancelled"; readonly reason: string })
  | (OfTurn & {
      readonly type: "turn.retrying";
      readonly reason: "failed" | "reclaimed" | "crashed";
      /** Epoch milliseconds before which it does not start. */
      readonly retryAt: number;
    })
  | (OfTurn & { readonly type: "turn.handedBack"; readonly reason: string })
  | (OfTurn & {
      readonly type: "turn.lateResult";
      readonly result: "returned" | "threw";
      readonly lateByMs: number;
    });

/** What happens to lanes. */
export type LaneEvents =
  | (OfSession & {
      readonly type: "lane.state";
      readonly state: LaneState;
      readonly detail: string;
      readonly previous: { readonly state: LaneState; readonly detail: string };
    })
  | (OfSession & {
      readonly type: "lane.stalled";
      readonly turnId: string;
      readonly ageMs: number;
      readonly lastProgressAt: number;
      readonly waiting: number;
      readonly events: number;
    })
  | (OfSession & { readonly type: "lane.recovered"; readonly turnId: string; readonly stalledMs: number })
  | (OfSession & {
      readonly type: "lane.reclaimed";
      readonly turnId: string;
      readonly reason: string;
      /** What was verified, not assumed. */
      readonly slotFreed: boolean;
      readonly isCodeRunning: boolean;
      readonly waiting: number;
      readonly events: number;
      /** What the lane does once the turn's work is settled. */
      readonly next: "turn" | "paused" | "nothing";
    })
  | (OfSession & {
      readonly type: "lane.blocked";
      readonly reason: "capacity" | "group" | "store";
      readonly capacity: number;
      readonly running: number;
      readonly waiting: number;
      readonly oldestTurnMs: number;
      readonly blockedMs: number;
    })
  | (OfSession & { readonly type: "lane.passivated" })
  | (OfSession & { readonly type: "lane.crashed"; readonly error: Error; readonly rebuildInMs: number });

/** What happens to sessions. */
export type SessionEvents =
  | (OfSession & {
      readonly type: "session.reset";
      readonly incarnation: number;
      readonly reason: string | undefined;
    })
  | (OfSession & {
      readonly type: "session.cleared";
      readonly count: number;
      readonly reason: string | undefined;
    })
  | (OfSession & { readonly type: "session.forgotten" })
  | (Base & { readonly type: "session.paused"; readonly sessionKey?: string | undefined })
  | (Base & { readonly type: "session.resumed"; readonly sessionKey?: string | undefined });

/** What happens to wakes. */
export type WakeEvents =
  | (OfSession & {
      readonly type: "wake.merged";
      readonly reason: string | undefined;
      readonly priority: string;
    })
  | (OfSession & {
      readonly type: "wake.deferred";
      readonly reason: "session-busy" | "capacity-full" | "group-full" | "paused" | "draining";
    })
  | (OfSession & {
      readonly type: "wake.retrying";
      readonly attempt: number;
      readonly retryAt: number;
    })
  | (OfSession & { readonly type: "wake.dropped"; readonly attempts: number; readonly error: Error });

/** What becomes of heartbeats; `turn.*` tell of their turns. */
export type HeartbeatEvents =
  | (OfHeartbeat & { readonly type: "heartbeat.ran"; readonly durationMs: number })
  /** Once for each heartbeat that waits: it starts when what it waits for lets it, without another word. */
  | (OfHeartbeat & {
      readonly type: "heartbeat.deferred";
      readonly reason: "session-busy" | "capacity-full" | "group-full";
    })
  | (OfHeartbeat & {
      readonly type: "heartbeat.skipped";
      readonly reason: "disabled" | "quiet-hours" | "too-soon" | "flood" | "paused" | "draining";
    })
  | (OfHeartbeat & {
      readonly type: "heartbeat.failed";
      readonly error: Error;
      /** Epoch milliseconds; absent: the next one is the schedule's. */
      readonly retryAt: number | undefined;
    })
  | (OfHeartbeat & { readonly type: "heartbeat.preempted" });

/** What happens to commands. */
export type ExecEvents =
  | (OfSession & {
      readonly type: "exec.started";
      readonly execId: string;
      readonly command: string;
      readonly pid: number;
      readonly isForeground: boolean;
    })
  | (OfSession & {
      readonly type: "exec.completed";
      readonly execId: string;
      readonly status: ExecCompletion["status"];
    })
  | (OfSession & { readonly type: "exec.routed"; readonly execId: string })
  /** It waits in the mailbox and wakes nobody until then, because a heartbeat caused its command (B39). */
  | (OfSession & {
      readonly type: "exec.held";
      readonly execId: string;
      readonly reason: "heartbeat-spacing";
      readonly untilAt: number;
    })
  | (Base & {
      readonly type: "exec.refused";
      /** Absent where none was given to it yet. */
      readonly execId?: string | undefined;
      readonly sessionKey?: string | undefined;
      readonly reason:
        | "duplicate"
        | "unknown-exec"
        | "session-mismatch"
        | "stale-incarnation"
        | "silent"
        | "draining";
    })
  | (OfSession & { readonly type: "exec.lost"; readonly execId: string });

interface OfLock extends Base {
  readonly name: string;
  /** Unique to this acquisition. */
  readonly owner: string;
  readonly label: string | undefined;
  /** Of the turn that it belongs to. */
  readonly sessionKey?: string | undefined;
  readonly turnId?: string | undefined;
}

/** What happens to locks. */
export type LockEvents =
  /** It waits: behind others of this process, for another's lease, or for a store that failed. Said again when that changes. */
  | (OfLock & {
      readonly type: "lock.waiting";
      readonly reason: "line" | "held" | "store";
      readonly heldBy: string | undefined;
      readonly expiresInMs: number | undefined;
      /** How the store failed. */
      readonly error?: Error | undefined;
    })
  /** `unavailable`: the store failed, and may be back; `unusable`: it failed for good. */
  | (OfLock & {
      readonly type: "lock.refused";
      readonly reason: LockRefusal;
      readonly waitedMs: number;
      /** How the store failed, where that is the reason. */
      readonly error?: Error | undefined;
    })
  | (OfLock & { readonly type: "lock.acquired"; readonly fencingToken: bigint; readonly waitedMs: number })
  /** A renewal failed or is late, or the machine slept: it is lost unless one is confirmed in time. */
  | (OfLock & {
      readonly type: "lock.atRisk";
      readonly reason: "renewal-failed" | "renewal-late" | "suspended";
      /** How the store failed to renew it. */
      readonly error?: Error | undefined;
    })
  | (OfLock & { readonly type: "lock.recovered" })
  | (OfLock & {
      readonly type: "lock.lost";
      readonly reason: LockLoss;
      readonly heldMs: number;
      /** How the store failed to renew it, where it expired for that. */
      readonly error?: Error | undefined;
    })
  | (OfLock & { readonly type: "lock.released"; readonly heldMs: number });

/** What happens to the keeper as a whole. */
export type KeeperEvents =
  | (Base & { readonly type: "capacity.changed"; readonly turns: number; readonly previous: number })
  | (Base & {
      readonly type: "health.changed";
      readonly health: "ok" | "degraded" | "draining" | "closed";
      readonly reason: string;
    })
  | (Base & {
      readonly type: "store.failed";
      readonly sessionKey?: string | undefined;
      readonly error: Error;
    })
  | (Base & { readonly type: "store.recovered" })
  | (Base & { readonly type: "clock.late"; readonly lostMs: number })
  | (OfSession & {
      readonly type: "deadLetter.added";
      readonly id: string;
      readonly reason: string;
    })
  | (OfSession & { readonly type: "deadLetter.redriven"; readonly id: string; readonly itemId: string })
  | (Base & { readonly type: "deadLetter.discarded"; readonly id: string });
