/** A rule that a run broke, and how. */
export interface BrokenRule {
  /** Its number, such as `B26`. */
  readonly rule: string;
  /** What was seen, in one sentence. */
  readonly sentence: string;
}
