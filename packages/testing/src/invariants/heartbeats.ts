import { member } from "./call-story.ts";
import { type Breach, invariant, type Invariant } from "./invariant.ts";
import type { KeeperOptions } from "./life.ts";
import { Origins } from "./origins.ts";
import type { LifeView } from "./recording-view.ts";
import { later, type Step, type Told } from "./step.ts";
import { overAt, startOf, type TurnStory } from "./turn-story.ts";
import { isOutside } from "./zone-time.ts";

/** Turns at the times of schedules (B41–B46). */
export const heartbeatInvariants: readonly Invariant[] = [
  invariant("B41", "A heartbeat that waits says so once.", function* ({ lives }) {
    for (const life of lives)
      for (const heartbeat of life.life.options.heartbeats) yield* deferredTwice(life, heartbeat);
  }),
  invariant("B42", "A heartbeat is deferred for the reason that there is.", function* ({ lives }) {
    for (const life of lives)
      for (const told of life.life.told("heartbeat.deferred")) yield* misexplained(life, told);
  }),
  invariant(
    "B43",
    "A heartbeat's turn is of an agent that has heartbeats, in its session.",
    function* ({ lives }) {
      for (const life of lives) {
        for (const { cause, sessionKey, id, called } of life.turns.values()) {
          if (cause !== "heartbeat" || called === undefined || findHeartbeat(life, sessionKey) !== undefined)
            continue;
          yield {
            step: called,
            sessionKey,
            sentence: `Turn ${id} is a heartbeat of ${sessionKey}, which has none.`,
          };
        }
      }
    },
  ),
  invariant(
    "B43",
    "The times of a schedule come: something is told of a heartbeat that is on within everyMs.",
    function* ({ lives }) {
      for (const life of lives)
        for (const heartbeat of life.life.options.heartbeats) yield* missed(life, heartbeat);
    },
  ),
  invariant(
    "B44",
    "A heartbeat starts in its active hours, and is skipped for quiet hours outside of them.",
    function* ({ lives }) {
      for (const life of lives) yield* outOfHours(life);
    },
  ),
  invariant(
    "B45",
    "Starts are minSpacingMs apart, and five in a minute at most, but what is asked for by hand.",
    function* (view) {
      const origins = new Origins(view);
      for (const life of view.lives)
        for (const heartbeat of life.life.options.heartbeats) yield* crowded(life, heartbeat, origins);
    },
  ),
  invariant(
    "B46",
    "A failed heartbeat is tried again three times at most, and not within minSpacingMs.",
    function* ({ lives }) {
      for (const life of lives)
        for (const heartbeat of life.life.options.heartbeats) yield* retried(life, heartbeat);
    },
  ),
];

type Heartbeat = KeeperOptions["heartbeats"][number];
type HeartbeatEvent = Told<
  "heartbeat.ran" | "heartbeat.deferred" | "heartbeat.skipped" | "heartbeat.failed" | "heartbeat.preempted"
>;

function findHeartbeat({ life }: LifeView, sessionKey: string): Heartbeat | undefined {
  return life.options.heartbeats.find((heartbeat) => heartbeat.sessionKey === sessionKey);
}

/** What was told of an agent's heartbeats, in order. */
function toldOf({ life }: LifeView, { agent }: Heartbeat): readonly HeartbeatEvent[] {
  return life.events.filter(
    ({ event }) => event.type.startsWith("heartbeat.") && member(event, "agent") === agent,
  ) as readonly Told[] as readonly HeartbeatEvent[];
}

/** Calls of the control of an agent's heartbeats, in order. */
function callsOf(life: LifeView, what: string, { agent }: Heartbeat): readonly Step[] {
  return life
    .callsOf(`heartbeat.${what}`)
    .filter(({ on }) => on?.args[0] === agent)
    .map(({ step }) => step);
}

function startsOf(life: LifeView, { sessionKey }: Heartbeat): readonly TurnStory[] {
  return [...life.turns.values()].filter(
    (turn) => turn.sessionKey === sessionKey && turn.cause === "heartbeat",
  );
}

