import { endOf } from "./call-story.ts";
import { type Breach, invariant, type Invariant } from "./invariant.ts";
import { acceptanceOf, endOfItem, isOrdinary, type ItemStory, modeOf } from "./item-story.ts";
import type { LifeView, RecordingView } from "./recording-view.ts";
import { startOf, type TurnStory } from "./turn-story.ts";

/** Which messages share a turn, and when it starts (B17, B18). */
export const batchInvariants: readonly Invariant[] = [
  invariant(
    "B17",
    "A turn has one message; several only where all are in mode collect.",
    function* ({ turns }) {
      for (const turn of turns) {
        if (turn.messages.length < 2) continue;
        for (const item of turn.messages) {
          const mode = item.isTangled ? undefined : modeOf(item);
          // What was put back from a dead letter is a followup, whatever it was.
          if (mode === undefined || (mode === "collect" && !item.isRedriven)) continue;
          yield breach(
            turn,
            `Turn ${turn.id} of ${turn.sessionKey} has ${turn.messages.length} messages, and ${item.id} is in mode ${mode}`,
          );
        }
      }
    },
  ),
  invariant("B18", "A batch is in the order in which its messages were accepted.", function* ({ turns }) {
    for (const turn of turns) {
      let last: ItemStory | undefined;
      for (const item of turn.messages) {
        const one = last?.isTangled === false ? acceptanceOf(last) : undefined;
        const two = item.isTangled ? undefined : acceptanceOf(item);
        if (one !== undefined && two !== undefined && two.to < one.from)
          yield breach(
            turn,
            `Turn ${turn.id} of ${turn.sessionKey} has ${last!.id} before ${item.id}, which was accepted before it`,
          );
        last = item;
      }
    }
  }),
  invariant(
    "B18",
    "A batch has all collect messages that wait at the head, one after the other.",
    function* (view) {
      for (const turn of view.turns) yield* missing(view, turn);
    },
  ),
  invariant("B18", "A batch that is tried again stays as it was.", function* ({ turns }) {
    for (const turn of turns) yield* joined(turn);
  }),
  invariant(
    "B18",
    "A batch starts after its quiet, or when it has waited long enough, or is full.",
    function* (view) {
      for (const life of view.lives) for (const turn of life.turns.values()) yield* hasty(view, life, turn);
    },
  ),
  invariant("B18", "No lane debounces longer than debounceMaxMs.", function* (view) {
    for (const life of view.lives) yield* debouncing(view, life);
  }),
];

function breach(turn: TurnStory, sentence: string): Breach {
  return { step: startOf(turn), sessionKey: turn.sessionKey, sentence: `${sentence}.` };
}

function isCollected(item: ItemStory): boolean {
  return modeOf(item) === "collect" && !item.isRedriven;
}

/** Whether a turn is the first to hold a message, as far as that is known. */
function isFresh(item: ItemStory, turn: TurnStory): boolean {
  // A keeper that died may have started a turn, and told nobody.
  const isSeen = item.accepted !== undefined && !item.isTangled && item.life === turn.life;
  return isSeen && item.held[0] === turn && item.takenBy.length === 0;
}

/** Messages that a batch could have had, or that stand in it: they waited, as is seen from their starting later. */
function* missing(view: RecordingView, turn: TurnStory): Iterable<Breach> {
  const [head] = turn.messages;
  const opened = turn.firstOpened?.from.step;
  if (head === undefined || opened === undefined || !isCollected(head) || !isFresh(head, turn)) return;
  // A store that loses answers may have opened a turn with some of them that nobody knows.
  if (turn.life.storeFailures.length > 0) return;
  // A message that was put back is followed up, whatever it was sent as, and may stand between them.
  if (view.itemsOf(turn.sessionKey).some(({ isRedriven }) => isRedriven)) return;
  const first = acceptanceOf(head)!.to;
  if (mayHaveCome(view, turn, first, opened.order)) return;
  const last = acceptanceOf(turn.messages.at(-1)!)?.from ?? first;
  const others = view
    .itemsOf(turn.sessionKey)
    .filter((item) => isOrdinary(item) && item.life === turn.life && !turn.messages.includes(item))
    .filter((item) => acceptanceOf(item)!.from > first && item.accepted!.step.order < opened.order)
    .filter((item) => (endOfItem(item)?.order ?? Infinity) > opened.order)
    .toSorted((a, b) => acceptanceOf(a)!.from - acceptanceOf(b)!.from);
  for (const item of others) {
    if (item.isTangled) return;
    const isBehind = acceptanceOf(item)!.to > last;
    const [starts] = item.held;
    const startsLater = starts !== undefined && startOf(starts).order > startOf(turn).order;
    if (startsLater && (isCollected(item) || !isBehind)) {
      yield breach(
        turn,
        `Turn ${turn.id} of ${turn.sessionKey} started with ${turn.messages.map(({ id }) => id).join(", ")}, and without ${item.id}, which waited ${isBehind ? "behind" : "between"} them`,
      );
      return;
    }
    // Behind another kind of message, or one that may not have waited, nothing is adjacent.
    if (isBehind) return;
  }
}

