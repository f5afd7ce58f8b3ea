import { createLanekeeper, memoryStore, type Stats } from "lanekeeper";
import { createSimulatedClock } from "lanekeeper/simulated-clock";
import { heldBytes } from "./garbage.ts";

/** What sessions cost in memory, in bytes of heap each, with the session's key. */
export interface Footprint {
  readonly sessions: number;
  /** A live lane with nothing to do, while the store still remembers the id of its last message (`dedupeMs`). */
  readonly idleLaneRemembering: number;
  /** A live lane with nothing to do and nothing remembered. */
  readonly idleLane: number;
  /** A session whose lane has stopped: its record in the memory store. */
  readonly passivatedSession: number;
  /** What `stats()` said when all lanes were live, when all had stopped, and when some were live again. */
  readonly allLive: KnownAndLive;
  readonly allPassivated: KnownAndLive;
  readonly someLive: KnownAndLive;
}

/** The part of `stats()` that counts sessions. */
export type KnownAndLive = Pick<Stats, "known" | "live">;

const dedupeMs = 10_000;
const passivateAfterMs = 60_000;
/** Messages that are sent before the first of them is awaited. */
const batch = 5_000;
const silent = { debug() {}, info() {}, warn() {}, error() {} };

/**
 * Measures what sessions cost: each runs one turn, then its id is forgotten, then its lane stops, then some wake again.
 * All of that really happens, on a simulated clock.
 */
export async function measureFootprint(size: {
  readonly sessions: number;
  /** How many sessions get a second message in the end. */
  readonly liveAgain: number;
}): Promise<Footprint> {
  const clock = createSimulatedClock();
  const keeper = await createLanekeeper({
    turn: () => undefined,
    store: memoryStore(),
    capacity: { turns: batch },
    lane: { dedupeMs, passivateAfterMs },
    clock,
    logger: silent,
  });
  const knownAndLive = (): KnownAndLive => {
    const { known, live } = keeper.stats();
    return { known, live };
  };
  const runOneTurnEach = async (sessions: number): Promise<void> => {
    for (let start = 0; start < sessions; start += batch) {
      const end = Math.min(start + batch, sessions);
      const turns = [];
      for (let index = start; index < end; index++) {
        turns.push(keeper.send(`agent:main:session:${index}`, undefined).then(({ outcome }) => outcome));
      }
      await Promise.all(turns);
    }
  };
  await runOneTurnEach(1);
  const perSession = async (before: number): Promise<number> =>
    ((await heldBytes()) - before) / size.sessions;

  const empty = await heldBytes();
  await runOneTurnEach(size.sessions);
  const idleLaneRemembering = await perSession(empty);
  // The store sweeps by a timer of its own, a little later than it could.
  await clock.advance(2 * dedupeMs);
  const idleLane = await perSession(empty);
  const allLive = knownAndLive();
  await clock.advance(passivateAfterMs);
  const passivatedSession = await perSession(empty);
  const allPassivated = knownAndLive();
  await runOneTurnEach(size.liveAgain);
  const someLive = knownAndLive();
  await keeper.close();
  return {
    sessions: size.sessions,
    idleLaneRemembering,
    idleLane,
    passivatedSession,
    allLive,
    allPassivated,
    someLive,
  };
}
