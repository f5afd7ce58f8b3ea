import { assertKnownOptions, invalidOption } from "lanekeeper/ports";
import { isSpan, spanTakes } from "../span.ts";
import type { Command, CommandKind, CommandOf } from "./command.ts";

/** What a field of a command may be. */
interface Field {
  readonly takes: string;
  is(value: unknown): boolean;
}

const isText = (value: unknown): value is string => typeof value === "string";
const isNumber = (value: unknown): value is number => Number.isFinite(value);

const text: Field = { takes: "a text", is: isText };
const flag: Field = { takes: "true or false", is: (value) => typeof value === "boolean" };
const whole: Field = { takes: "a whole number", is: Number.isSafeInteger };
const span: Field = { takes: spanTakes, is: isSpan };
const shift: Field = { takes: "a finite number of milliseconds", is: isNumber };
const share: Field = {
  takes: "a number from 0 to 1",
  is: (value) => isNumber(value) && value >= 0 && value <= 1,
};
const keeper: Field = {
  takes: "the number of a keeper, 0 or more",
  is: (value) => Number.isSafeInteger(value) && (value as number) >= 0,
};
const capacity: Field = {
  takes: "a capacity, such as { turns: 4 }",
  is: (value) => typeof value === "object" && value !== null,
};
const among = (...choices: readonly string[]): Field => ({
  takes: `one of ${choices.join(", ")}`,
  is: (value) => isText(value) && choices.includes(value),
});
const optional = ({ takes, is }: Field): Field => ({
  takes,
  is: (value) => value === undefined || is(value),
});

const priority = optional(among("foreground", "normal", "background"));
const ofSession = { session: text };
const withId = { session: text, id: text };
const ofKeeper = { keeper };
const ofLock = { keeper, name: text, ttlMs: span, waitMs: span, holdMs: span };
const aWhile = { keeper, forMs: span };

/** The fields of each kind, besides its name and its time. */
const fields: {
  readonly [Kind in CommandKind]: Readonly<Record<Exclude<keyof CommandOf<Kind>, "at" | "do">, Field>>;
} = {
  send: {
    ...withId,
    mode: optional(among("followup", "collect", "steer", "interrupt", "reject")),
    priority,
    group: optional(text),
    expiresInMs: optional(span),
    withdrawnAfterMs: optional(span),
  },
  notify: { ...withId, key: optional(text), priority, group: optional(text), wake: optional(flag) },
  wake: { ...ofSession, reason: text, priority, coalesceMs: optional(span) },
  exec: {
    ...ofSession,
    name: text,
    timeoutMs: span,
    notify: optional(among("always", "output-or-failure", "never")),
  },
  expectExec: { ...ofSession, execId: text, timeoutMs: span },
  reportExec: { ...ofSession, execId: text, exitCode: whole },
  cancel: withId,
  attach: withId,
  abort: ofSession,
  reset: ofSession,
  forget: ofSession,
  pause: ofSession,
  resume: ofSession,
  clear: { ...ofSession, events: flag },
  redrive: ofSession,
  discard: ofSession,
  heartbeat: { agent: text, what: among("request", "enable", "disable") },
  acquire: ofLock,
  tryAcquire: ofLock,
  using: ofLock,
  pauseAll: ofKeeper,
  resumeAll: ofKeeper,
  setCapacity: { keeper, capacity },
  close: { keeper, drainMs: optional(span), downMs: span },
  crash: { keeper, downMs: span },
  stepClock: { keeper, byMs: shift },
  sleep: aWhile,
  stop: aWhile,
  storeFaults: { ...aWhile, share },
  leaseFaults: { forMs: span, share },
};

/**
 * Checks a list of commands that comes from outside, and puts it in the order of time. Throws `INVALID_OPTION`; whether a
 * keeper takes what it is asked for is checked by the keeper.
 */
export function checkCommands(given: unknown): readonly Command[] {
  if (!Array.isArray(given))
    throw invalidOption("commands", given, "a list of commands, as `simulate` gives it");
  for (const [index, command] of given.entries()) checkCommand(`commands.${index}`, command);
  return (given as readonly Command[]).toSorted((a, b) => a.at - b.at);
}

function checkCommand(name: string, given: unknown): void {
  const command = (given ?? {}) as Readonly<Record<string, unknown>>;
  const { at, do: kind } = command;
  if (!isText(kind) || !Object.hasOwn(fields, kind))
    throw invalidOption(`${name}.do`, kind, `one of ${Object.keys(fields).join(", ")}`);
  if (!isSpan(at)) throw invalidOption(`${name}.at`, at, "true milliseconds since the start, 0 or more");
  const own = Object.entries<Field>(fields[kind as CommandKind]);
  assertKnownOptions(name, command, ["at", "do", ...own.map(([field]) => field)]);
  for (const [field, { takes, is }] of own)
    if (!is(command[field])) throw invalidOption(`${name}.${field}`, command[field], takes);
}
