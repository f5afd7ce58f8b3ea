import {
  beliefEndsAt,
  type LeaseRequest,
  type LockContext,
  type LockEvent,
  lockHolderMachine,
  renewalRetryMs,
} from "@lanekeeper/machines";
import { fromCallback } from "xstate";
import type { Passages } from "../keeper/passages.ts";
import type { LeaseStore } from "../store/leases.ts";
import type { Instants } from "./instants.ts";
import type { LeaseRequests } from "./lease-requests.ts";
import { type LiveLock, liveLockOf, type Vacancy } from "./live-lock.ts";
import { lostError } from "./lock-errors.ts";
import type { LockLines } from "./lock-line.ts";
import type { LockReports } from "./lock-reports.ts";

/**
 * What a lock holder's statechart names and the runtime does: its actors, actions, delays and the guard that knows the time.
 *
 * I1. An effect reports back by an event, through the queue, never by changing a holder.
 */
export interface LockEffectsHost {
  readonly leases: LeaseStore;
  readonly instants: Instants;
  readonly requests: LeaseRequests;
  readonly lines: LockLines<LiveLock>;
  readonly reports: LockReports;
  readonly passages: Passages;
  holderOf(owner: string): LiveLock;
  tell(lock: LiveLock, event: LockEvent): void;
  post(step: () => void): void;
  /** It is held: whoever asked for it is told. */
  granted(lock: LiveLock): void;
  /** It will never be held: whoever asked for it is told. */
  refused(lock: LiveLock): void;
}

/** Milliseconds until a store that failed is asked again. */
const storeRetryMs = 1_000;
/** Milliseconds between two questions to a store that cannot tell of releases. */
const unwatchedMs = 1_000;
/** The same for one that can: what it told may have been lost on the way. */
const watchedMs = 5_000;
/** Milliseconds until the second question: the lease may have been released before the store was watched. */
const unseenMs = 20;
/** Of an acquisition that tries once: its question has a deadline of its own. */
const unlimitedMs = 2_147_483_647;

