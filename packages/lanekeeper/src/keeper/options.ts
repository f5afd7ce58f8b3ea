import { availableParallelism } from "node:os";
import * as v from "valibot";
import { childProcesses } from "../commands/child-processes.ts";
import { type Clock, systemClock } from "../time/clock.ts";
import type { ExecOptions } from "../commands/execution.ts";
import { createIdMaker } from "./id.ts";
import { completeLaneOptions, type LaneOptions, type LaneSettings } from "../lanes/lane-options.ts";
import { type Logger, stderrLogger } from "../seeing/logger.ts";
import { memoryStore } from "../store/memory-store.ts";
import type { Processes } from "../commands/processes.ts";
import { nameFault } from "./session-key.ts";
import type { Store } from "../store/store.ts";
import type { Turn } from "../turns/turn.ts";
import { callback, check, count, duration, invalidOption, members, port, text, texts } from "./validation.ts";

/** What `createLanekeeper` takes. Only `turn` is required. */
export interface LanekeeperOptions<Message = unknown, Reply = unknown> {
  /** Runs one turn of one session. The one function a host must write. */
  readonly turn: (turn: Turn<Message>) => Promise<Reply> | Reply;
  /** Where accepted work lives. Default `memoryStore()`. */
  readonly store?: Store | undefined;
  /** How many turns may run at once here. Default `{ turns: 4 × available parallelism, at least 8 }`. */
  readonly capacity?: CapacityOptions | undefined;
  /** The settings of every lane. */
  readonly lane?: LaneSettings | undefined;
  /** Which agent a session belongs to. Default: the second part of `agent:<id>:…`, else "main". */
  readonly agentOf?: ((sessionKey: string) => string) | undefined;
  /** Defaults of commands. */
  readonly exec?: ExecOptions | undefined;
  /** The source of time. Default: the machine's. */
  readonly clock?: Clock | undefined;
  /** In [0, 1). Default `Math.random`. */
  readonly random?: (() => number) | undefined;
  /** Unique and sortable by time. */
  readonly createId?: (() => string) | undefined;
  /** Anything with pino's `debug/info/warn/error(fields, message)`. Default: warnings and errors as JSON lines on stderr. */
  readonly logger?: Logger | undefined;
  /** How commands are run. Default: real processes; tests give scripted ones. */
  readonly processes?: Processes | undefined;
}

/** How many turns may run at once. */
export interface CapacityOptions {
  /** Turns running at once in this process: 1 or more. */
  readonly turns: number;
  /** Reclaimed turns whose code has not yet returned that are tolerated before health turns "degraded". Default: `turns`. */
  readonly zombies?: number | undefined;
}

/** A capacity, completed. */
export interface Capacity {
  readonly turns: number;
  readonly zombies: number;
}

/** The options of one message. */
export interface SendOptions {
  /** Idempotency key: from acceptance until `dedupeMs` after the outcome, the same id for the same session returns the same work (B23). */
  readonly id?: string | undefined;
  readonly mode?: "followup" | undefined;
  /** Carried to the turn and into events: trace context, channel, thread. */
  readonly meta?: Readonly<Record<string, string>> | undefined;
}
/** A system event. */
export interface EventInput {
  readonly kind: string;
  readonly body?: unknown;
  /** Events of one session with the same key are one: the newest replaces the waiting one and takes the end of the queue. */
  readonly key?: string | undefined;
}
/** The options of one event. */
export interface NotifyOptions {
  /** Idempotency key, as of `send`. */
  readonly id?: string | undefined;
  /** False: waits for another reason to run. Default true. */
  readonly wake?: boolean | undefined;
}
/** How urgent a wake is. */
export type Priority = "foreground" | "normal" | "background";
/** The options of a wake. */
export interface WakeOptions {
  /** Given to the turn. */
  readonly reason?: string | undefined;
  /** The highest of merged wakes counts. Default "normal". */
  readonly priority?: Priority | undefined;
  /** Wakes within this long are one, counted from the first, in milliseconds. Default 250. */
  readonly coalesceMs?: number | undefined;
}

