import type { Recording } from "lanekeeper/recording";
import type { Command } from "./command.ts";
import { makeCommands } from "./command-maker.ts";
import { perform } from "./performer.ts";
import { bury, comeToRest } from "./rest.ts";
import { createSetup, type SimulationOptions } from "./setup.ts";
import type { Violation } from "./violation.ts";
import { World } from "./world.ts";

/** What came of a run. */
export interface Simulation {
  readonly seed: number;
  /** What was done, in the order of time. With the seed and the options they are the run. */
  readonly commands: readonly Command[];
  /** Of each keeper, those of its lives in order. */
  readonly recordings: readonly (readonly Recording[])[];
  /** Rules that were broken; empty if all is well. */
  readonly violations: readonly Violation[];
  /** The SHA-256 of everything seen: the same seed and options, the same hash. */
  readonly hash: string;
  /** Simulated milliseconds, the coming to rest included. */
  readonly simulatedMs: number;
  /** Everything seen, a line each. */
  readonly trace: readonly string[];
}

/**
 * Runs a whole system on virtual time: keepers, sessions, agents, heartbeats, commands and locks, with everything that goes
 * wrong, decided by the seed. Rejects with `INVALID_OPTION`; a rule that is broken is a violation, not a rejection.
 */
export async function simulate(options: SimulationOptions): Promise<Simulation> {
  const setup = createSetup(options);
  const commands = setup.commands ?? makeCommands(setup);
  const world = new World(setup);
  for (const process of world.processes) void process.open();
  await world.advance(100);
  for (const command of commands) {
    if (command.at > world.now) await world.advance(command.at - world.now);
    perform(world, command);
  }
  await world.advance(Math.max(0, setup.minutes * 60_000 - world.now));
  await comeToRest(world);
  await bury(world);
  const lives = world.processes.flatMap((process) => process.lives);
  for (const { name, lines } of lives) world.trace.add(name, lines);
  return {
    seed: setup.seed,
    commands,
    recordings: world.processes.map((process) =>
      process.lives.filter(({ hasStarted }) => hasStarted).map(({ recording }) => recording),
    ),
    violations: world.violations,
    hash: world.trace.hash(),
    simulatedMs: world.now,
    trace: world.trace.lines,
  };
}
