import { type Breach, invariant, type Invariant } from "./invariant.ts";
import type { LifeView } from "./recording-view.ts";
import type { Step } from "./step.ts";
import type { TurnStory } from "./turn-story.ts";

/** Turns are seen by whoever listens (B61). What is said here is of those that started when events were being told. */
export const startInvariants: readonly Invariant[] = [
  invariant(
    "B61",
    "A turn whose code is called is told as started, and of its lane a state.",
    function* (view) {
      for (const life of view.lives) {
        const started = new Set(life.life.told("turn.started").map(({ event }) => event.turnId));
        for (const turn of life.turns.values()) yield* unseen(life, turn, started);
      }
    },
  ),
];

function* unseen(life: LifeView, turn: TurnStory, started: ReadonlySet<string>): Iterable<Breach> {
  const { called, id, sessionKey } = turn;
  if (called === undefined || !isHeard(life, called)) return;
  const by = life.firstAfter(called, life.life.time.latenessMs) ?? life.life.closed;
  if (by === undefined) return;
  if (!started.has(id))
    yield {
      step: called,
      sessionKey,
      sentence: `Turn ${id} of ${sessionKey} was called, and was not told as started.`,
    };
  if (life.stayAt(sessionKey, by) === undefined)
    yield {
      step: called,
      sessionKey,
      sentence: `Turn ${id} of ${sessionKey} was called, and no state of its lane was told.`,
    };
}

/** Whether somebody listened before a step: what an earlier keeper left may start before that. */
function isHeard({ life }: LifeView, { at }: Step): boolean {
  const [first] = life.events;
  return first !== undefined && life.time.isBefore(first.step.at, at);
}