/** Every option, checked and completed. */
export interface Settings {
  readonly turn: (turn: Turn) => unknown;
  readonly store: Store;
  readonly capacity: Capacity;
  readonly lane: LaneOptions;
  readonly agentOf: (sessionKey: string) => string;
  readonly exec: ExecSettings;
  readonly clock: Clock;
  readonly random: () => number;
  readonly createId: () => string;
  readonly logger: Logger;
  readonly processes: Processes;
}
/** Exec options, completed. */
export interface ExecSettings {
  readonly cwd: string | undefined;
  readonly env: Readonly<Record<string, string>> | undefined;
  readonly timeoutMs: number;
  readonly notify: "always" | "output-or-failure" | "never";
  readonly tailChars: number;
  readonly killGraceMs: number;
}

const optional = <T>(schema: v.GenericSchema<T>): v.OptionalSchema<v.GenericSchema<T>, undefined> =>
  v.optional(schema);
const name = v.custom<string>(
  (value) => nameFault(value) === undefined,
  "a trimmed text of 1 to 512 UTF-16 units without control characters",
);

const capacitySchema = members({ turns: count(1), zombies: optional(count(0)) });
const retrySchema = members({
  attempts: optional(count(1)),
  baseMs: optional(duration()),
  maxMs: optional(duration()),
});
const laneSchema = members({
  mode: optional(v.literal("followup", '"followup"')),
  cap: optional(count(1)),
  overflow: optional(v.literal("reject", '"reject"')),
  eventCap: optional(count(1)),
  stallAfterMs: optional(duration(1)),
  reclaimAfterMs: optional(duration(1)),
  turnTimeoutMs: optional(duration(1)),
  abortGraceMs: optional(duration()),
  retry: v.optional(retrySchema),
  maxReclaims: optional(count(0)),
  maxCrashes: optional(count(0)),
  dedupeMs: optional(duration()),
  passivateAfterMs: optional(duration()),
});
const execEntries = {
  cwd: optional(text(1)),
  env: optional(texts()),
  timeoutMs: optional(duration(1)),
  notify: v.optional(
    v.picklist(["always", "output-or-failure", "never"], '"always", "output-or-failure" or "never"'),
  ),
  tailChars: optional(count(0)),
  killGraceMs: optional(duration()),
};
const execSchema = members(execEntries);
const turnExecSchema = members({ ...execEntries, foreground: v.optional(v.boolean("true or false")) });
const optionsSchema = members({
  turn: callback<(turn: Turn) => unknown>(),
  store: optional(port<Store>("store", ["open", "close"])),
  capacity: v.optional(capacitySchema),
  lane: v.optional(laneSchema),
  agentOf: optional(callback<(sessionKey: string) => string>()),
  exec: v.optional(execSchema),
  clock: optional(port<Clock>("clock", ["now", "monotonic", "setTimeout", "clearTimeout"])),
  random: optional(callback<() => number>()),
  createId: optional(callback<() => string>()),
  logger: optional(port<Logger>("logger", ["debug", "info", "warn", "error"])),
  processes: optional(port<Processes>("processes", ["start"])),
});
const sendSchema = members({
  id: optional(name),
  mode: optional(v.literal("followup", '"followup"')),
  meta: optional(texts()),
});
const eventSchema = members({ kind: name, body: v.optional(v.unknown()), key: optional(name) });
const notifySchema = members({ id: optional(name), wake: v.optional(v.boolean("true or false")) });
const wakeSchema = members({
  reason: optional(text()),
  priority: v.optional(
    v.picklist(["foreground", "normal", "background"], '"foreground", "normal" or "background"'),
  ),
  coalesceMs: optional(duration()),
});
const reportSchema = members({
  execId: name,
  sessionKey: v.optional(v.unknown()),
  exitCode: v.nullable(v.custom<number>(Number.isInteger, "a whole number or null")),
  signal: v.optional(v.nullable(text(1))),
  output: optional(text()),
});
const sessionsSchema = members({
  state: v.optional(
    v.picklist(["idle", "busy", "stalled", "reclaimed"], '"idle", "busy", "stalled" or "reclaimed"'),
  ),
  prefix: optional(text()),
  limit: optional(count(1)),
  after: optional(text()),
});
const deadLettersSchema = members({ sessionKey: v.optional(v.unknown()), limit: optional(count(1)) });
const clearSchema = members({
  reason: optional(text()),
  events: v.optional(v.boolean("true or false")),
});
const timeoutSchema = members({ timeoutMs: optional(duration()) });

