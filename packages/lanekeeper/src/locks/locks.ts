import type { LanekeeperError } from "../keeper/errors.ts";
import type { Runtime } from "../keeper/runtime.ts";
import type { LeaseStore } from "../store/leases.ts";
import type { LiveTurn } from "../turns/live-turn.ts";
import type { ChartHost } from "../xstate/compiled-logic.ts";
import type { LiveLock, LockAnswer } from "./live-lock.ts";
import type { Lock, LockOptions, Locks } from "./lock.ts";
import { closedError, lockOccupied, lostError, selfDeadlock } from "./lock-errors.ts";
import { createLockHolders, type LockHolders } from "./lock-holders.ts";
import { checkLock, checkWork, type LockRequest } from "./lock-options.ts";
import { createUsingScope } from "./using-scope.ts";

/**
 * The locks of a keeper.
 *
 * I1. A closed owner acquires nothing (B53).
 * I2. Every promise handed out settles: a lock's release too, also after close (B33).
 */
export interface KeeperLocks {
  /** As the host uses them. */
  readonly locks: Locks;
  readonly holders: LockHolders;
  /** Locks for an owner that may be refused, each told to it when it is asked for. */
  locksOf(owner: LockOwner): Locks;
  /** From now on nothing is acquired; who waits is refused, and the work under each lock is told to stop. */
  beginClose(): void;
  /** Resolves when no `using` of the keeper's own runs any more, or its grace is over. */
  quiet(graceMs: number): Promise<void>;
  /** Ends every lock and closes the leases, if the keeper was given them. Rejects with `STORE_UNAVAILABLE`. */
  close(): Promise<void>;
}

/** For whom a lock is acquired. */
export interface LockOwner {
  readonly turn: LiveTurn | undefined;
  /** Why it may acquire nothing; undefined if it may. */
  refusal(): LanekeeperError | undefined;
  started(lock: LiveLock): void;
}

/** Creates the locks of a keeper. */
export function createLocks(
  runtime: Pick<
    Runtime,
    "settings" | "queue" | "deadlines" | "armRunning" | "journal" | "request" | "passages"
  >,
  chartHost: ChartHost,
): KeeperLocks {
  const { settings, deadlines } = runtime;
  const { through } = runtime.passages;
  const given = settings.leases;
  const leases: LeaseStore = given ?? settings.store.leases;
  const holders = createLockHolders(runtime, chartHost, leases);
  const scope = createUsingScope(runtime.passages);
  let isClosing = false;
  let usings = 0;
  const whenQuiet = new Set<() => void>();

  const locksOf = (owner: LockOwner): Locks => {
    const ask = async (request: LockRequest, isOnce: boolean): Promise<LockAnswer> => {
      const refusal = isClosing ? closedError() : owner.refusal();
      if (refusal !== undefined) throw refusal;
      const lock = holders.start(request, owner.turn, isOnce);
      owner.started(lock);
      const { signal } = request;
      const cancel = (): void => holders.cancel(lock, "aborted", signal?.reason);
      if (signal?.aborted === true) cancel();
      else signal?.addEventListener("abort", cancel, { once: true });
      try {
        return await through(lock.answered.promise);
      } finally {
        signal?.removeEventListener("abort", cancel);
      }
    };
    const acquire = async (name: string, options: LockOptions | undefined): Promise<LiveLock> => {
      const request = checkLock(name, options);
      if (scope.holds(request.name)) throw selfDeadlock(request.name);
      // Who may not wait at all asks once.
      const { lock, heldBy } = await through(ask(request, request.terms.waitMs === 0));
      if (lock === undefined) throw lockOccupied(request.name, heldBy);
      return lock;
    };
    return {
      acquire: async (name, options) => toLock(await acquire(name, options), holders),
      async tryAcquire(name, options) {
        const { lock } = await ask(checkLock(name, options), true);
        return lock === undefined ? undefined : toLock(lock, holders);
      },
      async using(name, work, options) {
        checkWork(work);
        const lock = await through(acquire(name, options));
        const isOfKeeper = owner.turn === undefined;
        if (isOfKeeper) usings++;
        let value;
        let error: { readonly thrown: unknown } | undefined;
        try {
          value = await through(scope.run(lock, () => work(toLock(lock, holders))));
        } catch (thrown) {
          error = { thrown };
        }
        await through(holders.release(lock));
        if (isOfKeeper && --usings === 0) for (const tell of whenQuiet) tell();
        const { loss } = lock.snapshot.context;
        const lost = loss ?? (lock.letGo === "released" ? undefined : lock.letGo);
        if (lost !== undefined) throw lostError(lock.name, lost, error?.thrown, lock.renewalFailure);
        if (error !== undefined) throw error.thrown;
        return value as Awaited<ReturnType<typeof work>>;
      },
      holders: () =>
        [...holders.live.values()]
          .filter((lock) => lock.hasLease && (owner.turn === undefined || lock.turn === owner.turn))
          .map((lock) => lock.view(holders.instants, settings.clock.now())),
    };
  };

  return {
    holders,
    locksOf,
    locks: locksOf({ turn: undefined, refusal: () => undefined, started() {} }),
    beginClose() {
      isClosing = true;
      for (const lock of holders.live.values()) holders.cancel(lock, "closed", closedError());
    },
    async quiet(graceMs) {
      if (usings === 0) return;
      await new Promise<void>((resolve) => {
        whenQuiet.add(resolve);
        deadlines.arm(graceMs, resolve);
      });
    },
    async close() {
      await through(holders.close());
      if (given !== undefined) await through(runtime.request(() => given.close()));
    },
  };
}

/** A lock as the host holds it. Each method is a function of its own: hosts destructure. */
function toLock(live: LiveLock, holders: LockHolders): Lock {
  const { instants } = holders;
  const release = (): Promise<void> => holders.release(live);
  return {
    name: live.name,
    fencingToken: live.fencingToken,
    get signal() {
      return live.signal;
    },
    get state() {
      return live.stateAt(instants);
    },
    assertHeld() {
      const doubt = live.doubt(instants);
      if (doubt === undefined) return;
      if (doubt === "suspended") holders.doubted(live);
      throw lostError(live.name, doubt, undefined, live.renewalFailure);
    },
    release,
    [Symbol.asyncDispose]: release,
  };
}
