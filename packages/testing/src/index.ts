export {
  anyBody,
  anyExecOptions,
  anyHeartbeat,
  anyLaneSettings,
  anyLeaseFate,
  anyLockOptions,
  anyMode,
  anySendOptions,
  anySessionKey,
  anyStoreFate,
} from "./arbitraries.ts";
export { type Chance, createChance } from "./chance.ts";
export { checkInvariants, type CheckOptions } from "./invariants/check-invariants.ts";
export type { Violation } from "./invariants/invariant.ts";
export { deterministicIds } from "./deterministic-ids.ts";
export { type KeeperPropertyOptions, keeperProperty } from "./model/keeper-property.ts";
export { locksProperty, type LocksPropertyOptions } from "./model/locks-property.ts";
export { type Fate, type LeaseCommand, type ScriptedLeases, scriptLeases } from "./scripted-leases.ts";
export { type ScriptedStore, type StoreFate, type StoreStep, scriptStore } from "./scripted-store.ts";
export { createVirtualTime, type ProcessClock, type VirtualTime } from "./virtual-time.ts";
export { type ScriptedProcess, type ScriptedProcesses, scriptedProcesses } from "lanekeeper/ports";
export { createSimulatedClock, type SimulatedClock } from "lanekeeper/simulated-clock";
export type { BrokenRule } from "./simulation/broken-rule.ts";
export type { Command } from "./simulation/command.ts";
export type { Fault, SimulationOptions, TurnPlace } from "./simulation/setup.ts";
export { shrinkSimulation, type ShrinkOptions } from "./simulation/shrink.ts";
export { type SimulatedLife, type Simulation, simulate } from "./simulation/simulate.ts";