function* deferredTwice(life: LifeView, heartbeat: Heartbeat): Iterable<Breach> {
  const requests = callsOf(life, "request", heartbeat);
  // What starts, and what is turned off, waits no longer.
  const ends = [
    ...startsOf(life, heartbeat).map((turn) => startOf(turn).order),
    ...callsOf(life, "disable", heartbeat).map(({ order }) => order),
  ].toSorted((a, b) => a - b);
  let since = -1;
  let count = 0;
  for (const { step, event } of toldOf(life, heartbeat)) {
    const ended = ends.findLast((order) => order > since && order < step.order);
    if (event.type !== "heartbeat.deferred" || ended !== undefined) {
      since = event.type === "heartbeat.deferred" ? ended! : step.order;
      count = 0;
    }
    if (event.type !== "heartbeat.deferred") continue;
    count++;
    // Each who asks by hand is told; one may ask while the turn before runs, whose end is told later.
    const begun = ends.findLast((order) => order <= since) ?? -1;
    const asked = requests.filter(({ order }) => order > begun && order < step.order).length;
    if (count <= 1 + asked) continue;
    yield {
      step,
      sessionKey: heartbeat.sessionKey,
      sentence: `The heartbeat of ${heartbeat.agent} was said to be deferred at ${step.at} ms, for the ${count}th time.`,
    };
  }
}

function* misexplained(life: LifeView, { event, step }: Told<"heartbeat.deferred">): Iterable<Breach> {
  const { sessionKey, agent, reason } = event;
  const details = life.detailsAround(sessionKey, step);
  const isSo = details.some((detail) =>
    reason === "session-busy" ? detail !== "idle" : detail === "busy.waitingForCapacity",
  );
  if (details.length === 0 || isSo) return;
  yield {
    step,
    sessionKey,
    sentence: `The heartbeat of ${agent} was deferred as ${reason}, and the lane of ${sessionKey} was ${details.join(", ")}.`,
  };
}

/** Times in which a heartbeat that was on, and neither waited nor ran, was not heard of for longer than its schedule has it. */
function* missed(life: LifeView, heartbeat: Heartbeat): Iterable<Breach> {
  const { agent, sessionKey, everyMs } = heartbeat;
  const { time, draining, steps, storeFailures } = life.life;
  const calls = [...callsOf(life, "disable", heartbeat), ...callsOf(life, "enable", heartbeat)];
  // Whether it is on is the store's to say.
  if (calls.length > 0 || storeFailures.length > 0 || life.life.number > 0) return;
  const told = toldOf(life, heartbeat);
  const starts = startsOf(life, heartbeat);
  for (const [index, { step, event }] of told.entries()) {
    if (
      event.type === "heartbeat.deferred" ||
      (event.type === "heartbeat.skipped" && event.reason === "disabled")
    )
      continue;
    const since = freeSince(
      life,
      starts.findLast((turn) => startOf(turn).order < step.order),
      step,
    );
    const next = told[index + 1]?.step;
    const started = starts.find((turn) => startOf(turn).order > step.order);
    const end = Math.min(
      next?.order ?? Infinity,
      started === undefined ? Infinity : startOf(started).order,
      draining?.order ?? Infinity,
    );
    const by = steps.findLast(({ order }) => order <= end);
    if (since === undefined || by === undefined) continue;
    if (!time.isOverdue(since.at, everyMs, by.at) || !time.isSteady(step.order, by.order)) continue;
    yield {
      step: by,
      sessionKey,
      sentence: `Nothing was told of the heartbeat of ${agent} since ${since.at} ms, and it comes every ${everyMs} ms.`,
    };
  }
}

/** Since when an agent's next heartbeat may come: its last turn is over, and its lane has gone on. */
function freeSince(life: LifeView, turn: TurnStory | undefined, step: Step): Step | undefined {
  if (turn === undefined) return step;
  const over = overAt(turn);
  if (over === undefined) return undefined;
  for (const { from, detail } of life.staysFrom(turn.sessionKey, over)) {
    if (detail.endsWith("settling") || detail.endsWith("unsettled") || from.event.state === "reclaimed")
      continue;
    return later<Step>(from.step, step);
  }
  return undefined;
}

