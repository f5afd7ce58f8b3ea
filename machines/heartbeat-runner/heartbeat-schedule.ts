/**
 * When a heartbeat may start: times and spacing, as arithmetic on epoch milliseconds.
 *
 * Owns: the schedule of one agent.
 * Must not know: what time it is, or that anything runs.
 * I1. The next time depends on the schedule and the instant alone, not on the last run; so what was missed is one run (B43).
 * I2. Every retry lies before the next time, and there are at most three between two times (B46).
 */

/** When an agent's heartbeats are due, and when they may not start though due. */
export interface HeartbeatSchedule {
  readonly everyMs: number;
  /** Where in each period this agent's time lies, so that agents do not fire together. */
  readonly phaseMs: number;
  /** Least time between two starts. */
  readonly minSpacingMs: number;
}

/** Starts an agent may have within a minute, whatever asks (B45). */
export const maxStartsPerMinute = 5;
/** Retries between two times of the schedule (B46). */
export const maxRetries = 3;

const minuteMs = 60_000;
const retryBaseMs = 1_000;
const retryMaxMs = 60_000;

/** The agent's place in the period: spread evenly by its name, the same after every start. */
export function phaseOf(agent: string, everyMs: number): number {
  return Math.floor((hash(agent) / 2 ** 32) * everyMs);
}

/** The first time of the schedule after an instant; at most `everyMs` away. */
export function nextTime(schedule: HeartbeatSchedule, at: number): number {
  const { everyMs, phaseMs } = schedule;
  const since = (((at - phaseMs) % everyMs) + everyMs) % everyMs;
  return at - since + everyMs;
}

/** The last start is less than `minSpacingMs` ago. A start the clock has stepped back behind counts as just now. */
export function isWithinSpacing(schedule: HeartbeatSchedule, starts: readonly number[], at: number): boolean {
  const last = starts.at(-1);
  return last !== undefined && at - last < schedule.minSpacingMs;
}

/** One start more would be too many for this minute. */
export function isMinuteFull(starts: readonly number[], at: number): boolean {
  return starts.filter((start) => at - start < minuteMs).length >= maxStartsPerMinute;
}

/** When a heartbeat that failed at an instant is tried again: after its backoff, never before the spacing ends. */
export function retryTime(
  schedule: HeartbeatSchedule,
  starts: readonly number[],
  at: number,
  retries: number,
): number {
  const backoff = Math.min(retryMaxMs, retryBaseMs * 2 ** retries);
  const last = starts.at(-1);
  return Math.max(at + backoff, last === undefined ? at : last + schedule.minSpacingMs);
}

/** FNV-1a, 32 bits. */
function hash(text: string): number {
  let sum = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    sum = Math.imul(sum ^ text.charCodeAt(index), 0x01000193);
  }
  // Names that differ in their end alone must not lie side by side.
  sum = Math.imul(sum ^ (sum >>> 16), 0x85ebca6b);
  sum = Math.imul(sum ^ (sum >>> 13), 0xc2b2ae35);
  return (sum ^ (sum >>> 16)) >>> 0;
}
