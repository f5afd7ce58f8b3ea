import { randomUUID } from "node:crypto";
import { availableParallelism } from "node:os";
import * as v from "valibot";
import { type Capacity, type CapacityOptions, completeCapacity } from "./capacity-options.ts";
import { containChance } from "./chance.ts";
import type { CallbackFault } from "./errors.ts";
import { childProcesses } from "../commands/child-processes.ts";
import { type Clock, systemClock } from "../time/clock.ts";
import { completeExecOptions, execSchema, type ExecSettings } from "../commands/exec-settings.ts";
import type { ExecOptions } from "../commands/execution.ts";
import {
  completeHeartbeats,
  type HeartbeatOptions,
  type HeartbeatSettings,
} from "../heartbeats/heartbeat-options.ts";
import { createIdMaker } from "./id.ts";
import {
  completeLaneOptions,
  type LaneOptions,
  laneSchema,
  type LaneSettings,
} from "../lanes/lane-options.ts";
import type { Recorder } from "./interposer.ts";
import type { LeaseStore } from "../store/leases.ts";
import { type Logger, stderrLogger } from "../seeing/logger.ts";
import { memoryStore } from "../store/memory-store.ts";
import type { Processes } from "../commands/processes.ts";
import type { Store } from "../store/store.ts";
import type { Turn } from "../turns/turn.ts";
import { clockOption, randomOption } from "./time-options.ts";
import { callback, check, count, duration, members, optional, port } from "./validation.ts";

/** What `createLanekeeper` takes. Only `turn` is required. */
export interface LanekeeperOptions<Message = unknown, Reply = unknown> {
  /**
   * Runs one turn of one session. The one function a host must write. One that returns what it got through the keeper itself
   * needs a return type of its own (`async (turn): Promise<string> => …`), or TypeScript finds the keeper's type circular.
   */
  readonly turn: (turn: Turn<Message>) => Promise<Reply> | Reply;
  /** Where accepted work lives. Default `memoryStore()`. */
  readonly store?: Store | undefined;
  /** Where locks live; closed with the keeper. Default: the store's own. */
  readonly leases?: LeaseStore | undefined;
  /** How many turns may run at once here. Default `{ turns: 4 × available parallelism, at least 8 }`. */
  readonly capacity?: CapacityOptions | undefined;
  /** The settings of every lane. */
  readonly lane?: LaneSettings | undefined;
  /**
   * What is different for a session, looked up when its lane wakes, and by each call that needs it while the lane sleeps (B11).
   * One that throws or gives what is invalid is logged, and ignored.
   */
  readonly laneFor?: ((sessionKey: string) => LaneSettings | undefined) | undefined;
  /** Which agent a session belongs to. Default: the second part of `agent:<id>:…`, else "main". */
  readonly agentOf?: ((sessionKey: string) => string) | undefined;
  /** Turns of agents' sessions at the times of schedules (B43), one schedule for each agent. Default: none. */
  readonly heartbeats?: readonly HeartbeatOptions[] | undefined;
  /** Defaults of commands. */
  readonly exec?: ExecOptions | undefined;
  /** Sessions with nothing left are forgotten after so many milliseconds. Default 30 days; 0: never. */
  readonly forgetAfterMs?: number | undefined;
  /** With a durable store, the most bytes that a message, an event's body or a reply may take as JSON (B57). Default 1 MiB. */
  readonly maxMessageBytes?: number | undefined;
  /** The source of time. Default: the machine's. */
  readonly clock?: Clock | undefined;
  /** In [0, 1). Default `Math.random`. Where it throws or gives anything else, ids use the default and pauses last as long as they may (B5). */
  readonly random?: (() => number) | undefined;
  /** Unique and sortable by time. */
  readonly createId?: (() => string) | undefined;
  /** Anything with pino's `debug/info/warn/error(fields, message)`. Default: warnings and errors as JSON lines on stderr. */
  readonly logger?: Logger | undefined;
  /** How commands are run. Default: real processes; tests give scripted ones. */
  readonly processes?: Processes | undefined;
  /**
   * Writes down what goes in and what the host sees, so that it can be looked through and run again: `recordToFile(path)` or
   * `recordInMemory()` of `lanekeeper/recording`. It holds every message's body. Default: nothing is recorded.
   */
  readonly recorder?: Recorder | undefined;
}

