import type { CallStory } from "./call-story.ts";
import { type Breach, invariant, type Invariant } from "./invariant.ts";
import { endOfItem } from "./item-story.ts";
import type { LifeView, RecordingView } from "./recording-view.ts";
import { isCurrentAt } from "./turn-story.ts";

/** Turns that await each other in a circle (B10). */
export const deadlockInvariants: readonly Invariant[] = [
  invariant("B10", "A reply that would close a circle of awaiting sessions is refused.", function* (view) {
    for (const life of view.lives) yield* undetected(view, life);
  }),
  invariant(
    "B10",
    "A reply is refused with SELF_DEADLOCK only where it would close such a circle.",
    function* (view) {
      for (const life of view.lives) {
        const awaits = awaitsOf(view, life);
        for (const one of awaits) {
          const { call, by, on } = one;
          if (call.refusal?.entry.code !== deadlock) continue;
          if (isLinked(on, by, openAt(awaits, call.step.order, call.step.order))) continue;
          yield {
            step: call.refusal,
            sessionKey: by,
            sentence: `Turn ${call.turnId} of ${by} was refused the reply of ${on} as a deadlock, and ${on} did not await ${by}.`,
          };
        }
      }
    },
  ),
];

const deadlock = "SELF_DEADLOCK";

/** A reply that a turn of one session awaits from another. */
interface Await {
  readonly call: CallStory;
  readonly by: string;
  readonly on: string;
  readonly until: { readonly order: number; readonly at: number } | undefined;
}

function awaitsOf(view: RecordingView, life: LifeView): readonly Await[] {
  return life.callsOf("receipt.reply").flatMap((call) => {
    const turn = call.turnId === undefined ? undefined : life.turns.get(call.turnId);
    const item = call.on && view.itemOf(call.on);
    if (turn === undefined || item === undefined) return [];
    return [{ call, by: turn.sessionKey, on: item.sessionKey, until: call.answer ?? call.refusal }];
  });
}

/** The awaits that were open between two orders, and were not refused as a circle. */
function openAt(awaits: readonly Await[], from: number, to: number): readonly Await[] {
  return awaits.filter(
    ({ call, until }) =>
      call.step.order < from && (until?.order ?? Infinity) > to && call.refusal?.entry.code !== deadlock,
  );
}

/** Whether a session awaits another, through however many. */
function isLinked(from: string, to: string, awaits: readonly Await[]): boolean {
  const reached = new Set([from]);
  for (const session of reached) {
    if (session === to) return true;
    for (const { by, on } of awaits) if (by === session) reached.add(on);
  }
  return false;
}

/** Calls that stayed open though the circle that they closed stood for longer than it takes to see it. */
function* undetected(view: RecordingView, life: LifeView): Iterable<Breach> {
  const awaits = awaitsOf(view, life);
  const { latenessMs } = life.life.time;
  for (const { call, by, on, until } of awaits) {
    const turn = life.turns.get(call.turnId!)!;
    const item = view.itemOf(call.on!)!;
    if (call.refusal?.entry.code === deadlock || !isCurrentAt(turn, call.step.order)) continue;
    if ((endOfItem(item)?.order ?? Infinity) < call.step.order) continue;
    const shown = life.steps.find(
      ({ at, order }) => order > call.step.order && at > call.step.at + latenessMs,
    );
    if (shown === undefined || (until?.order ?? Infinity) < shown.order || !isCurrentAt(turn, shown.order))
      continue;
    if ((endOfItem(item)?.order ?? Infinity) < shown.order) continue;
    const standing = openAt(awaits, call.step.order, shown.order).filter(({ call: other }) =>
      isCurrentAt(life.turns.get(other.turnId!)!, shown.order),
    );
    if (!isLinked(on, by, standing)) continue;
    yield {
      step: shown,
      sessionKey: by,
      sentence: `Turn ${call.turnId} of ${by} has awaited ${item.id} of ${on} since ${call.step.at} ms, and ${on} awaits ${by}.`,
    };
  }
}