/** Whether something was sent between two orders that had no answer by the latter: it may stand between other messages. */
function mayHaveCome(
  view: RecordingView,
  { life, sessionKey }: TurnStory,
  from: number,
  to: number,
): boolean {
  return view.lives[life.number]!.callsOf("send").some((call) => {
    const { order } = call.step;
    return call.args[0] === sessionKey && order > from && order < to && (endOf(call)?.order ?? Infinity) > to;
  });
}

/** Messages that came to a batch when it was tried again. */
function* joined(turn: TurnStory): Iterable<Breach> {
  const [head] = turn.messages;
  const before = head?.held[head.held.indexOf(turn) - 1];
  if (head === undefined || before === undefined || before.messages[0] !== head) return;
  for (const item of turn.messages)
    if (!before.messages.includes(item) && !item.isTangled && !head.isTangled)
      yield breach(
        turn,
        `Turn ${turn.id} of ${turn.sessionKey} tries ${head.id} again, and ${item.id} was not with it before`,
      );
}

/** A batch whose quiet was not over. */
function* hasty(view: RecordingView, life: LifeView, turn: TurnStory): Iterable<Breach> {
  const [head] = turn.messages;
  if (head === undefined || turn.opened === undefined) return;
  if (!turn.messages.every((item) => isCollected(item) && isFresh(item, turn))) return;
  const { debounceMs, debounceMaxMs, cap } = life.laneOf(turn.sessionKey);
  const { at, order } = startOf(turn);
  const came = view
    .itemsOf(turn.sessionKey)
    .filter((item) => modeOf(item) === "collect" && (acceptanceOf(item)?.from ?? Infinity) < order)
    .filter((item) => (endOfItem(item)?.order ?? Infinity) > acceptanceOf(head)!.from);
  // A full batch waits for nothing, and one that was withdrawn since may have waited for them all.
  if (came.length >= cap || came.some((item) => !turn.messages.includes(item))) return;
  const instants = turn.messages.map(({ call, accepted }) => (call ?? accepted!).step.at);
  let quietAt = instants[0]!;
  for (const instant of instants) {
    // One that comes when the quiet is over just then is taken along by a lane that waits.
    if (!life.life.time.isBefore(instant, quietAt + debounceMs)) break;
    quietAt = instant;
  }
  const due = Math.min(quietAt + debounceMs, instants[0]! + debounceMaxMs);
  if (!life.life.time.isBefore(at, due)) return;
  yield breach(
    turn,
    `Turn ${turn.id} of ${turn.sessionKey} started with ${head.id} at ${at} ms, and its quiet was not over before ${due} ms`,
  );
}

function* debouncing(view: RecordingView, life: LifeView): Iterable<Breach> {
  const { time, storeFailures, steps, closing } = life.life;
  if (storeFailures.length > 0) return;
  for (const sessionKey of life.sessions) {
    const { debounceMaxMs } = life.laneOf(sessionKey);
    for (const { detail, from, until } of life.staysOf(sessionKey)) {
      // A keeper that closes gives its lanes up when it is drained, and still waits for its turns.
      const end = until?.step ?? closing ?? steps.at(-1)!;
      if (detail !== "busy.debouncing" || !time.isOverdue(from.step.at, debounceMaxMs, end.at)) continue;
      // Where a message is withdrawn another batch is at the head.
      if (
        view
          .itemsOf(sessionKey)
          .some((item) => item.isTangled || endsBetween(item, from.step.order, end.order))
      )
        continue;
      yield {
        step: end,
        sessionKey,
        sentence: `${sessionKey} has debounced since ${from.step.at} ms, longer than ${debounceMaxMs} ms.`,
      };
    }
  }
}

function endsBetween(item: ItemStory, from: number, to: number): boolean {
  const order = endOfItem(item)?.order;
  return order !== undefined && order > from && order < to;
}
