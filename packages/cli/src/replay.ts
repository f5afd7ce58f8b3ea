import { createLanekeeper } from "lanekeeper";
import type { Lanekeeper, Logger, Stats } from "lanekeeper";
import { createScaledPace, createSimulatedPace } from "./pace.ts";
import type { Pace } from "./pace.ts";
import { findQuickCommand } from "./quick-command.ts";
import { createQuietWatch } from "./quiet-watch.ts";
import { createReplayAgent } from "./replay-agent.ts";
import type { ReplayMessage } from "./replay-agent.ts";
import { createReplayClient } from "./replay-client.ts";
import { createReplayLedger } from "./replay-ledger.ts";
import type { ReplayLedger, ReplayTally } from "./replay-ledger.ts";
import { createRunningCommands } from "./running-commands.ts";
import type { Trace } from "./trace.ts";
import { createRandom, planTurns } from "./turn-plan.ts";
import type { TurnShares } from "./turn-plan.ts";

/** How a trace is replayed; durations are trace time. */
export interface ReplayOptions {
  /** How many times faster than it was recorded; `max` waits for nothing. */
  readonly speed: number | "max";
  /** How many turns may run at once. */
  readonly capacity: number;
  readonly shares: TurnShares;
  readonly stallMs: number;
  readonly reclaimMs: number;
  readonly graceMs: number;
  readonly seed: number;
}

/** What a spectator may ask while a replay runs. */
export interface ReplayProgress {
  readonly sent: number;
  readonly settled: number;
  readonly total: number;
  readonly traceMs: number;
  readonly stats: Stats;
}

/** Who watches a replay, and how it is ended early. */
export interface ReplayHooks {
  /** Ends the replay: the keeper is closed in order. */
  readonly stop: AbortSignal;
  /** Called once, when it begins, with a way to ask how it goes. */
  onBegin?(progress: () => ReplayProgress): void;
  /** Called with each error the keeper logs. */
  onError?(message: string): void;
}

/** How a replay went. */
export interface ReplayResult {
  /** `quiet`: nothing happened any more although something was expected. */
  readonly end: "complete" | "interrupted" | "quiet";
  readonly sent: number;
  readonly traceMs: number;
  readonly realMs: number;
  readonly tally: ReplayTally;
}

const retry = { attempts: 3, baseMs: 1_000, maxMs: 60_000 };
const laneCap = 10_000;
const longestProgressMs = 5_000;

/** Runs a trace through a real keeper and resolves when the keeper is closed; rejects as `createLanekeeper` does. */
export async function replay(
  trace: Trace,
  options: ReplayOptions,
  hooks: ReplayHooks,
  createKeeper: typeof createLanekeeper<ReplayMessage, string> = createLanekeeper,
): Promise<ReplayResult> {
  const commands = createRunningCommands({ oneByOne: options.speed === "max" });
  const pace = options.speed === "max" ? createSimulatedPace(commands) : createScaledPace(options.speed);
  const ledger = createReplayLedger({ attempts: retry.attempts });
  const plans = planTurns({
    seed: options.seed,
    messages: trace.arrivals.length,
    attempts: retry.attempts,
    shares: options.shares,
  });
  const turn = createReplayAgent({
    clock: pace.clock,
    plans,
    ledger,
    commands,
    quickCommand: findQuickCommand(),
    progressEveryMs: Math.min(longestProgressMs, options.stallMs / 4),
  });

  const conduct = async (): Promise<ReplayResult> => {
    const keeper = await createKeeper({
      turn,
      capacity: { turns: options.capacity },
      lane: {
        cap: laneCap,
        stallAfterMs: options.stallMs,
        reclaimAfterMs: options.reclaimMs,
        abortGraceMs: options.graceMs,
        retry,
      },
      clock: pace.clock,
      random: createRandom(options.seed),
      logger: createErrorLogger(hooks),
    });
    return await run({ trace, options, hooks, pace, ledger, keeper });
  };
  return await pace.runUntil(conduct());
}

interface Run {
  readonly trace: Trace;
  readonly options: ReplayOptions;
  readonly hooks: ReplayHooks;
  readonly pace: Pace;
  readonly ledger: ReplayLedger;
  readonly keeper: Lanekeeper<ReplayMessage, string>;
}

async function run(given: Run): Promise<ReplayResult> {
  const { trace, hooks, ledger, keeper } = given;
  const { clock } = given.pace;
  const [traceStart, realStart] = [clock.monotonic(), performance.now()];
  const client = createReplayClient({ arrivals: trace.arrivals, clock, ledger, keeper });
  const quiet = createQuietWatch({
    clock,
    limitMs: quietLimitMs(given.options),
    activity: () => ledger.activity,
    isQuietExpected: () => client.isWaiting,
  });
  const ending = AbortSignal.any([hooks.stop, quiet.signal]);
  const traceMs = () => clock.monotonic() - traceStart;
  hooks.onBegin?.(() => ({
    sent: client.sent,
    settled: ledger.settled,
    total: trace.arrivals.length,
    traceMs: traceMs(),
    stats: keeper.stats(),
  }));

  let end: ReplayResult["end"];
  try {
    await untilAborted(ending, client.sendAll(ending));
    await untilAborted(ending, ledger.whenSettled());
    end = "complete";
  } catch (error) {
    if (!ending.aborted) throw error;
    end = hooks.stop.aborted ? "interrupted" : "quiet";
  } finally {
    quiet.stop();
    await keeper.close();
  }
  await new Promise(setImmediate);
  return {
    end,
    sent: client.sent,
    traceMs: traceMs(),
    realMs: performance.now() - realStart,
    tally: ledger.tally({ isInterrupted: end === "interrupted" }),
  };
}

/** Longer than anything a working keeper lets pass in silence: twice a reclaim, and a backoff; 10 s of real time at least. */
function quietLimitMs({ speed, reclaimMs, graceMs }: ReplayOptions): number {
  const traceLimitMs = 2 * (reclaimMs + graceMs + retry.maxMs);
  return speed === "max" ? traceLimitMs : Math.max(traceLimitMs, 10_000 * speed);
}

/** Ends as the work does, or rejects with the signal's reason. */
async function untilAborted(signal: AbortSignal, work: Promise<void>): Promise<void> {
  let abort: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  });
  try {
    await Promise.race([work, aborted]);
  } finally {
    if (abort !== undefined) signal.removeEventListener("abort", abort);
  }
}

/** Stalls and reclaims are what a replay provokes, so only errors are passed on. */
function createErrorLogger(hooks: ReplayHooks): Logger {
  const ignore = () => undefined;
  return { debug: ignore, info: ignore, warn: ignore, error: (_, message) => hooks.onError?.(message) };
}
