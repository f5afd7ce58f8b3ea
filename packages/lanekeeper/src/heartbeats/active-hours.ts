import { tzOffset } from "@date-fns/tz/tzOffset";

/**
 * The hours in which heartbeats may start, by the clock on the wall of their zone (B44).
 *
 * I1. They last from the first instant at which that clock has reached `start` to the first at which it has reached `end`: a
 *     time that a day skips is reached where it is skipped, one that a day has twice is reached the first time.
 * I2. Each day's hours are one stretch: where the clock is set back inside them they are longer, never interrupted.
 */
export interface ActiveHours {
  /** The first minute, `HH:MM`, 00:00 to 23:59. */
  readonly start: string;
  /** The first minute after, `HH:MM`. Before `start`: of the next day. Equal to it: the whole day is active. */
  readonly end: string;
  /** An IANA time zone, e.g. "Europe/Berlin". */
  readonly timezone: string;
}

const minuteMs = 60_000;
const dayMs = 86_400_000;

/** Whether an instant (epoch milliseconds) lies in the active hours. */
export function isActive(hours: ActiveHours | undefined, at: number): boolean {
  if (hours === undefined || hours.start === hours.end) return true;
  const { timezone } = hours;
  const start = minuteOf(hours.start) * minuteMs;
  const end = minuteOf(hours.end) * minuteMs + (hours.end < hours.start ? dayMs : 0);
  const today = Math.floor((at + offsetMs(timezone, at)) / dayMs) * dayMs;
  // A clock that is set back over midnight has tomorrow's first minutes before today's last.
  return [today - dayMs, today, today + dayMs].some(
    (day) => reached(timezone, day + start) <= at && at < reached(timezone, day + end),
  );
}

/** Whether a zone is known. */
export function isZone(timezone: string): boolean {
  try {
    return new Intl.DateTimeFormat("en", { timeZone: timezone }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}

/** The first instant at which the zone's clock has reached a time, given as if it were UTC. */
function reached(timezone: string, wall: number): number {
  // No zone changes its clock twice within two days.
  const before = offsetMs(timezone, wall - dayMs);
  const after = offsetMs(timezone, wall + dayMs);
  const early = wall - Math.max(before, after);
  if (before === after) return early;
  const late = wall - Math.min(before, after);
  if (early + offsetMs(timezone, early) === wall) return early;
  if (late + offsetMs(timezone, late) === wall) return late;
  // Skipped: reached when the clock is put forward.
  let [low, high] = [early, late];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetMs(timezone, middle) === before) low = middle;
    else high = middle;
  }
  return high;
}

function offsetMs(timezone: string, at: number): number {
  return tzOffset(timezone, new Date(at)) * minuteMs;
}

function minuteOf(time: string): number {
  const [hours, minutes] = time.split(":");
  return Number(hours) * 60 + Number(minutes);
}
