import type { LeaseStore } from "lanekeeper";
import { type Clock, memoryLeases } from "lanekeeper/ports";

/** Tokens of one life of a store's leases: each has as many for a name. */
const tokensOfALife = 32n;

/**
 * A store's own leases. A store is one process's, so they are in its memory, free for all when that has ended.
 *
 * I1. Their tokens are larger than those of every life before: a life's number comes from the file, and is there for good
 *     before the first token is given.
 */
export function storeLeases(clock: () => Clock, reserveLife: () => Promise<number>): LeaseStore {
  const leases = memoryLeases(clock);
  let reserving: Promise<bigint> | undefined;
  /** What is added to a token of this life. */
  const base = (): Promise<bigint> =>
    (reserving ??= reserveLife().then(
      (life) => BigInt(life) << tokensOfALife,
      (error: unknown) => {
        reserving = undefined;
        throw error;
      },
    ));
  return {
    async acquire(name, owner, ttlMs) {
      const added = await base();
      const answer = await leases.acquire(name, owner, ttlMs);
      return answer.acquired ? { acquired: true, token: added + answer.token } : answer;
    },
    renew: async (name, owner, token, ttlMs) => leases.renew(name, owner, token - (await base()), ttlMs),
    release: async (name, owner, token) =>
      leases.release(name, owner, token === undefined ? undefined : token - (await base())),
    watch: (name, released) => leases.watch!(name, released),
    close: () => leases.close(),
  };
}
