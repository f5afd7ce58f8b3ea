export type { Clock } from "./clock.ts";
export type { RouteResult } from "./completions.ts";
export { createLanekeeper } from "./create-lanekeeper.ts";
export type { DeadLetter } from "./dead-letter.ts";
export { LanekeeperError, type LanekeeperErrorCode, PermanentError } from "./errors.ts";
export type {
  ExecEvents,
  ItemEvents,
  KeeperEvents,
  LaneEvents,
  LanekeeperEvent,
  SessionEvents,
  TurnEvents,
  WakeEvents,
} from "./events.ts";
export type { ExecCompletion, ExecOptions, ExecReport, Execution } from "./execution.ts";
export type { Lanekeeper } from "./keeper.ts";
export type { LaneOptions, LaneSettings, QueueMode, RetryOptions } from "./lane-options.ts";
export type { LeaseStore } from "./leases.ts";
export type { Logger } from "./logger.ts";
export { memoryStore } from "./memory-store.ts";
export type {
  CapacityOptions,
  EventInput,
  LanekeeperOptions,
  NotifyOptions,
  Priority,
  SendOptions,
  WakeOptions,
} from "./options.ts";
export type { Outcome } from "./outcome.ts";
export type { Processes } from "./processes.ts";
export type { Receipt } from "./receipt.ts";
export type { DrainResult } from "./shutdown.ts";
export type { ReclaimRecord, Store } from "./store.ts";
export type { AcceptedMessage, SystemEvent, Turn } from "./turn.ts";
export type { Explanation, LaneState, SessionView, Stats, TurnView } from "./views.ts";
