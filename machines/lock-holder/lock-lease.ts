/**
 * How long a lease may be believed in: arithmetic on two clocks.
 *
 * Owns: the terms of a lock and every instant derived from them.
 * Must not know: what time it is, the store, or who holds what.
 * I1. A deadline counts from the monotonic instant the request was sent, less a margin: the store began to count no
 *     earlier, so the holder stops believing before the lease can be another's (B49).
 * I2. Only a wall clock that ran ahead of the monotonic one tells of a suspension; a step back tells nothing (B49).
 */

/** One moment on both clocks, in milliseconds. */
export interface Instant {
  /** Never steps back and stands still while the machine sleeps. */
  readonly monotonic: number;
  /** The wall clock's milliseconds with its steps back left out: what passed, sleep included. */
  readonly wall: number;
}

/** What a lock was asked for with, in milliseconds. */
export interface LockTerms {
  readonly ttlMs: number;
  readonly renewEveryMs: number;
  /** How long before its lease can expire a holder stops believing in it; what two clocks may differ by. */
  readonly marginMs: number;
  readonly waitMs: number;
}

/** How far the two clocks may drift apart unnoticed, in milliseconds: their readings are rounded. */
export const clockSlackMs = 5;
/** The least margin in milliseconds: timers and rounded clocks need some. */
const leastMarginMs = 20;

/**
 * Fills in what was left out: TTL 60 s, renewed every third of it (B50), a tenth of it as margin but at least 20 ms, 10 s of
 * waiting.
 */
export function createTerms(asked: {
  readonly ttlMs?: number | undefined;
  readonly renewEveryMs?: number | undefined;
  readonly waitMs?: number | undefined;
}): LockTerms {
  const ttlMs = asked.ttlMs ?? 60_000;
  return {
    ttlMs,
    renewEveryMs: asked.renewEveryMs ?? ttlMs / 3,
    marginMs: Math.max(leastMarginMs, ttlMs / 10),
    waitMs: asked.waitMs ?? 10_000,
  };
}

/**
 * The inequality these terms break, or undefined: a renewal must be due so long before belief ends that it can be answered,
 * and for that it has the margin once more.
 */
export function findBrokenInequality({ ttlMs, renewEveryMs, marginMs }: LockTerms): string | undefined {
  return renewEveryMs + 2 * marginMs <= ttlMs
    ? undefined
    : `renewEveryMs + 2 × marginMs ≤ ttlMs (${Math.ceil(renewEveryMs)} + 2 × ${marginMs} ≤ ${ttlMs})`;
}

/** The monotonic instant at which a lease confirmed by a request sent then must no longer be believed in. */
export function beliefEndsAt(terms: LockTerms, sent: Instant): number {
  return sent.monotonic + terms.ttlMs - terms.marginMs;
}

/** Between two instants the wall clock ran ahead of the monotonic one by the margin or more: the machine slept. */
export function hasSlept(terms: LockTerms, from: Instant, to: Instant): boolean {
  return to.wall - from.wall - (to.monotonic - from.monotonic) > terms.marginMs - clockSlackMs;
}

/** An answer received then to a request sent then still confirms the lease. */
export function isConfirmation(terms: LockTerms, sent: Instant, received: Instant): boolean {
  return received.monotonic < beliefEndsAt(terms, sent) && !hasSlept(terms, sent, received);
}

/** How long after so many failed renewals the next is sent: sooner than usual, doubling up to half the usual (B50). */
export function renewalRetryMs(terms: LockTerms, failures: number): number {
  return Math.min(terms.renewEveryMs / 2, 1_000 * 2 ** Math.max(0, failures - 1));
}
