import { createLanekeeper } from "lanekeeper";
import type { Lanekeeper, Logger, Stats } from "lanekeeper";
import { createScaledPace, createSimulatedPace } from "./pace.ts";
import type { Pace } from "./pace.ts";
import { findQuickCommand } from "./quick-command.ts";
import { createQuietWatch } from "./quiet-watch.ts";
import { createReplayAgent } from "./replay-agent.ts";
import type { ReplayMessage } from "./replay-agent.ts";
import { createJournaledLedger } from "./journaled-ledger.ts";
import { createReplayClient } from "./replay-client.ts";
import type { ReplayClient } from "./replay-client.ts";
import { createReplayLedger } from "./replay-ledger.ts";
import type { ReplayLedger, ReplayTally } from "./replay-ledger.ts";
import { openReplayStore } from "./replay-store.ts";
import type { ReplayStore } from "./replay-store.ts";
import { createRunningCommands } from "./running-commands.ts";
import { startTraceTime } from "./trace-time.ts";
import type { TraceTime } from "./trace-time.ts";
import type { Trace } from "./trace.ts";
import { createRandom, planTurns } from "./turn-plan.ts";
import type { TurnShares } from "./turn-plan.ts";
import { untilAborted } from "./until-aborted.ts";

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
  /** The SQLite file that the keeper's store is in, to go on with after the process was killed; in memory without one. */
  readonly storePath?: string | undefined;
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
  /** How many processes it took. */
  readonly lives: number;
  readonly sent: number;
  /** When it ended, since the trace began. */
  readonly traceMs: number;
  /** How long this process ran, in trace time and in real time. */
  readonly ownTraceMs: number;
  readonly realMs: number;
  /** Turns that began in this process. */
  readonly ownTurns: number;
  readonly tally: ReplayTally;
}

const retry = { attempts: 3, baseMs: 1_000, maxMs: 60_000 };
const laneCap = 10_000;
const longestProgressMs = 5_000;
/** The `now()` at which a trace on a durable store begins, so that all its lives have the same time. */
const durableEpoch = Date.UTC(2026, 0, 1);
/** As many as a store keeps. */
const mostDeadLetters = 10_000;

/** Runs a trace through a real keeper and resolves when the keeper is closed; rejects as `createLanekeeper` does. */
export async function replay(
  trace: Trace,
  options: ReplayOptions,
  hooks: ReplayHooks,
  createKeeper: typeof createLanekeeper<ReplayMessage, string> = createLanekeeper,
): Promise<ReplayResult> {
  const durable = await openReplayStore(trace, options);
  const commands = createRunningCommands({ oneByOne: options.speed === "max" });
  const resumedAt = durable?.resumedAt ?? 0;
  // What a store keeps of time goes on with the trace's.
  const startAt = durable === undefined ? undefined : durableEpoch + resumedAt;
  const pace =
    options.speed === "max"
      ? createSimulatedPace(commands, startAt)
      : createScaledPace(options.speed, startAt);
  const time = startTraceTime(pace.clock, resumedAt);
  const ledger = openLedger(durable, time);
  const plans = planTurns({
    seed: options.seed,
    messages: trace.arrivals.length,
    attempts: retry.attempts,
    shares: options.shares,
  });
  const { promise: ready, resolve: getReady } = Promise.withResolvers<void>();
  const turn = createReplayAgent({
    clock: pace.clock,
    time,
    ready,
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
      // Ids are made of chance and time: no life makes those of another.
      random: createRandom(options.seed + (durable?.life ?? 1) - 1),
      logger: createErrorLogger(hooks),
      ...(durable === undefined ? {} : { store: durable.store }),
    });
    time.restart();
    return await run({ trace, options, hooks, pace, time, ledger, keeper, durable, getReady });
  };
  return await pace.runUntil(conduct());
}

