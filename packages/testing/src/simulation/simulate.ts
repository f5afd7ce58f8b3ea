import { LanekeeperError } from "lanekeeper";
import type { Recording } from "lanekeeper/recording";
import type { Command } from "./command.ts";
import { makeCommands } from "./command-maker.ts";
import { perform } from "./performer.ts";
import { bury, comeToRest } from "./rest.ts";
import { Restless } from "./rest-watch.ts";
import { createSetup, type SimulationOptions } from "./setup.ts";
import { checkInvariants } from "../invariants/check-invariants.ts";
import type { BrokenRule } from "./broken-rule.ts";
import { World } from "./world.ts";

/** What came of a run. */
export interface Simulation {
  readonly seed: number;
  /** What was done, in the order of time. With the seed and the options they are the run. */
  readonly commands: readonly Command[];
  /** Rules that were broken, in the order in which that was seen; empty if all is well. */
  readonly violations: readonly BrokenRule[];
  /** Of each keeper, those of its lives in order. */
  readonly recordings: readonly (readonly SimulatedLife[])[];
  /** Everything seen, a line each: what was done to the machines, then what each life's host saw. */
  readonly trace: readonly string[];
  /** The SHA-256 of the trace: the same seed and options, the same hash. */
  readonly hash: string;
  /** Simulated milliseconds, the coming to rest included. */
  readonly simulatedMs: number;
}

/** One keeper from its start to its close or its crash. */
export interface SimulatedLife {
  /** Of its keeper and itself, such as `k2.1`. */
  readonly name: string;
  readonly recording: Recording;
  /** The same as a file would have it, a line each. */
  readonly lines: readonly string[];
}

/** Timers fire so late at most, in milliseconds, but where a machine sleeps. */
const latenessMs = 3_000;
const milliseconds = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
/** Simulated milliseconds between two calls of `progress`. */
const progressMs = 60_000;

/**
 * Runs a whole system on virtual time: keepers, sessions, agents, heartbeats, commands and locks, with everything that goes
 * wrong, decided by the seed. A rule that is broken is a violation, not a rejection. Rejects with `INVALID_OPTION`, and where
 * something of yours throws that nobody catches, such as the callback of a handler's timer: with an error that says the seed
 * and the virtual time, and has as its `cause` what was thrown.
 */
export async function simulate(options: SimulationOptions): Promise<Simulation> {
  const setup = createSetup(options);
  const commands = setup.commands ?? makeCommands(setup);
  const world = new World(setup);
  let refusal: Error | undefined;
  try {
    try {
      refusal = await start(world);
      if (refusal === undefined) await run(world, commands, options.progress);
    } catch (error) {
      if (!(error instanceof Restless)) throw error;
      world.violate("rest", "A simulated system comes to rest between what happens to it.", error.message);
    } finally {
      await bury(world);
    }
  } catch (cause) {
    throw endedBy(world, cause);
  }
  if (refusal !== undefined) throw refusal;
  const recordings = world.processes.map(({ lives }) =>
    lives
      .filter(({ hasStarted }) => hasStarted)
      .map(({ name, recording, lines }) => ({ name, recording, lines })),
  );
  for (const { name, recording } of recordings.flat()) world.trace.add(name, recording);
  for (const lives of recordings) checkRules(world, lives);
  return {
    seed: setup.seed,
    commands,
    violations: world.violations,
    recordings,
    trace: world.trace.lines,
    hash: world.trace.hash(),
    simulatedMs: world.now,
  };
}

/**
 * Starts every keeper. What none can be made with is known of at once: the keeper itself checks lanes and capacity, and says
 * what is wrong. Resolves with that refusal.
 */
async function start(world: World): Promise<Error | undefined> {
  for (const process of world.processes) void process.open();
  await world.advance(0);
  return world.processes
    .map(({ failure }) => failure)
    .find((failure) => failure instanceof LanekeeperError && failure.code === "INVALID_OPTION");
}

/** Does what the commands say, each at its time, until all is over and at rest. */
async function run(
  world: World,
  commands: readonly Command[],
  progress: SimulationOptions["progress"],
): Promise<void> {
  let toldAt = 0;
  const advanceTo = async (at: number): Promise<void> => {
    if (at > world.now) await world.advance(at - world.now);
    if (world.now < toldAt + progressMs) return;
    toldAt = world.now;
    progress?.(toldAt);
  };
  for (const command of commands) {
    await advanceTo(command.at);
    perform(world, command);
  }
  await advanceTo(world.setup.minutes * 60_000);
  await comeToRest(world);
}

/** Says of which run, and when in it, something was thrown that nobody caught. */
function endedBy({ setup, now }: World, cause: unknown): Error {
  const message = cause instanceof Error ? cause.message : String(cause);
  return new Error(`Seed ${setup.seed} ended at ${milliseconds.format(now)} ms of virtual time: ${message}`, {
    cause,
  });
}

/** What the hosts of a keeper saw is compared with the rules, life after life. */
function checkRules(world: World, lives: readonly SimulatedLife[]): void {
  const recordings = lives.map(({ recording }) => recording);
  for (const { rule, claim, sentence, recording, index } of checkInvariants(recordings, { latenessMs }))
    world.violate(rule, claim, `${lives[recording]!.name}, entry ${index + 1}: ${sentence}`);
}
