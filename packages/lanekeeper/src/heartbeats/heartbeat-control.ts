import type { LaneState } from "../seeing/views.ts";

/** The heartbeats of one agent, to be asked for, looked at, and turned on and off. */
export interface HeartbeatControl {
  /**
   * Asks for one now, exempt from spacing (B45), not from active hours. Settles when it has ended, or at once with `deferred`
   * when it cannot start: the run still follows. Where the keeper closes before, it has `failed` with `CLOSED`. Rejects with
   * `CLOSED` after that.
   */
  request(): Promise<HeartbeatResult>;
  /** As it is now; also after `close`. */
  inspect(): HeartbeatView;
  /** Turns the schedule on; it stays on over a restart. Rejects with `STORE_UNAVAILABLE` (nothing has changed) or `CLOSED`. */
  enable(): Promise<void>;
  /**
   * Turns the schedule off, of this agent alone; it stays off over a restart. What runs goes on; what is due and has not
   * started is skipped. Rejects as `enable`.
   */
  disable(): Promise<void>;
}

/** What became of a heartbeat (B42). */
export type HeartbeatResult =
  | { readonly status: "ran"; readonly durationMs: number }
  /** It waits, and still runs: for its own session, for a slot, or for room in its group. */
  | { readonly status: "deferred"; readonly reason: "session-busy" | "capacity-full" | "group-full" }
  /** It does not start this time; the schedule goes on. */
  | {
      readonly status: "skipped";
      readonly reason: "disabled" | "quiet-hours" | "too-soon" | "flood" | "paused" | "draining";
    }
  /** `retryAt`, in epoch milliseconds, where it is tried again before its next time (B46). */
  | { readonly status: "failed"; readonly error: Error; readonly retryAt?: number | undefined }
  /** A message came, and its turn gave way (B47). */
  | { readonly status: "preempted" };

/** The heartbeats of one agent as they are now. Instants are epoch milliseconds. */
export interface HeartbeatView {
  readonly agent: string;
  readonly sessionKey: string;
  readonly state: LaneState;
  /** The leaf of the statechart, e.g. "idle.waiting", "busy.pending.deferred". */
  readonly detail: string;
  /** The next time of the schedule, or the one that is due and waits; absent while it is turned off. */
  readonly nextAt?: number | undefined;
  readonly last?: (HeartbeatResult & { readonly at: number }) | undefined;
}
