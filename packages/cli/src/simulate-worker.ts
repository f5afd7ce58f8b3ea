import { parentPort } from "node:worker_threads";
import { LanekeeperError } from "lanekeeper";
import { type BrokenRule, shrinkSimulation, type Simulation, simulate } from "@lanekeeper/testing";
import type { Scenario } from "./scenario.ts";

/** What a worker tells of the run that it was given. */
export type WorkerMessage =
  | { readonly type: "progress"; readonly simulatedMs: number }
  | { readonly type: "shrinking"; readonly shrinking: Shrinking }
  | { readonly type: "done"; readonly run: Run }
  /** It cannot be run at all: an option or a command is invalid. */
  | { readonly type: "refused"; readonly message: string };

/** How far a run that broke a rule has been made smaller. */
export interface Shrinking {
  /** The rule that it broke first. */
  readonly rule: string;
  readonly commands: number;
  /** How many there were at first. */
  readonly commandsBefore: number;
}

/** One run that is over. */
export interface Run {
  readonly seed: number;
  readonly hash: string;
  readonly simulatedMs: number;
  readonly failure?: Failure | undefined;
}

/** A run that broke a rule, made as small as could be. */
export interface Failure {
  readonly violations: readonly BrokenRule[];
  /** Commands of the run before it was made smaller. */
  readonly commandsBefore: number;
  readonly scenario: Scenario;
  /** Files that show what happened: names and contents. */
  readonly files: Readonly<Record<string, string>>;
}

parentPort?.on("message", (scenario: Scenario) => void run(scenario));

function tell(message: WorkerMessage): void {
  parentPort?.postMessage(message);
}

async function run(scenario: Scenario): Promise<void> {
  try {
    const simulation = await simulate({
      ...scenario,
      progress: (simulatedMs) => tell({ type: "progress", simulatedMs }),
    });
    const { seed, hash, simulatedMs } = simulation;
    tell({ type: "progress", simulatedMs });
    const failure = simulation.violations.length === 0 ? undefined : await shrink(scenario, simulation);
    tell({ type: "done", run: { seed, hash, simulatedMs, failure } });
  } catch (error) {
    if (!(error instanceof LanekeeperError) || error.code !== "INVALID_OPTION") throw error;
    tell({ type: "refused", message: error.message });
  }
}

async function shrink(scenario: Scenario, simulation: Simulation): Promise<Failure> {
  const { rule } = simulation.violations[0]!;
  const commandsBefore = simulation.commands.length;
  const tellOf = (commands: number): void =>
    tell({ type: "shrinking", shrinking: { rule, commands, commandsBefore } });
  tellOf(commandsBefore);
  const shrunk = await shrinkSimulation(scenario, simulation, { progress: (_, left) => tellOf(left) });
  const { violations, commands, recordings, trace } = shrunk;
  const files: Record<string, string> = { "trace.txt": `${trace.join("\n")}\n` };
  for (const { name, lines } of recordings.flat()) files[`${name}.jsonl`] = `${lines.join("\n")}\n`;
  return {
    violations,
    commandsBefore,
    scenario: { ...scenario, commands },
    files,
  };
}
