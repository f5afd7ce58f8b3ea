import { assertKnownOptions, invalidOption } from "lanekeeper/ports";
import type { Command } from "./command.ts";
import { createSetup, type SimulationOptions } from "./setup.ts";
import { type Simulation, simulate } from "./simulate.ts";

/** How far a failure is made smaller. */
export interface ShrinkOptions {
  /** Runs that may be spent on it, 0 or more. Default 400. */
  readonly runs?: number | undefined;
  /** Called after each run, with how many commands are left. */
  readonly progress?: ((runs: number, commands: number) => void) | undefined;
}

/**
 * Leaves out of a run that broke a rule as many commands as can be left out while that rule is still broken: by halves, then
 * quarters, down to single ones (delta debugging). What turns do does not depend on what was left out.
 * Rejects with `INVALID_OPTION`, also where no rule was broken.
 */
export async function shrinkSimulation(
  options: SimulationOptions,
  failed: Simulation,
  shrink: ShrinkOptions = {},
): Promise<Simulation> {
  const { mostRuns, progress } = checkShrink(shrink);
  const rule = ruleOf(failed);
  createSetup({ ...options, commands: failed.commands });
  const state = { smallest: failed, runs: 0 };
  const mayRun = (): boolean => state.runs < mostRuns;
  const tryWith = async (commands: readonly Command[]): Promise<void> => {
    const next = await simulate({ ...options, commands });
    state.runs++;
    if (next.violations.some((violation) => violation.rule === rule)) state.smallest = next;
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

function checkShrink(shrink: ShrinkOptions): { readonly mostRuns: number } & Pick<ShrinkOptions, "progress"> {
  assertKnownOptions("shrinkSimulation", shrink, ["runs", "progress"]);
  const { runs = 400, progress } = shrink;
  if (!Number.isSafeInteger(runs) || runs < 0) throw invalidOption("runs", runs, "a whole number, 0 or more");
  if (progress !== undefined && typeof progress !== "function")
    throw invalidOption("progress", progress, "a function");
  return { mostRuns: runs, progress };
}

/** The rule that a run broke first. */
function ruleOf(failed: unknown): string {
  const { violations } = (failed ?? {}) as { readonly violations?: unknown };
  const [first] = (Array.isArray(violations) ? violations : []) as Simulation["violations"];
  if (first === undefined)
    throw invalidOption(
      "failed",
      violations ?? failed,
      "a simulation with violations, as `simulate` gives it",
      "What is to be shrunk",
    );
  return first.rule;
}
