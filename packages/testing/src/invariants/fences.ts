import { type Breach, invariant, type Invariant } from "./invariant.ts";
import { outcomeOf } from "./item-story.ts";
import type { LifeView } from "./recording-view.ts";
import type { Step, Told } from "./step.ts";
import { heldBy, overAt, type TurnStory } from "./turn-story.ts";

/** Turns that were told to stop: their grace, their fence, and what counts afterwards (B26–B28, B58). */
export const fenceInvariants: readonly Invariant[] = [
  invariant("B26", "The slot of a reclaimed turn is free when that is told.", function* ({ lives }) {
    for (const turn of allTurns(lives)) {
      const { reclaimed, id, sessionKey, called, ended } = turn;
      if (reclaimed === undefined) continue;
      const { step, event } = reclaimed;
      if (!event.slotFreed)
        yield { step, sessionKey, sentence: `Turn ${id} of ${sessionKey} was reclaimed, and its slot kept.` };
      // What was returned just then is heard of a little later.
      if (ended !== undefined && ended.order < step.order && !step.life.time.isBefore(ended.at, step.at))
        continue;
      const isRunning = called !== undefined && (ended === undefined || ended.order > step.order);
      if (event.isCodeRunning !== isRunning)
        yield {
          step,
          sessionKey,
          sentence: `Turn ${id} of ${sessionKey} was reclaimed, and it was told that its code ${event.isCodeRunning ? "runs" : "has ended"}, which is not so.`,
        };
    }
  }),
  invariant("B26", "A turn that was told to stop has its grace, and no more.", function* ({ lives }) {
    for (const life of lives) for (const turn of life.turns.values()) yield* graced(life, turn);
  }),
  invariant("B27", "An outcome names the turn that held the work.", function* ({ items, lives }) {
    for (const item of items) {
      const end = outcomeOf(item);
      if (end === undefined || !("turnId" in end.outcome)) continue;
      const { turnId, status } = end.outcome;
      const turn = lives[end.step.life.number]!.turns.get(turnId);
      if (turn?.called === undefined || heldBy(turn).includes(item)) continue;
      yield {
        step: end.step,
        sessionKey: item.sessionKey,
        sentence: `${item.id} of ${item.sessionKey} is ${status} by turn ${turnId}, which never held it.`,
      };
    }
  }),
  invariant(
    "B28",
    "What a turn's end means follows from how it ended and what it had been told.",
    function* ({ lives }) {
      for (const turn of allTurns(lives)) yield* misjudged(turn);
    },
  ),
  invariant(
    "B28",
    "Every turn that ended by itself is said to have completed or failed.",
    function* ({ lives }) {
      for (const life of lives) for (const turn of life.turns.values()) yield* unjudged(life, turn);
    },
  ),
  invariant(
    "B28",
    "The code of a fenced turn has one late result, and that of no other turn.",
    function* ({ lives }) {
      for (const life of lives) for (const turn of life.turns.values()) yield* late(life, turn);
    },
  ),
  invariant(
    "B28",
    "A turn that was told to stop starts nothing and is told no progress of.",
    function* ({ lives }) {
      for (const life of lives) for (const turn of life.turns.values()) yield* active(life, turn);
    },
  ),
  invariant("B28", "The signal says why a turn was first told to stop.", function* ({ lives }) {
    for (const { signal, aborts, id, sessionKey } of allTurns(lives)) {
      const code = aborts[0] && codes[aborts[0].event.reason];
      if (signal === undefined || code === undefined || signal.entry.code === code) continue;
      yield {
        step: signal,
        sessionKey,
        sentence: `The signal of turn ${id} of ${sessionKey} says ${signal.entry.code}, and it was ${aborts[0]!.event.reason}.`,
      };
    }
  }),
];

