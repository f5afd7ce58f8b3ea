/** The ports of Lanekeeper, for those who write an adapter or test against one, with their memory implementations. */
export { createCapacity } from "./dispatch/capacity.ts";
export { assertKnownOptions, invalidOption } from "./keeper/option-faults.ts";
export { assertTimeOptions } from "./keeper/time-options.ts";
export { childProcesses } from "./commands/child-processes.ts";
export { type Clock, systemClock } from "./time/clock.ts";
export type {
  Claim,
  ClaimRequest,
  Demand,
  Dispatcher,
  GroupBudget,
  Loan,
  Slots,
} from "./dispatch/dispatcher.ts";
export type { Priority } from "./dispatch/priority.ts";
export type { LeaseStore } from "./store/leases.ts";
export { memoryLeases } from "./store/memory-leases.ts";
export { memoryStore } from "./store/memory-store.ts";
export type {
  ProcessCommand,
  Processes,
  ProcessIdentity,
  ProcessListener,
  StartedProcess,
} from "./commands/processes.ts";
export type { HeartbeatKeeping, HeartbeatState } from "./store/heartbeat-keeping.ts";
export {
  type ScriptedProcess,
  type ScriptedProcesses,
  scriptedProcesses,
} from "./commands/scripted-processes.ts";
export type {
  AbandonedTurn,
  Answer,
  AppendResult,
  CompleteResult,
  Disposition,
  Dropped,
  ExecutionRecord,
  KnownItem,
  Mailboxes,
  MailboxLimits,
  NewItem,
  OpenTurnResult,
  ReclaimRecord,
  RedriveResult,
  RestartResult,
  SessionPage,
  SessionRecord,
  SettledItem,
  Settlement,
  SettleResult,
  Store,
  StoredItem,
  StoreHost,
} from "./store/store.ts";
