import type { LockContext, LockEvent, LockInput, LockRefusal } from "@lanekeeper/machines";
import { type ActorLogic, createActor } from "xstate";
import { toError } from "../keeper/errors.ts";
import type { Runtime } from "../keeper/runtime.ts";
import type { LeaseStore } from "../store/leases.ts";
import type { LiveTurn } from "../turns/live-turn.ts";
import { type ChartHost, type ChartSnapshot, compileLogic } from "../xstate/compiled-logic.ts";
import { createInstants, type Instants } from "./instants.ts";
import { createLeaseRequests } from "./lease-requests.ts";
import { isOwnedIn, LiveLock, liveLockOf } from "./live-lock.ts";
import { provideLockEffects } from "./lock-effects.ts";
import { lostError, refusalError } from "./lock-errors.ts";
import { createLockLines } from "./lock-line.ts";
import type { LockRequest } from "./lock-options.ts";
import { createSleepWatch } from "./sleep-watch.ts";
import { createLockReports, type LockReports } from "./lock-reports.ts";

/**
 * The lock holders of a keeper: one actor an acquisition, and their lifetimes.
 *
 * Owns: which acquisitions are live.
 * Must not know: what is done under a lock.
 * I1. An actor is told something only from the queue.
 * I2. A bug in one holder ends that one alone: its lock counts as lost.
 */
export interface LockHolders {
  readonly instants: Instants;
  readonly reports: LockReports;
  /** Those that are not over, by when they asked. */
  readonly live: ReadonlyMap<string, LiveLock>;
  /** How many are owned. */
  readonly owned: number;
  /** Begins an acquisition: `answered` tells how it went. */
  start(request: LockRequest, turn: LiveTurn | undefined, isOnce: boolean): LiveLock;
  /** Ends the waiting, or tells the work under it to stop. */
  cancel(lock: LiveLock, reason: "aborted" | "closed", cause: unknown): void;
  /** Gives it back; resolves when that is over. */
  release(lock: LiveLock): Promise<void>;
  /** Renews it no more: the lease runs out, or is given back when the work returns (B54a). */
  forfeit(lock: LiveLock, reason: "fenced" | "closed"): void;
  /** The clocks said that a lock may have been slept through. */
  doubted(lock: LiveLock): void;
  /** Forfeits what is owned, waits for the store's answers, each of which has a deadline, and ends every holder. */
  close(): Promise<void>;
}

