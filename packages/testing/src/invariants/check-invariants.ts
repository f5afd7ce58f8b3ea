import { answerInvariants } from "./answers.ts";
import { attemptInvariants } from "./attempts.ts";
import { batchInvariants } from "./batches.ts";
import { blockedInvariants } from "./blocked.ts";
import { closingInvariants } from "./closing.ts";
import { completionInvariants } from "./completions.ts";
import { contentInvariants } from "./contents.ts";
import { consumingInvariants } from "./consuming.ts";
import { deadLetterInvariants } from "./dead-letters.ts";
import { dedupeInvariants } from "./dedupe.ts";
import { explanationInvariants } from "./explanations.ts";
import { fairnessInvariants } from "./fairness.ts";
import { fenceInvariants } from "./fences.ts";
import { heartbeatInvariants } from "./heartbeats.ts";
import { interruptInvariants } from "./interrupts.ts";
import type { Invariant, Violation } from "./invariant.ts";
import { lockInvariants } from "./locks.ts";
import { orderInvariants } from "./order.ts";
import { originInvariants } from "./origins.ts";
import { overflowInvariants } from "./overflow.ts";
import { recordingsIn } from "./recorded.ts";
import { RecordingView } from "./recording-view.ts";
import { recoveryInvariants } from "./recovery.ts";
import { rejectingInvariants } from "./rejecting.ts";
import { deadlockInvariants } from "./self-deadlock.ts";
import { slotInvariants } from "./slots.ts";
import { stallInvariants } from "./stalls.ts";
import { startInvariants } from "./starts.ts";
import { stateInvariants } from "./states.ts";
import { steeringInvariants } from "./steering.ts";
import { tellingInvariants } from "./telling.ts";
import { turnTokenInvariants } from "./turn-tokens.ts";
import { wakeInvariants } from "./wakes.ts";
import { assertKnownOptions, invalidOption } from "lanekeeper/ports";
import type { Recording } from "lanekeeper/recording";

/** How recordings are checked. */
export interface CheckOptions {
  /** The numbers of the rules that are checked, such as `B3`. Default: all that a recording shows. */
  readonly rules?: readonly string[] | undefined;
  /**
   * How late a timer may fire, in milliseconds, before a deadline counts as missed. Default 1,000: what the runtime itself
   * takes for lateness (B26a). On a simulated clock that is never suspended for less than a second, 0 finds more.
   */
  readonly latenessMs?: number | undefined;
  /**
   * How much earlier than recorded something may have happened, in milliseconds: a busy event loop writes down late. Default
   * 250; on a simulated clock 0 finds more.
   */
  readonly earlyMs?: number | undefined;
}

/** Every invariant, by the order of the rules. */
export const invariants: readonly Invariant[] = [
  ...stateInvariants,
  ...orderInvariants,
  ...consumingInvariants,
  ...deadlockInvariants,
  ...turnTokenInvariants,
  ...slotInvariants,
  ...fairnessInvariants,
  ...batchInvariants,
  ...steeringInvariants,
  ...interruptInvariants,
  ...rejectingInvariants,
  ...overflowInvariants,
  ...dedupeInvariants,
  ...stallInvariants,
  ...fenceInvariants,
  ...contentInvariants,
  ...attemptInvariants,
  ...deadLetterInvariants,
  ...blockedInvariants,
  ...answerInvariants,
  ...completionInvariants,
  ...wakeInvariants,
  ...originInvariants,
  ...heartbeatInvariants,
  ...lockInvariants,
  ...recoveryInvariants,
  ...closingInvariants,
  ...explanationInvariants,
  ...tellingInvariants,
  ...startInvariants,
];

/**
 * Finds what breaks a rule of the behaviour in a recording, or in those of keepers that had one store after each other, in the
 * order of their lives. It asks the runtime nothing: what it says rests on what the hosts saw. It never cries wolf: where a
 * recording was cut off, where its keeper died, or where a store lost an answer, nothing is concluded of what cannot be known.
 * Throws `INVALID_OPTION`.
 */
export function checkInvariants(
  recorded: Recording | readonly Recording[],
  options: CheckOptions = {},
): readonly Violation[] {
  assertKnownOptions("checkInvariants", options, ["rules", "latenessMs", "earlyMs"]);
  const { rules, latenessMs = 1_000, earlyMs = 250 } = options;
  for (const [name, value] of Object.entries({ latenessMs, earlyMs }))
    if (!(value >= 0 && value < Infinity))
      throw invalidOption(name, value, "a number of milliseconds, 0 or more");
  if (rules !== undefined && !Array.isArray(rules))
    throw invalidOption("rules", rules, `a list of the numbers of rules, such as ["B3"]`);
  const known = new Set(invariants.map(({ rule }) => rule));
  for (const rule of rules ?? [])
    if (!known.has(rule)) throw invalidOption("rules", rule, `some of ${[...known].join(", ")}`);
  const view = new RecordingView(recordingsIn(recorded), { latenessMs, earlyMs });
  return invariants
    .filter(({ rule }) => rules === undefined || rules.includes(rule))
    .flatMap((invariant) => [...invariant.check(view)]);
}
