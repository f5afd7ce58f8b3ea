import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** Decisions drawn from a seed: the same seed, the same decisions. */
export interface Chance {
  /** In [0, 1). */
  next(): number;
  /** A whole number in [0, limit). */
  below(limit: number): number;
  /** One of the choices, each as likely as the others. */
  pick<T>(choices: readonly T[]): T;
  /** True with that probability. */
  happens(probability: number): boolean;
}

/** Decisions by pure-rand's xoroshiro128+. */
export function createChance(seed: number): Chance {
  const generator = xoroshiro128plus(seed);
  const next = (): number => uniformFloat64(generator);
  const below = (limit: number): number => Math.floor(next() * limit);
  return {
    next,
    below,
    pick: (choices) => choices[below(choices.length)] as never,
    happens: (probability) => next() < probability,
  };
}
