/** A rule that was broken, and how. */
export interface Violation {
  /** Its number, such as `B26`. */
  readonly rule: string;
  /** What was seen, for people. */
  readonly message: string;
}
