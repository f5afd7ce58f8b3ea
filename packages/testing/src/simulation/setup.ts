import type {
  CapacityOptions,
  ExecOptions,
  HeartbeatOptions,
  LaneSettings,
  Turn,
  Lanekeeper,
} from "lanekeeper";
import { assertKnownOptions, invalidOption } from "lanekeeper/ports";
import { type Chance, createChanceFor } from "../chance.ts";
import { assertOptionalCallbacks } from "../callbacks.ts";
import type { ProcessClock } from "../virtual-time.ts";
import type { Command } from "./command.ts";
import { checkCommands } from "./command-fields.ts";

/** What goes wrong besides turns. */
export type Fault = "crashes" | "clocks" | "store" | "leases";

/** What is simulated. Everything but the seed may be left out, and follows from it. */
export interface SimulationOptions {
  /** A whole number of 32 bits: the same seed and options, the same run. */
  readonly seed: number;
  /** Simulated minutes in which commands come; then everything comes to rest. Default 5. */
  readonly minutes?: number | undefined;
  /** Sessions over all agents; at least one each. Default 20. */
  readonly sessions?: number | undefined;
  /** Agents; each belongs to one keeper, and may have heartbeats. Default 4. */
  readonly agents?: number | undefined;
  /** Keepers, each in a process and with a store of its own, that share one lease store. Default 2. */
  readonly keepers?: number | undefined;
  /** What goes wrong besides turns. Default: everything. */
  readonly faults?: readonly Fault[] | undefined;
  /** Instead of what the seed would make: those of an earlier run, or some of them. */
  readonly commands?: readonly Command[] | undefined;
  /** A turn handler of your own. Default: one that does whatever goes wrong, decided by the seed. */
  readonly turn?: ((turn: Turn<string>, place: TurnPlace) => unknown) | undefined;
  /** The lanes' settings. Default: by the seed. */
  readonly lane?: LaneSettings | undefined;
  /** Each keeper's capacity. Default: by the seed. */
  readonly capacity?: CapacityOptions | undefined;
  /** Called about every simulated minute with the simulated milliseconds so far. */
  readonly progress?: ((simulatedMs: number) => void) | undefined;
}

/** Where a turn handler runs. */
export interface TurnPlace {
  readonly keeper: Lanekeeper<string, string>;
  /** Waits on this, and on nothing else, keep time with the simulation. */
  readonly clock: ProcessClock;
  /** Decisions that depend on the seed and on this turn's work alone. */
  readonly chance: Chance;
}

/** A run, decided: options, completed by what the seed says. */
export interface Setup {
  readonly seed: number;
  readonly minutes: number;
  readonly keepers: number;
  readonly agents: readonly string[];
  readonly sessions: readonly string[];
  readonly faults: readonly Fault[];
  readonly turn: SimulationOptions["turn"];
  readonly lane: LaneSettings;
  /** What is different for some sessions. */
  readonly lanes: ReadonlyMap<string, LaneSettings>;
  readonly capacity: CapacityOptions;
  readonly heartbeats: readonly HeartbeatOptions[];
  readonly exec: ExecOptions;
  readonly forgetAfterMs: number;
  /** Whether stores answer at once, in a later turn of the loop, or after some milliseconds. */
  readonly storeAnswers: "at-once" | "later" | "slowly";
  /** Undefined: made from the seed. */
  readonly commands: readonly Command[] | undefined;
}

/** The names that locks have. */
export const lockNames = ["ledger", "index", "mail"] as const;
/** How long a lease of theirs lasts at most, in milliseconds. */
export const longestTtlMs = 20_000;
/** How long ids are remembered where they are to be known at the end of a run, in milliseconds: 100 days. */
export const longMemoryMs = 8_640_000_000;
const optionNames = [
  "seed",
  "minutes",
  "sessions",
  "agents",
  "keepers",
  "faults",
  "commands",
  "turn",
  "lane",
  "capacity",
  "progress",
] as const satisfies readonly (keyof SimulationOptions)[];
const allFaults: readonly Fault[] = ["crashes", "clocks", "store", "leases"];
/** Longest run, in minutes: a month. */
const longest = 43_200;

/** Checks options and decides what they leave open. Throws `INVALID_OPTION`. */
export function createSetup(options: SimulationOptions): Setup {
  assertKnownOptions("simulate", options, optionNames);
  const { seed } = options;
  if (!Number.isSafeInteger(seed) || (seed | 0) !== seed)
    throw invalidOption("seed", seed, "a whole number of 32 bits");
  const minutes = number("minutes", options.minutes ?? 5, longest);
  const sessions = whole("sessions", options.sessions ?? 20, 100_000);
  const agents = whole("agents", options.agents ?? Math.min(4, sessions), 1_000);
  if (sessions < agents)
    throw invalidOption("sessions", sessions, `at least one for each of ${agents} agents`);
  const keepers = whole("keepers", options.keepers ?? Math.min(2, agents), 1_000);
  if (keepers > agents)
    throw invalidOption(
      "keepers",
      keepers,
      `at most one for each of ${agents} agents, each of which belongs to one keeper`,
    );
  const { faults = allFaults } = options;
  if (!Array.isArray(faults)) throw invalidOption("faults", faults, `a list of ${allFaults.join(", ")}`);
  for (const fault of faults)
    if (!allFaults.includes(fault)) throw invalidOption("faults", fault, `some of ${allFaults.join(", ")}`);
  assertOptionalCallbacks({ turn: options.turn, progress: options.progress });
  const names = Array.from({ length: agents }, (_, index) => `a${index + 1}`);
  const keys = Array.from({ length: sessions }, (_, index) => {
    const name = names[index % agents]!;
    return `agent:${name}:${index < agents ? "main" : `s${index + 1}`}`;
  });
  const decided = decide(createChanceFor("setup", seed), names, keys);
  const { capacity = decided.capacity } = options;
  return {
    seed,
    minutes,
    keepers,
    agents: names,
    sessions: keys,
    faults,
    turn: options.turn,
    commands: options.commands === undefined ? undefined : checkCommands(options.commands),
    ...decided,
    capacity,
    heartbeats: decided.heartbeats.map((one) => ({ ...one, group: groupIn(capacity, one.group) })),
    ...(options.lane === undefined ? {} : { lane: options.lane, lanes: new Map() }),
  };
}

