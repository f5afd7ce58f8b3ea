import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createActor, SimulatedClock } from "xstate";
import { explore } from "../reachability.ts";
import type { HeartbeatEvent } from "./heartbeat-runner.events.ts";
import type { HeartbeatInput } from "./heartbeat-runner.logic.ts";
import { heartbeatRunnerMachine } from "./heartbeat-runner.machine.ts";

const hour = 3_600_000;
const at = Date.parse("2026-05-01T12:00:00Z");
const input: HeartbeatInput = {
  agent: "main",
  sessionKey: "agent:main:main",
  everyMs: hour,
  minSpacingMs: 30_000,
  enabled: true,
  starts: [],
  at,
};
const events: readonly HeartbeatEvent[] = [
  { type: "heartbeat.request", at },
  { type: "heartbeat.enable", at },
  { type: "heartbeat.disable", at },
  { type: "clock.read", at },
  { type: "clock.read", at: at + 2 * hour },
  { type: "clock.read", at: at + 12 * hour },
  { type: "session.occupied", at },
  { type: "capacity.filled", at, reason: "capacity-full" },
  { type: "turn.refused", at, reason: "paused" },
  { type: "turn.inherited", at },
  { type: "turn.started", at },
  { type: "turn.stalled" },
  { type: "turn.recovered" },
  { type: "turn.aborted", at, reason: "preempted" },
  { type: "turn.aborted", at, reason: "stalled" },
  { type: "turn.completed", at, durationMs: 1 },
  { type: "turn.failed", at, error: "E", permanent: false },
  { type: "turn.ended", at },
  { type: "turn.reclaimed", at },
  { type: "turn.settled", at },
  { type: "lane.crashed", at, error: "E" },
  { type: "lane.unreachable", at, error: "E" },
];

describe("the heartbeat runner's chart", () => {
  it("has the four states of B1 and no other on top", () => {
    expect(Object.keys(heartbeatRunnerMachine.states)).toEqual(["idle", "busy", "stalled", "reclaimed"]);
  });

  it("has every state reached and left again", () => {
    const found = explore(heartbeatRunnerMachine, {
      input,
      events,
      distinguish: ({ nextAt, retryAt, requested, abort }) => [
        nextAt === null,
        retryAt === null,
        requested,
        abort,
      ],
    });
    expect(found).toEqual({
      reached: [
        "idle.waiting",
        "idle.disabled",
        "idle.retrying",
        "idle.judging",
        "busy.pending.asking",
        "busy.pending.deferred",
        "busy.pending.waitingForCapacity",
        "busy.running",
        "busy.aborting",
        "stalled.running",
        "stalled.aborting",
        "reclaimed",
      ],
      unreached: [],
      trapped: [],
      unfed: [],
    });
  });

  it("keeps its promises to its context, in whatever order events arrive", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.constantFrom(...events), fc.integer({ min: -hour, max: 30 * hour })), {
          maxLength: 60,
        }),
        (steps) => {
          const timers = new SimulatedClock();
          const runner = createActor(heartbeatRunnerMachine, { input, clock: timers }).start();
          for (const [event, offset] of steps) {
            runner.send("at" in event ? { ...event, at: at + offset } : event);
            timers.increment(Math.abs(offset));
            const { context, status } = runner.getSnapshot();
            expect(status).toBe("active");
            expect(JSON.parse(JSON.stringify(context))).toEqual(context);
            expect(context.starts.length).toBeLessThanOrEqual(5);
            expect(context.retries).toBeLessThanOrEqual(3);
            const { nextAt, retryAt, schedule } = context;
            expect(nextAt === null || (nextAt - schedule.phaseMs) % schedule.everyMs === 0).toBe(true);
            expect(retryAt === null || (nextAt !== null && retryAt < nextAt)).toBe(true);
          }
          runner.stop();
        },
      ),
    );
  });
});
