/** What a process that counts has to know; it travels to each in an environment variable. */
export interface CoverageOrder {
  /** Where each process leaves its tally. */
  readonly folder: string;
  readonly machineIds: readonly string[];
  /** The file of the test on whose behalf a process runs that is no worker of the test runner. */
  readonly test?: string | undefined;
}

/** The variable that carries the order. */
export const orderVariable = "LANEKEEPER_COVERAGE";

/** Reads the order of this process; undefined where nobody counts. */
export function readOrder(environment: NodeJS.ProcessEnv): CoverageOrder | undefined {
  const text = environment[orderVariable];
  return text === undefined ? undefined : (JSON.parse(text) as CoverageOrder);
}
