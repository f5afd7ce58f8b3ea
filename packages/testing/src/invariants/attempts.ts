import type { LaneOptions } from "lanekeeper";
import { attemptsBefore, endingOf } from "./attempt-history.ts";
import { type Breach, invariant, type Invariant } from "./invariant.ts";
import { isMessage, type ItemStory, outcomeOf } from "./item-story.ts";
import type { LifeView, RecordingView } from "./recording-view.ts";
import { startOf, type TurnStory } from "./turn-story.ts";

/** How often work is tried, and when it is given up (B30–B31a). */
export const attemptInvariants: readonly Invariant[] = [
  invariant(
    "B31",
    "No work is tried again beyond its bounds: failures, reclaims and crashes each have one.",
    function* (view) {
      for (const item of view.items) yield* unbounded(view, item);
    },
  ),
  invariant(
    "B31",
    "A message fails for good only after retry.attempts failures, or for good.",
    function* (view) {
      for (const item of view.items) if (isMessage(item) === true) yield* givenUpEarly(view, item);
    },
  ),
  invariant("B31", "What failed for good is not tried again.", function* (view) {
    for (const item of view.items) yield* triedInVain(view, item);
  }),
  invariant("B31", "Backoff is no longer than its ceiling, and is waited for.", function* (view) {
    for (const life of view.lives) for (const turn of life.turns.values()) yield* backedOff(view, life, turn);
  }),
  invariant("B31a", "attempt is one more than the turns that held the work and count.", function* (view) {
    for (const turn of view.turns) yield* miscounted(view, turn);
  }),
  invariant(
    "B31a",
    "A message's last attempt runs without the events that failed with it before.",
    function* (view) {
      for (const turn of view.turns) yield* burdened(view, turn);
    },
  ),
];

/** The settings of the lane that a turn ran in. */
function settingsOf(view: RecordingView, { life, sessionKey }: TurnStory): LaneOptions {
  return view.lives[life.number]!.laneOf(sessionKey);
}

function* unbounded(view: RecordingView, item: ItemStory): Iterable<Breach> {
  const { id, sessionKey } = item;
  // What was put back begins anew.
  if (isMessage(item) === undefined || item.accepted === undefined || view.hasLostRedrives) return;
  for (const turn of item.held) {
    const { failures, reclaims, crashes } = attemptsBefore(view, item, turn);
    const { retry, maxReclaims, maxCrashes } = settingsOf(view, turn);
    const why =
      failures >= retry.attempts
        ? `had failed in ${failures} turns of ${retry.attempts}`
        : reclaims > maxReclaims
          ? `had been reclaimed ${reclaims} times, and may be ${maxReclaims} times`
          : crashes > maxCrashes
            ? `had been in ${crashes} turns that died, and may be in ${maxCrashes}`
            : undefined;
    if (why === undefined) continue;
    yield {
      step: startOf(turn),
      sessionKey,
      sentence: `Turn ${turn.id} of ${sessionKey} started with ${id}, which ${why}.`,
    };
    return;
  }
}

function* givenUpEarly(view: RecordingView, item: ItemStory): Iterable<Breach> {
  const end = outcomeOf(item);
  const last = item.held.at(-1);
  if (end === undefined || last === undefined) return;
  const { failures, reclaims, isKnown } = attemptsBefore(view, item);
  if (!isKnown || last.ended?.entry.type === "turn.returned") return;
  const { retry, maxReclaims } = settingsOf(view, last);
  const { sessionKey, id } = item;
  const { outcome, step } = end;
  const isPermanent = last.ended?.entry.type === "turn.threw" && last.ended.entry.isPermanent;
  if (outcome.status === "failed" && !isPermanent && failures < retry.attempts)
    yield {
      step,
      sessionKey,
      sentence: `${id} of ${sessionKey} has failed for good after ${failures} failures, and has ${retry.attempts} attempts.`,
    };
  if (outcome.status === "reclaimed" && outcome.reason !== "crashed" && reclaims <= maxReclaims)
    yield {
      step,
      sessionKey,
      sentence: `${id} of ${sessionKey} was given up after ${reclaims} reclaims, and is tried again ${maxReclaims} times.`,
    };
}

