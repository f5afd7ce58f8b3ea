import type { Outcome } from "lanekeeper";
import { type Breach, invariant, type Invariant } from "./invariant.ts";
import { isMessage, type ItemStory, outcomeOf } from "./item-story.ts";
import type { LifeView, RecordingView } from "./recording-view.ts";
import type { Step } from "./step.ts";
import { heldBy, overAt, startOf, type TurnStory } from "./turn-story.ts";

/** What turns take and consume, and when it is told (B6, B8, B48). */
export const consumingInvariants: readonly Invariant[] = [
  invariant("B6", "An outcome settles after its turn's end, once the lane has gone on.", function* (view) {
    for (const item of view.items) yield* toldTooSoon(view, item);
  }),
  invariant("B8", "A turn takes every event that was accepted before it started.", function* (view) {
    for (const item of view.items) if (isMessage(item) === false) yield* leftBehind(view, item);
  }),
  invariant("B8", "An item is completed once, and shown to no turn after that.", function* ({ items }) {
    for (const { completed, held, takenBy, id, sessionKey } of items) {
      const [first, second] = completed;
      if (first === undefined) continue;
      if (second !== undefined)
        yield {
          step: second.step,
          sessionKey,
          sentence: `${id} of ${sessionKey} was completed by turn ${first.event.turnId}, and by turn ${second.event.turnId} again.`,
        };
      for (const turn of [...held, ...takenBy])
        if (startOf(turn).order > first.step.order)
          yield {
            step: startOf(turn),
            sessionKey,
            sentence: `${id} of ${sessionKey} was completed by turn ${first.event.turnId}, and turn ${turn.id} was shown it afterwards.`,
          };
    }
  }),
  invariant(
    "B8",
    "A turn completes with what it was shown: all of it, and nothing else.",
    function* ({ turns }) {
      for (const turn of turns) {
        const [completed] = turn.completed;
        if (completed === undefined || turn.called === undefined) continue;
        const told = new Set([...completed.event.messageIds, ...completed.event.eventIds]);
        const shown = new Set(heldBy(turn).map(({ id }) => id));
        const { sessionKey, id } = turn;
        for (const one of told)
          if (!shown.has(one))
            yield {
              step: completed.step,
              sessionKey,
              sentence: `Turn ${id} of ${sessionKey} completed with ${one}, which it never saw.`,
            };
        for (const one of shown)
          if (!told.has(one))
            yield {
              step: completed.step,
              sessionKey,
              sentence: `Turn ${id} of ${sessionKey} saw ${one}, and did not complete with it.`,
            };
      }
    },
  ),
  invariant("B8", "Work is completed by its turn's completing, and by nothing else.", function* (view) {
    for (const item of view.items) yield* wronglyEnded(view, item);
  }),
];

/** The turn that an outcome names. */
function turnOf(outcome: Outcome): string | undefined {
  return "turnId" in outcome ? outcome.turnId : undefined;
}

function* toldTooSoon(view: RecordingView, item: ItemStory): Iterable<Breach> {
  const end = outcomeOf(item);
  const turnId = end && turnOf(end.outcome);
  if (end === undefined || turnId === undefined) return;
  const life = view.lives[end.step.life.number]!;
  const turn = life.turns.get(turnId);
  if (turn?.called === undefined) return;
  const over = overAt(turn);
  const { id, sessionKey } = item;
  if (over === undefined || over.order > end.step.order) {
    yield {
      step: end.step,
      sessionKey,
      sentence: `The outcome of ${id} of ${sessionKey} settled while turn ${turnId} was live.`,
    };
    return;
  }
  // A receipt that came later tells nothing of when it settled.
  const asked = life.calls.get(end.step.entry.call)?.answer;
  if (asked === undefined || asked.order > over.order || hasLeft(life, turn, end.step.order)) return;
  yield {
    step: end.step,
    sessionKey,
    sentence: `The outcome of ${id} of ${sessionKey} settled while its lane was still settling turn ${turnId}.`,
  };
}

/** Whether its lane had done with a turn that is over, or is not seen to do so. */
function hasLeft(life: LifeView, turn: TurnStory, order: number): boolean {
  if (turn.crashed !== undefined || (life.life.closing?.order ?? Infinity) < order) return true;
  const stay = life.stayAt(turn.sessionKey, { order });
  return stay === undefined || !unsettled.has(stay.detail);
}

/** Where the store has not said yet that it has the end of the turn. */
const unsettled: ReadonlySet<string> = new Set([
  "busy.running",
  "busy.settling",
  "busy.unsettled",
  "reclaimed.settling",
  "reclaimed.unsettled",
]);

/** Turns that did not take an event that waited, as is seen from a later one's taking it. */
function* leftBehind(view: RecordingView, item: ItemStory): Iterable<Breach> {
  const { accepted, held, sessionKey, id } = item;
  const last = held.at(-1);
  // What a keeper that died has put back had ended between.
  if (accepted === undefined || last === undefined || view.hasLostRedrives) return;
  const lastOrder = startOf(last).order;
  // What was put back from a dead letter had ended between, and the recording of a crash may not say when.
  const isPutBack = view.lives.some(({ life }) =>
    life
      .told("deadLetter.redriven")
      .some(({ event, step }) => event.sessionKey === sessionKey && step.order < lastOrder),
  );
  if (isPutBack) return;
  for (const turn of view.turnsFrom(sessionKey, accepted.step)) {
    const start = startOf(turn);
    if (start.order >= lastOrder) return;
    const opened = turn.firstOpened?.from.step.order;
    if (held.includes(turn) || opened === undefined || opened < accepted.step.order) continue;
    // A store that failed to say what it opened may have opened it before the event came.
    if (turn.life.storeFailures.length > 0) continue;
    // A message's last attempt runs without the events that failed with it before (B31a).
    const [head] = turn.messages;
    if (held.some((earlier) => head !== undefined && earlier.messages.includes(head))) continue;
    yield {
      step: start,
      sessionKey,
      sentence: `Turn ${turn.id} of ${sessionKey} started without event ${id}, which had been accepted at ${accepted.step.at} ms.`,
    };
  }
}

function* wronglyEnded(view: RecordingView, item: ItemStory): Iterable<Breach> {
  const { id, sessionKey, completed, outcomes } = item;
  const end = outcomeOf(item);
  if (end === undefined) return;
  const { outcome, step } = end;
  const by = completed[0]?.event.turnId;
  if (by !== undefined && outcome.status !== "completed")
    yield {
      step,
      sessionKey,
      sentence: `${id} of ${sessionKey} was completed by turn ${by}, and its outcome is ${outcome.status}.`,
    };
  if (outcome.status === "completed" && by !== outcome.turnId && isHeardOf(view, outcome.turnId, step))
    yield {
      step,
      sessionKey,
      sentence: `The outcome of ${id} of ${sessionKey} is completed by turn ${outcome.turnId}, which did not say so.`,
    };
  for (const other of outcomes) {
    const another = other.entry.outcome;
    if (another.status === "suspended") continue;
    if (another.status !== outcome.status || turnOf(another) !== turnOf(outcome))
      yield {
        step: other,
        sessionKey,
        sentence: `${id} of ${sessionKey} is ${outcome.status} to one, and ${another.status} to another.`,
      };
  }
}

/** Whether what a turn completed with must have been told before a step: an earlier keeper may not have lived to tell it. */
function isHeardOf({ lives }: RecordingView, turnId: string, { life }: Step): boolean {
  return lives[life.number]!.turns.get(turnId)?.started !== undefined;
}
