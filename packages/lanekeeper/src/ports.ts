/** The ports of Lanekeeper, for those who write an adapter or test against one, with their memory implementations. */
export { createCapacity } from "./capacity.ts";
export { childProcesses } from "./child-processes.ts";
export { type Clock, systemClock } from "./clock.ts";
export type { Claim, ClaimRequest, Dispatcher } from "./dispatcher.ts";
export type { LeaseStore } from "./leases.ts";
export { memoryLeases } from "./memory-leases.ts";
export { memoryStore } from "./memory-store.ts";
export type { ProcessCommand, Processes, ProcessListener, StartedProcess } from "./processes.ts";
export { type ScriptedProcess, type ScriptedProcesses, scriptedProcesses } from "./scripted-processes.ts";
export type {
  Answer,
  AppendResult,
  CompleteResult,
  Disposition,
  ExecutionRecord,
  KnownItem,
  Mailboxes,
  MailboxLimits,
  NewItem,
  OpenTurnResult,
  ReclaimRecord,
  RestartResult,
  SessionPage,
  SessionRecord,
  SettledItem,
  Settlement,
  SettleResult,
  Store,
  StoredItem,
  StoreHost,
} from "./store.ts";
