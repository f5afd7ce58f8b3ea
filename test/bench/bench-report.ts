import type { Footprint } from "./footprint.ts";
import type { ModeCost } from "./modes.ts";
import { median, ratio, type Timing } from "./rounds.ts";

/** Everything a run of the bench found. */
export interface BenchReport {
  readonly node: string;
  readonly turns: TurnCosts;
  /** The same by the number of sessions. */
  readonly growth: readonly TurnCosts[];
  /** What a message costs in each queue mode, beside one of mode `followup`. */
  readonly modes: readonly ModeCost[];
  readonly footprint: Footprint;
  readonly tookSeconds: number;
}

/** What a turn cost each contender under one load. */
export interface TurnCosts {
  readonly sessions: number;
  readonly turnsEach: number;
  readonly costs: readonly TurnCost[];
}

/** What a turn cost one contender. */
export interface TurnCost {
  readonly name: string;
  /** The median of the rounds, in microseconds. */
  readonly microseconds: number;
  /** The median of the rounds' ratios. */
  readonly toPQueue: number;
  readonly toPromiseChain: number;
}

/** Sums up timings, among which are those of keyed p-queue and of the promise chain. */
export function sumUp(timings: readonly Timing[], pQueue: string, promiseChain: string): readonly TurnCost[] {
  const named = (name: string): Timing => timings.find((timing) => timing.name === name)!;
  return timings.map((timing) => ({
    name: timing.name,
    microseconds: median(timing.rounds),
    toPQueue: ratio(timing, named(pQueue)),
    toPromiseChain: ratio(timing, named(promiseChain)),
  }));
}

/** The report as people read it, ending with a line break. */
export function renderBench(report: BenchReport): string {
  const { turns, growth, modes, footprint } = report;
  const live = ({ known, live: lanes }: { known: number; live: number }): string =>
    `${count(known)} known, ${count(lanes)} live`;
  return [
    `A no-op turn, ${describeLoad(turns)}, Node ${report.node}`,
    "",
    ...table([
      ["", "µs a turn", "× p-queue", "× promise chain"],
      ...turns.costs.map((cost) => [
        cost.name,
        fixed(cost.microseconds),
        fixed(cost.toPQueue),
        fixed(cost.toPromiseChain),
      ]),
    ]),
    "",
    `The same by the number of sessions, ${growth[0]?.turnsEach} turns each (µs a turn)`,
    "",
    ...table([
      ["", ...growth.map(({ sessions }) => count(sessions))],
      ...(growth[0]?.costs ?? []).map(({ name }, row) => [
        name,
        ...growth.map(({ costs }) => fixed(costs[row]!.microseconds)),
      ]),
      ["Lanekeeper × p-queue", ...growth.map(({ costs }) => fixed(costs[0]!.toPQueue))],
    ]),
    "",
    "A message by queue mode, 1,000 sessions × 10 messages",
    "",
    ...table([
      ["", "traffic", "µs a message", "× followup"],
      ...modes.map(({ mode, traffic, microseconds, toFollowup }) => [
        mode,
        traffic,
        fixed(microseconds),
        fixed(toFollowup),
      ]),
    ]),
    "",
    `Memory, ${count(footprint.sessions)} sessions (bytes of heap each)`,
    "",
    ...table([
      ["", "bytes", "stats()"],
      ["live idle lane, id remembered", count(footprint.idleLaneRemembering), ""],
      ["live idle lane", count(footprint.idleLane), live(footprint.allLive)],
      ["passivated session", count(footprint.passivatedSession), live(footprint.allPassivated)],
    ]),
    "",
    `Took ${report.tookSeconds.toFixed(0)} s. Times are medians of interleaved rounds, ratios medians of the rounds' own ratios.`,
    "",
  ].join("\n");
}

function describeLoad({ sessions, turnsEach }: TurnCosts): string {
  return `${count(sessions)} sessions × ${count(turnsEach)} turns`;
}

/** Rows as lines: the first column to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) => {
    const cells = row.map((cell, column) =>
      column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
    );
    return `  ${cells.join("   ")}`.trimEnd();
  });
}

const whole = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
/** A number for people, whole. */
export const count = (value: number): string => whole.format(value);
/** A number for people, with two decimals. */
export const fixed = (value: number): string => value.toFixed(2);
