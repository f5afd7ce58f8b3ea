import type { CallStory } from "./call-story.ts";
import { type Breach, invariant, type Invariant } from "./invariant.ts";
import type { LifeView } from "./recording-view.ts";
import { readSlots } from "./slot-use.ts";
import type { Step } from "./step.ts";
import { isCurrentAt, overAt, startOf, type TurnStory } from "./turn-story.ts";

/** What a keeper does that drains, closes or is paused (B58, B59a). */
export const closingInvariants: readonly Invariant[] = [
  invariant("B58", "A keeper that drains takes no new work from outside.", function* ({ lives }) {
    for (const life of lives) {
      const { draining } = life.life;
      if (draining === undefined) continue;
      for (const call of life.callsOf("send", "notify", "exec", "expectExec", "redrive")) {
        const { step, answer, method, turnId, args } = call;
        if (turnId !== undefined || answer === undefined || step.order < draining.order) continue;
        yield {
          step: answer,
          sessionKey: sessionOf(args[0]),
          sentence: `${method} was called at ${step.at} ms and not refused, and the keeper drains since ${draining.at} ms.`,
        };
      }
    }
  }),
  invariant("B58", "A keeper that closes answers nothing but questions about itself.", function* ({ lives }) {
    for (const life of lives) {
      const { closing } = life.life;
      if (closing === undefined) continue;
      for (const { step, answer, method, args } of life.callsOf(...refused)) {
        if (answer === undefined || step.order < closing.order) continue;
        yield {
          step: answer,
          sessionKey: sessionOf(args[0]),
          sentence: `${method} was called at ${step.at} ms and not refused, and the keeper closes since ${closing.at} ms.`,
        };
      }
    }
  }),
  invariant(
    "B58",
    "A keeper that drains starts nothing but what a running turn awaits.",
    function* ({ lives }) {
      for (const life of lives) yield* startedLate(life);
    },
  ),
  invariant("B58", "A drain says that it is done only when no turn runs.", function* ({ lives }) {
    for (const life of lives) for (const call of life.callsOf("drain")) yield* drainedEarly(life, call);
  }),
  invariant(
    "B58",
    "Close tells the turns that run to stop, and waits until they have ended or are fenced.",
    function* ({ lives }) {
      for (const life of lives) yield* leftRunning(life);
    },
  ),
  invariant("B59a", "Nothing starts in a paused session, or in a paused keeper.", function* ({ lives }) {
    for (const life of lives) yield* startedPaused(life);
  }),
];

/** What is refused with CLOSED. */
const refused = [
  "send",
  "notify",
  "attach",
  "wake",
  "exec",
  "expectExec",
  "reportExec",
  "heartbeat",
  "sessions",
  "mailbox",
  "deadLetters",
  "redrive",
  "discard",
  "clear",
  "reset",
  "abort",
  "forget",
  "pause",
  "resume",
  "setCapacity",
  "drain",
];

function sessionOf(argument: unknown): string | undefined {
  return typeof argument === "string" ? argument : undefined;
}

/** Turns whose slot was given after everybody had been told that the keeper drains. */
function* startedLate(life: LifeView): Iterable<Breach> {
  const told = life.life
    .told("health.changed")
    .find(({ event }) => event.health === "draining" || event.health === "closed");
  if (told === undefined) return;
  const slots = readSlots(life);
  for (const { turn, from, order, opened } of slots.uses) {
    if (turn.opened === undefined || opened < told.step.order || slots.hasLoans(from, order)) continue;
    // One that was asked for just before may be given.
    if (!life.life.time.isBefore(told.step.at, turn.opened.from.step.at)) continue;
    yield {
      step: startOf(turn),
      sessionKey: turn.sessionKey,
      sentence: `Turn ${turn.id} of ${turn.sessionKey} was given a slot at ${turn.opened.from.step.at} ms, and the keeper drains since ${told.step.at} ms.`,
    };
  }
}

function* drainedEarly(life: LifeView, { answer }: CallStory): Iterable<Breach> {
  const value = answer?.entry.value as { readonly drained?: unknown } | undefined;
  if (answer === undefined || value?.drained !== true) return;
  const turn = [...life.turns.values()].find((one) => one.started !== undefined && isLive(one, answer));
  if (turn === undefined) return;
  yield {
    step: answer,
    sessionKey: turn.sessionKey,
    sentence: `The keeper said that it has drained, and turn ${turn.id} of ${turn.sessionKey} runs.`,
  };
}

function isLive(turn: TurnStory, { order }: Step): boolean {
  const { called } = turn;
  return called !== undefined && called.order < order && (overAt(turn)?.order ?? Infinity) > order;
}

function* leftRunning(life: LifeView): Iterable<Breach> {
  const { closing, closed } = life.life;
  if (closing === undefined || closed === undefined) return;
  for (const turn of life.turns.values()) {
    if (turn.started === undefined || !isLive(turn, closed)) continue;
    // Where time was lost meanwhile its grace lasts longer, and its fence may not be told any more.
    if (turn.aborts.length > 0 && life.life.told("clock.late").some(({ step }) => step.order > closing.order))
      continue;
    const why = isCurrentAt(turn, closed.order) ? "was not told to stop" : "was neither over nor fenced";
    yield {
      step: closed,
      sessionKey: turn.sessionKey,
      sentence: `The keeper has closed, and turn ${turn.id} of ${turn.sessionKey} ${why}.`,
    };
  }
}

/** Turns that were given a slot while their session, or the whole keeper, was paused for certain. */
function* startedPaused(life: LifeView): Iterable<Breach> {
  const pauses = [...life.callsOf("pause", "resume")].toSorted((a, b) => a.step.order - b.step.order);
  for (const turn of life.turns.values()) {
    const opened = turn.opened?.from.step;
    if (opened === undefined) continue;
    for (const key of [undefined, turn.sessionKey]) {
      const concerned = pauses.filter(({ args }) => (args[0] ?? undefined) === key);
      const paused = concerned.findLast(
        ({ method, answer }) => method === "pause" && answer !== undefined && answer.order < opened.order,
      );
      if (paused === undefined) continue;
      // One that is asked for counts from when it may be done.
      const isLifted = concerned.some(
        ({ method, step, answer }) =>
          method === "resume" &&
          step.order < opened.order &&
          (answer === undefined || answer.order > paused.step.order),
      );
      if (isLifted) continue;
      yield {
        step: startOf(turn),
        sessionKey: turn.sessionKey,
        sentence: `Turn ${turn.id} of ${turn.sessionKey} was given a slot at ${opened.at} ms, and ${key === undefined ? "the keeper" : "its session"} had been paused at ${paused.answer!.at} ms.`,
      };
      break;
    }
  }
}
