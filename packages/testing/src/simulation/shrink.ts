import type { Command } from "./command.ts";
import type { SimulationOptions } from "./setup.ts";
import { type Simulation, simulate } from "./simulate.ts";

/** How far a failure is made smaller. */
export interface ShrinkOptions {
  /** Runs that may be spent on it. Default 400. */
  readonly runs?: number | undefined;
  /** Called after each run, with how many commands are left. */
  readonly progress?: ((runs: number, commands: number) => void) | undefined;
}

/**
 * Leaves out of a run that broke a rule as many commands as can be left out while that rule is still broken: by halves, then
 * quarters, down to single ones (delta debugging). What turns do does not depend on what was left out.
 */
export async function shrinkSimulation(
  options: SimulationOptions,
  failed: Simulation,
  { runs: limit = 400, progress }: ShrinkOptions = {},
): Promise<Simulation> {
  const rule = failed.violations[0]?.rule;
  let smallest = failed;
  let runs = 0;
  const stillFails = async (commands: readonly Command[]): Promise<boolean> => {
    const next = await simulate({ ...options, commands });
    runs++;
    const isBroken = next.violations.some((violation) => violation.rule === rule);
    if (isBroken) smallest = next;
    progress?.(runs, smallest.commands.length);
    return isBroken;
  };
  if (rule === undefined || (await stillFails([]))) return smallest;
  for (let size = Math.ceil(smallest.commands.length / 2); runs < limit;) {
    const before = smallest.commands.length;
    for (let from = 0; from < smallest.commands.length && runs < limit;) {
      const { commands } = smallest;
      if (!(await stillFails(commands.toSpliced(from, size)))) from += size;
    }
    const isSmaller = smallest.commands.length < before;
    if (size === 1 && !isSmaller) break;
    // What could not be left out at first may be superfluous once others are gone.
    size = Math.max(1, isSmaller && size === 1 ? 1 : Math.ceil(size / 2));
  }
  return smallest;
}
