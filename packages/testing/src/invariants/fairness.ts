import { type Claim, readClaims } from "./claim.ts";
import { type Breach, invariant, type Invariant } from "./invariant.ts";
import type { RecordedCapacity } from "./life.ts";
import type { LifeView, RecordingView } from "./recording-view.ts";
import { readSlots } from "./slot-use.ts";
import { countBefore, type Step } from "./step.ts";
import { overAt } from "./turn-story.ts";

/** Who is given a slot (B14, B15). What is said here of turns' order is of keepers without groups, while nobody lends a slot. */
export const fairnessInvariants: readonly Invariant[] = [
  invariant("B14", "The highest priority goes first, raised by the time waited.", function* (view) {
    for (const [claim, passed] of overtakings(view)) {
      const waitedMs = claim.granted!.from.step.at - claim.stay.from.step.at;
      if (passed.least <= claim.most || waitedMs >= raisedAfterMs) continue;
      yield breach(
        claim,
        passed,
        `the priority of the one was ${names[claim.most]}, that of the other ${names[passed.least]}`,
      );
    }
  }),
  invariant(
    "B15",
    "Within a priority and an agent the lane that waited longest goes first.",
    function* (view) {
      for (const [claim, passed] of overtakings(view)) {
        if (passed.least < claim.most || passed.agent === undefined || passed.agent !== claim.agent) continue;
        if (passed.stay.from.step.order > claim.stay.from.step.order) continue;
        yield breach(claim, passed, `both are of agent ${claim.agent}`);
      }
    },
  ),
  invariant(
    "B15",
    "Within a priority the agent goes first that was given a slot longest ago.",
    function* (view) {
      for (const [claim, passed] of overtakings(view)) {
        if (passed.least < claim.most || passed.agent === claim.agent) continue;
        if (!claim.goesAfterAgentOf(passed)) continue;
        yield breach(
          claim,
          passed,
          `agent ${passed.agent} had been given its last slot before agent ${claim.agent} was`,
        );
      }
    },
  ),
  invariant("B14", "No lane waits while a slot is free.", ({ lives }) =>
    lives.flatMap((life) => [...idleSlots(life)]),
  ),
];

const names = ["background", "normal", "foreground"] as const;
/** Waiting so long raises a priority by one step, in milliseconds. */
const raisedAfterMs = 15_000;
/** Where a lane has a slot. */
const holding: ReadonlySet<string> = new Set([
  "busy.opening",
  "busy.running",
  "busy.aborting",
  "stalled.running",
  "stalled.aborting",
]);

function breach({ sessionKey, granted }: Claim, passed: Claim, why: string): Breach {
  const { step } = granted!.from;
  return {
    step,
    sessionKey: passed.sessionKey,
    sentence: `${sessionKey} was given a slot before ${passed.sessionKey}, which has waited since ${passed.stay.from.step.at} ms: ${why}.`,
  };
}

/** Each claim that was granted, and each that waited then for certain. */
function* overtakings(view: RecordingView): Iterable<readonly [Claim, Claim]> {
  for (const life of view.lives) {
    const { time, draining } = life.life;
    const slots = readSlots(life);
    const claims = readClaims(view, life);
    const granted = claims
      .filter((claim) => claim.granted !== undefined)
      .toSorted((a, b) => a.granted!.from.step.order - b.granted!.from.step.order);
    let waiting: readonly Claim[] = [];
    let made = 0;
    for (const claim of granted) {
      const { order, at } = claim.granted!.from.step;
      if (order > (draining?.order ?? Infinity)) break;
      const since = made;
      while (made < claims.length && claims[made]!.stay.from.step.order < order) made++;
      waiting = [...waiting, ...claims.slice(since, made)].filter(
        ({ stay }) => (stay.until?.step.order ?? Infinity) > order,
      );
      if (slots.hasLoans(claim.stay.from.step.order, order)) continue;
      for (const passed of waiting) {
        const { step } = passed.stay.from;
        // What comes in the instant of a grant may have come after it.
        const isEarlier = step.order < claim.stay.from.step.order || time.isBefore(step.at, at);
        if (isEarlier && !slots.hasGroups(step.order, order)) yield [claim, passed];
      }
    }
  }
}

/**
 * Lanes that wait although a slot has been free for longer than it takes to give it. All lanes must be known for that: where
 * the recording begins with its keeper. With groups a slot is free for whoever comes where so few lanes have one that no group
 * can be at its limit, and all that is reserved is there besides.
 */
