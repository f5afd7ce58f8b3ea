import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** How one attempt of a message's turn ends. */
export type TurnEnding = "answers" | "hangs" | "crashes";

/** What the seed decided for one message, before anything runs. */
export interface TurnPlan {
  /** How each attempt ends; an attempt beyond the list answers. */
  readonly endings: readonly TurnEnding[];
  readonly startsCommand: boolean;
}

/** The shares of turns, each between 0 and 1, that hang, crash or start a command. */
export interface TurnShares {
  readonly hang: number;
  readonly crash: number;
  readonly exec: number;
}

/**
 * Decides for each message of a trace what its turns do. A message's plan depends on the seed and its place in the
 * trace alone: each message throws the same number of dice, so neither the shares nor the order of running shift another's.
 */
export function planTurns(options: {
  readonly seed: number;
  readonly messages: number;
  readonly attempts: number;
  readonly shares: TurnShares;
}): readonly TurnPlan[] {
  const { shares } = options;
  const random = createRandom(options.seed);
  return Array.from({ length: options.messages }, () => {
    const startsCommand = random() < shares.exec;
    const endings = Array.from({ length: options.attempts }, (): TurnEnding => {
      const [hangDie, crashDie] = [random(), random()];
      if (hangDie < shares.hang) return "hangs";
      return crashDie < shares.crash ? "crashes" : "answers";
    });
    return { endings, startsCommand };
  });
}

/** A generator of numbers in [0, 1) that is the same for the same seed. */
export function createRandom(seed: number): () => number {
  const generator = xoroshiro128plus(seed);
  return () => uniformFloat64(generator);
}
