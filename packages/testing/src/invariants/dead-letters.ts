import { type CallStory, endOf } from "./call-story.ts";
import { type Breach, invariant, type Invariant } from "./invariant.ts";
import type { LifeView, RecordingView } from "./recording-view.ts";
import type { Step, Told } from "./step.ts";

/** Work that was given up, and what becomes of it (B30, B31, B31b). */
export const deadLetterInvariants: readonly Invariant[] = [
  invariant(
    "B31",
    "Work that was given up is a dead letter, and that is told before its outcome.",
    function* (view) {
      const added = lettersOf(view);
      for (const item of view.items) {
        for (const step of item.outcomes) {
          const { outcome } = step.entry;
          if (outcome.status !== "failed" && outcome.status !== "reclaimed") continue;
          // What an earlier keeper gave up was told by it, or by nobody: it died. Who asks later may know it sooner.
          const turn = view.lives[step.life.number]!.turns.get(outcome.turnId);
          if (turn?.started === undefined || step.entry.call !== item.call?.call) continue;
          const told = added.get(outcome.deadLetterId)?.[0];
          if (told !== undefined && told.step.order < step.order && told.event.sessionKey === item.sessionKey)
            continue;
          yield {
            step,
            sessionKey: item.sessionKey,
            sentence: `${item.id} of ${item.sessionKey} is ${outcome.status}, and dead letter ${outcome.deadLetterId} was not told of.`,
          };
        }
      }
    },
  ),
  invariant("B31", "Each dead letter is added once.", function* (view) {
    for (const [id, [, second]] of lettersOf(view))
      if (second !== undefined)
        yield {
          step: second.step,
          sessionKey: second.event.sessionKey,
          sentence: `Dead letter ${id} of ${second.event.sessionKey} was added twice.`,
        };
  }),
  invariant("B31b", "A dead letter is put back or forgotten once, and then gone.", function* (view) {
    const gone = new Map<string, Told>();
    for (const told of departures(view)) {
      const { id } = told.event;
      const before = gone.get(id);
      if (before !== undefined)
        yield {
          step: told.step,
          sentence: `Dead letter ${id} was ${verbs[told.event.type]}, and had been ${verbs[before.event.type as keyof typeof verbs]} before.`,
        };
      gone.set(id, told);
    }
  }),
  invariant("B31b", "A dead letter that is there is not said to be missing.", function* (view) {
    for (const life of view.lives)
      for (const call of life.callsOf("redrive", "discard")) yield* denied(view, life, call);
  }),
];

const verbs = { "deadLetter.redriven": "put back", "deadLetter.discarded": "forgotten" } as const;
/** Dead letters that are kept. */
const keptLetters = 10_000;

function lettersOf({ lives }: RecordingView): ReadonlyMap<string, readonly Told<"deadLetter.added">[]> {
  const letters = new Map<string, Told<"deadLetter.added">[]>();
  for (const { life } of lives)
    for (const told of life.told("deadLetter.added"))
      letters.set(told.event.id, [...(letters.get(told.event.id) ?? []), told]);
  return letters;
}

function* departures({
  lives,
}: RecordingView): Iterable<Told<"deadLetter.redriven"> | Told<"deadLetter.discarded">> {
  for (const { life } of lives) {
    const all = [...life.told("deadLetter.redriven"), ...life.told("deadLetter.discarded")];
    yield* all.toSorted((a, b) => a.step.order - b.step.order);
  }
}

function* denied(view: RecordingView, life: LifeView, call: CallStory): Iterable<Breach> {
  const { refusal, answer, method, args, step } = call;
  const isDenied =
    refusal?.entry.code === "NOT_FOUND" || (method === "discard" && answer?.entry.value === false);
  if (!isDenied || life.life.storeFailures.length > 0) return;
  const [id] = args;
  const added = life.life.told("deadLetter.added").filter(({ step: told }) => told.order < step.order);
  const letter = added.find(({ event }) => event.id === id);
  if (letter === undefined || added.length > keptLetters) return;
  if (
    [...departures(view)].some(({ event, step: told }) => event.id === id && told.order < endOf(call)!.order)
  )
    return;
  // Another who asks for the same may have been first.
  const others = life.callsOf("redrive", "discard").filter((other) => other !== call && other.args[0] === id);
  if (
    others.some(
      (other) => other.step.order < endOf(call)!.order && (endOf(other)?.order ?? Infinity) > step.order,
    )
  )
    return;
  yield {
    step: endOf(call) as Step,
    sessionKey: letter.event.sessionKey,
    sentence: `Dead letter ${String(id)} of ${letter.event.sessionKey} was said to be missing, and had been added at ${letter.step.at} ms.`,
  };
}
