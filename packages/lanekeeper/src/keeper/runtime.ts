import type { AsyncLocalStorage } from "node:async_hooks";
import type { Awaits } from "../turns/awaits.ts";
import type { Capacity } from "./capacity-options.ts";
import type { Heartbeats } from "../heartbeats/heartbeats.ts";
import type { Doubts } from "../store/doubts.ts";
import type { Expiries } from "../turns/expiries.ts";
import type { LanekeeperError } from "./errors.ts";
import type { LaneOptions } from "../lanes/lane-options.ts";
import type { MailboxLimits, StoredItem } from "../store/store.ts";
import type { Withdrawals } from "../turns/withdrawals.ts";
import type { LaneEvent } from "@lanekeeper/machines";
import type { Deadlines } from "../time/deadlines.ts";
import type { Dispatcher } from "../dispatch/dispatcher.ts";
import type { Executions } from "../commands/executions.ts";
import type { Journal } from "../seeing/journal.ts";
import type { Lane } from "../lanes/lane.ts";
import type { LiveTurn } from "../turns/live-turn.ts";
import type { KeeperLocks } from "../locks/locks.ts";
import type { LostTime } from "../time/lost-time.ts";
import type { Settings } from "./options.ts";
import type { Passages } from "./passages.ts";
import type { PendingOutcomes } from "../turns/pending-outcomes.ts";
import type { ArmRunning } from "../time/running-deadlines.ts";
import type { Pulse } from "../time/pulse.ts";
import type { RunQueue } from "./run-queue.ts";
import type { Mailboxes } from "../store/store.ts";
import type { StoreRequests } from "../store/store-requests.ts";
import type { Wakes } from "../lanes/wakes.ts";
import type { Zombies } from "../lanes/zombies.ts";

/** What the parts of one keeper share. */
export interface Runtime extends StoreRequests {
  readonly settings: Settings;
  readonly mailboxes: Mailboxes;
  readonly dispatcher: Dispatcher;
  readonly deadlines: Deadlines;
  readonly lostTime: LostTime;
  readonly armRunning: ArmRunning;
  readonly queue: RunQueue;
  readonly passages: Passages;
  readonly journal: Journal;
  readonly outcomes: PendingOutcomes;
  readonly zombies: Zombies;
  readonly wakes: Wakes;
  readonly heartbeats: Heartbeats;
  readonly awaits: Awaits;
  readonly doubts: Doubts;
  readonly expiries: Expiries;
  readonly withdrawals: Withdrawals;
  /** As it is now. */
  readonly capacity: Capacity;
  readonly pulse: Pulse;
  readonly executions: Executions;
  readonly locks: KeeperLocks;
  readonly counters: Counters;
  /** The turn whose code is running, if any. */
  readonly scope: AsyncLocalStorage<LiveTurn>;
  /** The live lanes by session. */
  readonly lanes: ReadonlyMap<string, Lane>;
  /** Why the store is this keeper's no longer, and nothing may be asked of it (B59); undefined while it is. */
  readonly storeLoss: LanekeeperError | undefined;
  /** Whether the keeper still starts turns. */
  readonly isServing: () => boolean;
  /** The settings of a session's lane, or those that it would be started with. */
  laneOptionsOf(sessionKey: string): LaneOptions;
  /** What a mailbox with these settings takes. */
  limitsOf(options: LaneOptions): MailboxLimits;
  /** Tells the store what steering a turn has taken. */
  claimSteering(turn: LiveTurn, items: readonly StoredItem[]): void;
  /** Sends an event to a lane after the current step. */
  tell(lane: Lane, event: LaneEvent): void;
}

/** Counts since the start. */
export interface Counters {
  stalled: number;
  engaged: number;
  completed: number;
  failed: number;
  reclaimed: number;
}
