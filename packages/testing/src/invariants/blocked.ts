import { type Breach, invariant, type Invariant } from "./invariant.ts";
import type { LaneStay } from "./lane-stay.ts";
import type { LifeView } from "./recording-view.ts";
import { readSlots } from "./slot-use.ts";
import { earlier, type Step } from "./step.ts";

/** Lanes that have work and cannot start it (B32). */
export const blockedInvariants: readonly Invariant[] = [
  invariant(
    "B32",
    "A lane that waits for a slot says so within 2 s, then every 30 s.",
    function* ({ lives }) {
      for (const life of lives)
        for (const sessionKey of life.sessions)
          for (const stay of life.staysOf(sessionKey)) yield* silent(life, stay);
    },
  ),
  invariant("B32", "Only a lane that waits is said to be blocked.", function* ({ lives }) {
    for (const life of lives) {
      for (const { event, step } of life.life.told("lane.blocked")) {
        const { sessionKey, reason } = event;
        const stay = life.stayAt(sessionKey, step);
        const isWaiting = stay?.detail === "busy.waitingForCapacity";
        if (stay === undefined || reason === "store" || isWaiting) continue;
        yield {
          step,
          sessionKey,
          sentence: `${sessionKey} was said to be blocked by ${reason}, and its lane was ${stay.detail}.`,
        };
      }
    }
  }),
  invariant(
    "B32",
    "A lane is blocked by capacity only where every slot is in use, or reserved.",
    function* ({ lives }) {
      for (const life of lives) {
        const slots = readSlots(life);
        for (const { event, step } of life.life.told("lane.blocked")) {
          const { sessionKey, reason, running, capacity } = event;
          if (reason !== "capacity" || running >= capacity || slots.hasGroups(step.order, step.order))
            continue;
          yield {
            step,
            sessionKey,
            sentence: `${sessionKey} was said to be blocked by capacity, and ${running} of ${capacity} slots are in use.`,
          };
        }
      }
    },
  ),
];

const firstMs = 2_000;
const everyMs = 30_000;

function* silent(life: LifeView, { detail, sessionKey, from, until }: LaneStay): Iterable<Breach> {
  if (detail !== "busy.waitingForCapacity") return;
  const { time, draining, told } = life.life;
  // A keeper that drains has said so.
  const end = earlier<Step>(until?.step, draining) ?? life.steps.at(-1)!;
  let since: { readonly at: number; readonly order: number } = from.step;
  let dueMs = firstMs;
  for (const { event, step } of told("lane.blocked")) {
    if (event.sessionKey !== sessionKey || step.order < since.order || step.order > end.order) continue;
    if (time.isOverdue(since.at, dueMs, step.at)) break;
    since = step;
    dueMs = everyMs;
  }
  if (!time.isOverdue(since.at, dueMs, end.at)) return;
  yield {
    step: end,
    sessionKey,
    sentence: `${sessionKey} has waited for a slot since ${from.step.at} ms, and has not said so since ${since.at} ms.`,
  };
}
