import { randomInt } from "node:crypto";
import { mkdir, stat, writeFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { Command, Option } from "commander";
import { CliError } from "./errors.ts";
import { exitCodes } from "./exit-codes.ts";
import { listenForInterruption } from "./interruption.ts";
import { parseAmount, parseCount, parseSeed } from "./option-value.ts";
import { createProgressDisplay } from "./progress-display.ts";
import { readScenario, type Scenario } from "./scenario.ts";
import {
  commandLineOf,
  describeEnd,
  describeFailure,
  describeGivenUp,
  describeSimulations,
  describeUnwritten,
} from "./simulate-text.ts";
import type { Failure } from "./simulate-worker.ts";
import { runSimulations } from "./simulation-pool.ts";

interface SimulateFlags {
  readonly seed?: number;
  readonly hours?: number;
  readonly minutes?: number;
  readonly sessions: number;
  readonly runs: number;
  readonly workers: number;
  readonly out: string;
  readonly commands?: string;
}

const examples = `
Examples:
  Five simulated minutes, 20 sessions:
    $ lanekeeper simulate

  A thousand such runs on all processors, from a seed of your choice:
    $ lanekeeper simulate --runs 1000 --seed 1

  A day of two hundred sessions:
    $ lanekeeper simulate --hours 24 --sessions 200

  What broke a rule, again:
    $ lanekeeper simulate --commands simulation-failures/seed-17/commands.json

Each run has a seed: the first that of --seed, the next one more. The same seed is the same run, on every machine.

Exit codes: 0 all well · 1 a rule was broken · 2 bad input · 130 interrupted`;

/** `lanekeeper simulate`; calls back with the exit code when it has run. */
export function createSimulateCommand(onExit: (exitCode: number) => void): Command {
  return new Command("simulate")
    .summary("run whole systems on virtual time, with everything that goes wrong, and check the rules")
    .description(
      "Runs keepers with sessions, heartbeats, commands and locks on virtual time: turns hang, throw and come late, " +
        "processes crash, clocks jump, stores fail, all decided by a seed. A run that breaks a rule is made as small as " +
        "can be, and can be run again.",
    )
    .addOption(new Option("--seed <n>", "of the first run (default: by chance)").argParser(parseSeed))
    .addOption(
      new Option("--hours <h>", "simulated hours of each run").argParser(parseAmount).conflicts("minutes"),
    )
    .addOption(
      new Option("--minutes <m>", "simulated minutes of each run (default: 5)").argParser(parseAmount),
    )
    .addOption(new Option("--sessions <n>", "sessions of each run").argParser(parseCount).default(20))
    .addOption(new Option("--runs <n>", "how many runs").argParser(parseCount).default(1))
    .addOption(
      new Option("--workers <n>", "runs at the same time")
        .argParser(parseCount)
        .default(availableParallelism(), "one for each processor"),
    )
    .addOption(
      new Option("--out <folder>", "where what broke a rule is written").default("simulation-failures"),
    )
    .addOption(
      new Option("--commands <file>", "run these commands, as a failed run has left them").conflicts([
        "seed",
        "hours",
        "minutes",
        "runs",
      ]),
    )
    .addHelpText("after", examples)
    .action(async (flags: SimulateFlags) => {
      onExit(await runSimulate(flags));
    });
}

async function runSimulate(flags: SimulateFlags): Promise<number> {
  await assertFolder(flags.out);
  const scenarios = flags.commands === undefined ? scenariosOf(flags) : [await readScenario(flags.commands)];
  const display = createProgressDisplay(process.stderr);
  const interruption = listenForInterruption(() =>
    display.note("Interrupted: giving up the runs under way."),
  );
  const failures: Promise<void>[] = [];
  let hash: string | undefined;
  try {
    const [first] = scenarios;
    if (flags.commands === undefined && first !== undefined)
      display.note(
        scenarios.length === 1 ? commandLineOf(first) : `${commandLineOf(first)} --runs ${scenarios.length}`,
      );
    const end = await runSimulations(scenarios, flags.workers, {
      stop: interruption.signal,
      onBegin: (progress) => display.begin(() => describeSimulations(progress())),
      onRun(run) {
        if ("error" in run) {
          display.note(`Seed ${run.seed} ended its worker: ${inspect(run.error)}`);
          return;
        }
        if ("rule" in run) {
          display.note(describeGivenUp(run));
          return;
        }
        if (scenarios.length === 1) ({ hash } = run);
        if (run.failure !== undefined) failures.push(writeFailure(run.failure, flags.out, display.note));
      },
    });
    await Promise.all(failures);
    display.end();
    process.stdout.write(`${describeEnd(end, hash)}\n`);
    if (interruption.signal.aborted) return exitCodes.interrupted;
    return end.failures > 0 ? exitCodes.violations : exitCodes.fine;
  } finally {
    interruption.stop();
    display.end();
  }
}

function scenariosOf({ seed, hours, minutes, sessions, runs }: SimulateFlags): readonly Scenario[] {
  const first = seed ?? randomInt(2 ** 31);
  const length = hours === undefined ? (minutes ?? 5) : hours * 60;
  // Seeds are of 32 bits, and go on from the least after the largest.
  return Array.from({ length: runs }, (_, index) => ({
    seed: (first + index) | 0,
    minutes: length,
    sessions,
  }));
}

/** Hours of simulation are not to end with nowhere to write what they found. */
async function assertFolder(out: string): Promise<void> {
  const given = await stat(out).catch(() => undefined);
  if (given !== undefined && !given.isDirectory())
    throw new CliError("BAD_FOLDER", `${out} is no folder; choose another with --out`);
}

/** A folder of this failure's own: nothing is written over what an earlier one has left, whose commands these may be. */
async function createFolder(out: string, seed: number): Promise<string> {
  await mkdir(out, { recursive: true });
  for (let number = 1; ; number++) {
    const folder = join(out, number === 1 ? `seed-${seed}` : `seed-${seed}-${number}`);
    try {
      await mkdir(folder);
      return folder;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    }
  }
}

/** Writes what a failed run has left into a folder, and says so. */
async function writeFailure(failure: Failure, out: string, note: (text: string) => void): Promise<void> {
  let folder = out;
  const files = { "commands.json": `${JSON.stringify(failure.scenario, null, 2)}\n`, ...failure.files };
  try {
    folder = await createFolder(out, failure.scenario.seed);
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  } catch (cause) {
    note(describeUnwritten(failure, folder, cause));
    return;
  }
  note(describeFailure(failure, folder));
}
