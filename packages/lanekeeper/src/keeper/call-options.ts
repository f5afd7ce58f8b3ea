import * as v from "valibot";
import type { Priority } from "../dispatch/priority.ts";
import { type QueueMode, queueModes } from "../lanes/queue-mode.ts";
import { laneStates } from "../seeing/views.ts";
import {
  check,
  checkOptions,
  count,
  duration,
  finite,
  flag,
  members,
  properName,
  oneOf,
  optional,
  port,
  text,
  texts,
} from "./validation.ts";

/** The options of one message. */
export interface SendOptions {
  /** Idempotency key: from acceptance until `dedupeMs` after the outcome, the same id for the same session returns the same work (B23). */
  readonly id?: string | undefined;
  /** How it meets a session that is not idle; `collect` waits for quiet in an idle one too. Default: the lane's `mode`. */
  readonly mode?: QueueMode | undefined;
  /** How urgently its lane waits for capacity (B14). Default "foreground". */
  readonly priority?: Priority | undefined;
  /** The capacity group of the turn that it is the first item of (B12). Default: none. */
  readonly group?: string | undefined;
  /** Dropped (`expired`) unless a turn has started on it so many milliseconds after acceptance. Default: never. */
  readonly expiresInMs?: number | undefined;
  /** Carried to the turn and into events: trace context, channel, thread. */
  readonly meta?: Readonly<Record<string, string>> | undefined;
  /**
   * Withdraws it while it waits; aborted already: `send` rejects with its reason. Once its turn runs, use `abort`. The signal
   * of a duplicate withdraws nothing: the work is another sender's too.
   */
  readonly signal?: AbortSignal | undefined;
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
  /** How urgently its lane waits for capacity (B14). Default "normal". */
  readonly priority?: Priority | undefined;
  /** The capacity group of a turn without messages that it is the first event of (B12). Default: none. */
  readonly group?: string | undefined;
  /** False: waits for another reason to run. Default true. */
  readonly wake?: boolean | undefined;
}
/** The options of a wake. */
export interface WakeOptions {
  /** Given to the turn. */
  readonly reason?: string | undefined;
  /** The highest of merged wakes counts. Default "normal". */
  readonly priority?: Priority | undefined;
  /** Wakes within this long are one, counted from the first, in milliseconds. Default 250. */
  readonly coalesceMs?: number | undefined;
}

const priority = oneOf(["foreground", "normal", "background"]);
const sendSchema = members({
  id: optional(properName),
  mode: optional(oneOf(queueModes)),
  priority: optional(priority),
  group: optional(text(1)),
  expiresInMs: optional(duration(1)),
  meta: optional(texts()),
  signal: optional(port<AbortSignal>("AbortSignal", ["addEventListener", "removeEventListener"])),
});
const eventSchema = members({ kind: properName, body: v.optional(v.unknown()), key: optional(properName) });
const notifySchema = members({
  id: optional(properName),
  priority: optional(priority),
  group: optional(text(1)),
  wake: optional(flag),
});
const wakeSchema = members({
  reason: optional(text()),
  priority: optional(priority),
  coalesceMs: optional(duration()),
});
const reportSchema = members({
  execId: properName,
  sessionKey: v.optional(v.unknown()),
  exitCode: v.nullable(v.custom<number>(Number.isInteger, "a whole number or null")),
  signal: v.optional(v.nullable(text(1))),
  output: optional(text()),
});
const sessionsSchema = members({
  state: optional(oneOf(laneStates)),
  prefix: optional(text()),
  limit: optional(count(1)),
  after: optional(text()),
});
const deadLettersSchema = members({ sessionKey: v.optional(v.unknown()), limit: optional(count(1)) });
const clearSchema = members({ reason: optional(text()), events: optional(flag) });
const timeoutSchema = members({ timeoutMs: optional(duration()) });

/** Checks the options of one message. */
export const checkSend = (options: unknown): SendOptions => checkOptions("send", sendSchema, options);
/** Checks an event. */
export const checkEvent = (event: unknown): EventInput => check("event", eventSchema, event);
/** Checks the options of one event. */
export const checkNotify = (options: unknown): NotifyOptions => checkOptions("notify", notifySchema, options);
/** Checks the options of a wake. */
export const checkWake = (options: unknown): WakeOptions => checkOptions("wake", wakeSchema, options);
/** Checks the report of a command. */
export const checkReport = (report: unknown): v.InferOutput<typeof reportSchema> =>
  check("report", reportSchema, report);
/** Checks an id given by the host. */
export const checkId = (option: string, id: unknown): string => check(option, properName, id);
/** Checks the query of `sessions()`. */
export const checkSessionsQuery = (query: unknown = {}): v.InferOutput<typeof sessionsSchema> =>
  check("query", sessionsSchema, query);
/** Checks the query of `deadLetters()`. */
export const checkDeadLettersQuery = (query: unknown = {}): v.InferOutput<typeof deadLettersSchema> =>
  check("query", deadLettersSchema, query);
/** Checks the options of `clear()`. */
export const checkClear = (options: unknown = {}): v.InferOutput<typeof clearSchema> =>
  checkOptions("clear", clearSchema, options);
/** Checks what `turn.waiting` takes. */
export function checkWaiting(reason: unknown, untilAt: unknown): void {
  check("reason", text(), reason);
  check("untilAt", finite("an instant in epoch milliseconds"), untilAt);
}
/** Checks options whose only member is `timeoutMs`. */
export const checkTimeout = (option: string, options: unknown = {}): v.InferOutput<typeof timeoutSchema> =>
  checkOptions(option, timeoutSchema, options);
/** Checks a reason, which may be left out. */
export const checkReason = (reason: unknown): string | undefined => check("reason", optional(text()), reason);
