import { assertKnownOptions, invalidOption } from "lanekeeper/ports";
import { assertOptionalCallbacks } from "../callbacks.ts";
import type { Command } from "./command.ts";
import { createSetup, type SimulationOptions } from "./setup.ts";
import { type Simulation, simulate } from "./simulate.ts";

/** How far a failure is made smaller. */
export interface ShrinkOptions {
  /** Runs that may be spent on it, 0 or more. Default 400. */
  readonly runs?: number | undefined;
  /** Called after each run, with how many commands are left. */
  readonly progress?: ((runs: number, commands: number) => void) | undefined;
  /**
   * Whether a run is still broken. Asked of the failed one first, then once after each run. Default: the rule that the failed
   * one broke first is broken in the same way (its `claim`).
   */
  readonly isBroken?: ((simulation: Simulation) => boolean) | undefined;
}

/**
 * Leaves out of a run that broke a rule, or a promise of your own (`isBroken`), as many commands as can be left out while that is
 * still broken: by halves, then quarters, down to single ones (delta debugging). What turns do does not depend on what was left
 * out. Rejects with `INVALID_OPTION`, also where nothing was broken, and as `simulate`.
 */
export async function shrinkSimulation(
  options: SimulationOptions,
  failed: Simulation,
  shrink: ShrinkOptions = {},
): Promise<Simulation> {
  const { mostRuns, progress, isBroken } = checkShrink(shrink, failed);
  createSetup({ ...options, commands: failed.commands });
  const state = { smallest: failed, runs: 0 };
  const mayRun = (): boolean => state.runs < mostRuns;
  const tryWith = async (commands: readonly Command[]): Promise<void> => {
    const next = await simulate({ ...options, commands });
    state.runs++;
    if (isBroken(next)) state.smallest = next;
    progress?.(state.runs, state.smallest.commands.length);
  };
  /** Leaves out what it can in pieces of a size; false if it could leave out nothing. */
  const leaveOut = async (size: number): Promise<boolean> => {
    const before = state.smallest;
    for (let from = 0; from < state.smallest.commands.length && mayRun();) {
      const { smallest } = state;
      await tryWith(smallest.commands.toSpliced(from, size));
      if (state.smallest === smallest) from += size;
    }
    return state.smallest !== before;
  };
  let size = failed.commands.length;
  while (mayRun() && state.smallest.commands.length > 0) {
    const isSmaller = await leaveOut(size);
    // What could not be left out at first may be superfluous once others are gone.
    if (size === 1 && !isSmaller) break;
    size = Math.max(1, Math.ceil(Math.min(size, state.smallest.commands.length) / 2));
  }
  return state.smallest;
}

interface Checked {
  readonly mostRuns: number;
  readonly progress: ShrinkOptions["progress"];
  isBroken(simulation: Simulation): boolean;
}

function checkShrink(shrink: ShrinkOptions, failed: Simulation): Checked {
  assertKnownOptions("shrinkSimulation", shrink, ["runs", "progress", "isBroken"]);
  const { runs = 400, progress, isBroken } = shrink;
  if (!Number.isSafeInteger(runs) || runs < 0) throw invalidOption("runs", runs, "a whole number, 0 or more");
  assertOptionalCallbacks({ progress, isBroken });
  const { violations } = (failed ?? {}) as { readonly violations?: unknown };
  if (!Array.isArray(violations)) throw notShrinkable(failed, "a simulation, as `simulate` gives it");
  if (isBroken === undefined) return { mostRuns: runs, progress, isBroken: breaksTheSame(failed) };
  const ask = (simulation: Simulation): boolean => {
    const answer: unknown = isBroken(simulation);
    if (typeof answer === "boolean") return answer;
    throw invalidOption("isBroken", answer, "true or false", "What isBroken says");
  };
  if (!ask(failed)) throw notShrinkable(failed, "a simulation of which isBroken says true");
  return { mostRuns: runs, progress, isBroken: ask };
}

/** Whether another run breaks what a failed one broke first: the same claim, or the same rule where no claim is known. */
function breaksTheSame(failed: Simulation): Checked["isBroken"] {
  const [first] = failed.violations;
  if (first === undefined)
    throw notShrinkable(failed.violations, "a simulation with violations, or with the option isBroken");
  return ({ violations }) =>
    violations.some(
      ({ rule, claim }) => rule === first.rule && (first.claim === undefined || claim === first.claim),
    );
}

function notShrinkable(failed: unknown, takes: string): Error {
  return invalidOption("failed", failed, takes, "What is to be shrunk");
}
