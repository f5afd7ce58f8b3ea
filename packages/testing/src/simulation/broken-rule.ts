/** A rule that a run broke, and how. */
export interface BrokenRule {
  /** Its number, such as `B26`; `rest` where a system asks for timers, or turns of the event loop, without end. */
  readonly rule: string;
  /** What that rule claims, and was not so: what shrinking keeps. Absent where only the rule is known. */
  readonly claim?: string | undefined;
  /** What was seen, in one sentence. */
  readonly sentence: string;
}
