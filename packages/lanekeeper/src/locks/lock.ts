import type { LaneState } from "../seeing/views.ts";

/**
 * Locks over the lease store. A lease keeps others out while it is renewed; what it cannot do is stop an effect outside
 * that was sent before it was lost. Let what you write to compare `fencingToken` (B49–B54a).
 */
export interface Locks {
  /**
   * Waits in order for the lock, at most `waitMs` (B53). Rejects with `LOCK_TIMEOUT`, `LOCK_ABORTED`, `SELF_DEADLOCK`,
   * `INVALID_OPTION` or `CLOSED`; through `turn.locks` also with `TURN_FENCED`. Where the lease store failed and may be back,
   * it rejects with `STORE_UNAVAILABLE` once `waitMs` is over; where it failed for good, at once and with the store's own
   * error, such as `STORE_CORRUPT` or `STORE_INCOMPATIBLE`.
   */
  acquire(name: string, options?: LockOptions): Promise<Lock>;
  /**
   * Takes the lock if it is free and nobody here waits for it; undefined if not, never where the lease store could not say.
   * Waits for the store's answer only, so `waitMs` says nothing to it. Rejects as `acquire`, but never with `LOCK_TIMEOUT` or `SELF_DEADLOCK`.
   */
  tryAcquire(name: string, options?: LockOptions): Promise<Lock | undefined>;
  /**
   * Acquires, runs `work` and releases when it has settled. `lock.signal` aborts if ownership is lost on the way; `work` is
   * waited for all the same, and then this rejects with `LOCK_LOST` (B54). Rejects as `acquire`, and as `work` does.
   */
  using<T>(name: string, work: (lock: Lock) => Promise<T> | T, options?: LockOptions): Promise<T>;
  /** Every lock that has a lease, or had one that was lost and whose work has not returned: of this keeper, or through `turn.locks` of that turn. */
  holders(): LockView[];
}

/** How a lock is asked for. What cannot be safe together is refused with the inequality it breaks (`INVALID_OPTION`). */
export interface LockOptions {
  /** How long the lease lasts without a renewal, and so how long a holder that dies is in the way, in milliseconds. Default 60_000. */
  readonly ttlMs?: number | undefined;
  /** Between two renewals, in milliseconds. Default a third of `ttlMs`. */
  readonly renewEveryMs?: number | undefined;
  /** How long `acquire` and `using` wait for the lock, in milliseconds; 0: ask once. Default 10_000. */
  readonly waitMs?: number | undefined;
  /** Ends the waiting (`LOCK_ABORTED`). Once the lock is held it has no effect. */
  readonly signal?: AbortSignal | undefined;
  /** For people: shown by `holders()`, `explain` and events. */
  readonly label?: string | undefined;
}

/** A lock that was acquired. Disposing of it releases it. */
export interface Lock extends AsyncDisposable {
  readonly name: string;
  /** Grows with each holder of the name; a store that keeps the largest can refuse a former holder's late write. */
  readonly fencingToken: bigint;
  /**
   * Aborts when the lock becomes `reclaimed`, before the lease can have expired elsewhere, and when its turn is told to stop
   * or its keeper closes. `signal.reason` is a `LanekeeperError`. While `stalled` after a suspension only `assertHeld()` throws.
   */
  readonly signal: AbortSignal;
  /** Held: `busy`; at risk: `stalled`; lost: `reclaimed`; released: `idle`. */
  readonly state: LaneState;
  /**
   * Throws `LOCK_LOST` unless the lock is held at this instant by both clocks, whether or not any timer has fired since
   * (B49). Call it before each outside effect.
   */
  assertHeld(): void;
  /** Gives the lock back. Never rejects: a store that does not answer lets the lease run out within `ttlMs`. */
  release(): Promise<void>;
}

/** A lock that has a lease. Instants are epoch milliseconds. */
export interface LockView {
  readonly name: string;
  /** Unique to this acquisition. */
  readonly owner: string;
  readonly label?: string | undefined;
  readonly state: LaneState;
  readonly fencingToken: bigint;
  readonly acquiredAt: number;
  /** When the lease runs out unless it is renewed. */
  readonly expiresAt: number;
}
