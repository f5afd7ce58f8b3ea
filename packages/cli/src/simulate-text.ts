import { formatDuration } from "./duration.ts";
import type { ProgressText } from "./progress-display.ts";
import { drawBar } from "./progress-text.ts";
import type { Scenario } from "./scenario.ts";
import type { Failure } from "./simulate-worker.ts";
import type { SimulationProgress } from "./simulation-pool.ts";

const numbers = new Intl.NumberFormat("en");
const hourMs = 3_600_000;
/** Commands of a failure that are shown; all of them are in its file. */
const shownCommands = 20;

/** How simulations go, as a display shows it. */
export function describeSimulations(progress: SimulationProgress): ProgressText {
  const { runs, total, failures, simulatedMs, realMs, shrinking } = progress;
  const share = total === 0 ? 1 : runs / total;
  const counts = `${Math.floor(100 * share)} % · ${numbers.format(runs)} of ${numbers.format(total)} runs`;
  const facts = [
    `${formatHours(simulatedMs)} simulated`,
    `${numbers.format(Math.round((simulatedMs / realMs / hourMs) * 1_000 * 10) / 10)} h/s`,
    failures === 0 ? "no failure" : `${numbers.format(failures)} failed`,
    ...shrinking.map(({ seed, commands }) => `making seed ${seed} smaller: ${commands} commands`),
  ].join(" · ");
  return {
    block: (columns) => `${drawBar(share, counts, columns)}\n${facts}`,
    line: () => `${counts} · ${facts}`,
  };
}

/** What a failed run broke, the commands that do it, and how to run it again. */
export function describeFailure(failure: Failure, folder: string): string {
  const left = (failure.scenario.commands ?? []).length - shownCommands;
  return [
    ...describeBreach(failure, shownCommands),
    ...(left > 0 ? [`  … and ${left} more`] : []),
    `What was seen: ${folder} (a recording of each keeper's life)`,
    `Run it again: lanekeeper simulate --commands ${folder}/commands.json`,
  ].join("\n");
}

/** A failed run that could not be written: all that is known of it. */
export function describeUnwritten(failure: Failure, folder: string, cause: unknown): string {
  return [
    ...describeBreach(failure, Infinity),
    `That could not be written to ${folder}: ${cause instanceof Error ? cause.message : String(cause)}. Choose another folder with --out.`,
    `Run it again: ${commandLineOf({ ...failure.scenario, commands: undefined })}, or with --commands and a file of these commands.`,
  ].join("\n");
}

function describeBreach({ scenario, violations, commandsBefore }: Failure, shown: number): readonly string[] {
  const commands = scenario.commands ?? [];
  return [
    `Seed ${scenario.seed} broke a rule:`,
    ...violations.map(({ rule, sentence }) => `  ${rule} ${sentence}`),
    `${commands.length} of its ${commandsBefore} commands are enough:`,
    ...commands.slice(0, shown).map((command) => `  ${JSON.stringify(command)}`),
  ];
}

/** How to run the whole of a scenario again. */
export function commandLineOf({ seed, minutes, sessions }: Scenario): string {
  return `lanekeeper simulate --seed ${seed} --minutes ${minutes} --sessions ${sessions}`;
}

/** The last line: how many runs, how long, how many failed. */
export function describeEnd(progress: SimulationProgress, hash: string | undefined): string {
  const { runs, failures, simulatedMs, realMs } = progress;
  const what = runs === 1 ? "1 run" : `${numbers.format(runs)} runs`;
  const verdict = failures === 0 ? "no rule was broken" : `${numbers.format(failures)} broke a rule`;
  const time = `${formatHours(simulatedMs)} simulated in ${formatDuration(realMs)}`;
  return `${what}: ${verdict} · ${time}${hash === undefined ? "" : ` · trace ${hash}`}`;
}

function formatHours(ms: number): string {
  return `${numbers.format(Math.round((ms / hourMs) * 10) / 10)} h`;
}
