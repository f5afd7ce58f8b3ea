import { expect, it } from "vitest";
import { createReplayLedger } from "./replay-ledger.ts";
import { createReport, isBroken } from "./replay-report.ts";
import type { ReplayReport } from "./replay-report.ts";

const trace = {
  name: "some.jsonl",
  sessions: 1,
  arrivals: [{ at: 0, session: "home", inputTokens: 1, outputTokens: 1 }],
};
const options = {
  speed: 60,
  capacity: 32,
  shares: { hang: 0.01, crash: 0.02, exec: 0.03 },
  stallMs: 20_000,
  reclaimMs: 60_000,
  graceMs: 5_000,
  seed: 1,
};
const reading = { peakMemoryBytes: 1_000, eventLoopDelayMs: { p50: 0, p99: 1.23456, max: 2 } };

function report(): ReplayReport {
  const ledger = createReplayLedger({ attempts: 3 });
  const waitsMs = Array.from({ length: 100 }, (_, index) => 100 - index);
  const tally = ledger.tally({ isInterrupted: false });
  const result = {
    end: "complete" as const,
    lives: 1,
    ownTurns: 500,
    sent: 1,
    traceMs: 1_200_000,
    ownTraceMs: 1_200_000,
    realMs: 20_000,
    tally: { ...tally, turns: 500, messages: { ...tally.messages, waitsMs } },
  };
  return createReport(trace, options, result, reading);
}

it("says what was run", () => {
  expect(report()).toMatchObject({
    trace: { file: "some.jsonl", messages: 1, sessions: 1 },
    options: {
      speed: 60,
      capacity: 32,
      hang: 0.01,
      crash: 0.02,
      exec: 0.03,
      stallMs: 20_000,
      reclaimMs: 60_000,
      graceMs: 5_000,
    },
    seed: 1,
    end: "complete",
  });
});

it("has the four counts and the outcomes at its top, and percentiles of the waits", () => {
  expect(report()).toMatchObject({
    orderViolations: 0,
    overlaps: 0,
    lost: 0,
    duplicated: 0,
    completed: 0,
    failed: 0,
    reclaimed: 0,
    deadLettered: 0,
    waitMs: { p50: 50, p95: 95, p99: 99 },
    turnsPerSecond: 25,
    eventLoopDelayMs: { p50: 0, p99: 1.235, max: 2 },
  });
});

it("survives JSON", () => {
  expect(JSON.parse(JSON.stringify(report()))).toEqual(report());
});

it.each([
  [{ orderViolations: 1 }],
  [{ overlaps: 1 }],
  [{ lost: 1 }],
  [{ duplicated: 1 }],
  [{ end: "quiet" as const }],
])("is broken with %j", (fault) => {
  expect(isBroken(report())).toBe(false);
  expect(isBroken({ ...report(), ...fault })).toBe(true);
});

it("is not broken by what was refused, reclaimed or interrupted", () => {
  expect(isBroken({ ...report(), end: "interrupted", refused: 1, reclaimed: 1, failed: 1 })).toBe(false);
});
