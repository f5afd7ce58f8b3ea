import { member } from "./call-story.ts";
import { type Breach, invariant, type Invariant } from "./invariant.ts";
import {
  acceptanceOf,
  endOfItem,
  isMessage,
  isOrdinary,
  type ItemStory,
  modeOf,
  outcomeOf,
} from "./item-story.ts";
import type { LifeView, RecordingView } from "./recording-view.ts";
import { isCurrentAt, startOf, type TurnStory } from "./turn-story.ts";

/** Messages that end the running turn: interrupts, and what a heartbeat gives way to (B20, B47). */
export const interruptInvariants: readonly Invariant[] = [
  invariant("B20", "An interrupt ends the turn that runs when it is accepted.", function* (view) {
    for (const item of view.items)
      if (modeOf(item) === "interrupt") yield* undisturbed(view, item, "interrupt");
  }),
  invariant(
    "B47",
    "A message that is not background ends a heartbeat's turn that gives way.",
    function* (view) {
      for (const item of view.items) if (isPressing(item)) yield* undisturbed(view, item, "preempt");
    },
  ),
  invariant("B47", "Only a heartbeat's turn that gives way is preempted.", function* ({ lives }) {
    for (const life of lives) {
      for (const turn of life.turns.values()) {
        const told = turn.aborts.find(({ event }) => event.reason === "preempted");
        if (told === undefined || givesWay(life, turn)) continue;
        yield {
          step: told.step,
          sessionKey: turn.sessionKey,
          sentence: `Turn ${turn.id} of ${turn.sessionKey} was preempted, and is no heartbeat's that gives way.`,
        };
      }
    }
  }),
  invariant(
    "B20",
    "The messages of an interrupted turn are cancelled, and no other cause ends them.",
    function* ({ turns }) {
      for (const turn of turns) {
        if (!turn.aborts.some(({ event }) => event.reason === "interrupted")) continue;
        for (const item of turn.messages) {
          const end = outcomeOf(item);
          if (end === undefined || end.step.order < turn.aborts[0]!.step.order) continue;
          // A keeper that died before that was recorded has told nobody of it.
          if (end.step.life !== turn.life) continue;
          if (end.outcome.status === "cancelled" && end.outcome.reason === "interrupted") continue;
          yield {
            step: end.step,
            sessionKey: turn.sessionKey,
            sentence: `${item.id} was of turn ${turn.id} of ${turn.sessionKey}, which was interrupted, and is ${end.outcome.status}.`,
          };
        }
      }
    },
  ),
  invariant("B20", "An interrupt runs ahead of what waits.", function* (view) {
    for (const item of view.items) if (modeOf(item) === "interrupt") yield* notAhead(view, item);
  }),
  invariant(
    "B20",
    "The newest interrupt wins: an earlier one that waits is cancelled by it.",
    function* (view) {
      for (const item of view.items) if (modeOf(item) === "interrupt") yield* outdated(view, item);
    },
  ),
];

function isPressing(item: ItemStory): boolean {
  const { call } = item;
  if (isMessage(item) !== true || call === undefined || call.method !== "send") return false;
  return member(call.args[2], "priority") !== "background";
}

/** Whether a turn is a heartbeat's that gives way to messages. */
function givesWay({ life }: LifeView, { cause, sessionKey }: TurnStory): boolean {
  if (cause !== "heartbeat") return false;
  return life.options.heartbeats.some(
    (heartbeat) => heartbeat.sessionKey === sessionKey && heartbeat.preemptible,
  );
}

/** Turns that went on for longer than it takes to tell them to stop. */
function* undisturbed(view: RecordingView, item: ItemStory, how: "interrupt" | "preempt"): Iterable<Breach> {
  const { accepted, sessionKey, id } = item;
  if (accepted === undefined) return;
  const life = view.lives[item.life.number]!;
  const turn = life.lastTurnOf(sessionKey, accepted.step.order);
  // Its sender may hear of its acceptance late: then it is the one that runs.
  if (turn === undefined || item.held.includes(turn) || !isCurrentAt(turn, accepted.step.order)) return;
  if (how === "preempt" && !givesWay(life, turn)) return;
  const shown = life.firstAfter(accepted.step, life.life.time.latenessMs);
  if (shown === undefined || !isCurrentAt(turn, shown.order)) return;
  // One that was withdrawn at once, or dropped as it came, ends nothing.
  if ((endOfItem(item)?.order ?? Infinity) < shown.order) return;
  yield {
    step: shown,
    sessionKey,
    sentence: `Turn ${turn.id} of ${sessionKey} goes on, though ${id} came to ${how} it at ${accepted.step.at} ms.`,
  };
}

/** Turns of others that started while an interrupt waited. */
function* notAhead(view: RecordingView, item: ItemStory): Iterable<Breach> {
  const { accepted, held, sessionKey, id } = item;
  const [start] = held;
  if (start === undefined || accepted === undefined || item.isRedriven) return;
  for (const turn of view.turnsFrom(sessionKey, accepted.step)) {
    if (startOf(turn).order >= startOf(start).order) return;
    const opened = turn.firstOpened?.from.step.order ?? -1;
    const [head] = turn.messages;
    // Another interrupt that came later wins.
    if (opened < accepted.step.order || (head !== undefined && !isOrdinary(head))) continue;
    yield {
      step: startOf(turn),
      sessionKey,
      sentence: `Turn ${turn.id} of ${sessionKey} started while ${id} waited, which came to interrupt at ${accepted.step.at} ms.`,
    };
    return;
  }
}

/** Starts of an interrupt after a later one had been accepted. */
function* outdated(view: RecordingView, item: ItemStory): Iterable<Breach> {
  const { sessionKey, id } = item;
  if (item.isRedriven) return;
  for (const turn of item.held) {
    const opened = turn.firstOpened?.from.step.order ?? -1;
    const later = view
      .itemsOf(sessionKey)
      .find((other) => modeOf(other) === "interrupt" && isLater(other, item) && waitsAt(other, opened));
    if (later === undefined) continue;
    yield {
      step: startOf(turn),
      sessionKey,
      sentence: `Turn ${turn.id} of ${sessionKey} started with ${id}, though ${later.id} had come to interrupt after it.`,
    };
    return;
  }
}

/** Whether it had been accepted, and did not end before a turn started with it. */
function waitsAt(item: ItemStory, order: number): boolean {
  return (
    item.accepted!.step.order < order &&
    (item.held.length > 0 || (endOfItem(item)?.order ?? Infinity) > order)
  );
}

function isLater(item: ItemStory, other: ItemStory): boolean {
  return !item.isRedriven && !item.isTangled && acceptanceOf(item)!.from > acceptanceOf(other)!.to;
}
