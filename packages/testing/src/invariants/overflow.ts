import { type CallStory, member } from "./call-story.ts";
import { type Breach, invariant, type Invariant } from "./invariant.ts";
import {
  acceptanceOf,
  endOfItem,
  isMessage,
  isOrdinary,
  isSteering,
  type ItemEnd,
  type ItemStory,
  modeOf,
} from "./item-story.ts";
import type { LifeView, RecordingView } from "./recording-view.ts";
import { readSlots } from "./slot-use.ts";
import type { Step, Told } from "./step.ts";
import { isCurrentAt, overAt, startOf, type TurnStory } from "./turn-story.ts";
import { waitedAt } from "./waiting.ts";

/** What happens where too much waits, or for too long (B12, B22). */
export const overflowInvariants: readonly Invariant[] = [
  invariant("B22", "No message is accepted beyond cap without one that is dropped for it.", function* (view) {
    for (const life of view.lives)
      for (const call of life.callsOf("send")) yield* beyondCap(view, life, call);
  }),
  invariant("B12", "No message is accepted beyond capacity.waiting.", function* (view) {
    for (const life of view.lives)
      for (const call of life.callsOf("send")) yield* beyondBacklog(view, life, call);
  }),
  invariant(
    "B22",
    "What started once is never dropped, nor is an interrupt, nor what steers.",
    function* (view) {
      for (const item of view.items) {
        for (const end of item.ends) {
          if (!isDrop(end)) continue;
          const why = wasEngaged(view, item, end);
          if (why !== undefined)
            yield {
              step: end.step,
              sessionKey: item.sessionKey,
              sentence: `${item.id} of ${item.sessionKey} was dropped (${end.event.reason}), and ${why}.`,
            };
        }
      }
    },
  ),
  invariant(
    "B22",
    "A completion is never dropped, nor is any message where a lane rejects.",
    function* (view) {
      for (const item of view.items) yield* wronglyDropped(view, item);
    },
  ),
  invariant("B22", "The oldest goes first, or with drop-newest the one that comes.", function* (view) {
    for (const item of view.items) for (const end of item.ends) yield* droppedOutOfTurn(view, item, end);
  }),
  invariant(
    "B22",
    "An event replaces a waiting one with its key, never one that a turn holds.",
    function* (view) {
      for (const item of view.items) yield* wronglyReplaced(view, item);
    },
  ),
  invariant(
    "B22",
    "No turn is shown two events of one key, unless one was held when the other came.",
    function* ({ turns }) {
      for (const turn of turns) yield* twins(turn);
    },
  ),
  invariant(
    "B22",
    "A turn carries what overflow summarised since one that completed, in lines of 160 characters at most.",
    function* (view) {
      for (const life of view.lives)
        for (const turn of life.turns.values()) yield* untoldDrops(view, life, turn);
    },
  ),
];

/** Whether an end is a drop for want of room, or of time. */
function isDrop(end: ItemEnd): end is Told<"message.dropped"> | Told<"event.dropped"> {
  return end.event.type === "message.dropped" || end.event.type === "event.dropped";
}

function wasEngaged(
  view: RecordingView,
  item: ItemStory,
  { step, event }: Told<"message.dropped"> | Told<"event.dropped">,
): string | undefined {
  // Another of the same id may have been accepted, and nobody was told.
  if (item.life !== step.life || endOfItem(item) !== step) return undefined;
  const [turn] = [...item.held, ...item.takenBy];
  if (turn !== undefined && startOf(turn).order < step.order) return `turn ${turn.id} had started with it`;
  if (event.reason !== "overflow") return undefined;
  if (modeOf(item) === "interrupt") return "it came to interrupt";
  const steered = view.lives[item.life.number]!.lastTurnOf(item.sessionKey, acceptanceOf(item)?.from ?? -1);
  const isWaiting = isSteering(item) && steered !== undefined && isCurrentAt(steered, step.order);
  return isWaiting ? `it waited to be taken by turn ${steered.id}` : undefined;
}

