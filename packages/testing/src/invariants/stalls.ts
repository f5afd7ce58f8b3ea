import { type Breach, invariant, type Invariant } from "./invariant.ts";
import type { LifeView } from "./recording-view.ts";
import { mayProgressUnseen, silencesOf, waitEndsAt } from "./silence.ts";
import { earlier, type Step, type Told } from "./step.ts";
import { overAt, startOf, stopOf, type TurnStory } from "./turn-story.ts";

/** Turns that make no progress (B24–B26a, B29). */
export const stallInvariants: readonly Invariant[] = [
  invariant(
    "B25",
    "A turn is stalled only after stallAfterMs without progress, lost time apart.",
    function* ({ lives }) {
      for (const life of lives)
        for (const turn of life.turns.values())
          for (const told of turn.stalls) yield* tooSoon(life, turn, told, "stallAfterMs", "stalled");
    },
  ),
  invariant(
    "B25",
    "A turn without progress for stallAfterMs is stalled, by the lane's own timer.",
    function* ({ lives }) {
      for (const life of lives) for (const turn of life.turns.values()) yield* unnoticed(life, turn);
    },
  ),
  invariant(
    "B25",
    "A turn is stalled once for each silence, and recovers by progress.",
    function* ({ lives }) {
      for (const life of lives) for (const turn of life.turns.values()) yield* repeated(life, turn);
    },
  ),
  invariant(
    "B26",
    "A turn is given up only after reclaimAfterMs without progress, lost time apart.",
    function* ({ lives }) {
      for (const life of lives) {
        for (const turn of life.turns.values()) {
          for (const told of turn.aborts)
            if (told.event.reason === "stalled")
              yield* tooSoon(life, turn, told, "reclaimAfterMs", "given up");
        }
      }
    },
  ),
  invariant("B26", "A turn without progress for reclaimAfterMs is given up.", function* ({ lives }) {
    for (const life of lives) for (const turn of life.turns.values()) yield* keptTooLong(life, turn);
  }),
  invariant(
    "B26",
    "A turn is timed out turnTimeoutMs after its start, and not before.",
    function* ({ lives }) {
      for (const life of lives) for (const turn of life.turns.values()) yield* timed(life, turn);
    },
  ),
  invariant("B29", "No turn is stalled while it waits by its own word.", function* ({ lives }) {
    for (const life of lives) {
      for (const turn of life.turns.values()) {
        for (const { step } of turn.stalls) {
          const wait = turn.waits.find(
            (one) =>
              one.from.step.order < step.order &&
              (one.to?.step.order ?? Infinity) > step.order &&
              life.life.time.isBefore(step.at, waitEndsAt(one)),
          );
          if (wait === undefined) continue;
          const { id, sessionKey } = turn;
          yield {
            step,
            sessionKey,
            sentence: `Turn ${id} of ${sessionKey} was stalled while it waited for ${wait.from.event.reason}.`,
          };
        }
      }
    }
  }),
];

/** A deadline of a turn's silence. */
type Deadline = "stallAfterMs" | "reclaimAfterMs";

/** What a lane did before its turn had been silent for long enough. */
function* tooSoon(
  life: LifeView,
  turn: TurnStory,
  { step }: Told,
  deadline: Deadline,
  what: string,
): Iterable<Breach> {
  const { id, sessionKey } = turn;
  const deadlineMs = life.laneOf(sessionKey)[deadline];
  const silence = silencesOf(turn).findLast(({ from }) => from.order < step.order);
  if (silence === undefined || !life.life.time.isTooSoon(silence.since, deadlineMs, step.at)) return;
  yield {
    step,
    sessionKey,
    sentence: `Turn ${id} of ${sessionKey} was ${what} at ${step.at} ms, ${deadlineMs} ms of silence after ${silence.since} ms.`,
  };
}

/** Silences that were longer than a deadline, each with the step by which that must have been told. */
function* overdue(
  life: LifeView,
  turn: TurnStory,
  deadline: Deadline,
): Iterable<{ readonly from: Step; readonly since: number; readonly by: Step }> {
  // Nobody sees what a foreground command writes.
  if (turn.called === undefined || mayProgressUnseen(turn)) return;
  const deadlineMs = life.laneOf(turn.sessionKey)[deadline];
  for (const { from, since, until } of silencesOf(turn)) {
    const by = until ?? life.steps.at(-1)!;
    if (life.life.time.isOverdue(since, deadlineMs, by.at)) yield { from, since, by };
  }
}

