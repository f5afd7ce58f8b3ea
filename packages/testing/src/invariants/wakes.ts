import { member } from "./call-story.ts";
import { type Breach, invariant, type Invariant } from "./invariant.ts";
import type { LifeView } from "./recording-view.ts";
import { storeDeadlineMs } from "./store-deadline.ts";
import type { Step, Told } from "./step.ts";
import { startOf, type TurnStory } from "./turn-story.ts";

/** Requests for turns (B9, B40, B42). */
export const wakeInvariants: readonly Invariant[] = [
  invariant(
    "B40",
    "A wake's turn has been asked for since the session's last turn started.",
    function* ({ lives }) {
      for (const life of lives) for (const turn of life.turns.values()) yield* unasked(life, turn);
    },
  ),
  invariant(
    "B40",
    "A wake's turn starts no sooner than the soonest that was asked for.",
    function* ({ lives }) {
      for (const life of lives) for (const turn of life.turns.values()) yield* premature(life, turn);
    },
  ),
  invariant(
    "B40",
    "A turn has the reasons of the wakes that it satisfies, and no others.",
    function* ({ lives }) {
      for (const life of lives) for (const turn of life.turns.values()) yield* unreasoned(life, turn);
    },
  ),
  invariant(
    "B40",
    "A wake is satisfied: a turn starts, or what keeps it from starting is told.",
    function* ({ lives }) {
      for (const life of lives)
        for (const call of life.callsOf("wake")) yield* ignored(life, call.step, call.args);
    },
  ),
  invariant("B42", "A wake is deferred for the reason that there is.", function* ({ lives }) {
    for (const life of lives)
      for (const told of life.life.told("wake.deferred")) yield* misexplained(life, told);
  }),
];

/** The session's turn before another in the same keeper; a turn that is not seen may have been before the first. */
function turnBefore(life: LifeView, turn: TurnStory): TurnStory | undefined {
  return life.lastTurnOf(turn.sessionKey, startOf(turn).order);
}

/** What may have asked for a turn: wakes, and those that are tried again. */
interface Asked {
  readonly step: Step;
  readonly dueAt: number;
  readonly reason: unknown;
  readonly isRetry: boolean;
}

/** Milliseconds in which wakes are merged, by default. */
const coalescedMs = 250;

function asksOf(life: LifeView, sessionKey: string): readonly Asked[] {
  const calls = life
    .callsOf("wake")
    .filter(({ args, refusal }) => args[0] === sessionKey && refusal === undefined)
    .map(({ step, args }) => ({
      step: step as Step,
      dueAt: step.at + Number(member(args[1], "coalesceMs") ?? coalescedMs),
      reason: member(args[1], "reason"),
      isRetry: false,
    }));
  const retries = life.life
    .told("wake.retrying")
    .filter(({ event }) => event.sessionKey === sessionKey)
    .map(({ step, event }) => ({
      step: step as Step,
      dueAt: step.at + (event.retryAt - event.at),
      reason: undefined,
      isRetry: true,
    }));
  return [...calls, ...retries].toSorted((a, b) => a.step.order - b.step.order);
}

/** What asked for a turn since the session's last turn, and before this one; undefined where that is not known. */
function asksFor(life: LifeView, turn: TurnStory): readonly Asked[] | undefined {
  const start = startOf(turn).order;
  const before = turnBefore(life, turn);
  // What was asked for before the recording, or before anybody listened, is not known.
  if (before === undefined ? !life.life.isFromBirth : before.started === undefined) return undefined;
  const since = before === undefined ? -1 : startOf(before).order;
  return asksOf(life, turn.sessionKey).filter(({ step }) => step.order > since && step.order < start);
}

function* unasked(life: LifeView, turn: TurnStory): Iterable<Breach> {
  if (turn.cause !== "wake" || turn.started === undefined) return;
  const asks = asksFor(life, turn);
  if (asks === undefined || asks.length > 0) return;
  yield {
    step: startOf(turn),
    sessionKey: turn.sessionKey,
    sentence: `Turn ${turn.id} of ${turn.sessionKey} was started by a wake, and nobody had asked for one.`,
  };
}