function* outOfHours(life: LifeView): Iterable<Breach> {
  for (const turn of life.turns.values()) {
    const hours = turn.cause === "heartbeat" ? findHeartbeat(life, turn.sessionKey)?.activeHours : undefined;
    // It is judged when its slot was given.
    const at = turn.opened?.from.event.at;
    if (hours === undefined || at === undefined || turn.started === undefined) continue;
    if (isOutside(hours, at) !== true || isOutside(hours, turn.started.event.at) !== true) continue;
    yield {
      step: startOf(turn),
      sessionKey: turn.sessionKey,
      sentence: `Turn ${turn.id} of ${turn.sessionKey} is a heartbeat's, and started outside its active hours, ${hours.start}–${hours.end} in ${hours.timezone}.`,
    };
  }
  for (const { event, step } of life.life.told("heartbeat.skipped")) {
    if (event.reason !== "quiet-hours") continue;
    const hours = findHeartbeat(life, event.sessionKey)?.activeHours;
    if (hours !== undefined && isOutside(hours, event.at) !== false) continue;
    yield {
      step,
      sessionKey: event.sessionKey,
      sentence: `The heartbeat of ${event.agent} was skipped for quiet hours at ${event.at}, in its active hours.`,
    };
  }
}

const floodMs = 60_000;
const mostInAMinute = 5;

function* crowded(life: LifeView, heartbeat: Heartbeat, origins: Origins): Iterable<Breach> {
  const { sessionKey, minSpacingMs, agent } = heartbeat;
  const { time } = life.life;
  const requests = callsOf(life, "request", heartbeat);
  const starts = [...life.turns.values()].filter(
    (turn) =>
      turn.sessionKey === sessionKey && turn.started !== undefined && origins.of(turn) === "heartbeat",
  );
  for (const [index, turn] of starts.entries()) {
    const before = starts[index - 1];
    if (turn.cause !== "heartbeat" || before === undefined) continue;
    const step = startOf(turn);
    // It was judged when its time came; what started while it waited was not known then.
    const since = deferredSince(life, heartbeat, turn);
    const known = starts.slice(0, index).filter((one) => startOf(one).order < since);
    const last = known.at(-1);
    const asked = last === undefined ? -1 : startOf(last).order;
    if (requests.some((one) => one.order > asked && one.order < step.order)) continue;
    if (last === undefined || !time.isSteady(startOf(last).order, step.order)) continue;
    if (time.isBefore(step.at, startOf(last).at + minSpacingMs))
      yield {
        step,
        sessionKey,
        sentence: `Turn ${turn.id}, a heartbeat of ${agent}, started at ${step.at} ms, and the one before at ${startOf(last).at} ms: they are to be ${minSpacingMs} ms apart.`,
      };
    const sixth = known.at(-mostInAMinute);
    if (sixth === undefined || !time.isSteady(startOf(sixth).order, step.order)) continue;
    if (time.isBefore(step.at, startOf(sixth).at + floodMs))
      yield {
        step,
        sessionKey,
        sentence: `Turn ${turn.id}, a heartbeat of ${agent}, is the sixth in a minute: it started at ${step.at} ms.`,
      };
  }
}

/** Since when a heartbeat that has started may have waited: that it waits may be told long after it came. */
function deferredSince(life: LifeView, heartbeat: Heartbeat, turn: TurnStory): number {
  const start = startOf(turn).order;
  const told = toldOf(life, heartbeat).filter(({ step }) => step.order < start);
  if (told.at(-1)?.event.type !== "heartbeat.deferred") return start;
  return told.findLast(({ event }) => event.type !== "heartbeat.deferred")?.step.order ?? 0;
}

function* retried(life: LifeView, heartbeat: Heartbeat): Iterable<Breach> {
  const { sessionKey, agent, minSpacingMs } = heartbeat;
  for (const turn of startsOf(life, heartbeat)) {
    if (turn.attempt <= 4) continue;
    yield {
      step: startOf(turn),
      sessionKey,
      sentence: `Turn ${turn.id}, a heartbeat of ${agent}, is tried for the ${turn.attempt}th time.`,
    };
  }
  for (const told of toldOf(life, heartbeat)) {
    const { event, step } = told;
    if (event.type !== "heartbeat.failed" || event.retryAt === undefined) continue;
    const last = startsOf(life, heartbeat).findLast((turn) => startOf(turn).order < step.order);
    if (last === undefined || !life.life.time.isSteady(startOf(last).order, step.order)) continue;
    const retryAt = step.at + (event.retryAt - event.at);
    if (!life.life.time.isBefore(retryAt, startOf(last).at + minSpacingMs)) continue;
    yield {
      step,
      sessionKey,
      sentence: `The heartbeat of ${agent} failed, and is tried again at ${retryAt} ms: its last start was at ${startOf(last).at} ms, and they are to be ${minSpacingMs} ms apart.`,
    };
  }
}