function* unnoticed(life: LifeView, turn: TurnStory): Iterable<Breach> {
  const { id, sessionKey } = turn;
  for (const { from, since, by } of overdue(life, turn, "stallAfterMs")) {
    if (turn.stalls.some(({ step }) => step.order > from.order && step.order <= by.order)) continue;
    yield {
      step: by,
      sessionKey,
      sentence: `Turn ${id} of ${sessionKey} has been silent since ${since} ms, and was not stalled.`,
    };
  }
}

function* keptTooLong(life: LifeView, turn: TurnStory): Iterable<Breach> {
  const { id, sessionKey } = turn;
  for (const { since, by } of overdue(life, turn, "reclaimAfterMs"))
    yield {
      step: by,
      sessionKey,
      sentence: `Turn ${id} of ${sessionKey} has been silent since ${since} ms, and was not given up.`,
    };
}

function* timed(life: LifeView, turn: TurnStory): Iterable<Breach> {
  const { id, sessionKey } = turn;
  const start = startOf(turn);
  const { turnTimeoutMs } = life.laneOf(sessionKey);
  const { time } = life.life;
  const early = turn.aborts.find(
    ({ event, step }) => event.reason === "timeout" && time.isBefore(step.at, start.at + turnTimeoutMs),
  );
  if (early !== undefined)
    yield {
      step: early.step,
      sessionKey,
      sentence: `Turn ${id} of ${sessionKey} started at ${start.at} ms, and was timed out at ${early.step.at} ms: it has ${turnTimeoutMs} ms.`,
    };
  const end = earlier(stopOf(turn), overAt(turn)) ?? life.steps.at(-1)!;
  if (turn.called === undefined || !time.isOverdue(start.at, turnTimeoutMs, end.at)) return;
  yield {
    step: end,
    sessionKey,
    sentence: `Turn ${id} of ${sessionKey} has run since ${start.at} ms, and was not timed out after ${turnTimeoutMs} ms.`,
  };
}

/** Stalls and recoveries that do not take turns, and progress after which a turn stayed stalled. */
function* repeated(life: LifeView, turn: TurnStory): Iterable<Breach> {
  const { id, sessionKey, called, started } = turn;
  if (called === undefined || started === undefined) return;
  const told: readonly Told[] = [...turn.stalls, ...turn.recoveries].toSorted(
    (a, b) => a.step.order - b.step.order,
  );
  let last: Told | undefined;
  for (const one of told) {
    const isStall = one.event.type === "lane.stalled";
    if (isStall === (last?.event.type === "lane.stalled"))
      yield {
        step: one.step,
        sessionKey,
        sentence: `Turn ${id} of ${sessionKey} ${isStall ? "was stalled twice" : "recovered, and was not stalled"}.`,
      };
    else if (!isStall && !hasProgressed(turn, last!.step, one.step))
      yield {
        step: one.step,
        sessionKey,
        sentence: `Turn ${id} of ${sessionKey} recovered without progress.`,
      };
    last = one;
  }
  for (const { step } of turn.stalls) yield* stuck(life, turn, step);
}

function hasProgressed(turn: TurnStory, from: Step, to: Step): boolean {
  if (mayProgressUnseen(turn)) return true;
  return silencesOf(turn).some((silence) => silence.from.order > from.order && silence.from.order < to.order);
}

/** A turn that made progress and stayed stalled. */
function* stuck(life: LifeView, turn: TurnStory, stall: Step): Iterable<Breach> {
  const progress = silencesOf(turn).find(({ from }) => from.order > stall.order)?.from;
  if (progress === undefined) return;
  const by = life.firstAfter(progress, life.life.time.latenessMs);
  const end = earlier(stopOf(turn), overAt(turn));
  if (by === undefined || (end !== undefined && end.order < by.order)) return;
  if (turn.recoveries.some(({ step }) => step.order > stall.order && step.order < by.order)) return;
  yield {
    step: by,
    sessionKey: turn.sessionKey,
    sentence: `Turn ${turn.id} of ${turn.sessionKey} made progress at ${progress.at} ms, and is stalled since ${stall.at} ms.`,
  };
}
