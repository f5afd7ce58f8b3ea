import { readOptions } from "../../.tools/read-options.ts";
import { type BenchReport, renderBench, sumUp, type TurnCosts } from "./bench-report.ts";
import {
  type Contender,
  contenders,
  lanekeeper,
  type Load,
  pQueuePerKey,
  promiseChain,
} from "./contenders.ts";
import { renderDurableBench } from "./durable/durable-report.ts";
import { measureFootprint } from "./footprint.ts";
import { compareModes } from "./modes.ts";
import { compare, type Rounds } from "./rounds.ts";

const help = `Usage: npm run bench -- [--durable] [--quick] [--json]

What a no-op turn costs through Lanekeeper and through what people use today, how that grows with the number of
sessions, what a message costs in each queue mode, and what a session costs in memory.

  --durable  instead: messages and turns a second with the store in a file, beside BullMQ on Redis and graphile-worker on
             PostgreSQL, each on this disk; and how soon a keeper is ready that has 100,000 messages waiting.
             Installs Debian's redis-server and postgresql where they are missing and it may
  --quick    fewer rounds
  --json     the figures as JSON, nothing else
  --help     this text
`;

/** Sessions, rounds that do not count, rounds that do. */
const growthInFull = [
  [1_000, 2, 7],
  [10_000, 1, 3],
  [100_000, 0, 2],
] as const;
const growthQuickly = [
  [1_000, 2, 5],
  [10_000, 0, 3],
  [100_000, 0, 1],
] as const;

const options = readOptions(
  {
    durable: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
  help,
);

if (options.durable) {
  // Its peers are loaded only where they are asked for.
  const { runDurableBench } = await import("./durable/durable-bench.ts");
  const report = await runDurableBench(options.quick);
  write(report, renderDurableBench);
} else {
  write(await runBench(options.quick), renderBench);
}

function write<Report>(report: Report, render: (report: Report) => string): void {
  process.stdout.write(options.json ? `${JSON.stringify(report, undefined, 2)}\n` : render(report));
}

async function runBench(isQuick: boolean): Promise<BenchReport> {
  const startedAt = performance.now();
  const turns = await costOf(
    contenders,
    { sessions: 10_000, turns: 10 },
    { warmUps: 1, counted: isQuick ? 3 : 5 },
  );
  const growth: TurnCosts[] = [];
  for (const [sessions, warmUps, counted] of isQuick ? growthQuickly : growthInFull) {
    const load = { sessions, turns: 5 };
    growth.push(await costOf([lanekeeper, pQueuePerKey, promiseChain], load, { warmUps, counted }));
  }
  const modes = await compareModes({ sessions: 1_000, messagesEach: 10 }, isQuick ? 3 : 9);
  const footprint = await measureFootprint({ sessions: 100_000, liveAgain: 1_000 });
  const tookSeconds = (performance.now() - startedAt) / 1_000;
  return { node: process.version, turns, growth, modes, footprint, tookSeconds };
}

async function costOf(among: readonly Contender[], load: Load, rounds: Rounds): Promise<TurnCosts> {
  const timings = await compare(among, load, rounds);
  const costs = sumUp(timings, pQueuePerKey.name, promiseChain.name);
  return { sessions: load.sessions, turnsEach: load.turns, costs };
}
