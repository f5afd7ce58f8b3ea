import { createLanekeeper, type Lanekeeper, memoryStore, type QueueMode } from "lanekeeper";
import { collectGarbage } from "./garbage.ts";
import { median } from "./rounds.ts";

/** What a message costs in one mode, beside the same message in mode `followup`. */
export interface ModeCost {
  readonly mode: QueueMode;
  /** How the messages come. */
  readonly traffic: Traffic;
  /** The median of the rounds, in microseconds a message. */
  readonly microseconds: number;
  /** The median of the interleaved pairs' ratios. */
  readonly toFollowup: number;
}

/** `burst`: all but the first come while the first one's turn runs; `one at a time`: each comes when the one before is done. */
type Traffic = "burst" | "one at a time";

interface Load {
  readonly sessions: number;
  readonly messagesEach: number;
}

const rows: readonly (readonly [QueueMode, Traffic])[] = [
  ["collect", "burst"],
  ["steer", "burst"],
  ["interrupt", "burst"],
  ["collect", "one at a time"],
  ["steer", "one at a time"],
  ["interrupt", "one at a time"],
  ["reject", "one at a time"],
];
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/** Compares each mode with `followup`, round by round, another one first each time. */
export async function compareModes(load: Load, rounds: number): Promise<readonly ModeCost[]> {
  const costs: ModeCost[] = [];
  for (const [mode, traffic] of rows) {
    const ours: number[] = [];
    const ratios: number[] = [];
    for (let round = -1; round < rounds; round++) {
      const isFirst = round % 2 === 0;
      const before = isFirst ? undefined : await timeMessage("followup", traffic, load);
      const own = await timeMessage(mode, traffic, load);
      const followup = before ?? (await timeMessage("followup", traffic, load));
      // The first round warms up.
      if (round < 0) continue;
      ours.push(own);
      ratios.push(own / followup);
    }
    costs.push({ mode, traffic, microseconds: median(ours), toFollowup: median(ratios) });
  }
  return costs;
}

async function timeMessage(mode: QueueMode, traffic: Traffic, load: Load): Promise<number> {
  const { promise: burstIsIn, resolve: letTurnsEnd } = Promise.withResolvers<void>();
  let started = 0;
  const { promise: allStarted, resolve: allHaveStarted } = Promise.withResolvers<void>();
  const keeper = await createLanekeeper<number>({
    store: memoryStore(),
    capacity: { turns: load.sessions },
    lane: { mode, cap: load.messagesEach, debounceMs: 0, debounceMaxMs: 0 },
    logger: silent,
    turn: async (turn) => {
      if (traffic === "burst" && turn.messages[0]!.body === 0) {
        if (++started === load.sessions) allHaveStarted();
        await burstIsIn;
      }
      return turn.takeSteering().length;
    },
  });
  const keys = Array.from({ length: load.sessions }, (_, index) => `agent:bench:session:${index}`);
  await collectGarbage();
  const begin = performance.now();
  if (traffic === "burst") {
    const outcomes = await sendBurst(keeper, keys, load, allStarted);
    letTurnsEnd();
    await Promise.all(outcomes);
  } else {
    await Promise.all(keys.map((key) => sendOneByOne(keeper, key, load)));
  }
  const elapsedMs = performance.now() - begin;
  await keeper.close();
  return (elapsedMs * 1_000) / (load.sessions * load.messagesEach);
}

async function sendBurst(
  keeper: Lanekeeper<number>,
  keys: readonly string[],
  { messagesEach }: Load,
  allStarted: Promise<void>,
): Promise<readonly Promise<unknown>[]> {
  const first = await Promise.all(keys.map((key) => keeper.send(key, 0)));
  await allStarted;
  const sent: Promise<{ outcome: Promise<unknown> }>[] = [];
  for (let message = 1; message < messagesEach; message++) {
    for (const key of keys) sent.push(keeper.send(key, message));
  }
  return [...first, ...(await Promise.all(sent))].map(({ outcome }) => outcome);
}

async function sendOneByOne(keeper: Lanekeeper<number>, key: string, { messagesEach }: Load): Promise<void> {
  for (let message = 0; message < messagesEach; message++) await (await keeper.send(key, message)).outcome;
}