interface Run {
  readonly trace: Trace;
  readonly options: ReplayOptions;
  readonly hooks: ReplayHooks;
  readonly pace: Pace;
  readonly time: TraceTime;
  readonly ledger: ReplayLedger;
  readonly keeper: Lanekeeper<ReplayMessage, string>;
  readonly durable: ReplayStore | undefined;
  /** Lets turns begin. */
  readonly getReady: () => void;
}

async function run(given: Run): Promise<ReplayResult> {
  const { trace, hooks, ledger, keeper, time, durable } = given;
  const { clock } = given.pace;
  const [realStart, turnsBefore] = [performance.now(), ledger.turns];
  const client = createReplayClient({ arrivals: trace.arrivals, clock, time, ledger, keeper });
  const quiet = createQuietWatch({
    clock,
    limitMs: quietLimitMs(given.options),
    activity: () => ledger.activity,
    isQuietExpected: () => client.isWaiting,
  });
  const signals = [hooks.stop, quiet.signal];
  if (durable !== undefined) signals.push(durable.failed);
  const ending = AbortSignal.any(signals);
  hooks.onBegin?.(() => ({
    sent: client.sent,
    settled: ledger.settled,
    total: trace.arrivals.length,
    traceMs: time.ms(),
    stats: keeper.stats(),
  }));

  let end: ReplayResult["end"];
  try {
    if (durable !== undefined) await catchUp(given, client);
    given.getReady();
    await untilAborted(ending, client.sendAll(ending));
    await untilAborted(ending, ledger.whenSettled());
    end = "complete";
  } catch (error) {
    if (!ending.aborted || durable?.failed.aborted === true) throw error;
    end = hooks.stop.aborted ? "interrupted" : "quiet";
  } finally {
    quiet.stop();
    ledger.closing();
    given.getReady();
    await keeper.close();
  }
  await new Promise(setImmediate);
  if (end !== "interrupted") durable?.append({ fact: "ended", end }, time.ms());
  durable?.failed.throwIfAborted();
  const tally = ledger.tally({ isInterrupted: end === "interrupted" });
  return {
    end,
    lives: durable?.life ?? 1,
    sent: client.sent,
    traceMs: time.ms(),
    ownTraceMs: time.ms() - (durable?.resumedAt ?? 0),
    realMs: performance.now() - realStart,
    ownTurns: tally.turns - turnsBefore,
    tally,
  };
}

/** Learns what became meanwhile of what earlier lives were promised, before anything new begins. */
async function catchUp({ ledger, keeper }: Run, client: ReplayClient): Promise<void> {
  for (const { items } of await keeper.deadLetters({ limit: mostDeadLetters })) {
    for (const { id } of items) ledger.bury(id);
  }
  await client.attachAll();
  // Outcomes that were there already are told with the tick.
  await new Promise(setImmediate);
}

/** The replay's books; those of a durable one are kept beside its store. */
function openLedger(durable: ReplayStore | undefined, time: TraceTime): ReplayLedger {
  const ledger = createReplayLedger({ attempts: retry.attempts });
  if (durable === undefined) return ledger;
  return createJournaledLedger({
    ledger,
    past: durable.past,
    append: (fact) => durable.append(fact, time.ms()),
  });
}

/** Longer than anything a working keeper lets pass in silence: twice a reclaim, and a backoff; 10 s of real time at least. */
function quietLimitMs({ speed, reclaimMs, graceMs }: ReplayOptions): number {
  const traceLimitMs = 2 * (reclaimMs + graceMs + retry.maxMs);
  return speed === "max" ? traceLimitMs : Math.max(traceLimitMs, 10_000 * speed);
}

/** Stalls and reclaims are what a replay provokes, so only errors are passed on. */
function createErrorLogger(hooks: ReplayHooks): Logger {
  const ignore = () => undefined;
  return { debug: ignore, info: ignore, warn: ignore, error: (_, message) => hooks.onError?.(message) };
}
