import type { RecordingView } from "./recording-view.ts";
import type { Step } from "./step.ts";

/** What must hold in every recording: one claim of one rule of the behaviour's. */
export interface Invariant {
  /** The number of the rule: `B3`. */
  readonly rule: string;
  /** What is claimed, in one sentence. */
  readonly claim: string;
  /** Every place where it does not hold. */
  check(view: RecordingView): Iterable<Violation>;
}

/** A place in a recording where a rule was broken. */
export interface Violation {
  /** The number of the rule: `B3`. */
  readonly rule: string;
  /** What the rule claims: what was expected. */
  readonly claim: string;
  /** What was seen instead, with ids and times. */
  readonly sentence: string;
  /** Which of the recordings it is in, counted from 0. */
  readonly recording: number;
  /** The entry in which it showed, counted from 0. */
  readonly index: number;
  /** When that was, in monotonic milliseconds of the keeper's clock. */
  readonly at: number;
  /** The session that it concerns; undefined: none. */
  readonly sessionKey: string | undefined;
}

/** What breaks a rule at a step. */
export interface Breach {
  readonly step: Step;
  readonly sessionKey?: string | undefined;
  readonly sentence: string;
}

/** An invariant from a function that finds what breaks it. */
export function invariant(
  rule: string,
  claim: string,
  find: (view: RecordingView) => Iterable<Breach>,
): Invariant {
  return {
    rule,
    claim,
    *check(view) {
      for (const { step, sessionKey, sentence } of find(view)) {
        const { index, at, life } = step;
        yield { rule, claim, sentence, recording: life.number, index, at, sessionKey };
      }
    },
  };
}
