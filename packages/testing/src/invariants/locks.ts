import { type CallStory, endOf, member } from "./call-story.ts";
import { type Breach, invariant, type Invariant } from "./invariant.ts";
import { storeDeadlineMs } from "./store-deadline.ts";
import type { LifeView } from "./recording-view.ts";
import type { Step, Told } from "./step.ts";

/** Locks, as one keeper's host saw them (B49–B54a). */
export const lockInvariants: readonly Invariant[] = [
  invariant("B49", "A lock has one holder at a time.", function* ({ lives }) {
    for (const life of lives) yield* heldTwice(life);
  }),
  invariant(
    "B52",
    "The tokens of a name grow, and each acquisition has an owner of its own.",
    function* ({ lives }) {
      for (const life of lives) yield* tokens(life);
    },
  ),
  invariant(
    "B53",
    "Who asked first for a lock gets it first, and nobody is overtaken by one who asks once.",
    function* ({ lives }) {
      for (const life of lives) yield* overtaken(life);
    },
  ),
  invariant("B53", "Waiting for a lock ends after waitMs, and not before.", function* ({ lives }) {
    for (const life of lives) for (const call of asksOf(life)) yield* waited(life, call);
  }),
  invariant("B54", "A lock that was lost or released is not held.", function* ({ lives }) {
    for (const life of lives) yield* believed(life);
  }),
  invariant(
    "B54",
    "using rejects with LOCK_LOST where its lock was lost while its work ran.",
    function* ({ lives }) {
      for (const life of lives)
        for (const call of life.callsOf("locks.using", "turn.locks.using")) yield* unaware(life, call);
    },
  ),
  invariant("B54a", "A turn that was told to stop acquires no lock.", function* ({ lives }) {
    for (const life of lives) for (const call of asksOf(life)) yield* acquiredLate(life, call);
  }),
  invariant("B54a", "The locks of a turn end with it.", function* ({ lives }) {
    for (const life of lives) for (const told of life.life.told("lock.acquired")) yield* outlived(life, told);
  }),
];

/** Calls that ask for a lock. */
const asking = ["locks.acquire", "locks.tryAcquire", "locks.using"];

function asksOf(life: LifeView): readonly CallStory[] {
  return life.callsOf(...asking, ...asking.map((method) => `turn.${method}`));
}

/** How a lock ended to be held, of one owner. */
type Ending = Told<"lock.lost"> | Told<"lock.released">;

function endingOf({ life }: LifeView, owner: string): Ending | undefined {
  const isIts = ({ event }: Ending): boolean => event.owner === owner;
  return life.told("lock.lost").find(isIts) ?? life.told("lock.released").find(isIts);
}

function* heldTwice(life: LifeView): Iterable<Breach> {
  const held = new Map<string, Told<"lock.acquired">>();
  for (const { step, event } of life.life.events) {
    if (event.type === "lock.acquired") {
      const before = held.get(event.name);
      if (before !== undefined)
        yield {
          step,
          sessionKey: event.sessionKey,
          sentence: `Lock ${event.name} was acquired by ${event.owner}, and ${before.event.owner} has held it since ${before.step.at} ms.`,
        };
      held.set(event.name, { step, event });
    } else if (event.type === "lock.lost" || event.type === "lock.released") {
      if (held.get(event.name)?.event.owner === event.owner) held.delete(event.name);
    }
  }
}

function* tokens(life: LifeView): Iterable<Breach> {
  const last = new Map<string, Told<"lock.acquired">>();
  const owners = new Set<string>();
  for (const told of life.life.told("lock.acquired")) {
    const { step, event } = told;
    const before = last.get(event.name);
    last.set(event.name, told);
    if (before !== undefined && event.fencingToken <= before.event.fencingToken)
      yield {
        step,
        sessionKey: event.sessionKey,
        sentence: `Lock ${event.name} was acquired with token ${event.fencingToken}, and with ${before.event.fencingToken} before.`,
      };
    if (owners.has(event.owner))
      yield {
        step,
        sessionKey: event.sessionKey,
        sentence: `Two acquisitions have the owner ${event.owner}.`,
      };
    owners.add(event.owner);
  }
}

/** When a call got its lock: its answer, or the beginning of its work. Undefined where it got none. */
function gotAt(life: LifeView, { method, call, answer }: CallStory): Step | undefined {
  if (method.endsWith("using")) return life.works.get(call);
  return answer?.entry.value === undefined ? undefined : answer;
}

function tokenOf(life: LifeView, call: CallStory): bigint | undefined {
  const got = gotAt(life, call);
  const lock =
    got?.entry.type === "work" ? got.entry.lock : got?.entry.type === "answer" ? got.entry.value : undefined;
  const token = member(lock, "fencingToken");
  return typeof token === "bigint" ? token : undefined;
}

