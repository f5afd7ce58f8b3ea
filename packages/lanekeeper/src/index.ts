export type { Clock } from "./time/clock.ts";
export type { RouteResult } from "./commands/route-result.ts";
export { createLanekeeper } from "./keeper/create-lanekeeper.ts";
export type { DeadLetter, DeadLetterItem } from "./store/dead-letter.ts";
export { LanekeeperError, type LanekeeperErrorCode, PermanentError } from "./keeper/errors.ts";
export type {
  ExecEvents,
  HeartbeatEvents,
  ItemEvents,
  KeeperEvents,
  LaneEvents,
  LockEvents,
  LanekeeperEvent,
  SessionEvents,
  TurnEvents,
  WakeEvents,
} from "./seeing/events.ts";
export type { ExecCompletion, ExecOptions, ExecReport, Execution } from "./commands/execution.ts";
export type { ActiveHours } from "./heartbeats/active-hours.ts";
export type { HeartbeatControl, HeartbeatResult, HeartbeatView } from "./heartbeats/heartbeat-control.ts";
export type { HeartbeatOptions } from "./heartbeats/heartbeat-options.ts";
export type { Lanekeeper } from "./keeper/keeper.ts";
export type { LaneOptions, LaneSettings, RetryOptions } from "./lanes/lane-options.ts";
export type { QueueMode } from "./lanes/queue-mode.ts";
export type { LeaseStore } from "./store/leases.ts";
export type { Lock, LockOptions, Locks, LockView } from "./locks/lock.ts";
export type { Logger } from "./seeing/logger.ts";
export { memoryStore } from "./store/memory-store.ts";
export type { CapacityOptions } from "./keeper/capacity-options.ts";
export type { EventInput, NotifyOptions, SendOptions, WakeOptions } from "./keeper/call-options.ts";
export type { Interposer, Recorder } from "./keeper/interposer.ts";
export type { LanekeeperOptions } from "./keeper/options.ts";
export type { Priority } from "./dispatch/priority.ts";
export type { Outcome } from "./turns/outcome.ts";
export type { Processes } from "./commands/processes.ts";
export type { Receipt } from "./turns/receipt.ts";
export type { DrainResult } from "./keeper/drain-result.ts";
export type { ReclaimRecord, Store } from "./store/store.ts";
export { liveSessions } from "./watching/live-sessions.ts";
export { type EventOfSession, ofSession } from "./watching/of-session.ts";
export { type EventOfType, ofType } from "./watching/of-type.ts";
export { sessionsIn } from "./watching/sessions-in.ts";
export { type StateChange, stateChanges } from "./watching/state-changes.ts";
export type { AcceptedMessage, SystemEvent, Turn } from "./turns/turn.ts";
export type { Explanation, LaneState, SessionView, Stats, TurnView } from "./seeing/views.ts";