/** Creates the holders of a keeper. */
export function createLockHolders(
  runtime: Pick<Runtime, "settings" | "queue" | "deadlines" | "armRunning" | "journal" | "passages">,
  chartHost: ChartHost,
  leases: LeaseStore,
): LockHolders {
  const { queue, deadlines, journal, passages } = runtime;
  // The host's ids may repeat; an owner must not, in any process.
  const { clock, instance } = runtime.settings;
  const instants = createInstants(clock);
  const reports = createLockReports(journal, clock);
  const live = new Map<string, LiveLock>();
  const owned = new Set<LiveLock>();
  const lines = createLockLines<LiveLock>();
  let count = 0;
  let whenCalm: (() => void) | undefined;

  const tell = (lock: LiveLock, event: LockEvent): void => queue.post(deliver, lock, event);
  const requests = createLeaseRequests({
    leases,
    instants,
    armRunning: runtime.armRunning,
    passages,
    failed({ owner }, error) {
      const lock = live.get(owner);
      if (lock !== undefined) lock.failure = error;
    },
    lateGrant(request, token) {
      const lock = live.get(request.owner);
      if (lock?.stillAsks === true) {
        // It is given the same lease by its next question. Until then an older denial may still come.
        lock.unclaimed = { ...request, token: token.toString() };
        tell(lock, { type: "lease.vacated" });
        return;
      }
      // Known to its chart before it is to the lock, whose step may still wait.
      if (lock?.fencingToken === token || lock?.snapshot.context.lease?.token === token.toString()) return;
      requests.release({ ...request, token: token.toString() }, () => {});
    },
  });

  const finish = (lock: LiveLock): void => {
    if (lock.isOver) return;
    lock.isOver = true;
    live.delete(lock.owner);
    owned.delete(lock);
    lock.vacancy?.stop();
    const { unclaimed } = lock;
    if (unclaimed !== undefined && lock.fencingToken === 0n) requests.release(unclaimed, () => {});
    lock.over.resolve();
    checkCalm();
  };
  const checkCalm = (): void => {
    if (whenCalm === undefined) return;
    for (const lock of live.values()) if (lock.snapshot.leaf.detail !== "reclaimed.expiring") return;
    whenCalm();
  };
  const moved = (lock: LiveLock, { leaf }: ChartSnapshot<LockContext>): void => {
    if (!isOwnedIn(leaf)) owned.delete(lock);
    if (endings.has(leaf.detail)) queue.post(finish, lock);
    else if (leaf.detail === "reclaimed.expiring") queue.post(checkCalm);
  };

  const refuse = (lock: LiveLock, refusal: LockRefusal): void => {
    const failure = refusal === "unavailable" || refusal === "unusable" ? lock.failure : undefined;
    const cause = failure ?? lock.cause;
    reports.refused(lock, refusal, failure);
    const { name, askedMono } = lock;
    const waitedMs = clock.monotonic() - askedMono;
    const heldBy = lock.snapshot.context.occupied?.by;
    if (refusal === "occupied") lock.answered.resolve({ lock: undefined, heldBy });
    else lock.answered.reject(refusalError(refusal, { name, waitedMs, heldBy, cause }));
  };
  const granted = (lock: LiveLock): void => {
    lock.vacancy?.stop();
    // Its context is what the step made of it only once the step is over.
    queue.post(() => {
      lock.acquiredAt = clock.now();
      lock.acquiredMono = clock.monotonic();
      lock.fencingToken = BigInt(lock.snapshot.context.lease!.token);
      reports.acquired(lock);
      if (lock.withdrawn === undefined) {
        if (isOwnedIn(lock.snapshot.leaf)) owned.add(lock);
        sleepWatch.wake(lock);
        lock.answered.resolve({ lock, heldBy: undefined });
        return;
      }
      // Its caller gave up while the grant was on its way (B53).
      refuse(lock, lock.withdrawn);
      lock.letGo = "released";
      tell(lock, { type: "lock.release" });
    });
  };

  const doubted = (lock: LiveLock): void => tell(lock, { type: "clock.jumped" });
  const sleepWatch = createSleepWatch(deadlines, instants, owned, doubted);

  const compile = (): ActorLogic<ChartSnapshot<LockContext>, LockEvent, LockInput> => {
    const machine = provideLockEffects({
      leases,
      instants,
      requests,
      lines,
      reports,
      passages,
      holderOf: (owner) => live.get(owner)!,
      tell,
      post: (step) => queue.post(step),
      granted,
      refused(lock) {
        // Its context is what the step made of it only once the step is over.
        queue.post(() => {
          const { refusal } = lock.snapshot.context;
          refuse(lock, refusal ?? "closed");
        });
      },
    });
    const compiled = compileLogic<LockContext, LockEvent, LockInput>(machine, chartHost);
    return {
      ...compiled,
      getInitialSnapshot(scope, input) {
        live.get(input.owner)!.attach(scope.self);
        return compiled.getInitialSnapshot(scope, input);
      },
      transition(snapshot, event, scope) {
        const next = compiled.transition(snapshot, event, scope);
        if (next.leaf !== snapshot.leaf) moved(liveLockOf(scope.self), next);
        return next;
      },
    };
  };
  let logic: ReturnType<typeof compile> | undefined;

  const crashed = (lock: LiveLock, thrown: unknown): void => {
    if (lock.isOver) return;
    const { name, owner, request } = lock;
    const error = toError(thrown);
    lock.letGo = "crashed";
    journal.error(`lock crashed:${name}`, { name, owner, error }, "A lock holder crashed; its lock is lost.");
    const tellWork = lock.abort(lostError(name, "crashed", error));
    queue.post(() => passages.callOut(tellWork));
    lock.answered.reject(lostError(name, "crashed", error));
    const next = lines.leave(lock);
    if (next !== undefined) tell(next, { type: "line.reached" });
    if (lock.fencingToken === 0n)
      requests.release({ name, owner, token: null, ttlMs: request.terms.ttlMs }, () => {});
    finish(lock);
  };

  const forfeit: LockHolders["forfeit"] = (lock, reason) => {
    lock.letGo ??= reason;
    tell(lock, { type: "lock.forfeit", reason });
  };

  return {
    instants,
    reports,
    live,
    get owned() {
      return owned.size;
    },
    start(request, turn, isOnce) {
      const { name, terms, label } = request;
      const lock = new LiveLock(`${instance}/${++count}`, request, turn, clock.monotonic());
      lock.answered.promise.catch(() => {});
      live.set(lock.owner, lock);
      logic ??= compile();
      const input = { name, owner: lock.owner, label: label ?? null, terms, once: isOnce };
      const actor = createActor(logic, { id: lock.owner, input });
      actor.subscribe({ error: (error) => crashed(lock, error) });
      actor.start();
      tell(lock, { type: "lock.acquire" });
      return lock;
    },
    cancel(lock, reason, cause) {
      lock.cause ??= cause;
      if (lock.fencingToken === 0n) lock.withdrawn ??= reason;
      tell(lock, { type: "lock.cancel", reason });
    },
    release(lock) {
      lock.letGo ??= "released";
      tell(lock, { type: "lock.release" });
      return lock.over.promise;
    },
    forfeit,
    doubted,
    async close() {
      for (const lock of live.values()) if (lock.isOwned) forfeit(lock, "closed");
      const calm = new Promise<void>((resolve) => {
        whenCalm = resolve;
      });
      queue.post(checkCalm);
      await passages.through(calm);
      sleepWatch.stop();
      for (const lock of live.values()) {
        lock.actor.stop();
        finish(lock);
      }
    },
  };
}

/** Leaves in which nothing is left to do. */
const endings = new Set(["idle.refused", "idle.released", "reclaimed.over"]);

function deliver(lock: LiveLock, event: LockEvent): void {
  if (!lock.isOver) lock.actor.send(event);
}
