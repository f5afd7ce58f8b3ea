import { hash } from "node:crypto";
import { invalidOption } from "lanekeeper/ports";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** Decisions drawn from a seed: the same seed, the same decisions. */
export interface Chance {
  /** In [0, 1). */
  next(): number;
  /** A whole number in [0, limit). Throws `INVALID_OPTION` unless the limit is a whole number, 1 or more. */
  below(limit: number): number;
  /** One of the choices, each as likely as the others. Throws `INVALID_OPTION` where there is none. */
  pick<T>(choices: readonly T[]): T;
  /** True with that probability. Throws `INVALID_OPTION` unless it is a number from 0 to 1. */
  happens(probability: number): boolean;
}

/** Decisions by pure-rand's xoroshiro128+. Throws `INVALID_OPTION` unless the seed is a whole number. */
export function createChance(seed: number): Chance {
  if (!Number.isSafeInteger(seed)) throw invalidOption("seed", seed, "a whole number");
  const generator = xoroshiro128plus(seed);
  const next = (): number => uniformFloat64(generator);
  const below = (limit: number): number => {
    if (!(Number.isSafeInteger(limit) && limit > 0))
      throw invalidOption("limit", limit, "a whole number, 1 or more");
    return Math.floor(next() * limit);
  };
  return {
    next,
    below,
    pick(choices) {
      if (!Array.isArray(choices) || choices.length === 0)
        throw invalidOption("choices", choices, "a list that is not empty");
      return choices[below(choices.length)] as never;
    },
    happens(probability) {
      if (!(probability >= 0 && probability <= 1))
        throw invalidOption("probability", probability, "a number from 0 to 1");
      return next() < probability;
    },
  };
}

/** Decisions that depend on nothing but what they are about: whatever else was decided before, they are the same. */
export function createChanceFor(...about: readonly (string | number)[]): Chance {
  return createChance(hash("sha256", about.join("\n"), "buffer").readInt32LE(0));
}
