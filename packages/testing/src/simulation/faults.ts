import { createChanceFor } from "../chance.ts";
import type { Fate, LeaseCommand } from "../scripted-leases.ts";
import type { StoreFate, StoreStep } from "../scripted-store.ts";
import type { Setup } from "./setup.ts";

/** A time in which a share of what is asked for goes wrong. */
export interface Storm {
  /** True milliseconds. */
  readonly until: number;
  readonly share: number;
}

/** Steps that change a session: their answers may be lost though they were done. */
const changing: ReadonlySet<StoreStep> = new Set([
  "append",
  "withdraw",
  "openTurn",
  "claimSteering",
  "settleTurn",
  "restart",
  "completeExecution",
]);
/** What any step of a store may do: nothing has happened then. */
const clean = ["throws", "fails", "never-arrives"] as const;
/** What one that changes a session may do besides: it happened, and nobody knows. */
const unclean = [...clean, "fails-afterwards", "answer-lost"] as const;
/** Within the time that a keeper waits for an answer, in milliseconds. */
const lateMs = 25_000;
const leaseFaults = ["never-arrives", "answer-lost", "fails", "fails-afterwards", "disowns"] as const;

/** How long something is on its way to the lease store at most, in milliseconds. */
export const longestDelayMs = 30_000;

/** Numbers what is asked at the same instant, so that each has a fate of its own. */
export function createCounter(): (now: number) => number {
  let instant = -1;
  let count = 0;
  return (now) => {
    count = now === instant ? count + 1 : 0;
    instant = now;
    return count;
  };
}

/** What becomes of a step of a store. */
export function fateOfStep(
  { seed, storeAnswers }: Setup,
  now: number,
  about: readonly (string | number)[],
  step: StoreStep,
  storm: Storm | undefined,
): StoreFate {
  const isStormy = storm !== undefined && now < storm.until;
  if (storeAnswers === "at-once" && !isStormy) return {};
  const chance = createChanceFor("store", seed, now, step, ...about);
  const answersAfterMs = { "at-once": undefined, later: 0, slowly: chance.below(20) }[storeAnswers];
  if (!isStormy || !chance.happens(storm.share)) return { answersAfterMs };
  const isChanging = changing.has(step);
  if (chance.happens(0.3)) return { answersAfterMs: chance.below(isChanging ? 2 * lateMs : lateMs) };
  return { answersAfterMs, fault: chance.pick(isChanging ? unclean : clean) };
}

/** What becomes of a command to the lease store. */
export function fateOfLease(
  { seed }: Setup,
  now: number,
  about: readonly (string | number)[],
  { type, name }: LeaseCommand,
  storm: Storm | undefined,
): Fate {
  const chance = createChanceFor("lease", seed, now, type, name, ...about);
  const slow = { arrivesAfterMs: chance.below(20), answersAfterMs: chance.below(20) };
  if (storm === undefined || now >= storm.until || !chance.happens(storm.share)) return slow;
  const kind = chance.below(leaseFaults.length + 2);
  const fault = leaseFaults[kind];
  if (fault === undefined) {
    return { arrivesAfterMs: chance.below(longestDelayMs), answersAfterMs: chance.below(longestDelayMs) };
  }
  return fault === "disowns" && type === "acquire" ? slow : { ...slow, fault };
}
