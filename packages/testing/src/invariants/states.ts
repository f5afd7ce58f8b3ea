import { invariant, type Breach, type Invariant } from "./invariant.ts";
import type { LaneStay } from "./lane-stay.ts";
import type { LifeView, RecordingView } from "./recording-view.ts";
import { overAt, type TurnStory } from "./turn-story.ts";

/** Where a lane is when it has chosen what to do next. */
const chosen = [
  "idle",
  "busy.paused",
  "busy.backingOff",
  "busy.debouncing",
  "busy.waitingForCapacity",
] as const;
const ending = ["busy.settling", "reclaimed.settling"] as const;

/** From which state a lane may go to which, as its chart has them. A crash may take it from any to `reclaimed.settling`. */
const moves: Readonly<Record<string, readonly string[]>> = {
  idle: [...chosen, "busy.restarting"],
  "busy.paused": [...chosen, "busy.restarting"],
  "busy.backingOff": [...chosen, "busy.restarting"],
  "busy.debouncing": [...chosen, "busy.restarting"],
  "busy.waitingForCapacity": [...chosen, "busy.opening", "busy.restarting"],
  "busy.opening": [...chosen, "busy.running", "busy.aborting", "busy.withoutStore"],
  "busy.withoutStore": [...chosen, "busy.restarting"],
  "busy.restarting": chosen,
  "busy.running": ["busy.aborting", "stalled.running", ...ending],
  "busy.aborting": ending,
  "busy.settling": [...chosen, "busy.unsettled"],
  "busy.unsettled": ["busy.settling"],
  "stalled.running": ["busy.running", "busy.aborting", "stalled.aborting", ...ending],
  "stalled.aborting": ending,
  "reclaimed.settling": [...chosen, "reclaimed.unsettled"],
  "reclaimed.unsettled": ["reclaimed.settling"],
};

/** Where a lane may be while its turn's code runs and it was not fenced. */
const withTurn: ReadonlySet<string> = new Set([
  "busy.running",
  "busy.aborting",
  "stalled.running",
  "stalled.aborting",
]);

/** What a lane says of itself (B1, B2). */
export const stateInvariants: readonly Invariant[] = [
  invariant("B1", "Each state of a lane begins where the one told before it ended.", function* (view) {
    for (const [before, stay] of neighbours(view)) {
      const { previous, sessionKey } = stay.from.event;
      if (previous.detail !== before.detail)
        yield told(stay, `${sessionKey} went on from ${previous.detail}, and was ${before.detail}.`);
    }
  }),
  invariant("B1", "A lane goes only where its chart lets it.", function* (view) {
    for (const [before, stay] of neighbours(view)) {
      const allowed = moves[before.detail];
      if (allowed?.includes(stay.detail) === true || isCrash(stay)) continue;
      yield told(stay, `${stay.sessionKey} went from ${before.detail} to ${stay.detail}.`);
    }
  }),
  invariant("B2", "A turn's code is called while its lane says that a turn runs.", function* ({ lives }) {
    for (const life of lives) {
      for (const { id, sessionKey, called } of life.turns.values()) {
        const detail = called && life.stayAt(sessionKey, called)?.detail;
        if (detail !== undefined && detail !== "busy.running")
          yield {
            step: called!,
            sessionKey,
            sentence: `Turn ${id} of ${sessionKey} was called while its lane was ${detail}.`,
          };
      }
    }
  }),
  invariant(
    "B2",
    "A lane is busy or stalled with its turn until that has ended or was fenced.",
    function* ({ lives }) {
      for (const life of lives) for (const turn of life.turns.values()) yield* leftTurn(life, turn);
    },
  ),
];

/** Each state that was told of a lane, and the one before it. */
function* neighbours({ lives }: RecordingView): Iterable<readonly [LaneStay, LaneStay]> {
  for (const life of lives) {
    for (const sessionKey of life.sessions) {
      let before: LaneStay | undefined;
      for (const stay of life.staysOf(sessionKey)) {
        if (before !== undefined) yield [before, stay];
        before = stay;
      }
    }
  }
}

function told({ from, sessionKey }: LaneStay, sentence: string): Breach {
  return { step: from.step, sessionKey, sentence };
}

/** What comes of a lane that crashed is told with the crash. */
function isCrash({ detail, from }: LaneStay): boolean {
  if (detail !== "reclaimed.settling") return false;
  return from.step.life.nextEvent(from.step)?.event.type === "lane.crashed";
}

/** The states of its lane, but those of a turn, that began while the turn was live. */
function* leftTurn(life: LifeView, turn: TurnStory): Iterable<Breach> {
  const { called, started, id, sessionKey } = turn;
  // The fence of one that started before anybody listened may not have been told.
  if (called === undefined || started === undefined) return;
  const over = overAt(turn);
  for (const stay of life.staysFrom(sessionKey, called)) {
    const { step } = stay.from;
    if (over !== undefined && step.order > over.order) return;
    // Its fence is told in the same step.
    if (withTurn.has(stay.detail) || stay.state === "reclaimed") continue;
    yield told(stay, `${sessionKey} became ${stay.detail} while its turn ${id} was live.`);
    return;
  }
}
