import * as fc from "fast-check";
import type { LaneSettings } from "../lanes/lane-options.ts";
import type { QueueMode } from "../lanes/queue-mode.ts";

/** What happens in one race, but for its order. */
export interface RaceScript {
  readonly moves: readonly { readonly move: Move; readonly putOff: number }[];
  /** Of the turns, one after the other, again from the first when they are used up; so are the answers. */
  readonly plans: readonly Plan[];
  /** How often the scheduler puts off each answer of the store. */
  readonly answers: readonly number[];
  readonly lane: LaneSettings;
}

/** Something done to the session. */
export type Move =
  | { readonly do: "send"; readonly mode: QueueMode; readonly expiresInMs?: number | undefined }
  | { readonly do: Deed }
  /** Of what was accepted last, or so much before. */
  | { readonly do: "cancel"; readonly before: number }
  | { readonly do: "advance"; readonly ms: number };
type Deed = "notify" | "report" | "wake" | "abort" | "reset" | "clear" | "pause" | "resume";

/** What a turn's code does: it takes steering so often, then ends; told to stop, it rejects or goes on. */
export interface Plan {
  readonly takes: number;
  readonly end: "reply" | "reject" | "hang";
  readonly obeys: boolean;
}

/** A message of one of these modes. */
export const send = (...modes: readonly QueueMode[]): fc.Arbitrary<Move> =>
  fc.record({ do: fc.constant("send" as const), mode: fc.constantFrom(...modes) });

/** A message that expires soon. */
export const sendBrief = (...modes: readonly QueueMode[]): fc.Arbitrary<Move> =>
  fc.record({
    do: fc.constant("send" as const),
    mode: fc.constantFrom(...modes),
    expiresInMs: fc.constantFrom(1, 100, 200),
  });

/** One of these. */
export const deed = (...deeds: readonly Deed[]): fc.Arbitrary<Move> =>
  fc.record({ do: fc.constantFrom(...deeds) });

/** A withdrawal. */
export const cancel: fc.Arbitrary<Move> = fc.record({
  do: fc.constant("cancel" as const),
  before: fc.constantFrom(0, 0, 0, 1, 2, 3),
});

/** Time that passes. */
export const advance: fc.Arbitrary<Move> = fc.record({
  do: fc.constant("advance" as const),
  ms: fc.constantFrom(1, 100, 200),
});

const plan: fc.Arbitrary<Plan> = fc.record({
  takes: fc.nat(8),
  end: fc.constantFrom("reply", "reply", "reject", "reject", "hang"),
  obeys: fc.boolean(),
});

/** Scripts of such moves, in lanes with such settings. */
export function scriptsOf(
  move: fc.Arbitrary<Move>,
  lane: fc.Arbitrary<LaneSettings>,
): fc.Arbitrary<RaceScript> {
  return fc.record({
    moves: fc.array(fc.record({ move, putOff: fc.nat(12) }), {
      minLength: 2,
      maxLength: 8,
    }),
    plans: fc.array(plan, { minLength: 1, maxLength: 4 }),
    answers: fc.array(fc.constantFrom(0, 0, 0, 1, 4), { minLength: 1, maxLength: 6 }),
    lane,
  });
}
