import { formatDuration } from "./duration.ts";
import type { ProgressText } from "./progress-display.ts";
import { drawBar } from "./progress-text.ts";
import type { Scenario } from "./scenario.ts";
import type { Failure } from "./simulate-worker.ts";
import type { GivenUpRun, SimulationProgress } from "./simulation-pool.ts";

const numbers = new Intl.NumberFormat("en");
const hourMs = 3_600_000;
/** Commands of a failure that are shown; all of them are in its file. */
const shownCommands = 20;

/** How simulations go, as a display shows it. */
export function describeSimulations(progress: SimulationProgress): ProgressText {
  const { share, failures, simulatedMs, realMs, shrinking } = progress;
  const counts = describeCounts(progress);
  const pace = numbers.format(Math.round((simulatedMs / realMs / hourMs) * 1_000 * 10) / 10);
  const facts = [
    `${formatHours(simulatedMs)} simulated`,
    // While a failure is made smaller time goes by in which nothing new is simulated.
    ...(shrinking.length === 0 ? [`${pace} h/s`] : []),
    failures === 0 ? "no failure" : `${numbers.format(failures)} failed`,
    ...shrinking.map(
      ({ seed, rule, commands, commandsBefore }) =>
        `seed ${seed} failed: ${rule} · making it smaller: ${numbers.format(commands)} of ${numbers.format(commandsBefore)} commands left`,
    ),
  ].join(" · ");
  return {
    block: (columns) => `${drawBar(share, counts, columns)}\n${facts}`,
    line: () => `${counts} · ${facts}`,
  };
}

function describeCounts({ runs, underWay, total, share }: SimulationProgress): string {
  const percent = Math.min(runs === total ? 100 : 99, Math.floor(100 * share));
  if (total === 1 && runs === 0) return `${percent} % · run 1 of 1`;
  const over = `${numbers.format(runs)} of ${numbers.format(total)} ${total === 1 ? "run" : "runs"} over`;
  return `${percent} % · ${over}${underWay === 0 ? "" : `, ${numbers.format(underWay)} under way`}`;
}

/** A run that broke a rule, of which no more is known: it was given up before it was made smaller. */
export function describeGivenUp({ seed, rule, scenario }: GivenUpRun): string {
  const again =
    scenario.commands === undefined
      ? `Run it again: ${commandLineOf(scenario)}`
      : "Run the same commands again.";
  return `Seed ${seed} failed: ${rule}. It was not made smaller. ${again}`;
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
    describeEnough(commands.length, commandsBefore),
    ...commands.slice(0, shown).map((command) => `  ${JSON.stringify(command)}`),
  ];
}

/** How many of a run's commands break the rule. What comes without any is what heartbeats and turns do. */
function describeEnough(left: number, before: number): string {
  const of = `of its ${numbers.format(before)} commands`;
  if (before === 0) return "It has no commands: heartbeats and what turns do are enough.";
  if (left === 0)
    return `${before === 1 ? "Its only command is not" : `None ${of} is`} needed: heartbeats and what turns do are enough.`;
  if (before === 1) return "Its only command could not be left out:";
  if (left === before) return `None ${of} could be left out:`;
  return `${numbers.format(left)} ${of} ${left === 1 ? "is" : "are"} enough:`;
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