function* idleSlots(view: LifeView): Iterable<Breach> {
  const { life } = view;
  if (!life.isFromBirth || life.storeFailures.length > 0) return;
  const slots = readSlots(view);
  const end = life.draining?.order ?? Infinity;
  const changes = readChanges(view);
  const sessions = [
    ...new Set([...view.sessions, ...[...view.turns.values()].map(({ sessionKey }) => sessionKey)]),
  ];
  const known = new Map<Step, number>();
  const heldAt = (step: Step): number => {
    const held = known.get(step) ?? sessions.filter((session) => holds(view, session, step.order)).length;
    known.set(step, held);
    return held;
  };
  for (const sessionKey of view.sessions) {
    for (const { detail, from, until } of view.staysOf(sessionKey)) {
      if (detail !== "busy.waitingForCapacity") continue;
      const last = Math.min(end, until?.step.order ?? Infinity);
      const own = tooLateAfter(view, from.step);
      const first = countBefore(changes, sinceOf, from.step.order);
      const isStill = own !== undefined && (changes[first]?.since ?? Infinity) >= own.order;
      const times = isStill ? [{ since: from.step.order, step: own }] : [];
      for (let index = first; index < changes.length; index++) {
        const { since, step } = changes[index]!;
        if (since > last) break;
        if (step !== undefined) times.push({ since, step });
      }
      for (const { since, step } of times) {
        if (step.order > last) continue;
        const turns = slots.leastBetween(since, step.order, (capacity) => capacity.turns);
        const reserved = slots.mostBetween(since, step.order, reservedIn);
        const limit = slots.leastBetween(since, step.order, leastLimit);
        const held = heldAt(step);
        if (held + reserved >= turns || held >= limit) continue;
        yield {
          step,
          sessionKey,
          sentence: `${sessionKey} has waited for a slot since ${from.step.at} ms, and ${held} of ${turns} are in use.`,
        };
        break;
      }
    }
  }
}

/** Slots that are kept for groups, whether they are in use or not. */
function reservedIn({ groups = {} }: RecordedCapacity): number {
  return Object.values(groups).reduce((sum, { reserved = 0 }) => sum + reserved, 0);
}

/** So many turns may be of one group, whichever it is. */
function leastLimit({ groups = {} }: RecordedCapacity): number {
  return Math.min(...Object.values(groups).map(({ limit }) => limit));
}

/** A step at which a slot may have become free, and the first after it that is too late for giving it, if no other was between. */
interface Change {
  readonly since: number;
  readonly step: Step | undefined;
}

/** The first step that is too late for a slot to be given: a keeper that had slept gives it when it wakes. */
function tooLateAfter(view: LifeView, from: Step): Step | undefined {
  const { latenessMs } = view.life.time;
  const awake = view.firstAfter(from, latenessMs);
  return awake && view.firstAfter(awake, latenessMs);
}

function sinceOf({ since }: Change): number {
  return since;
}

function readChanges(view: LifeView): readonly Change[] {
  const over = [...view.turns.values()].flatMap((turn) => overAt(turn) ?? []);
  const left = [...view.sessions].flatMap((sessionKey) =>
    view.staysOf(sessionKey).flatMap(({ detail, until }) => (holding.has(detail) ? (until?.step ?? []) : [])),
  );
  const raised = view.callsOf("setCapacity").flatMap(({ answer }) => answer ?? []);
  const steps = [...over, ...left, ...raised].toSorted((a, b) => a.order - b.order);
  return steps.map((from, index) => {
    const step = tooLateAfter(view, from);
    const isLast = step !== undefined && (steps[index + 1]?.order ?? Infinity) >= step.order;
    return { since: from.order, step: isLast ? step : undefined };
  });
}

function holds(view: LifeView, sessionKey: string, order: number): boolean {
  const stay = view.stayAt(sessionKey, { order });
  const detail = stay?.detail ?? view.staysOf(sessionKey)[0]?.from.event.previous.detail ?? "idle";
  if (holding.has(detail)) return true;
  // Turns that an earlier keeper left may start before anybody is told of states.
  const turn = view.lastTurnOf(sessionKey, order);
  return turn?.called !== undefined && (overAt(turn)?.order ?? Infinity) > order;
}
