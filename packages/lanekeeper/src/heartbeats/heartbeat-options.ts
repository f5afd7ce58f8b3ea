import * as v from "valibot";
import { type ActiveHours, isZone } from "./active-hours.ts";
import { assertGroup, type Capacity } from "../keeper/capacity-options.ts";
import { invalidOption } from "../keeper/option-faults.ts";
import { check, duration, flag, members, optional, properName } from "../keeper/validation.ts";

/** One agent's heartbeats: turns of its session at the times of a schedule. */
export interface HeartbeatOptions {
  readonly agent: string;
  /** The session whose turns they are; each session has at most one agent's. Default `agent:<agent>:main`. */
  readonly sessionKey?: string | undefined;
  /** From one time of the schedule to the next, in milliseconds. The first comes within it (B43). */
  readonly everyMs: number;
  /** Local times between which they may start, of an IANA time zone; they may cross midnight (B44). Default: always. */
  readonly activeHours?: ActiveHours | undefined;
  /** Least time between two starts in milliseconds, whatever asks but a request by hand (B45). Default 30,000. */
  readonly minSpacingMs?: number | undefined;
  /** Whether a message aborts a running one (`TURN_PREEMPTED`, B47). Default true. */
  readonly preemptible?: boolean | undefined;
  /** The capacity group of their turns. Default: the group `heartbeat` where it is defined, else none. */
  readonly group?: string | undefined;
}

/** The heartbeats of one agent, completed. */
export interface HeartbeatSettings {
  readonly agent: string;
  readonly sessionKey: string;
  readonly everyMs: number;
  readonly activeHours: ActiveHours | undefined;
  readonly minSpacingMs: number;
  readonly preemptible: boolean;
  readonly group: string | undefined;
}

/** Least time between two starts, by default and where no heartbeat is configured for a session (B39). */
export const defaultSpacingMs = 30_000;

const timeOfDay: v.GenericSchema<string> = v.custom<string>(
  (value) => typeof value === "string" && /^([01]\d|2[0-3]):[0-5]\d$/.test(value),
  "a time of day, HH:MM from 00:00 to 23:59",
);
const zone: v.GenericSchema<string> = v.custom<string>(
  (value) => typeof value === "string" && isZone(value),
  'an IANA time zone such as "Europe/Berlin"',
);
const heartbeatSchema = members({
  agent: properName,
  sessionKey: optional(properName),
  everyMs: duration(1),
  activeHours: v.optional(members({ start: timeOfDay, end: timeOfDay, timezone: zone })),
  minSpacingMs: optional(duration()),
  preemptible: optional(flag),
  group: optional(properName),
});

/** Checks and completes the heartbeats of a keeper. Throws `INVALID_OPTION`. */
export function completeHeartbeats(given: unknown, capacity: Capacity): readonly HeartbeatSettings[] {
  if (given === undefined) return [];
  if (!Array.isArray(given))
    throw invalidOption("options.heartbeats", given, "a list of heartbeats, one for each agent");
  const completed: HeartbeatSettings[] = [];
  for (const [index, options] of given.entries()) {
    const name = `heartbeats.${index}`;
    const heartbeat = check(name, heartbeatSchema, options);
    const { agent, group, everyMs, activeHours } = heartbeat;
    const sessionKey = check(`${name}.sessionKey`, properName, heartbeat.sessionKey ?? `agent:${agent}:main`);
    assertGroup(`${name}.group`, group, capacity);
    if (completed.some((other) => other.agent === agent))
      throw invalidOption(`${name}.agent`, agent, "an agent that has no heartbeats yet");
    if (completed.some((other) => other.sessionKey === sessionKey))
      throw invalidOption(`${name}.sessionKey`, sessionKey, "a session that has no other agent's heartbeats");
    completed.push({
      agent,
      sessionKey,
      everyMs,
      activeHours,
      minSpacingMs: heartbeat.minSpacingMs ?? defaultSpacingMs,
      preemptible: heartbeat.preemptible ?? true,
      group,
    });
  }
  return completed;
}