function* overtaken(life: LifeView): Iterable<Breach> {
  const waiting = new Map<string, readonly { readonly call: CallStory; readonly token: bigint }[]>();
  for (const call of asksOf(life)) {
    const name = String(call.args[0]);
    const token = tokenOf(life, call);
    const got = gotAt(life, call);
    if (token === undefined || got === undefined) continue;
    const before = (waiting.get(name) ?? []).filter((one) => gotAt(life, one.call)!.order > call.step.order);
    const passed = before.find((one) => one.token > token && !one.call.method.endsWith("tryAcquire"));
    if (passed !== undefined)
      yield {
        step: got,
        sentence: `Lock ${name} was acquired by a call at ${call.step.at} ms before one that had asked at ${passed.call.step.at} ms.`,
      };
    waiting.set(name, [...before, { call, token }]);
  }
}

const defaultWaitMs = 10_000;

function* waited(life: LifeView, call: CallStory): Iterable<Breach> {
  const { step, args, method, refusal } = call;
  const isOnce = method.endsWith("tryAcquire");
  const options = args[method.endsWith("using") ? 2 : 1];
  const waitMs = Number(member(options, "waitMs") ?? defaultWaitMs);
  const { time } = life.life;
  const name = String(args[0]);
  if (isOnce) return;
  if (refusal?.entry.code === "LOCK_TIMEOUT" && time.isBefore(refusal.at, step.at + waitMs))
    yield {
      step: refusal,
      sentence: `Lock ${name} was asked for at ${step.at} ms, and refused at ${refusal.at} ms: it was to be waited for ${waitMs} ms.`,
    };
  const end = gotAt(life, call) ?? endOf(call);
  const by = end ?? life.steps.at(-1)!;
  // One that is asked once waits for the store's answer.
  if (waitMs === 0 || !time.isOverdue(step.at, waitMs, by.at)) return;
  yield {
    step: by,
    sentence: `Lock ${name} was asked for at ${step.at} ms, to be waited for ${waitMs} ms, and there was no answer by ${by.at} ms.`,
  };
}

/** Calls of `assertHeld` that passed after the lock had ended. */
function* believed(life: LifeView): Iterable<Breach> {
  for (const { on, answer, step } of life.callsOf("lock.assertHeld")) {
    const acquired = on && acquisitionOf(life, on);
    const ending = acquired && endingOf(life, acquired.event.owner);
    if (ending === undefined || answer === undefined || ending.step.order > step.order) continue;
    yield {
      step: answer,
      sessionKey: acquired!.event.sessionKey,
      sentence: `Lock ${acquired!.event.name} is said to be held, and it was ${ending.event.type === "lock.lost" ? "lost" : "released"} at ${ending.step.at} ms.`,
    };
  }
}

/** What was told of the acquisition that a call made. */
function acquisitionOf(life: LifeView, call: CallStory): Told<"lock.acquired"> | undefined {
  const token = tokenOf(life, call);
  return life.life
    .told("lock.acquired")
    .find(({ event }) => event.fencingToken === token && event.name === call.args[0]);
}

function* unaware(life: LifeView, call: CallStory): Iterable<Breach> {
  const { answer } = call;
  const acquired = answer === undefined ? undefined : acquisitionOf(life, call);
  const ending = acquired && endingOf(life, acquired.event.owner);
  const returned = life.worksOver.get(call.call);
  if (ending?.event.type !== "lock.lost" || returned === undefined || ending.step.order > returned.order)
    return;
  yield {
    step: answer!,
    sessionKey: acquired!.event.sessionKey,
    sentence: `Lock ${acquired!.event.name} was lost at ${ending.step.at} ms while its work ran, and using did not say so.`,
  };
}

function* acquiredLate(life: LifeView, call: CallStory): Iterable<Breach> {
  const { turnId, method } = call;
  const turn = turnId === undefined || !method.startsWith("turn.") ? undefined : life.turns.get(turnId);
  const stop = turn?.aborts[0]?.step;
  const got = gotAt(life, call);
  // What was granted before may be on its way.
  if (stop === undefined || got === undefined || got.order < stop.order) return;
  if (got.at <= stop.at + life.life.time.latenessMs && call.step.order < stop.order) return;
  yield {
    step: got,
    sessionKey: turn!.sessionKey,
    sentence: `Turn ${turn!.id} of ${turn!.sessionKey} had been told to stop at ${stop.at} ms, and acquired lock ${String(call.args[0])}.`,
  };
}

/** Locks that are held for longer than it takes to notice that their turn is over. */
function* outlived(life: LifeView, { event }: Told<"lock.acquired">): Iterable<Breach> {
  const turn = event.turnId === undefined ? undefined : life.turns.get(event.turnId);
  const over = turn?.ended ?? turn?.reclaimed?.step;
  if (turn === undefined || over === undefined || turn.called === undefined) return;
  const ending = endingOf(life, event.owner);
  const by = life.firstAfter(over, life.life.time.latenessMs + storeDeadlineMs);
  if (by === undefined || (ending !== undefined && ending.step.order < by.order)) return;
  // A store that does not answer has failed by its deadline, and that counts running time alone (B26a).
  const until = ending?.step ?? life.steps.at(-1)!;
  if (!life.life.time.isOverdue(over.at, storeDeadlineMs, until.at)) return;
  if ((life.life.closing?.order ?? Infinity) < by.order) return;
  yield {
    step: by,
    sessionKey: turn.sessionKey,
    sentence: `Lock ${event.name} of turn ${turn.id} of ${turn.sessionKey} is held, and the turn was over at ${over.at} ms.`,
  };
}
