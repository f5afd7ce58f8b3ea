import type { ReclaimRecord } from "../store/store.ts";

/** Every lane is in one of these; its statechart refines them. */
export type LaneState = "idle" | "busy" | "stalled" | "reclaimed";
/** The four of them. */
export const laneStates: readonly LaneState[] = ["idle", "busy", "stalled", "reclaimed"];

/** A session as it is now. */
export interface SessionView {
  readonly sessionKey: string;
  readonly agent: string;
  readonly state: LaneState;
  /** The leaf of the statechart, e.g. "busy.running", "busy.waitingForCapacity"; "idle" where no lane is live. */
  readonly detail: string;
  /** Messages that wait, those included that steer a turn and were not taken. */
  readonly waiting: number;
  /** Events that wait. */
  readonly events: number;
  readonly turn?: TurnView | undefined;
  /** Fenced turns whose code has not returned. */
  readonly zombies: number;
  readonly incarnation: number;
  readonly paused: boolean;
  readonly lastReclaim?: ReclaimRecord | undefined;
}
/** The turn that a session runs. Instants are epoch milliseconds. */
export interface TurnView {
  readonly id: string;
  readonly cause: "message" | "event" | "wake" | "heartbeat";
  readonly attempt: number;
  readonly startedAt: number;
  readonly lastProgressAt: number;
}

/** Why a session is not running a turn right now, or what its turn is doing. */
export interface Explanation {
  readonly sessionKey: string;
  /** Whether a turn could start at once. */
  readonly runnable: boolean;
  readonly blockedBy:
    | "nothing-to-do"
    | "running"
    | "aborting"
    | "capacity"
    | "paused"
    | "draining"
    | "closed"
    | "backoff"
    | "debounce"
    | "group"
    | "store"
    | null;
  readonly sentence: string;
  readonly facts: Record<string, unknown>;
}

/** The keeper as a whole. Counts of turns are since the start. */
export interface Stats {
  /** `degraded`: more zombies than `capacity.zombies`, or a store that fails. */
  readonly health: "ok" | "degraded" | "draining" | "closed";
  /** Sessions the store knows. */
  readonly known: number;
  /** Sessions with a live lane. */
  readonly live: number;
  /** Slots in use: a turn that lends its slot, and whoever runs on it, count once. */
  readonly running: number;
  /** Items that wait over all sessions. */
  readonly waiting: number;
  /** Lanes that are stalled. */
  readonly stalled: number;
  /** Turns reclaimed since the start: those that did not return within their grace, whatever they were told to stop for. */
  readonly reclaimed: number;
  /** Fenced turns whose code has not returned. */
  readonly zombies: number;
  /** Slots. */
  readonly capacity: number;
  /** Locks that are held here. */
  readonly locks: number;
  /** How late the event loop was on average since the start, in milliseconds. */
  readonly eventLoopDelayMs: number;
  readonly completed: number;
  readonly failed: number;
}