function* wronglyDropped(view: RecordingView, item: ItemStory): Iterable<Breach> {
  const { sessionKey, id } = item;
  for (const end of item.ends) {
    if (!isDrop(end) || end.event.reason !== "overflow") continue;
    const { overflow } = view.lives[end.step.life.number]!.laneOf(sessionKey);
    if (item.isCompletion)
      yield {
        step: end.step,
        sessionKey,
        sentence: `The completion of ${id} for ${sessionKey} was dropped.`,
      };
    else if (isMessage(item) === true && overflow === "reject")
      yield {
        step: end.step,
        sessionKey,
        sentence: `${id} of ${sessionKey} was dropped, and its lane is to reject what is too much.`,
      };
  }
}

function* droppedOutOfTurn(view: RecordingView, item: ItemStory, end: ItemEnd): Iterable<Breach> {
  if (!isDrop(end) || end.event.reason !== "overflow") return;
  const { sessionKey, id } = item;
  const { overflow } = view.lives[end.step.life.number]!.laneOf(sessionKey);
  const own = acceptanceOf(item);
  if (own === undefined || item.life !== end.step.life) return;
  const isNewest = end.step.life.lastEvent(end.step)?.step === item.accepted?.step;
  if (isMessage(item) === true && overflow === "drop-newest") {
    if (!isNewest)
      yield {
        step: end.step,
        sessionKey,
        sentence: `${id} of ${sessionKey} was dropped, and with drop-newest the one that came was to be.`,
      };
    return;
  }
  // One that could have been dropped instead: it waited since before, and no turn had held it.
  const older = view
    .itemsOf(sessionKey)
    .find(
      (other) =>
        isMessage(other) === isMessage(item) &&
        !other.isCompletion &&
        !other.isTangled &&
        other.life === item.life &&
        (isMessage(other) === false || isOrdinary(other)) &&
        (acceptanceOf(other)?.to ?? Infinity) < own.from &&
        other.held[0]?.life === item.life &&
        (other.held[0].firstOpened?.from.step.order ?? -1) > end.step.order,
    );
  if (older === undefined) return;
  yield {
    step: end.step,
    sessionKey,
    sentence: `${id} of ${sessionKey} was dropped, and ${older.id}, which had waited for longer, was not.`,
  };
}

function* beyondCap(view: RecordingView, life: LifeView, call: CallStory): Iterable<Breach> {
  const item = view.itemOf(call);
  if (item?.call !== call || item.isTangled || item.accepted === undefined || modeOf(item) === "interrupt")
    return;
  const { sessionKey, id, accepted } = item;
  // Whatever was dropped for it is told right behind its acceptance.
  if (life.life.nextEvent(accepted.step)?.event.type === "message.dropped") return;
  const { cap } = life.laneOf(sessionKey);
  const waited = waitedAt(view.itemsOf(sessionKey), call.step).filter((other) => isMessage(other) === true);
  if (waited.length < cap) return;
  yield {
    step: accepted.step,
    sessionKey,
    sentence: `${id} of ${sessionKey} was accepted beside ${waited.length} messages that waited, and its lane's cap is ${cap}.`,
  };
}

function* beyondBacklog(view: RecordingView, life: LifeView, call: CallStory): Iterable<Breach> {
  const item = view.itemOf(call);
  if (item?.call !== call || item.isTangled || item.accepted === undefined) return;
  const limit = readSlots(life).steadyCapacity(call.step.order, call.step.order)?.waiting;
  if (limit === undefined) return;
  const waited = waitedAt(view.items, call.step).length;
  if (waited < limit) return;
  yield {
    step: item.accepted.step,
    sessionKey: item.sessionKey,
    sentence: `${item.id} of ${item.sessionKey} was accepted beside ${waited} items that waited, and capacity.waiting is ${limit}.`,
  };
}

function* wronglyReplaced(view: RecordingView, item: ItemStory): Iterable<Breach> {
  const { sessionKey, id } = item;
  for (const { event, step } of item.ends) {
    if (event.type !== "event.replaced") continue;
    const by = view
      .itemsOf(sessionKey)
      .find((other) => other.id === event.by && !other.isTangled && other.accepted !== undefined);
    const key = keyOf(item);
    if (by !== undefined && key !== undefined && keyOf(by) !== undefined && keyOf(by) !== key)
      yield {
        step,
        sessionKey,
        sentence: `Event ${id} of ${sessionKey} was replaced by ${event.by}, which has another key.`,
      };
    const holder = item.held.find((turn) => isCurrentAt(turn, step.order));
    if (holder !== undefined)
      yield {
        step,
        sessionKey,
        sentence: `Event ${id} of ${sessionKey} was replaced while turn ${holder.id} held it.`,
      };
  }
}

