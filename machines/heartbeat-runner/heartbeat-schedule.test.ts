import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  type HeartbeatSchedule,
  isMinuteFull,
  isWithinSpacing,
  nextTime,
  phaseOf,
  retryTime,
} from "./heartbeat-schedule.ts";

const instants = fc.integer({ min: 0, max: 4_102_444_800_000 });
const periods = fc.integer({ min: 1, max: 86_400_000 });
const schedules = fc
  .tuple(fc.string(), periods)
  .map(([agent, everyMs]) => scheduleOf({ everyMs, phaseMs: phaseOf(agent, everyMs) }));

function scheduleOf(part: Partial<HeartbeatSchedule>): HeartbeatSchedule {
  return { everyMs: 60_000, phaseMs: 0, minSpacingMs: 30_000, ...part };
}

describe("the schedule", () => {
  it("puts the next time after the instant and at most a period away (B43)", () => {
    fc.assert(
      fc.property(schedules, instants, (schedule, at) => {
        const next = nextTime(schedule, at);
        expect(next).toBeGreaterThan(at);
        expect(next - at).toBeLessThanOrEqual(schedule.everyMs);
      }),
    );
  });

  it("takes the next time from the schedule, not from when it is asked (B43)", () => {
    fc.assert(
      fc.property(
        schedules,
        instants,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (schedule, at, part) => {
          const next = nextTime(schedule, at);
          expect(nextTime(schedule, at + Math.floor((next - at) * part))).toBe(next);
          expect(nextTime(schedule, next)).toBe(next + schedule.everyMs);
        },
      ),
    );
  });

  it("gives an agent the same phase after every start, within the period", () => {
    fc.assert(
      fc.property(fc.string(), periods, (agent, everyMs) => {
        expect(phaseOf(agent, everyMs)).toBe(phaseOf(agent, everyMs));
        expect(phaseOf(agent, everyMs)).toBeGreaterThanOrEqual(0);
        expect(phaseOf(agent, everyMs)).toBeLessThan(everyMs);
      }),
    );
  });

  it("spreads a thousand agents over the period (B43)", () => {
    const perTenth = Array.from({ length: 10 }, () => 0);
    for (let index = 0; index < 1_000; index += 1) {
      const tenth = Math.floor(phaseOf(`agent-${index}`, 60_000) / 6_000);
      perTenth[tenth] = (perTenth[tenth] ?? 0) + 1;
    }
    expect(Math.max(...perTenth)).toBeLessThan(140);
    expect(Math.min(...perTenth)).toBeGreaterThan(60);
  });
});

describe("spacing (B45)", () => {
  const schedule = scheduleOf({ minSpacingMs: 30_000 });

  it("is kept from the last start on, and not before there was one", () => {
    expect(isWithinSpacing(schedule, [], 1_000)).toBe(false);
    expect(isWithinSpacing(schedule, [0, 1_000], 30_999)).toBe(true);
    expect(isWithinSpacing(schedule, [0, 1_000], 31_000)).toBe(false);
  });

  it("counts a start the clock was stepped back behind as just now", () => {
    expect(isWithinSpacing(schedule, [3_600_000], 1_000)).toBe(true);
  });

  it("lets at most five starts into any minute", () => {
    const starts = [0, 1_000, 2_000, 3_000, 4_000];
    expect(isMinuteFull(starts.slice(1), 5_000)).toBe(false);
    expect(isMinuteFull(starts, 59_999)).toBe(true);
    expect(isMinuteFull(starts, 60_000)).toBe(false);
  });
});

describe("a retry (B46)", () => {
  it("backs off, doubling up to a minute", () => {
    const schedule = scheduleOf({ minSpacingMs: 0 });
    const waits = [0, 1, 2, 6, 20].map((retries) => retryTime(schedule, [], 5_000, retries) - 5_000);
    expect(waits).toEqual([1_000, 2_000, 4_000, 60_000, 60_000]);
  });

  it("never comes before the spacing ends", () => {
    fc.assert(
      fc.property(
        schedules,
        instants,
        fc.integer({ min: 0, max: 100_000 }),
        fc.nat(5),
        (schedule, at, ran, retries) => {
          const retryAt = retryTime(schedule, [at - ran], at, retries);
          expect(retryAt).toBeGreaterThan(at);
          expect(isWithinSpacing(schedule, [at - ran], retryAt)).toBe(false);
        },
      ),
    );
  });
});
