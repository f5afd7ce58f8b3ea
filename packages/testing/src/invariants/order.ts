import { type Breach, invariant, type Invariant } from "./invariant.ts";
import { acceptanceOf, endOfItem, isOrdinary, type ItemStory } from "./item-story.ts";
import type { RecordingView } from "./recording-view.ts";
import { overAt, startOf, type TurnStory } from "./turn-story.ts";

/** One live turn a session, in the order in which their work came (B3). */
export const orderInvariants: readonly Invariant[] = [
  invariant(
    "B3",
    "A turn's code is called only when no other turn of its session is live.",
    function* (view) {
      for (const life of view.lives) {
        const live = new Map<string, TurnStory[]>();
        for (const turn of life.turns.values()) {
          const { called, sessionKey, id } = turn;
          if (called === undefined) continue;
          const others = (live.get(sessionKey) ?? []).filter(
            (other) => (overAt(other)?.order ?? Infinity) > called.order,
          );
          // The fence of one that started before anybody listened may not have been told.
          live.set(sessionKey, turn.started === undefined ? others : [...others, turn]);
          for (const other of others)
            yield {
              step: called,
              sessionKey,
              sentence: `Turn ${id} of ${sessionKey} was called while turn ${other.id} was live, since ${startOf(other).at} ms.`,
            };
        }
      }
    },
  ),
  invariant(
    "B3",
    "Messages start turns in the order of their acceptance, and a retry keeps its place.",
    function* (view) {
      for (const sessionKey of view.sessions) yield* overtaken(view, sessionKey);
    },
  ),
  invariant("B3", "No message is passed over by those that were accepted after it.", function* (view) {
    for (const sessionKey of view.sessions) yield* passedOver(view, sessionKey);
  }),
];

/** The first message of a turn, if it runs in its place. */
function headOf({ messages: [head] }: TurnStory): ItemStory | undefined {
  return head !== undefined && !head.isTangled && isOrdinary(head) ? head : undefined;
}

function* overtaken(view: RecordingView, sessionKey: string): Iterable<Breach> {
  let last: ItemStory | undefined;
  for (const turn of view.turnsOf(sessionKey)) {
    const head = headOf(turn);
    if (head === undefined) continue;
    if (last !== undefined && isBefore(head, last)) {
      yield {
        step: startOf(turn),
        sessionKey,
        sentence: `${head.id} of ${sessionKey} was accepted before ${last.id}, and started after it.`,
      };
    } else last = head;
  }
}

function* passedOver(view: RecordingView, sessionKey: string): Iterable<Breach> {
  const waiting = view
    .itemsOf(sessionKey)
    .filter(
      (item) =>
        isOrdinary(item) && !item.isTangled && item.held.length === 0 && endOfItem(item) === undefined,
    );
  for (const item of waiting) {
    for (const turn of view.turnsOf(sessionKey)) {
      const head = headOf(turn);
      // A keeper that died may have withdrawn it, and told nobody.
      if (head === undefined || turn.life !== item.life || !hasToldAll(turn.life)) continue;
      if (!isBefore(item, head)) continue;
      yield {
        step: startOf(turn),
        sessionKey,
        sentence: `${head.id} of ${sessionKey} started, and ${item.id}, which was accepted before it, never did.`,
      };
      break;
    }
  }
}

/** Whether a keeper told of everything that it withdrew: one that was closed, and whose store lost no answer. */
function hasToldAll({ closed, storeFailures }: TurnStory["life"]): boolean {
  return closed !== undefined && storeFailures.length === 0;
}

/** Whether an item was accepted before another, for certain. */
function isBefore(item: ItemStory, other: ItemStory): boolean {
  const one = acceptanceOf(item);
  const two = acceptanceOf(other);
  return one !== undefined && two !== undefined && one.to < two.from;
}
