import { type CallStory, member } from "./call-story.ts";
import { type Breach, invariant, type Invariant } from "./invariant.ts";
import { type ItemStory, outcomeOf } from "./item-story.ts";
import type { RecordingView } from "./recording-view.ts";
import type { Step } from "./step.ts";
import { overAt, startOf, type TurnStory } from "./turn-story.ts";

/** Ids that are known, and work that is withdrawn (B23, B23a). */
export const dedupeInvariants: readonly Invariant[] = [
  invariant("B23", "An id is accepted again only dedupeMs after the outcome of its work.", function* (view) {
    const last = new Map<string, ItemStory>();
    for (const item of view.items) {
      const name = JSON.stringify([item.sessionKey, item.id, item.isCompletion]);
      const before = last.get(name);
      last.set(name, item);
      if (before !== undefined) yield* forgotten(view, before, item);
    }
  }),
  invariant("B23", "The receipt of an id is that of its session's work of that id.", function* ({ lives }) {
    for (const life of lives) {
      for (const call of life.callsOf("send", "notify", "attach")) {
        const { answer, args, method } = call;
        const id = method === "attach" ? args[1] : member(args[2], "id");
        const value = answer?.entry.value;
        if (typeof id !== "string" || answer === undefined || value === undefined) continue;
        if (member(value, "id") === id && member(value, "sessionKey") === args[0]) continue;
        yield {
          step: answer,
          sessionKey: String(args[0]),
          sentence: `${method} of ${id} for ${String(args[0])} was answered with the receipt of ${String(member(value, "id"))} of ${String(member(value, "sessionKey"))}.`,
        };
      }
    }
  }),
  invariant("B23", "attach gives the receipt of work that has not ended.", function* (view) {
    for (const life of view.lives) for (const call of life.callsOf("attach")) yield* unknown(view, call);
  }),
  invariant(
    "B23a",
    "What was withdrawn had waited, is shown to no turn, and is cancelled.",
    function* (view) {
      for (const life of view.lives)
        for (const call of life.callsOf("receipt.cancel")) yield* cancelled(view, call);
    },
  ),
  invariant("B23a", "What waits is withdrawn when it is asked for.", function* (view) {
    for (const life of view.lives) for (const call of life.callsOf("receipt.cancel")) yield* kept(view, call);
  }),
];

/** An id that was accepted again while it was to be known. */
function* forgotten(view: RecordingView, before: ItemStory, item: ItemStory): Iterable<Breach> {
  const { sessionKey, id, accepted } = item;
  const asked = item.call?.step;
  if (accepted === undefined || item.isRedriven || item.isCompletion || asked === undefined) return;
  // What was lost with a keeper may have ended before; a session that is forgotten remembers nothing.
  if (before.life !== item.life || before.accepted === undefined) return;
  const life = view.lives[item.life.number]!;
  const { dedupeMs } = life.laneOf(sessionKey);
  const over = turnEndOf(before);
  const isOpen = before.held.some((turn) => (turn.firstOpened?.from.step.order ?? -1) > accepted.step.order);
  const isKnown = over !== undefined && over.order > asked.order;
  // What was withdrawn may have ended right after its acceptance.
  const isEarly = life.life.time.isBefore(asked.at, (over?.at ?? acceptedAt(before)) + dedupeMs);
  if (!isOpen && !isKnown && !isEarly) return;
  if (!life.life.time.isSteady(before.accepted.step.order, accepted.step.order)) return;
  yield {
    step: accepted.step,
    sessionKey,
    sentence: `${id} of ${sessionKey} was accepted at ${asked.at} ms and had been accepted before, at ${acceptedAt(before)} ms: ids are known for ${dedupeMs} ms after their outcome.`,
  };
}

function acceptedAt({ call, accepted }: ItemStory): number {
  return (call ?? accepted!).step.at;
}

/** The end of the turn that ended an item: not before it did the store record that. */
function turnEndOf(item: ItemStory): Step | undefined {
  const outcome = outcomeOf(item)?.outcome;
  const turnId =
    item.completed[0]?.event.turnId ??
    (outcome !== undefined && "turnId" in outcome ? outcome.turnId : undefined);
  const turn = item.held.find(({ id }) => id === turnId);
  return turn && overAt(turn);
}

function* unknown(view: RecordingView, call: CallStory): Iterable<Breach> {
  const { answer, args, step } = call;
  const [sessionKey, id] = args;
  if (answer === undefined || answer.entry.value !== undefined || typeof sessionKey !== "string") return;
  const item = view
    .itemsOf(sessionKey)
    .find(
      (one) =>
        one.id === id &&
        !one.isCompletion &&
        !one.isTangled &&
        one.accepted !== undefined &&
        one.accepted.step.order < step.order &&
        one.held.some((turn) => startOf(turn).order > answer.order),
    );
  if (item === undefined) return;
  yield {
    step: answer,
    sessionKey,
    sentence: `attach knew nothing of ${String(id)} of ${sessionKey}, which had been accepted and waited.`,
  };
}

/** The item that a receipt is of, and the turn that holds it at a step. */
function holderAt(item: ItemStory, { order, life }: Step): TurnStory | undefined {
  return [...item.held, ...item.takenBy].find(
    (turn) =>
      turn.life === life &&
      startOf(turn).order < order &&
      (overAt(turn)?.order ?? Infinity) > order &&
      turn.aborts.length === 0,
  );
}

function* cancelled(view: RecordingView, call: CallStory): Iterable<Breach> {
  const { answer } = call;
  const item = call.on && view.itemOf(call.on);
  if (item === undefined || item.isTangled || answer?.entry.value !== true) return;
  const { sessionKey, id } = item;
  const holder = holderAt(item, call.step);
  if (holder !== undefined)
    yield {
      step: answer,
      sessionKey,
      sentence: `${id} of ${sessionKey} was withdrawn while turn ${holder.id} held it.`,
    };
  if (item.isCompletion)
    yield { step: answer, sessionKey, sentence: `The completion ${id} of ${sessionKey} was withdrawn.` };
  const shown = [...item.held, ...item.takenBy].find((turn) => startOf(turn).order > answer.order);
  if (shown !== undefined)
    yield {
      step: startOf(shown),
      sessionKey,
      sentence: `${id} of ${sessionKey} had been withdrawn, and turn ${shown.id} was shown it.`,
    };
  const end = outcomeOf(item);
  if (end !== undefined && (end.outcome.status !== "cancelled" || end.outcome.reason !== "cancelled"))
    yield {
      step: end.step,
      sessionKey,
      sentence: `${id} of ${sessionKey} had been withdrawn, and its outcome is ${end.outcome.status}.`,
    };
}

function* kept(view: RecordingView, call: CallStory): Iterable<Breach> {
  const { answer, step } = call;
  const item = call.on && view.itemOf(call.on);
  if (item?.accepted === undefined || item.isTangled || item.isCompletion || answer?.entry.value !== false)
    return;
  // It waited for certain where a turn was opened with it afterwards, for the first time.
  const [first] = item.held;
  const opened = first?.firstOpened?.from.step.order;
  if (item.accepted.step.order > step.order || item.takenBy.length > 0) return;
  // What a store has opened and nobody heard of holds it.
  if (opened === undefined || opened < answer.order) return;
  if (first!.life !== item.life || item.life.storeFailures.length > 0) return;
  yield {
    step: answer,
    sessionKey: item.sessionKey,
    sentence: `${item.id} of ${item.sessionKey} waited when it was to be withdrawn, and was not.`,
  };
}