/** After these the outcome was decided then and there. */
const deciding: ReadonlySet<string> = new Set(["interrupted", "preempted", "aborted", "reset"]);
const codes: Readonly<Record<string, string>> = {
  stalled: "TURN_STALLED",
  timeout: "TURN_TIMEOUT",
  aborted: "TURN_ABORTED",
  interrupted: "TURN_INTERRUPTED",
  preempted: "TURN_PREEMPTED",
  reset: "TURN_RESET",
  closed: "CLOSED",
  lost: "TURN_FENCED",
};

function* allTurns(lives: readonly LifeView[]): Iterable<TurnStory> {
  for (const life of lives) yield* life.turns.values();
}

function* graced(life: LifeView, turn: TurnStory): Iterable<Breach> {
  const { aborts, reclaimed, ended, crashed, id, sessionKey } = turn;
  const [abort] = aborts;
  const { time } = life.life;
  if (abort === undefined) {
    if (reclaimed !== undefined && crashed === undefined && turn.started !== undefined)
      yield {
        step: reclaimed.step,
        sessionKey,
        sentence: `Turn ${id} of ${sessionKey} was reclaimed, and had not been told to stop.`,
      };
    return;
  }
  const { graceMs } = abort.event;
  const since = abort.step.at;
  const hasEnded = ended !== undefined && (reclaimed === undefined || ended.order < reclaimed.step.order);
  const isLost = aborts.some(({ event }) => event.reason === "lost") || reclaimed?.event.reason === "lost";
  if (reclaimed !== undefined && !hasEnded && !isLost && time.isTooSoon(since, graceMs, reclaimed.step.at))
    yield {
      step: reclaimed.step,
      sessionKey,
      sentence: `Turn ${id} of ${sessionKey} was told to stop at ${since} ms, and fenced at ${reclaimed.step.at} ms: its grace is ${graceMs} ms.`,
    };
  const over = overAt(turn);
  // One whose code is never called has nothing to return.
  if (turn.called === undefined) return;
  const by = over ?? life.steps.at(-1)!;
  if (time.isOverdue(since, graceMs, by.at))
    yield {
      step: by,
      sessionKey,
      sentence: `Turn ${id} of ${sessionKey} was told to stop at ${since} ms, and not fenced when its grace of ${graceMs} ms was over.`,
    };
}

function* misjudged(turn: TurnStory): Iterable<Breach> {
  const { id, sessionKey, ended, aborts, called, completed, failed, cancelled, handedBack } = turn;
  const ends: readonly Told[] = [...completed, ...failed, ...cancelled, ...handedBack];
  const breach = ({ step }: Told, why: string): Breach => ({
    step,
    sessionKey,
    sentence: `Turn ${id} of ${sessionKey} ${why}.`,
  });
  if (ends.length > 1) yield breach(ends[1]!, `was said to have ended twice`);
  const [end] = ends;
  if (end === undefined || called === undefined || turn.started === undefined) return;
  const { type } = end.event;
  const reasons = aborts.map(({ event }) => event.reason);
  const isDecided = reasons.some((reason) => deciding.has(reason));
  const fence = turn.reclaimed?.step ?? turn.crashed?.step;
  const isFenced = fence !== undefined && (ended === undefined || fence.order < ended.order);
  if (type === "turn.completed" || type === "turn.failed") {
    const way = type === "turn.completed" ? "turn.returned" : "turn.threw";
    const name = type === "turn.completed" ? "completed" : "failed";
    if (ended === undefined || ended.order > end.step.order) yield breach(end, `${name}, and its code runs`);
    else if (ended.entry.type !== way)
      yield breach(end, `${name}, and its code ${ended.entry.type === "turn.threw" ? "threw" : "returned"}`);
    else if (isFenced) yield breach(end, `${name}, and had been fenced`);
    else if (isDecided) yield breach(end, `${name}, and had been ${reasons.at(-1)}`);
    else if (type === "turn.failed" && reasons.length > 0)
      yield breach(end, `failed, and had been ${reasons[0]}`);
  } else if (type === "turn.cancelled") {
    if (!isDecided) yield breach(end, "was cancelled, and nobody had asked for that");
  } else if (!reasons.includes("closed")) {
    yield breach(end, "was handed back, and its keeper had not closed");
  }
}

