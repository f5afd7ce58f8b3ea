import { Immer } from "immer";
import { beliefEndsAt, hasSlept, type Instant, isConfirmation, type LockTerms } from "./lock-lease.ts";

/**
 * The pure half of the lock holder: what each event does to its context.
 *
 * Owns: the shape of a holder's context and every update of it.
 * Must not know: clocks (events bring instants), the store, the work done under the lock.
 * I1. The context is JSON; a token, being a bigint, is its decimal digits.
 * I2. Belief is extended only by the instant a confirmed request was sent, never by when its answer came.
 * I3. Every function returns a new context or the same one; none changes its argument.
 */

const { produce } = new Immer({ autoFreeze: false });

/** Why an acquisition ended without the lock: a store is unavailable that may be back, and unusable that failed for good. */
export type LockRefusal = "occupied" | "timeout" | "aborted" | "unavailable" | "unusable" | "closed";

/** How ownership ended before it was released: the store denied it, belief ran out, its turn was fenced, or close. */
export type LockLoss = "refused" | "expired" | "fenced" | "closed";

/** A lease the store granted. */
export interface HeldLease {
  readonly token: string;
  /** When the last request was sent that the store confirmed. */
  readonly confirmed: Instant;
}

/** The context of a lock holder. */
export interface LockContext {
  readonly name: string;
  /** Unique to this acquisition. */
  readonly owner: string;
  readonly label: string | null;
  readonly terms: LockTerms;
  /** One try and no waiting (`tryAcquire`). */
  readonly once: boolean;
  readonly lease: HeldLease | null;
  /** An acquisition's answer was lost: the store may have granted the lease. */
  readonly unsure: boolean;
  /** Who holds the lease and for how many milliseconds more, as the store said last. */
  readonly occupied: { readonly by: string; readonly forMs: number } | null;
  /** Renewals that failed in a row. */
  readonly failures: number;
  readonly refusal: LockRefusal | null;
  readonly loss: LockLoss | null;
}

/** What a holder is started with. */
export interface LockInput {
  readonly name: string;
  readonly owner: string;
  readonly label: string | null;
  readonly terms: LockTerms;
  readonly once: boolean;
}

/** What the actors that ask the lease store are told. */
export interface LeaseRequest {
  readonly name: string;
  readonly owner: string;
  /** None where the lease was not granted, or not to our knowledge. */
  readonly token: string | null;
  readonly ttlMs: number;
}

/** The context of a holder that has just been started. */
export function createLockContext(input: LockInput): LockContext {
  const { name, owner, label, terms, once } = input;
  return {
    name,
    owner,
    label,
    terms,
    once,
    lease: null,
    unsure: false,
    occupied: null,
    failures: 0,
    refusal: null,
    loss: null,
  };
}

/** Notes that the store granted the lease. */
export function recordGrant(
  context: LockContext,
  params: { readonly token: string; readonly sent: Instant },
): LockContext {
  return produce(context, (draft) => {
    draft.lease = { token: params.token, confirmed: params.sent };
    draft.unsure = false;
  });
}

/** Notes that another holds the lease, and so that an earlier lost answer granted nothing. */
export function recordDenial(
  context: LockContext,
  params: { readonly heldBy: string; readonly expiresInMs: number },
): LockContext {
  return produce(context, (draft) => {
    draft.occupied = { by: params.heldBy, forMs: params.expiresInMs };
    draft.unsure = false;
  });
}

/** Notes that it is not known whether the lease was granted: the answer was lost, or came too late to count. */
export function recordLostAnswer(context: LockContext): LockContext {
  return produce(context, (draft) => {
    draft.unsure = true;
    draft.occupied = null;
  });
}

/** Notes why the acquisition ended without the lock. */
export function recordRefusal(context: LockContext, params: { readonly reason: LockRefusal }): LockContext {
  return produce(context, (draft) => {
    draft.refusal = params.reason;
  });
}

/** Notes that patience is over. The store is to blame if its last answer was lost. */
export function recordImpatience(context: LockContext): LockContext {
  const reason = context.once ? "occupied" : "timeout";
  return recordRefusal(context, { reason: context.unsure ? "unavailable" : reason });
}

/** Notes a confirmed renewal. */
export function recordRenewal(context: LockContext, params: { readonly sent: Instant }): LockContext {
  return produce(context, (draft) => {
    if (draft.lease !== null) draft.lease.confirmed = params.sent;
    draft.failures = 0;
  });
}

/** Counts a failed renewal; the lease may still be ours, and belief ends when it would have. */
export function recordRenewalFailure(context: LockContext): LockContext {
  return produce(context, (draft) => {
    draft.failures += 1;
  });
}

/** Notes how ownership was lost. The lease is kept in mind: returning it early takes its token. */
export function recordLoss(context: LockContext, params: { readonly reason: LockLoss }): LockContext {
  return produce(context, (draft) => {
    draft.loss = params.reason;
  });
}

/** Forgets the lease: nothing more will be asked of the store for it. */
export function forgetLease(context: LockContext): LockContext {
  return produce(context, (draft) => {
    draft.lease = null;
    draft.unsure = false;
  });
}

/** What to ask the store for now. */
export function leaseRequestOf(context: LockContext): LeaseRequest {
  const { name, owner, lease, terms } = context;
  return { name, owner, token: lease?.token ?? null, ttlMs: terms.ttlMs };
}

/** The answer is recent enough to stand for the lease, and no sleep lies between it and its request. */
export function isFresh(
  context: LockContext,
  params: { readonly sent: Instant; readonly received: Instant },
): boolean {
  return isConfirmation(context.terms, params.sent, params.received);
}

/** What `assertHeld()` asks of a holder in `busy` or `stalled`: the lease is believed in at this instant (B49). */
export function isBelieved(context: LockContext, now: Instant): boolean {
  const { terms, lease, loss } = context;
  return (
    lease !== null &&
    loss === null &&
    now.monotonic < beliefEndsAt(terms, lease.confirmed) &&
    !hasSlept(terms, lease.confirmed, now)
  );
}
