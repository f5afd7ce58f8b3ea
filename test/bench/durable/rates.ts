import { median } from "../rounds.ts";
import { atOnce, type Contender, type Opened } from "./contenders.ts";

/** What is measured of a contender, each in messages a second. */
export const kinds = ["accepted", "answered", "drained"] as const;

/** What one contender does a second, by the rounds of a comparison. */
export interface Rates {
  readonly contender: Contender;
  /** Messages accepted, while none runs. */
  readonly accepted: readonly number[];
  /** Turns ended, where each sender waits for the end of its turn before it sends again. */
  readonly answered: readonly number[];
  /** Turns ended, where senders wait for acceptance only, until all they have sent has run. */
  readonly drained: readonly number[];
}

/** Sessions of each sender, in turn: there are more of them than turns may run at once. */
export const sessionsEach = 4;
/** What people write, on average. */
const text = "a message of some sixty characters, as people write them, yes";

/** Times contenders side by side: each round runs every one of them, another one first each time. */
export async function compareRates(
  contenders: readonly Contender[],
  { rounds, roundMs }: { readonly rounds: number; readonly roundMs: number },
): Promise<readonly Rates[]> {
  const rates = contenders.map((contender) => ({
    contender,
    accepted: [] as number[],
    answered: [] as number[],
    drained: [] as number[],
  }));
  // The first round warms up.
  for (let round = 0; round <= rounds; round++) {
    for (const kind of kinds) {
      for (let offset = 0; offset < contenders.length; offset++) {
        const index = (round + offset) % contenders.length;
        const opened = await contenders[index]!.open(`${kind}-${round}`, kind !== "accepted");
        const rate = await measure(opened, kind, roundMs);
        await opened.close();
        if (round > 0) rates[index]![kind].push(rate);
      }
    }
  }
  return rates;
}

/** The median over the rounds of one contender's rate by another's: rounds are paired, so slow spells cancel out. */
export function rateRatio(own: Rates, base: Rates, kind: (typeof kinds)[number]): number {
  return median(own[kind].map((rate, round) => rate / base[kind][round]!));
}

async function measure(opened: Opened, kind: (typeof kinds)[number], roundMs: number): Promise<number> {
  let messages = 0;
  const ends: Promise<unknown>[] = [];
  const begin = performance.now();
  const sendAll = async (_: unknown, index: number): Promise<void> => {
    for (let sent = 0; performance.now() - begin < roundMs; sent++) {
      const { ended } = await opened.send(`session-${index}-${sent % sessionsEach}`, text);
      messages++;
      if (kind === "answered") await ended;
      else if (kind === "drained") ends.push(ended);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, sendAll));
  await Promise.all(ends);
  return (messages * 1_000) / (performance.now() - begin);
}
