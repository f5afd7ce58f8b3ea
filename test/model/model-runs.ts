import * as fc from "fast-check";

/** How many times as much a soak does; 0 where this is none. */
const soak = Number(process.env["LANEKEEPER_SOAK"] ?? 0);

/** Milliseconds a model test may take; a soak takes what it takes. */
export const modelTimeoutMs = soak > 0 ? 86_400_000 : 600_000;

/**
 * Checks a property with a fixed seed, so that it comes out the same each time; in a soak with a fresh one, many times as
 * often. Gives what fast-check reports of a failure: the shrunk commands, and the seed and path that replay it.
 */
export async function findCounterexample<Ts>(
  property: fc.IAsyncProperty<Ts>,
  { seed, numRuns }: { readonly seed: number; readonly numRuns: number },
): Promise<string | undefined> {
  const parameters = soak > 0 ? { numRuns: numRuns * soak } : { seed, numRuns };
  return fc.asyncDefaultReportMessage(await fc.check(property, parameters));
}