function* premature(life: LifeView, turn: TurnStory): Iterable<Breach> {
  if (turn.cause !== "wake" || turn.started === undefined) return;
  const asks = asksFor(life, turn);
  const start = startOf(turn);
  if (asks === undefined || asks.length === 0) return;
  const soonest = Math.min(...asks.map(({ dueAt }) => dueAt));
  const isSteady = life.life.time.isSteady(asks[0]!.step.order, start.order);
  if (!isSteady || !life.life.time.isBefore(start.at, soonest)) return;
  yield {
    step: start,
    sessionKey: turn.sessionKey,
    sentence: `Turn ${turn.id} of ${turn.sessionKey} was started by a wake at ${start.at} ms, and none was due before ${soonest} ms.`,
  };
}

function* unreasoned(life: LifeView, turn: TurnStory): Iterable<Breach> {
  if (turn.started === undefined || turn.reasons.length === 0) return;
  const asks = asksFor(life, turn);
  if (asks === undefined || asks.some(({ isRetry }) => isRetry)) return;
  const reasons = new Set(asks.map(({ reason }) => reason));
  const unknown = turn.reasons.find((reason) => !reasons.has(reason));
  if (unknown === undefined) return;
  yield {
    step: startOf(turn),
    sessionKey: turn.sessionKey,
    sentence: `Turn ${turn.id} of ${turn.sessionKey} has the reason ${unknown}, which no wake since the last turn gave.`,
  };
}

/** A wake after which the session's lane stayed idle. */
function* ignored(life: LifeView, step: Step, args: readonly unknown[]): Iterable<Breach> {
  const [sessionKey, options] = args;
  if (typeof sessionKey !== "string") return;
  const { time, draining, storeFailures } = life.life;
  const dueMs = Number(member(options, "coalesceMs") ?? coalescedMs);
  if (storeFailures.length > 0) return;
  // A store that has not said yet what is in the session keeps its lane from starting.
  const by = life.firstAfter(step, dueMs + time.latenessMs + storeDeadlineMs);
  if (by === undefined || !time.isOverdue(step.at, dueMs + storeDeadlineMs, by.at)) return;
  if (draining !== undefined && draining.order < by.order) return;
  const stay = life.stayAt(sessionKey, by);
  const before = life.stayAt(sessionKey, step);
  const turn = life.lastTurnOf(sessionKey, by.order);
  const hasStarted = turn !== undefined && startOf(turn).order > step.order;
  // A lane of which nothing was told may have been busy since before anybody listened.
  const hasMoved = stay === undefined || stay !== before || stay.state !== "idle";
  if (hasStarted || hasMoved || isRefused(life, step)) return;
  yield {
    step: by,
    sessionKey,
    sentence: `A wake of ${sessionKey} was asked for at ${step.at} ms and due ${dueMs} ms later, and nothing came of it.`,
  };
}

function isRefused(life: LifeView, step: Step): boolean {
  return step.entry.type === "call" && life.calls.get(step.entry.call)?.refusal !== undefined;
}

function* misexplained(life: LifeView, { event, step }: Told<"wake.deferred">): Iterable<Breach> {
  const { sessionKey, reason } = event;
  const details = life.detailsAround(sessionKey, step);
  if (details.length === 0) return;
  const isSo = details.some((detail) => fits(reason, detail));
  if (isSo) return;
  yield {
    step,
    sessionKey,
    sentence: `A wake of ${sessionKey} was deferred as ${reason}, and its lane was ${details.join(", ")}.`,
  };
}

function fits(reason: string, detail: string): boolean {
  if (reason === "capacity-full" || reason === "group-full") return detail === "busy.waitingForCapacity";
  if (reason === "paused") return detail === "busy.paused";
  return reason === "draining" || detail !== "idle";
}
