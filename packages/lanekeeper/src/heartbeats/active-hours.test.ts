import * as fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { type ActiveHours, isActive, isZone } from "./active-hours.ts";

const instants = fc.integer({ min: Date.UTC(2000, 0), max: Date.UTC(2037, 0) });
const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

function activeAt(hours: ActiveHours, utc: string): boolean {
  return isActive(hours, Date.parse(utc));
}

/** What the zone's clock shows, by the platform and not by the library that is tested. */
function shown(timezone: string, at: number): string {
  const options = { timeZone: timezone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
  let format = formats.get(timezone);
  if (format === undefined) formats.set(timezone, (format = new Intl.DateTimeFormat("en-GB", options)));
  return format.format(at);
}
const formats = new Map<string, Intl.DateTimeFormat>();
/** All times here, and all offsets of their zones, are multiples of it. */
const quarterMs = 15 * minuteMs;

describe("active hours (B44)", () => {
  const office = { start: "09:00", end: "17:30", timezone: "Europe/Berlin" };
  const night = { start: "22:00", end: "06:00", timezone: "America/New_York" };

  it("include their start and exclude their end, in local time", () => {
    expect(activeAt(office, "2026-01-15T07:59:59Z")).toBe(false);
    expect(activeAt(office, "2026-01-15T08:00:00Z")).toBe(true);
    expect(activeAt(office, "2026-01-15T16:29:59Z")).toBe(true);
    expect(activeAt(office, "2026-01-15T16:30:00Z")).toBe(false);
  });

  it("cross midnight", () => {
    expect(activeAt(night, "2026-01-16T02:59:00Z")).toBe(false);
    expect(activeAt(night, "2026-01-16T03:00:00Z")).toBe(true);
    expect(activeAt(night, "2026-01-16T05:30:00Z")).toBe(true);
    expect(activeAt(night, "2026-01-16T10:59:00Z")).toBe(true);
    expect(activeAt(night, "2026-01-16T11:00:00Z")).toBe(false);
  });

  it("follow the zone over the days its clocks change", () => {
    expect(activeAt(office, "2026-03-28T07:30:00Z")).toBe(false);
    expect(activeAt(office, "2026-03-29T07:30:00Z")).toBe(true);
    expect(activeAt(office, "2026-10-24T07:30:00Z")).toBe(true);
    expect(activeAt(office, "2026-10-25T07:30:00Z")).toBe(false);
  });

  it("open at the next local time when theirs is skipped, and stay open through one that comes twice", () => {
    const skipped = { start: "02:30", end: "04:00", timezone: "Europe/Berlin" };
    expect(activeAt(skipped, "2026-03-29T00:59:00Z")).toBe(false);
    expect(activeAt(skipped, "2026-03-29T01:00:00Z")).toBe(true);
    const twice = { start: "02:00", end: "03:00", timezone: "Europe/Berlin" };
    expect(activeAt(twice, "2026-10-25T00:30:00Z")).toBe(true);
    expect(activeAt(twice, "2026-10-25T01:30:00Z")).toBe(true);
    expect(activeAt(twice, "2026-10-25T02:00:00Z")).toBe(false);
  });

  it("are one stretch where the clock is set back over midnight inside them", () => {
    // On that day the clock of St. John's went from 00:01 back to 23:01.
    const hours = { start: "00:00", end: "06:00", timezone: "America/St_Johns" };
    expect(activeAt(hours, "2010-11-07T02:29:59Z")).toBe(false);
    for (const utc of ["2010-11-07T02:30:00Z", "2010-11-07T02:31:00Z", "2010-11-07T03:15:00Z"])
      expect(activeAt(hours, utc)).toBe(true);
    expect(activeAt(hours, "2010-11-07T09:29:59Z")).toBe(true);
    expect(activeAt(hours, "2010-11-07T09:30:00Z")).toBe(false);
  });

  it("are the whole day when they start where they end, or were not given", () => {
    fc.assert(
      fc.property(instants, (at) => {
        expect(isActive({ start: "08:00", end: "08:00", timezone: "Asia/Kathmandu" }, at)).toBe(true);
        expect(isActive(undefined, at)).toBe(true);
      }),
    );
  });

  it("and the hours between their end and their start are each other's opposite", () => {
    const times = fc
      .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 0, max: 59 }))
      .map((parts) => parts.map((part) => String(part).padStart(2, "0")).join(":"));
    const zones = fc.constantFrom("UTC", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe");
    fc.assert(
      fc.property(times, times, zones, instants, (start, end, timezone, at) => {
        fc.pre(start !== end);
        const inside = isActive({ start, end, timezone }, at);
        expect(isActive({ start: end, end: start, timezone }, at)).toBe(!inside);
      }),
    );
  });
});

