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

const storeFaults = ["throws", "fails", "fails-afterwards", "answer-lost", "never-arrives"] as const;
const leaseFaults = ["never-arrives", "answer-lost", "fails", "fails-afterwards", "disowns"] as const;

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
  if (chance.happens(0.3)) return { answersAfterMs: chance.below(60_000) };
  return { answersAfterMs, fault: chance.pick(storeFaults) };
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
  if (fault === undefined) return { arrivesAfterMs: chance.below(30_000), answersAfterMs: chance.below(30_000) };
  return fault === "disowns" && type === "acquire" ? slow : { ...slow, fault };
}
