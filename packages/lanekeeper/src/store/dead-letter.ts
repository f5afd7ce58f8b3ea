/** Work that was given up, kept so that nothing vanishes. The last 10,000 are kept, for at most 30 days. */
export interface DeadLetter {
  readonly id: string;
  readonly sessionKey: string;
  /** Epoch milliseconds. */
  readonly at: number;
  /** Why it was given up: the error's message, `stalled`, `timeout`, `crashed`, `aborted` or `stale-incarnation`. */
  readonly reason: string;
  /** Turns that held it. */
  readonly attempts: number;
  /** What it was, as the store kept it. */
  readonly items: readonly unknown[];
}
