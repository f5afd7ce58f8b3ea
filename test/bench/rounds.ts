import type { Contender, Load } from "./contenders.ts";
import { collectGarbage } from "./garbage.ts";

/** Thrown when a contender did not do the work it was given; its time would mean nothing. */
class UnfairRound extends Error {
  override readonly name = "UnfairRound";
}

/** What one contender took, by the rounds of a comparison. */
export interface Timing {
  readonly name: string;
  /** Microseconds a turn, one figure a round. */
  readonly rounds: readonly number[];
}

/** How many rounds, and how many before them that do not count. */
export interface Rounds {
  readonly warmUps: number;
  readonly counted: number;
}

/**
 * Times contenders side by side: each round runs every one of them once, another one first each time, so that what
 * disturbs the machine disturbs all of them.
 */
export async function compare(
  contenders: readonly Contender[],
  load: Load,
  { warmUps, counted }: Rounds,
): Promise<readonly Timing[]> {
  const timings = contenders.map(({ name }) => ({ name, rounds: [] as number[] }));
  for (let round = 0; round < warmUps + counted; round++) {
    for (let offset = 0; offset < contenders.length; offset++) {
      const index = (round + offset) % contenders.length;
      const microseconds = await timeTurn(contenders[index]!, load);
      if (round >= warmUps) timings[index]!.rounds.push(microseconds);
    }
  }
  return timings;
}

/** The middle of the values; of an even number the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The median over the rounds of one contender's time by another's: rounds are paired, so slow spells cancel out. */
export function ratio(timing: Timing, base: Timing): number {
  return median(timing.rounds.map((microseconds, round) => microseconds / base.rounds[round]!));
}

async function timeTurn(contender: Contender, load: Load): Promise<number> {
  const sessionKeys = Array.from({ length: load.sessions }, (_, index) => `agent:bench:session:${index}`);
  let done = 0;
  const opened = await contender.open(load, async () => {
    done++;
  });
  await collectGarbage();
  const start = performance.now();
  const submitted: Promise<unknown>[] = [];
  for (let turn = 0; turn < load.turns; turn++) {
    for (const sessionKey of sessionKeys) submitted.push(opened.submit(sessionKey));
  }
  await Promise.all(submitted);
  const elapsedMs = performance.now() - start;
  await opened.close?.();
  const asked = load.sessions * load.turns;
  if (done !== asked) {
    throw new UnfairRound(`${contender.name} ran ${done} of ${asked} turns. Look at its options.`);
  }
  return (elapsedMs * 1_000) / asked;
}