/** The lock holder's machine with this keeper's effects. */
export function provideLockEffects(host: LockEffectsHost): typeof lockHolderMachine {
  const { leases, instants, requests, lines, reports } = host;
  const leftMs = (atMono: number): number => Math.max(0, atMono - instants.now().monotonic);
  const beliefEnd = ({ lease, terms }: LockContext): number =>
    lease === null ? 0 : beliefEndsAt(terms, lease.confirmed);

  return lockHolderMachine.provide({
    actors: {
      acquisition: fromCallback<LockEvent, LeaseRequest>(({ input, sendBack }) => {
        const { vacancy } = host.holderOf(input.owner);
        if (vacancy !== undefined) vacancy.isTold = false;
        requests.acquire(input, sendBack);
      }),
      vacancy: fromCallback<LockEvent, LeaseRequest>(({ input, sendBack }) => {
        const lock = host.holderOf(input.owner);
        const vacancy = (lock.vacancy ??= watchFor(leases, input.name));
        if (vacancy === undefined) return;
        vacancy.tell = () => sendBack({ type: "lease.vacated" });
        if (vacancy.isTold) vacancy.tell();
        return () => {
          vacancy.tell = undefined;
        };
      }),
      release: fromCallback<LockEvent, LeaseRequest>(({ input, sendBack }) =>
        requests.release(input, sendBack),
      ),
    },
    actions: {
      joinLine: ({ self }) => {
        const lock = liveLockOf(self);
        host.tell(lock, lines.join(lock) ? { type: "line.reached" } : { type: "line.blocked" });
      },
      promptLine: ({ self }) => {
        const lock = liveLockOf(self);
        const first = lines.first(lock.name);
        // The answer to a question that is under way is shared by itself, and one that leaves lets the next ask.
        if (first === undefined || first === lock) return;
        if (first.isOwned && first.withdrawn === undefined) host.tell(lock, { type: "line.taken" });
        else if (first.snapshot.leaf.detail === "busy.waiting") host.tell(first, { type: "line.prompted" });
      },
      tellLine: ({ context, self }) => {
        const lock = liveLockOf(self);
        // What was granted to one that gave up is given back, and then it is the next one's to ask.
        if (context.lease !== null && lock.withdrawn !== undefined) return;
        for (const other of lines.behind(lock)) {
          if (!other.snapshot.context.once) continue;
          if (context.unsure) other.failure = lock.failure;
          host.tell(other, { type: context.unsure ? "line.failed" : "line.taken" });
        }
      },
      leaveLine: ({ self }) => {
        const next = lines.leave(liveLockOf(self));
        if (next !== undefined) host.tell(next, { type: "line.reached" });
      },
      sendRenewal: ({ context, self }) => {
        const lock = liveLockOf(self);
        const { name, owner, lease, terms } = context;
        const request = { name, owner, token: lease!.token, ttlMs: terms.ttlMs };
        // Sent when the step is over, as what actors do is.
        host.post(() => requests.renew(request, (event) => host.tell(lock, event)));
      },
      abortSignal: ({ context, self }) => {
        const lock = liveLockOf(self);
        const { cause } = lock;
        const isTold = context.loss === null && cause instanceof Error;
        const reason = isTold
          ? cause
          : lostError(lock.name, context.loss ?? "released", cause, lock.renewalFailure);
        const tellWork = lock.abort(reason);
        host.post(() => host.passages.callOut(tellWork));
      },
      reportUnwatched: ({ event, self }) =>
        reports.unwatched(liveLockOf(self), (event as { readonly error?: unknown }).error),
      reportWaiting: ({ context, event, self }) =>
        reports.waiting(liveLockOf(self), context, event.type === "line.blocked"),
      reportAcquired: ({ self }) => host.granted(liveLockOf(self)),
      reportRefused({ self }) {
        const lock = liveLockOf(self);
        // Who waited in line never asked: it is the first whom the store failed.
        lock.failure ??= lines.first(lock.name)?.failure;
        host.refused(lock);
      },
      reportAtRisk: ({ context, event, self }) => reports.atRisk(liveLockOf(self), context, event),
      reportRecovered: ({ self }) => reports.recovered(liveLockOf(self)),
      reportLost: ({ context, self }) => reports.lost(liveLockOf(self), context),
      reportReleased: ({ self }) => reports.released(liveLockOf(self)),
    },
    guards: {
      isUntold: ({ context }) => host.holderOf(context.owner).waitsFor === "",
      isLineFailed: ({ context }) => lines.first(context.name)?.snapshot.context.unsure === true,
      isBeliefOver: ({ context }) => instants.now().monotonic >= beliefEnd(context),
    },
    delays: {
      waitLimit: ({ context, self }) =>
        context.once ? unlimitedMs : leftMs(liveLockOf(self).askedMono + context.terms.waitMs),
      acquisitionRetry: ({ context, self }) => {
        const { occupied } = context;
        if (occupied === null) return storeRetryMs;
        const isUnseen = leases.watch !== undefined && liveLockOf(self).vacancy === undefined;
        const mostMs = isUnseen ? unseenMs : leases.watch === undefined ? unwatchedMs : watchedMs;
        return Math.max(1, Math.min(mostMs, occupied.forMs));
      },
      renewalTime: ({ context: { lease, terms } }) =>
        leftMs((lease?.confirmed.monotonic ?? 0) + terms.renewEveryMs),
      renewalLimit: ({ context: { terms } }) => terms.renewEveryMs / 4,
      renewalRetry: ({ context: { terms, failures } }) => renewalRetryMs(terms, failures),
      beliefDeadline: ({ context }) => leftMs(beliefEnd(context)),
      leaseEnd: ({ context: { terms } }) => terms.ttlMs,
    },
  });
}

/** Listens for releases of a name from now on; undefined where the store cannot tell. */
function watchFor(leases: LeaseStore, name: string): Vacancy | undefined {
  if (leases.watch === undefined) return undefined;
  const vacancy: Vacancy = {
    isTold: false,
    tell: undefined,
    stop: leases.watch(name, () => {
      vacancy.isTold = true;
      vacancy.tell?.();
    }),
  };
  return vacancy;
}
