import type { CallStory } from "./call-story.ts";
import { type Breach, invariant, type Invariant } from "./invariant.ts";
import { acceptanceOf, isOrdinary, isSteering, type ItemStory, modeOf } from "./item-story.ts";
import type { LifeView, RecordingView } from "./recording-view.ts";
import { isCurrentAt, startOf, type TurnStory } from "./turn-story.ts";

/** Messages that running turns take (B19). */
export const steeringInvariants: readonly Invariant[] = [
  invariant(
    "B19",
    "A turn takes each message once, and only those that were sent to steer it.",
    function* ({ turns }) {
      for (const turn of turns) {
        const taken = new Set<ItemStory>();
        for (const { item, step } of turn.taken) {
          const { id, sessionKey } = item;
          if (item.isTangled) continue;
          if (taken.has(item))
            yield { step, sessionKey, sentence: `Turn ${turn.id} of ${sessionKey} was given ${id} twice.` };
          taken.add(item);
          if (item.accepted !== undefined && !isSteering(item))
            yield {
              step,
              sessionKey,
              sentence: `Turn ${turn.id} of ${sessionKey} was given ${id}, which was not accepted to steer a turn.`,
            };
        }
      }
    },
  ),
  invariant("B19", "A turn that only a wake or a heartbeat started is not steered.", function* ({ turns }) {
    for (const { cause, taken, id, sessionKey } of turns) {
      const [first] = taken;
      if (first !== undefined && (cause === "wake" || cause === "heartbeat"))
        yield {
          step: first.step,
          sessionKey,
          sentence: `Turn ${id} of ${sessionKey}, which a ${cause} started, was given ${first.item.id}.`,
        };
    }
  }),
  invariant(
    "B19",
    "What a turn has taken shares its end: where that was for good, no other is shown it.",
    function* (view) {
      for (const item of view.items) yield* takenElsewhere(item);
    },
  ),
  invariant("B19", "A steering message sent to a running turn is for that turn to take.", function* (view) {
    for (const life of view.lives)
      for (const call of life.callsOf("send")) yield* notOffered(view, life, call);
  }),
  invariant("B19", "A message is accepted to steer only where a turn runs.", function* (view) {
    for (const item of view.items) yield* steersNothing(view, item);
  }),
  invariant("B19", "Steering that nobody took runs ahead of what else waits.", function* (view) {
    for (const item of view.items) if (isSteering(item)) yield* putOff(view, item);
  }),
];

/** Whether nothing that a turn held is tried again. */
function isOverForGood({ completed, cancelled, failed }: TurnStory): boolean {
  return completed.length + cancelled.length > 0 || failed.some(({ event }) => !event.willRetry);
}

/** Turns that were shown what an earlier one has taken to its end. */
function* takenElsewhere(item: ItemStory): Iterable<Breach> {
  const { id, sessionKey } = item;
  const [first] = item.takenBy;
  if (first === undefined || !isOverForGood(first)) return;
  for (const turn of [...item.takenBy.slice(1), ...item.held]) {
    if (turn === first || startOf(turn).order < startOf(first).order) continue;
    if (sharesWork(turn, first)) continue;
    yield {
      step: startOf(turn),
      sessionKey,
      sentence: `Turn ${first.id} of ${sessionKey} had taken ${id} and is over for good, and turn ${turn.id} was shown it.`,
    };
  }
}

function* notOffered(view: RecordingView, life: LifeView, call: CallStory): Iterable<Breach> {
  const item = view.itemOf(call);
  if (item?.call !== call || item.isTangled || modeOf(item) !== "steer" || isSteering(item)) return;
  const turn = life.lastTurnOf(item.sessionKey, call.step.order);
  if (turn === undefined || (turn.cause !== "message" && turn.cause !== "event")) return;
  if (!isCurrentAt(turn, call.step.order)) return;
  // It may have ended while the store was asked, or the message was dropped as it came.
  if (!isCurrentAt(turn, item.accepted!.step.order)) return;
  if (item.ends.some(({ event }) => event.type === "message.dropped")) return;
  yield {
    step: item.accepted!.step,
    sessionKey: item.sessionKey,
    sentence: `${item.id} was sent to steer turn ${turn.id} of ${item.sessionKey}, and waits for a turn of its own.`,
  };
}

/** Where a turn may be steered, or is about to start. */
const steerable: ReadonlySet<string> = new Set(["busy.opening", "busy.running", "stalled.running"]);

function* steersNothing(view: RecordingView, item: ItemStory): Iterable<Breach> {
  if (!isSteering(item) || item.call === undefined) return;
  const life = view.lives[item.life.number]!;
  const { step } = item.call;
  const detail = life.stayAt(item.sessionKey, step)?.detail;
  if (detail === undefined || steerable.has(detail)) return;
  yield {
    step: item.accepted!.step,
    sessionKey: item.sessionKey,
    sentence: `${item.id} was accepted to steer a turn of ${item.sessionKey}, whose lane was ${detail}.`,
  };
}

/** Turns of others that started while steering waited that its turn had left. */
function* putOff(view: RecordingView, item: ItemStory): Iterable<Breach> {
  const { accepted, held, takenBy, sessionKey, id } = item;
  const [start] = held;
  if (start === undefined || takenBy.length > 0 || accepted === undefined) return;
  const steered = [view.lives[item.life.number]!.lastTurnOf(sessionKey, acceptanceOf(item)!.from)];
  for (const turn of view.turnsFrom(sessionKey, accepted.step)) {
    if (startOf(turn).order >= startOf(start).order) return;
    // It stays for whatever tries the same work again.
    const opened = turn.firstOpened?.from.step.order ?? -1;
    const isOpening = opened < accepted.step.order;
    if (isOpening || steered.some((other) => other === undefined || sharesWork(turn, other)))
      steered.push(turn);
    const [head] = turn.messages;
    if (
      steered.includes(turn) ||
      head === undefined ||
      head.isTangled ||
      !isOrdinary(head) ||
      opened < accepted.step.order
    )
      continue;
    yield {
      step: startOf(turn),
      sessionKey,
      sentence: `Turn ${turn.id} of ${sessionKey} started with ${head.id} while ${id} waited, which had been sent to steer turn ${steered[0]!.id}.`,
    };
    return;
  }
}

function sharesWork(turn: TurnStory, other: TurnStory): boolean {
  return (
    turn === other ||
    turn.messages.some(({ id }) => other.messages.some((item) => item.id === id)) ||
    turn.events.some(({ id }) => other.events.some((item) => item.id === id))
  );
}