/** Turns whose end was never told by a keeper that has closed, and whose store never failed. */
function* unjudged({ life }: LifeView, turn: TurnStory): Iterable<Breach> {
  const { ended, aborts, id, sessionKey } = turn;
  const isStopped = aborts.length > 0 || turn.reclaimed !== undefined || turn.crashed !== undefined;
  if (ended === undefined || isStopped || turn.started === undefined) return;
  if (life.closed === undefined || life.storeFailures.length > 0 || ended.order > life.closed.order) return;
  const told = ended.entry.type === "turn.returned" ? turn.completed : turn.failed;
  if (told.length > 0) return;
  yield {
    step: life.closed,
    sessionKey,
    sentence: `Turn ${id} of ${sessionKey} ${ended.entry.type === "turn.returned" ? "returned" : "threw"} at ${ended.at} ms, and what it came to was never told.`,
  };
}

function* late(life: LifeView, turn: TurnStory): Iterable<Breach> {
  const { lateResults, ended, id, sessionKey } = turn;
  const fence = turn.reclaimed?.step ?? turn.crashed?.step;
  const isLate = fence !== undefined && ended !== undefined && fence.order < ended.order;
  if (lateResults.length > 1)
    yield {
      step: lateResults[1]!.step,
      sessionKey,
      sentence: `Turn ${id} of ${sessionKey} has two late results.`,
    };
  const isSoon = fence !== undefined && ended !== undefined && !life.life.time.isBefore(ended.at, fence.at);
  if (lateResults.length > 0 && !isLate && !isSoon && turn.called !== undefined)
    yield {
      step: lateResults[0]!.step,
      sessionKey,
      sentence: `Turn ${id} of ${sessionKey} has a late result, and was not fenced when its code ended.`,
    };
  if (!isLate || lateResults.length > 0) return;
  const by = life.firstAfter(ended, life.life.time.latenessMs);
  // One that ends after its keeper has closed is nobody's any more.
  if (by === undefined || (life.life.closing?.order ?? Infinity) < by.order) return;
  yield {
    step: by,
    sessionKey,
    sentence: `The code of turn ${id} of ${sessionKey}, which had been fenced, ended at ${ended.at} ms, and that was not told.`,
  };
}

/** What fails in a turn that was told to stop. */
const fenced: ReadonlySet<string> = new Set([
  "assertCurrent",
  "exec",
  "expectExec",
  "waiting",
  "locks.acquire",
  "locks.tryAcquire",
  "locks.using",
]);

function* active(life: LifeView, turn: TurnStory): Iterable<Breach> {
  const { id, sessionKey, did } = turn;
  const stop = turn.aborts[0]?.step;
  if (stop === undefined) return;
  const breach = (step: Step, what: string): Breach => ({
    step,
    sessionKey,
    sentence: `Turn ${id} of ${sessionKey} had been told to stop at ${stop.at} ms, and ${what}.`,
  });
  for (const step of did) {
    const { what, got, refusal, call } = step.entry;
    if (step.order < stop.order) continue;
    if (what === "takeSteering" && Array.isArray(got) && got.length > 0)
      yield breach(step, "was given steering");
    if (!fenced.has(what) || refusal !== undefined) continue;
    const answer = what === "assertCurrent" ? step : life.calls.get(call)?.answer;
    if (answer !== undefined) yield breach(answer, `${what} was not refused`);
  }
  for (const type of ["turn.progressed", "turn.emitted", "message.steered"] as const) {
    const told = life.life
      .told(type)
      .find(({ event, step }) => event.turnId === id && step.order > stop.order);
    if (told !== undefined) yield breach(told.step, `${type} was told of it`);
  }
}