describe("active hours on the days clocks change (B44)", () => {
  // Forward and back, in both hemispheres; half an hour on Lord Howe; around midnight in Havana and Beirut.
  const changes = [
    ["Europe/Berlin", "2026-03-29T01:00Z", "2026-10-25T01:00Z"],
    ["America/New_York", "2026-03-08T07:00Z", "2026-11-01T06:00Z"],
    ["America/Havana", "2026-03-08T05:00Z", "2026-11-01T05:00Z"],
    ["Australia/Lord_Howe", "2026-10-03T15:30Z", "2026-04-04T15:00Z"],
    ["America/St_Johns", "2026-03-08T05:30Z", "2026-11-01T04:30Z"],
    ["Asia/Beirut", "2026-03-28T22:00Z", "2026-10-24T21:00Z"],
    ["Pacific/Auckland", "2026-09-26T14:00Z", "2026-04-04T14:00Z"],
    ["Africa/Casablanca", "2026-03-22T02:00Z", "2026-02-15T02:00Z"],
  ] as const;
  const windows = [
    ["09:00", "17:30"],
    ["22:00", "06:00"],
    ["01:45", "02:15"],
    ["02:30", "04:00"],
    ["23:45", "00:15"],
    ["00:30", "00:00"],
  ] as const;

  it.each(changes)(
    "of %s open and close where the clock on the wall has reached the time",
    (timezone, ...at) => {
      const wrong: string[] = [];
      for (const change of at.map((text) => Date.parse(text.replace("Z", ":00Z"))))
        for (const [start, end] of windows) {
          const hours = { start, end, timezone };
          let wasActive: boolean | undefined;
          let turns = 0;
          for (let instant = change - 26 * hourMs; instant < change + 26 * hourMs; instant += quarterMs) {
            const isOn = isActive(hours, instant);
            const before = shown(timezone, instant - quarterMs);
            const now = shown(timezone, instant);
            if (wasActive !== undefined && isOn !== wasActive) {
              turns++;
              const edge = isOn ? start : end;
              // Reached now, or skipped just now, or over midnight.
              const isReached =
                now === edge ||
                (before < edge && edge < now) ||
                (now < before && (edge > before || edge < now));
              if (!isReached) wrong.push(`${start}–${end} at ${new Date(instant).toISOString()}`);
            }
            wasActive = isOn;
          }
          // Two days and four hours hold at most six edges: nothing opens twice on the day of a second hour.
          expect(turns).toBeLessThanOrEqual(6);
          expect(turns).toBeGreaterThanOrEqual(3);
        }
      expect(wrong).toEqual([]);
    },
  );

  it.each(changes)("of %s are, far from a change, what its clock shows", (timezone) => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 364 }), fc.integer({ min: 0, max: 1_439 }), (day, minute) => {
        const instant = Date.UTC(2026, 0, 1) + day * 24 * hourMs + minute * minuteMs;
        const isSteady =
          shown(timezone, instant) === shown(timezone, instant - 72 * hourMs) &&
          shown(timezone, instant) === shown(timezone, instant + 72 * hourMs);
        fc.pre(isSteady);
        for (const [start, end] of windows) {
          const now = shown(timezone, instant);
          const expected = start < end ? start <= now && now < end : start <= now || now < end;
          expect(isActive({ start, end, timezone }, instant)).toBe(expected);
        }
      }),
    );
  });
});

test.each([
  ["Europe/Berlin", true],
  ["UTC", true],
  ["Europe/Atlantis", false],
  ["", false],
])("the zone %j is known: %s", (timezone, isKnown) => {
  expect(isZone(timezone)).toBe(isKnown);
});