/** The key that an event was sent with; undefined where it has none, or that is not known. */
function keyOf({ call }: ItemStory): unknown {
  return call?.method === "notify" ? member(call.args[1], "key") : undefined;
}

function* twins(turn: TurnStory): Iterable<Breach> {
  const byKey = new Map<unknown, ItemStory>();
  for (const item of turn.events) {
    const key = keyOf(item);
    if (key === undefined || item.isTangled) continue;
    const twin = byKey.get(key);
    byKey.set(key, item);
    if (twin === undefined || twin.life !== turn.life || item.life !== turn.life) continue;
    if (twin.held[0] !== turn || item.held[0] !== turn) continue;
    yield {
      step: startOf(turn),
      sessionKey: turn.sessionKey,
      sentence: `Turn ${turn.id} of ${turn.sessionKey} was shown ${twin.id} and ${item.id}, which have the same key, and no turn had held either.`,
    };
  }
}

/** What a turn was told of drops, against what was told of them. */
function* untoldDrops(view: RecordingView, life: LifeView, turn: TurnStory): Iterable<Breach> {
  const { called, sessionKey, id } = turn;
  if (called === undefined || life.laneOf(sessionKey).overflow !== "summarize") return;
  const dropped = called.entry.dropped;
  const count = Number(member(dropped, "count") ?? 0);
  const summary = (member(dropped, "summary") ?? []) as readonly string[];
  const { cap } = life.laneOf(sessionKey);
  if (summary.length > Math.min(count, cap) || summary.some((line) => line.length > 160))
    yield {
      step: called,
      sessionKey,
      sentence: `Turn ${id} of ${sessionKey} was told of ${count} dropped messages in ${summary.length} lines.`,
    };
  const opened = turn.firstOpened?.from.step.order;
  // A store that loses answers has dropped what nobody was told of; so may a keeper have that died.
  if (opened === undefined || life.life.storeFailures.length > 0) return;
  const last = lastTold(view, turn, opened);
  const drops = dropsOf(view, sessionKey);
  const isSure = !life.life.told("session.forgotten").some(({ event }) => event.sessionKey === sessionKey);
  const since = last?.life === life.life ? last.called!.order : life.steps[0]!.order;
  const least = isSure ? drops.filter(({ asked, told }) => asked > since && told < opened).length : 0;
  const most =
    last?.life !== life.life
      ? Infinity
      : drops.filter(
          ({ asked, told }) => told > (last.firstOpened?.from.step.order ?? -1) && asked < called.order,
        ).length;
  if (count >= least && count <= most) return;
  yield {
    step: called,
    sessionKey,
    sentence: `Turn ${id} of ${sessionKey} was told of ${count} dropped messages, and there were ${count < least ? least : most} since one completed.`,
  };
}

/** The last turn of a session that completed before another was opened. */
function lastTold(view: RecordingView, turn: TurnStory, opened: number): TurnStory | undefined {
  return view
    .turnsOf(turn.sessionKey)
    .filter((one) => one.called !== undefined && one.completed.length > 0 && overAt(one)!.order < opened)
    .at(-1);
}

/** The drops of a session's messages for want of room: when each was told, and not before when it can have happened. */
function dropsOf(
  view: RecordingView,
  sessionKey: string,
): readonly { readonly told: number; readonly asked: number }[] {
  const drops = view.lives.flatMap(({ life }) => life.told("message.dropped"));
  // Also of what an earlier keeper accepted, and told nobody.
  return drops
    .filter(({ event }) => event.sessionKey === sessionKey && event.reason === "overflow")
    .map(({ step }) => {
      const by = acceptanceBefore(step);
      const item = view.itemsOf(sessionKey).find(({ accepted }) => accepted?.step === by?.step);
      return { told: step.order, asked: (by && item && acceptanceOf(item)?.from) ?? step.order };
    });
}

/** Drops are told right behind the acceptance of the one that came. */
function acceptanceBefore(step: Step): Told | undefined {
  let told = step.life.lastEvent(step);
  while (told?.event.type === "message.dropped") told = step.life.lastEvent(told.step);
  return told;
}
