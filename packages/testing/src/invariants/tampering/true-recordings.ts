import type { Recording } from "lanekeeper/recording";
import { simulate } from "../../simulation/simulate.ts";

/** The recordings of one keeper's lives, one after the other. */
export type Lives = readonly Recording[];

/** How many simulations there are to choose from. */
const simulations = 60;
const made: (readonly Lives[])[] = [];

/** True recordings, of simulations in which nothing goes wrong but what turns do, and of others, made as far as they are asked for. */
export async function* trueRecordings(): AsyncIterable<Lives> {
  for (let seed = 1; seed <= simulations; seed++) {
    if (made.length < seed) made.push(await record(seed));
    yield* made[seed - 1]!;
  }
}

async function record(seed: number): Promise<readonly Lives[]> {
  const faults = seed % 3 === 0 ? { faults: ["crashes", "clocks"] as const } : { faults: [] };
  const { recordings } = await simulate({ seed, minutes: 2, sessions: 8, ...faults });
  return recordings.map((lives) => lives.map(({ recording }) => recording));
}
