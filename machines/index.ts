export type { HeartbeatAsk, HeartbeatEvent } from "./heartbeat-runner/heartbeat-runner.events.ts";
export type {
  CapacityReason,
  DeferReason,
  HeartbeatAbort,
  HeartbeatContext,
  HeartbeatInput,
  HeartbeatRecord,
  SkipReason,
} from "./heartbeat-runner/heartbeat-runner.logic.ts";
export { heartbeatRunnerMachine } from "./heartbeat-runner/heartbeat-runner.machine.ts";
export type { LockEvent } from "./lock-holder/lock-holder.events.ts";
export {
  isBelieved,
  type LeaseRequest,
  type LockContext,
  type LockInput,
  type LockLoss,
  type LockRefusal,
} from "./lock-holder/lock-holder.logic.ts";
export { lockHolderMachine } from "./lock-holder/lock-holder.machine.ts";
export {
  beliefEndsAt,
  clockSlackMs,
  createTerms,
  findBrokenInequality,
  hasSlept,
  type Instant,
  type LockTerms,
  renewalRetryMs,
} from "./lock-holder/lock-lease.ts";
export type { LaneEvent } from "./session-lane/session-lane.events.ts";
export type {
  AbortReason,
  BatchSummary,
  Conclusion,
  EffectInput,
  LaneContext,
  LaneInput,
  LaneTurn,
  MailboxSummary,
  SettlementInput,
  TurnEnd,
} from "./session-lane/session-lane.logic.ts";
export {
  conclude,
  createLaneContext,
  hasOwnWork,
  hasWork,
  isBackingOff,
  isDebouncing,
  isYielding,
} from "./session-lane/session-lane.logic.ts";
export { sessionLaneMachine } from "./session-lane/session-lane.machine.ts";
export type { SupervisorContext } from "./supervisor/supervisor.logic.ts";
export { type SupervisorEvent, supervisorMachine } from "./supervisor/supervisor.machine.ts";
