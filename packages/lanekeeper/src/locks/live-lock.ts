import {
  beliefEndsAt,
  isBelieved,
  type LeaseRequest,
  type LockContext,
  type LockEvent,
  type LockInput,
} from "@lanekeeper/machines";
import type { Actor, ActorLogic } from "xstate";
import type { Leaf } from "../xstate/chart-plan.ts";
import type { ChartSnapshot } from "../xstate/compiled-logic.ts";
import type { LiveTurn } from "../turns/live-turn.ts";
import type { Instants } from "./instants.ts";
import type { LockView } from "./lock.ts";
import type { NotHeld } from "./lock-errors.ts";
import type { LockRequest } from "./lock-options.ts";

/** The actor of an acquisition. */
export type LockActor = Actor<ActorLogic<ChartSnapshot<LockContext>, LockEvent, LockInput>>;

const lockKey = Symbol("lanekeeper.lock");

/** The lock of an actor. */
export function liveLockOf(actor: object): LiveLock {
  return (actor as { readonly [lockKey]: LiveLock })[lockKey];
}

/** Whether a lock in this leaf of its chart is owned, though it may be at risk. */
export function isOwnedIn({ state, detail }: Pick<Leaf, "state" | "detail">): boolean {
  return state === "stalled" || detail === "busy.holding" || detail === "busy.renewing";
}

/** The lock, or none and who holds it, where the store said so. */
export interface LockAnswer {
  readonly lock: LiveLock | undefined;
  readonly heldBy: string | undefined;
}

/**
 * One acquisition: its actor, and what the actor's effects hold that is no JSON.
 *
 * I1. What it is, is the actor's state. Only what it was told to do, and the two clocks, may say sooner that it is not held.
 * I2. Its signal aborts once, after the step that decided it, with the first reason.
 */
export class LiveLock {
  readonly name: string;
  /** Unique to this acquisition, in all processes. */
  readonly owner: string;
  readonly request: LockRequest;
  /** The turn that it belongs to (B54a). */
  readonly turn: LiveTurn | undefined;
  /** Set before the actor's first step. */
  actor!: LockActor;
  /** Whether its actor has nothing left to do: whatever still comes for it is too late. */
  isOver = false;
  /** What it was told to do that ends ownership, though the step itself comes later. */
  letGo: "released" | "fenced" | "closed" | "crashed" | undefined;
  /** Why its caller does not want it any more, from before it was answered. */
  withdrawn: "aborted" | "closed" | undefined;
  /** What called the waiting, or the work under it, off. */
  cause: unknown;
  /** How the store failed last to grant it, or the one it shared an answer with, or to renew it. */
  failure: Error | undefined;
  /** Monotonic milliseconds. */
  readonly askedMono: number;
  acquiredMono = 0;
  /** Epoch milliseconds. */
  acquiredAt = 0;
  fencingToken = 0n;
  /** What `lock.waiting` said last. */
  waitsFor = "";
  /** How it hears of releases, from its first wait for another's lease on. */
  vacancy: Vacancy | undefined;
  /** A lease that was granted after its question counted as failed, and that no later question has been given. */
  unclaimed: LeaseRequest | undefined;
  /** Resolves once it is held or not to be had at once; rejects where it was refused. */
  readonly answered: PromiseWithResolvers<LockAnswer> = Promise.withResolvers<LockAnswer>();
  /** Nothing is left to do. */
  readonly over: PromiseWithResolvers<void> = Promise.withResolvers<void>();
  #controller: AbortController | undefined;
  #abortReason: Error | undefined;

  constructor(owner: string, request: LockRequest, turn: LiveTurn | undefined, askedMono: number) {
    this.name = request.name;
    this.owner = owner;
    this.request = request;
    this.turn = turn;
    this.askedMono = askedMono;
  }

  /** Makes it the lock of an actor. */
  attach(actor: object): void {
    this.actor = actor as LockActor;
    (actor as { [lockKey]: LiveLock })[lockKey] = this;
  }

  get snapshot(): ChartSnapshot<LockContext> {
    return this.actor.getSnapshot();
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#abortReason !== undefined) this.#controller.abort(this.#abortReason);
    }
    return this.#controller.signal;
  }

  /** Keeps the reason; the second half, for the queue, tells those who listen. */
  abort(reason: Error): () => void {
    this.#abortReason ??= reason;
    return () => this.#controller?.abort(this.#abortReason);
  }

  /** Whether it is owned and was not told to let go. */
  get isOwned(): boolean {
    return this.letGo === undefined && !this.isOver && isOwnedIn(this.snapshot.leaf);
  }

  /** Whether it wants the lease and has not got it. */
  get stillAsks(): boolean {
    const { lease, refusal } = this.snapshot.context;
    return lease === null && refusal === null && this.withdrawn === undefined && !this.isOver;
  }

  /** How the store failed to renew it, if no renewal was confirmed since. */
  get renewalFailure(): Error | undefined {
    return this.snapshot.context.failures > 0 ? this.failure : undefined;
  }

  /** Whether the store may still have a lease of it. */
  get hasLease(): boolean {
    return !this.isOver && this.snapshot.context.lease !== null;
  }

  /** Why it is not known to be held at this instant; undefined if it is (B49). */
  doubt(instants: Instants): NotHeld | undefined {
    const { context } = this.snapshot;
    if (context.loss !== null) return context.loss;
    if (this.letGo !== undefined) return this.letGo;
    if (!this.isOwned || context.lease === null) return "released";
    const now = instants.now();
    if (isBelieved(context, now)) return undefined;
    return now.monotonic >= beliefEndsAt(context.terms, context.lease.confirmed) ? "expired" : "suspended";
  }

  /** One of the four states. It never says `busy` or `stalled` of a lease whose time is over. */
  stateAt(instants: Instants): LockView["state"] {
    const { leaf } = this.snapshot;
    if (this.letGo === "crashed") return "reclaimed";
    if (!this.isOwned) return leaf.state as LockView["state"];
    const doubt = this.doubt(instants);
    if (doubt === "expired") return "reclaimed";
    return doubt === "suspended" ? "stalled" : (leaf.state as LockView["state"]);
  }

  /** As it is shown. `now` is epoch milliseconds. */
  view(instants: Instants, now: number): LockView {
    const { context } = this.snapshot;
    const { monotonic } = instants.now();
    const sent = context.lease?.confirmed.monotonic ?? this.acquiredMono;
    const { label } = this.request;
    return {
      name: this.name,
      owner: this.owner,
      ...(label === undefined ? {} : { label }),
      state: this.stateAt(instants),
      fencingToken: this.fencingToken,
      acquiredAt: this.acquiredAt,
      expiresAt: now + (sent + context.terms.ttlMs - monotonic),
    };
  }
}

/** How a waiting acquisition hears that another's lease was released. */
export interface Vacancy {
  /** Whether it was, since it was asked for last. */
  isTold: boolean;
  tell: (() => void) | undefined;
  readonly stop: () => void;
}
