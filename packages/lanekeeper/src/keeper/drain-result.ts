/** How a drain ended. */
export interface DrainResult {
  /** Whether no turn runs any more. */
  readonly drained: boolean;
  readonly running: number;
  readonly waiting: number;
}
