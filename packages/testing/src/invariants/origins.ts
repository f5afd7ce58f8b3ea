import { type CallStory, member } from "./call-story.ts";
import { type Breach, invariant, type Invariant } from "./invariant.ts";
import type { ItemStory } from "./item-story.ts";
import type { LifeView, RecordingView } from "./recording-view.ts";
import { startOf, type TurnStory } from "./turn-story.ts";

/** Who caused a turn: a person, a heartbeat, or nobody knows. */
export type Origin = "person" | "heartbeat" | "unknown";

/**
 * Who caused what, through however many turns and commands (B39).
 *
 * I1. A turn's origin is that of what caused it. Where any of that was not seen, it is unknown.
 */
export class Origins {
  readonly #view: RecordingView;
  readonly #known = new Map<TurnStory, Origin>();

  constructor(view: RecordingView) {
    this.#view = view;
  }

  /** Who caused a turn. */
  of(turn: TurnStory): Origin {
    let origin = this.#known.get(turn);
    if (origin === undefined) {
      // What comes of itself comes of what is not known here.
      this.#known.set(turn, "unknown");
      this.#known.set(turn, (origin = this.#find(turn)));
    }
    return origin;
  }

  #find(turn: TurnStory): Origin {
    if (turn.cause === "heartbeat") return "heartbeat";
    if (turn.cause === "wake") return "unknown";
    const isMessages = turn.cause === "message";
    const causes = isMessages ? turn.messages : turn.events.filter(mayWake);
    return together(causes.map((item) => this.ofItem(item)));
  }

  /** Who caused an item. */
  ofItem(item: ItemStory): Origin {
    if (item.isTangled) return "unknown";
    if (item.isRedriven) return "person";
    if (item.accepted === undefined && item.call === undefined) return "unknown";
    const call = item.isCompletion ? this.#starting(item) : item.call;
    return call === undefined ? "unknown" : this.#ofCall(call);
  }

  /** The call that started or announced a command. */
  #starting({ id }: ItemStory): CallStory | undefined {
    for (const life of this.#view.lives) {
      for (const call of life.callsOf("exec", "turn.exec"))
        if (member(call.answer?.entry.value, "execId") === id) return call;
    }
    return undefined;
  }

  #ofCall({ life, turnId }: CallStory): Origin {
    if (turnId === undefined) return "person";
    const turn = this.#view.lives[life.number]!.turns.get(turnId);
    return turn === undefined ? "unknown" : this.of(turn);
  }
}

/** Whether an event may start a turn, as far as its sender said. */
function mayWake({ call }: ItemStory): boolean {
  return call?.method !== "notify" || member(call.args[2], "wake") !== false;
}

/** One person among them is enough. */
function together(origins: readonly Origin[]): Origin {
  if (origins.includes("unknown") || origins.length === 0) return "unknown";
  return origins.includes("person") ? "person" : "heartbeat";
}

/** Work that heartbeats cause does not keep them busy (B39). */
export const originInvariants: readonly Invariant[] = [
  invariant(
    "B39",
    "Completions of heartbeat origin start turns of their session no more often than minSpacingMs.",
    function* (view) {
      const origins = new Origins(view);
      for (const life of view.lives) {
        const last = new Map<string, TurnStory>();
        for (const turn of life.turns.values()) {
          const before = last.get(turn.sessionKey);
          if (origins.of(turn) !== "heartbeat" || turn.started === undefined) continue;
          last.set(turn.sessionKey, turn);
          if (before !== undefined) yield* hasty(life, before, turn);
        }
      }
    },
  ),
];

/** Between two turns of a session that has no heartbeats, in milliseconds. */
const defaultSpacingMs = 30_000;

/** A turn of completions that came too soon after another of heartbeat origin. */
function* hasty({ life }: LifeView, before: TurnStory, turn: TurnStory): Iterable<Breach> {
  const { sessionKey, events, cause, opened } = turn;
  // Work that is tried again, and what was held back by an earlier keeper, has its own times.
  const isFresh = events.every((item) => item.isCompletion && item.held[0] === turn && item.life === life);
  if (cause !== "event" || turn.attempt > 1 || !isFresh || opened === undefined) return;
  const heartbeat = life.options.heartbeats.find((one) => one.sessionKey === sessionKey);
  const spacingMs = heartbeat?.minSpacingMs ?? defaultSpacingMs;
  const since = startOf(before).at;
  if (!life.time.isBefore(opened.from.step.at, since + spacingMs)) return;
  yield {
    step: startOf(turn),
    sessionKey,
    sentence: `Turn ${turn.id} of ${sessionKey} was opened by completions that a heartbeat caused at ${opened.from.step.at} ms, and turn ${before.id} of heartbeat origin had started at ${since} ms.`,
  };
}