/** Checks the options of a keeper and completes them. Throws `INVALID_OPTION`; nothing has been started then. */
export function completeOptions<Message, Reply>(options: LanekeeperOptions<Message, Reply>): Settings {
  const given = check("options", optionsSchema, options);
  const clock = given.clock ?? systemClock;
  const random = given.random ?? Math.random;
  const turns = Math.max(8, 4 * availableParallelism());
  return {
    turn: given.turn,
    store: given.store ?? memoryStore(),
    capacity: completeCapacity(given.capacity ?? { turns }),
    lane: completeLaneOptions(given.lane ?? {}),
    agentOf: given.agentOf ?? defaultAgentOf,
    exec: completeExecOptions(given.exec),
    clock,
    random,
    createId: given.createId ?? createIdMaker(clock.now, random),
    logger: given.logger ?? stderrLogger,
    processes: given.processes ?? childProcesses,
  };
}

/** The second part of `agent:<id>:…`, else "main". */
export function defaultAgentOf(sessionKey: string): string {
  if (!sessionKey.startsWith("agent:")) return "main";
  const end = sessionKey.indexOf(":", 6);
  const agent = end === -1 ? sessionKey.slice(6) : sessionKey.slice(6, end);
  return agent === "" ? "main" : agent;
}

/** Checks and completes a capacity. */
export function completeCapacity(capacity: unknown): Capacity {
  const { turns, zombies } = check("capacity", capacitySchema, capacity);
  return { turns, zombies: zombies ?? turns };
}

/** Checks the options of a command and completes them from the keeper's. */
export function completeExecOptions(options: unknown, base?: ExecSettings): ExecSettings {
  const given = options === undefined ? {} : check("exec", execSchema, options);
  return {
    cwd: given.cwd ?? base?.cwd,
    env: base?.env === undefined ? given.env : { ...base.env, ...given.env },
    timeoutMs: given.timeoutMs ?? base?.timeoutMs ?? 3_600_000,
    notify: given.notify ?? base?.notify ?? "always",
    tailChars: given.tailChars ?? base?.tailChars ?? 8_000,
    killGraceMs: given.killGraceMs ?? base?.killGraceMs ?? 5_000,
  };
}

/** Splits a turn's exec options from `foreground`. */
export function checkTurnExec(options: unknown): {
  readonly foreground: boolean;
  readonly exec: ExecOptions;
} {
  if (options === undefined) return { foreground: false, exec: {} };
  const { foreground, ...exec } = check("exec", turnExecSchema, options);
  return { foreground: foreground ?? false, exec };
}

/** Checks a command line. */
export function checkCommand(command: unknown, args: unknown): void {
  check("command", text(1), command);
  check("args", v.array(text(), "an array of texts"), args);
}

/** Checks the options of one message. */
export const checkSend = (options: unknown): SendOptions => check("send", sendSchema, options);
/** Checks an event. */
export const checkEvent = (event: unknown): EventInput => check("event", eventSchema, event);
/** Checks the options of one event. */
export const checkNotify = (options: unknown): NotifyOptions => check("notify", notifySchema, options);
/** Checks the options of a wake. */
export const checkWake = (options: unknown): WakeOptions => check("wake", wakeSchema, options);
/** Checks the report of a command. */
export const checkReport = (report: unknown): v.InferOutput<typeof reportSchema> =>
  check("report", reportSchema, report);
/** Checks an id given by the host. */
export const checkId = (option: string, id: unknown): string => check(option, name, id);
/** Checks the query of `sessions()`. */
export const checkSessionsQuery = (query: unknown = {}): v.InferOutput<typeof sessionsSchema> =>
  check("query", sessionsSchema, query);
/** Checks the query of `deadLetters()`. */
export const checkDeadLettersQuery = (query: unknown = {}): v.InferOutput<typeof deadLettersSchema> =>
  check("query", deadLettersSchema, query);
/** Checks the options of `clear()`. */
export const checkClear = (options: unknown = {}): v.InferOutput<typeof clearSchema> =>
  check("clear", clearSchema, options);
/** Checks options whose only member is `timeoutMs`. */
export const checkTimeout = (option: string, options: unknown = {}): v.InferOutput<typeof timeoutSchema> =>
  check(option, timeoutSchema, options);
/** Checks a reason, which may be left out. */
export const checkReason = (reason: unknown): string | undefined => check("reason", optional(text()), reason);
/** The error for a `createId` that threw or made no id. */
export const invalidId = (got: unknown): Error =>
  invalidOption("createId", got, "a function that makes trimmed texts of 1 to 512 UTF-16 units");
