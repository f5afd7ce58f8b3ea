import type { Passages } from "../keeper/passages.ts";
import type { LiveTurn } from "../turns/live-turn.ts";
import { isOwnedIn, type LiveLock } from "./live-lock.ts";
import type { Locks } from "./lock.ts";
import type { KeeperLocks } from "./locks.ts";

/**
 * The locks that belong to a turn (B54a).
 *
 * I1. A turn that was told to stop acquires nothing; the signals of what it holds abort with its own reason.
 * I2. A fenced turn's locks are renewed no more. They are given back at once only if its code has returned.
 * I3. What its code forgot to release when it ended is released.
 */
export interface TurnLocks {
  readonly locks: Locks;
  /** The turn was fenced. */
  fenced(): void;
  /** Its code has returned. */
  ended(): void;
}

/** The locks of a turn. */
export function createTurnLocks(
  keeperLocks: KeeperLocks,
  turn: LiveTurn,
  { enter }: Pick<Passages, "enter">,
): TurnLocks {
  const { holders } = keeperLocks;
  const own = new Set<LiveLock>();
  const locks = keeperLocks.locksOf({
    turn,
    refusal: () => (turn.isCurrent ? undefined : turn.fencedError("A lock of turn.locks")),
    started(lock) {
      own.add(lock);
      void lock.over.promise.then(enter(() => void own.delete(lock)));
    },
  });
  turn.whenStopped(() => {
    for (const lock of own) holders.cancel(lock, "aborted", turn.abortReason);
  });
  return {
    locks,
    fenced() {
      for (const lock of own) holders.forfeit(lock, "fenced");
    },
    ended() {
      for (const lock of own) {
        // Whatever still runs under it is told, and an acquisition that nobody awaited is called off.
        holders.cancel(lock, "aborted", turn.abortReason ?? turn.fencedError("A lock of turn.locks"));
        if (lock.fencingToken !== 0n) void holders.release(lock);
      }
    },
  };
}

/** What `explain` says of the locks of a session's turns, those that were fenced included. */
export function describeLocks(
  { holders }: KeeperLocks,
  sessionKey: string,
): readonly Record<string, unknown>[] {
  const found: Record<string, unknown>[] = [];
  for (const lock of holders.live.values()) {
    if (lock.turn?.sessionKey !== sessionKey) continue;
    const { leaf, context } = lock.snapshot;
    found.push({
      name: lock.name,
      turnId: lock.turn.id,
      state: lock.stateAt(holders.instants),
      detail: leaf.detail,
      ...(context.lease === null ? {} : { fencingToken: String(lock.fencingToken) }),
      ...(isOwnedIn(leaf) || context.occupied === null ? {} : { heldBy: context.occupied.by }),
    });
  }
  return found;
}