/** The keeper that an agent belongs to. */
export function keeperOfAgent({ agents, keepers }: Setup, agent: string): number {
  return Math.max(0, agents.indexOf(agent)) % keepers;
}

/** The agent that a session belongs to. */
export function agentOf(sessionKey: string): string {
  return sessionKey.split(":")[1] ?? "main";
}

/** A group, where a capacity has it: one of the host's own may lack what the seed would use. */
export function groupIn(capacity: CapacityOptions | null, group: string | undefined): string | undefined {
  return group !== undefined && capacity?.groups?.[group] !== undefined ? group : undefined;
}

/** A capacity with a group that may have reserved slots; one slot at least is for everybody. */
export function randomCapacity(chance: Chance): CapacityOptions {
  const turns = 2 + chance.below(4);
  const waiting = chance.pick([undefined, undefined, undefined, 30]);
  const batch = { limit: 1 + chance.below(2), reserved: chance.below(2) };
  return { turns, waiting, groups: chance.happens(0.5) ? { batch, heartbeat: { limit: 1 } } : { batch } };
}

type Decided = Pick<
  Setup,
  "lane" | "lanes" | "capacity" | "heartbeats" | "exec" | "forgetAfterMs" | "storeAnswers"
>;

function decide(chance: Chance, agents: readonly string[], sessions: readonly string[]): Decided {
  const lanes = new Map<string, LaneSettings>();
  for (const session of sessions) if (chance.happens(0.2)) lanes.set(session, { ...randomMode(chance) });
  return {
    lane: randomLane(chance),
    lanes,
    capacity: randomCapacity(chance),
    heartbeats: agents.filter(() => chance.happens(0.6)).map((agent) => randomHeartbeat(chance, agent)),
    exec: { timeoutMs: 20_000, killGraceMs: chance.pick([0, 1_000, 5_000]), tailChars: 200 },
    forgetAfterMs: chance.pick([0, 20_000, 3_600_000]),
    storeAnswers: chance.pick(["at-once", "later", "slowly"]),
  };
}

function randomMode(chance: Chance): LaneSettings {
  return {
    mode: chance.pick(["followup", "collect", "steer"]),
    cap: chance.pick([2, 5, 20]),
    overflow: chance.pick(["reject", "drop-oldest", "drop-newest", "summarize"]),
    eventCap: chance.pick([2, 50]),
  };
}

function randomLane(chance: Chance): LaneSettings {
  const stallAfterMs = chance.pick([1_000, 4_000, 10_000]);
  const debounceMs = chance.pick([0, 400, 2_000]);
  return {
    ...randomMode(chance),
    debounceMs,
    debounceMaxMs: debounceMs + chance.pick([0, 3_000]),
    stallAfterMs,
    reclaimAfterMs: stallAfterMs * 3,
    turnTimeoutMs: stallAfterMs * chance.pick([3, 8]),
    abortGraceMs: chance.pick([0, 500, 3_000]),
    passivateAfterMs: chance.pick([0, 500, 30_000]),
    dedupeMs: chance.pick([0, 5_000, longMemoryMs, longMemoryMs]),
    retry: { attempts: 1 + chance.below(3), baseMs: chance.pick([0, 200, 2_000]), maxMs: 5_000 },
    maxReclaims: chance.below(3),
    maxCrashes: chance.below(4),
  };
}

function randomHeartbeat(chance: Chance, agent: string): HeartbeatOptions {
  return {
    agent,
    everyMs: chance.pick([10_000, 30_000, 60_000]),
    minSpacingMs: chance.pick([0, 5_000, 30_000]),
    preemptible: chance.happens(0.7),
    activeHours: chance.happens(0.3)
      ? { start: "01:02", end: "23:00", timezone: "Europe/Berlin" }
      : undefined,
    group: chance.pick([undefined, undefined, "batch"]),
  };
}

function whole(option: string, value: number, most: number): number {
  if (!Number.isSafeInteger(value) || value < 1 || value > most)
    throw invalidOption(option, value, `a whole number from 1 to ${most}`);
  return value;
}

function number(option: string, value: number, most: number): number {
  if (!(value > 0 && value <= most)) throw invalidOption(option, value, `a number above 0, at most ${most}`);
  return value;
}
