import type { HeartbeatOptions } from "lanekeeper";

type ActiveHours = NonNullable<HeartbeatOptions["activeHours"]>;

const hourMs = 3_600_000;
const formats = new Map<string, Intl.DateTimeFormat>();

/**
 * Whether an instant lies outside of active hours, by the clock on the wall of their zone. Undefined where that clock is
 * changed within some hours: then it says nothing by itself.
 */
export function isOutside({ start, end, timezone }: ActiveHours, at: number): boolean | undefined {
  const now = wallMinutes(timezone, at);
  for (const hours of [-26, -3, 3]) {
    const passed = (wallMinutes(timezone, at + hours * hourMs) - now + 4 * dayMinutes) % dayMinutes;
    if (passed !== (hours * 60 + 4 * dayMinutes) % dayMinutes) return undefined;
  }
  const from = minutesOf(start);
  const to = minutesOf(end);
  const isInside = from < to ? now >= from && now < to : now >= from || now < to;
  return !isInside;
}

const dayMinutes = 1_440;

function minutesOf(time: string): number {
  const [hours, minutes] = time.split(":").map(Number) as [number, number];
  return hours * 60 + minutes;
}

/** Minutes since midnight that the clock on the wall shows. */
function wallMinutes(timezone: string, at: number): number {
  let format = formats.get(timezone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat("en-GB", {
      timeZone: timezone,
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
    });
    formats.set(timezone, format);
  }
  return minutesOf(format.format(at));
}