function* triedInVain(view: RecordingView, item: ItemStory): Iterable<Breach> {
  const { id, sessionKey, held } = item;
  if (view.hasLostRedrives) return;
  for (const [index, turn] of held.entries()) {
    const { ended } = turn;
    const isPermanent = ended?.entry.type === "turn.threw" && ended.entry.isPermanent;
    if (!isPermanent || endingOf(view, turn) !== "failed") continue;
    // What merely rode along is not to blame.
    const isRider = isMessage(item) === false && (turn.cause === "message" || turn.cause === "heartbeat");
    const next = held[index + 1];
    if (isRider || next === undefined) continue;
    yield {
      step: startOf(next),
      sessionKey,
      sentence: `Turn ${turn.id} of ${sessionKey} failed for good with ${id}, and turn ${next.id} tries it again.`,
    };
    return;
  }
}

function* backedOff(view: RecordingView, life: LifeView, turn: TurnStory): Iterable<Breach> {
  const told = turn.retried.find(({ event }) => event.reason === "failed");
  const { time } = life.life;
  // A step of the wall clock moves what is told by it.
  if (told === undefined || !time.isSteady(turn.ended?.order ?? -1, told.step.order)) return;
  const { sessionKey, id } = turn;
  const { retry } = life.laneOf(sessionKey);
  const [head] = turn.messages;
  const earlier = head === undefined ? undefined : attemptsBefore(view, head, turn);
  const ceilingMs =
    earlier?.isKnown === true ? Math.min(retry.maxMs, retry.baseMs * 2 ** earlier.failures) : retry.maxMs;
  const { retryAt, at } = told.event;
  if (retryAt - at > ceilingMs + 1)
    yield {
      step: told.step,
      sessionKey,
      sentence: `Turn ${id} of ${sessionKey} failed at ${at}, and is tried again only at ${retryAt}, ${ceilingMs} ms later at most.`,
    };
  const work = head ?? turn.events[0];
  const next = work?.held[work.held.indexOf(turn) + 1];
  const opened = next?.opened?.from;
  if (work === undefined || opened === undefined || next!.life !== turn.life || next!.cause !== turn.cause)
    return;
  // A reset sets free what it keeps.
  const isReset = life.life
    .told("session.reset")
    .some(({ event, step }) => event.sessionKey === sessionKey && step.order > told.step.order);
  if (isReset || !time.isSteady(told.step.order, opened.step.order)) return;
  if (!time.isBefore(opened.step.at, told.step.at + (retryAt - at))) return;
  yield {
    step: startOf(next!),
    sessionKey,
    sentence: `Turn ${next!.id} of ${sessionKey} tries ${work.id} again at ${opened.event.at}, and its backoff lasts until ${retryAt}.`,
  };
}

function* miscounted(view: RecordingView, turn: TurnStory): Iterable<Breach> {
  const [head] = turn.messages;
  const counted =
    turn.cause === "message" ? (head === undefined ? [] : [head]) : turn.cause === "event" ? turn.events : [];
  const attempts = counted.map((item) => attemptsBefore(view, item, turn));
  if (attempts.length === 0 || attempts.some(({ isKnown }) => !isKnown)) return;
  const expected =
    1 + Math.max(...attempts.map(({ failures, reclaims, crashes }) => failures + reclaims + crashes));
  if (turn.attempt === expected) return;
  yield {
    step: startOf(turn),
    sessionKey: turn.sessionKey,
    sentence: `Turn ${turn.id} of ${turn.sessionKey} is attempt ${turn.attempt}, and ${expected - 1} turns before it count.`,
  };
}

function* burdened(view: RecordingView, turn: TurnStory): Iterable<Breach> {
  const [head] = turn.messages;
  if (head === undefined || turn.cause !== "message") return;
  const { failures, isKnown } = attemptsBefore(view, head, turn);
  if (!isKnown || failures === 0 || failures + 1 < settingsOf(view, turn).retry.attempts) return;
  for (const event of turn.events) {
    if (event.isTangled) continue;
    const together = event.held
      .slice(0, event.held.indexOf(turn))
      .find((earlier) => earlier.messages.includes(head) && endingOf(view, earlier) === "failed");
    if (together === undefined) continue;
    yield {
      step: startOf(turn),
      sessionKey: turn.sessionKey,
      sentence: `Turn ${turn.id} of ${turn.sessionKey} is the last attempt of ${head.id}, and has event ${event.id}, which failed with it in turn ${together.id}.`,
    };
  }
}