/** Every option, checked and completed. */
export interface Settings {
  readonly turn: (turn: Turn) => unknown;
  readonly store: Store;
  /** As given; undefined: the store's own. */
  readonly leases: LeaseStore | undefined;
  readonly capacity: Capacity;
  readonly lane: LaneOptions;
  /** As the host gave them: what `laneFor` gives for a session comes on top. */
  readonly laneSettings: LaneSettings;
  readonly laneFor: ((sessionKey: string) => unknown) | undefined;
  /** Milliseconds; 0: never. */
  readonly forgetAfterMs: number;
  readonly maxMessageBytes: number;
  readonly agentOf: (sessionKey: string) => string;
  readonly heartbeats: readonly HeartbeatSettings[];
  readonly exec: ExecSettings;
  readonly clock: Clock;
  readonly random: () => number;
  /** What `random` threw, or gave instead of a chance, when it was first asked. */
  readonly randomFaults: readonly { readonly error: unknown; readonly did: CallbackFault }[];
  readonly createId: () => string;
  /** Makes the ids where `createId` fails (B5). */
  readonly spareId: () => string;
  /** Names this keeper, in all processes. */
  readonly instance: string;
  readonly logger: Logger;
  readonly processes: Processes;
  readonly recorder: Recorder | undefined;
}
const optionsSchema = members({
  turn: callback<(turn: Turn) => unknown>(),
  store: optional(port<Store>("store", ["open", "close"])),
  leases: optional(port<LeaseStore>("lease store", ["acquire", "renew", "release", "close"])),
  capacity: v.optional(v.unknown()),
  lane: v.optional(laneSchema),
  laneFor: optional(callback<(sessionKey: string) => LaneSettings | undefined>()),
  agentOf: optional(callback<(sessionKey: string) => string>()),
  heartbeats: v.optional(v.unknown()),
  exec: v.optional(execSchema),
  forgetAfterMs: optional(duration()),
  maxMessageBytes: optional(count(1)),
  clock: clockOption,
  random: randomOption,
  createId: optional(callback<() => string>()),
  logger: optional(port<Logger>("logger", ["debug", "info", "warn", "error"])),
  processes: optional(port<Processes>("processes", ["start"])),
  recorder: optional(port<Recorder>("recorder", ["begin"])),
});

/** Checks the options of a keeper and completes them. Throws `INVALID_OPTION`; nothing has been started then. */
export function completeOptions<Message, Reply>(options: LanekeeperOptions<Message, Reply>): Settings {
  const given = check("options", optionsSchema, options);
  const clock = given.clock ?? systemClock;
  const random = given.random ?? Math.random;
  const randomFaults: Settings["randomFaults"][number][] = [];
  const chance = containChance(random, (error, did) => randomFaults.push({ error, did }), Math.random);
  const now = (): number => clock.now();
  const turns = Math.max(8, 4 * availableParallelism());
  const capacity = completeCapacity(given.capacity === undefined ? { turns } : given.capacity);
  return {
    turn: given.turn,
    store: given.store ?? memoryStore(),
    leases: given.leases,
    capacity,
    lane: completeLaneOptions(given.lane ?? {}),
    laneSettings: given.lane ?? {},
    laneFor: given.laneFor,
    forgetAfterMs: given.forgetAfterMs ?? 30 * 86_400_000,
    maxMessageBytes: given.maxMessageBytes ?? 1_048_576,
    agentOf: given.agentOf ?? defaultAgentOf,
    heartbeats: completeHeartbeats(given.heartbeats, capacity),
    exec: completeExecOptions(given.exec),
    clock,
    random,
    createId: given.createId ?? createIdMaker(now, chance),
    randomFaults,
    spareId: createIdMaker(now, Math.random),
    instance: randomUUID(),
    logger: given.logger ?? stderrLogger,
    processes: given.processes ?? childProcesses,
    recorder: given.recorder,
  };
}

/** The second part of `agent:<id>:…`, else "main". */
export function defaultAgentOf(sessionKey: string): string {
  if (!sessionKey.startsWith("agent:")) return "main";
  const end = sessionKey.indexOf(":", 6);
  const agent = end === -1 ? sessionKey.slice(6) : sessionKey.slice(6, end);
  return agent === "" ? "main" : agent;
}
