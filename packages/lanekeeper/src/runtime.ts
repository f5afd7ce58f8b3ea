import type { AsyncLocalStorage } from "node:async_hooks";
import type { LaneEvent } from "@lanekeeper/machines";
import type { Deadlines } from "./deadlines.ts";
import type { Dispatcher } from "./dispatcher.ts";
import type { Executions } from "./executions.ts";
import type { Journal } from "./journal.ts";
import type { Lane } from "./lane.ts";
import type { LiveTurn } from "./live-turn.ts";
import type { LostTime } from "./lost-time.ts";
import type { Settings } from "./options.ts";
import type { PendingOutcomes } from "./pending-outcomes.ts";
import type { ArmRunning } from "./running-deadlines.ts";
import type { Pulse } from "./pulse.ts";
import type { RunQueue } from "./run-queue.ts";
import type { Mailboxes } from "./store.ts";
import type { StoreRequests } from "./store-requests.ts";
import type { Wakes } from "./wakes.ts";
import type { Zombies } from "./zombies.ts";

/** What the parts of one keeper share. */
export interface Runtime extends StoreRequests {
  readonly settings: Settings;
  readonly mailboxes: Mailboxes;
  readonly dispatcher: Dispatcher;
  readonly deadlines: Deadlines;
  readonly lostTime: LostTime;
  readonly armRunning: ArmRunning;
  readonly queue: RunQueue;
  readonly journal: Journal;
  readonly outcomes: PendingOutcomes;
  readonly zombies: Zombies;
  readonly wakes: Wakes;
  readonly pulse: Pulse;
  readonly executions: Executions;
  readonly counters: Counters;
  /** The turn whose code is running, if any. */
  readonly scope: AsyncLocalStorage<LiveTurn>;
  /** The live lanes by session. */
  readonly lanes: ReadonlyMap<string, Lane>;
  /** Whether the keeper still starts turns. */
  readonly isServing: () => boolean;
  /** Sends an event to a lane after the current step. */
  tell(lane: Lane, event: LaneEvent): void;
}

/** Counts since the start. */
export interface Counters {
  waiting: number;
  stalled: number;
  engaged: number;
  completed: number;
  failed: number;
  reclaimed: number;
}
