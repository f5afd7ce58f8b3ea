import { percentile } from "./percentile.ts";
import type { ProcessReading } from "./process-meter.ts";
import type { ReplayOptions, ReplayResult } from "./replay.ts";
import type { Trace } from "./trace.ts";

/** What a replay came to: the object that `--report json` prints. Waits are trace time. */
export interface ReplayReport {
  readonly trace: { readonly file: string; readonly messages: number; readonly sessions: number };
  readonly options: {
    readonly speed: number | "max";
    readonly capacity: number;
    readonly hang: number;
    readonly crash: number;
    readonly exec: number;
    readonly stallMs: number;
    readonly reclaimMs: number;
    readonly graceMs: number;
  };
  readonly seed: number;
  /** `memory`, or `sqlite:<file>`. */
  readonly store: string;
  /** How many processes it took: more than one where earlier ones were killed or interrupted. */
  readonly lives: number;
  /** `interrupted` by a signal; `quiet`: given up, because nothing happened any more. */
  readonly end: ReplayResult["end"];

  readonly sent: number;
  readonly accepted: number;
  readonly refused: number;
  readonly completed: number;
  readonly failed: number;
  readonly reclaimed: number;
  readonly cancelled: number;
  readonly dropped: number;
  readonly suspended: number;
  /** Messages and completions. */
  readonly deadLettered: number;
  readonly commands: {
    readonly started: number;
    readonly delivered: number;
    /** Shown as `lost`: they ended with the process that ran them. */
    readonly asLost: number;
    readonly deadLettered: number;
  };

  readonly orderViolations: number;
  readonly overlaps: number;
  /** Messages and completions. */
  readonly lost: number;
  readonly duplicated: number;
  readonly lostMessages: readonly string[];
  readonly undeliveredCompletions: readonly string[];
  readonly misroutedCompletions: readonly string[];

  /** From acceptance to the first start. */
  readonly waitMs: { readonly p50: number; readonly p95: number; readonly p99: number };
  readonly turns: number;
  /** In real time, of this process. */
  readonly turnsPerSecond: number;
  /** Of this process; trace time goes on from one to the next. */
  readonly durationMs: { readonly trace: number; readonly real: number };
  readonly peakMemoryBytes: number;
  readonly eventLoopDelayMs: ProcessReading["eventLoopDelayMs"];
}

/** Makes the report of a replay. */
export function createReport(
  trace: Trace,
  options: ReplayOptions,
  result: ReplayResult,
  reading: ProcessReading,
): ReplayReport {
  const { tally } = result;
  const { messages, completions } = tally;
  const waits = messages.waitsMs.toSorted((one, other) => one - other);
  const { shares, seed, speed, capacity, stallMs, reclaimMs, graceMs } = options;
  return {
    trace: { file: trace.name, messages: trace.arrivals.length, sessions: trace.sessions },
    options: { speed, capacity, ...shares, stallMs, reclaimMs, graceMs },
    seed,
    store: options.storePath === undefined ? "memory" : `sqlite:${options.storePath}`,
    lives: result.lives,
    end: result.end,
    sent: result.sent,
    accepted: messages.accepted,
    refused: messages.refused,
    ...messages.outcomes,
    deadLettered: tally.deadLettered,
    commands: {
      started: completions.started,
      delivered: completions.delivered,
      asLost: completions.asLost,
      deadLettered: completions.deadLettered,
    },
    orderViolations: tally.orderViolations,
    overlaps: tally.overlaps,
    lost: tally.lost,
    duplicated: tally.duplicated,
    lostMessages: messages.lost,
    undeliveredCompletions: completions.undelivered,
    misroutedCompletions: completions.misrouted,
    waitMs: {
      p50: rounded(percentile(waits, 0.5)),
      p95: rounded(percentile(waits, 0.95)),
      p99: rounded(percentile(waits, 0.99)),
    },
    turns: tally.turns,
    turnsPerSecond: rounded(result.ownTurns / Math.max(0.001, result.realMs / 1_000)),
    durationMs: { trace: rounded(result.ownTraceMs), real: rounded(result.realMs) },
    peakMemoryBytes: reading.peakMemoryBytes,
    eventLoopDelayMs: {
      p50: rounded(reading.eventLoopDelayMs.p50),
      p99: rounded(reading.eventLoopDelayMs.p99),
      max: rounded(reading.eventLoopDelayMs.max),
    },
  };
}

/** Whether the keeper broke its word: one of the four counts is not zero, or it fell silent with work left. */
export function isBroken(report: ReplayReport): boolean {
  const violations = report.orderViolations + report.overlaps + report.lost + report.duplicated;
  return report.end === "quiet" || violations > 0;
}

function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}
