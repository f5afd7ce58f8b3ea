import { assign, fromCallback, setup } from "xstate";
import type { LockEvent } from "./lock-holder.events.ts";
import {
  createLockContext,
  forgetLease,
  isFresh,
  leaseRequestOf,
  type LeaseRequest,
  type LockContext,
  type LockInput,
  type LockLoss,
  type LockRefusal,
  recordDenial,
  recordGrant,
  recordImpatience,
  recordLoss,
  recordLostAnswer,
  recordRefusal,
  recordRenewal,
  recordRenewalFailure,
} from "./lock-holder.logic.ts";
import type { Instant } from "./lock-lease.ts";

type Answer = { readonly sent: Instant; readonly received: Instant };

/**
 * The lock holder: one acquisition of one lock, from asking to the end of its lease. It is never used twice, because
 * its owner name is unique to it. The runtime provides the actors, the effects and the delays, which are all
 * what is left until an instant on the monotonic clock.
 */
export const lockHolderMachine = setup({
  types: { context: {} as LockContext, events: {} as LockEvent, input: {} as LockInput },
  actors: {
    /** Asks the store for the lease, once: `acquisition.*`. Its cleanup cannot recall the request. */
    acquisition: fromCallback<LockEvent, LeaseRequest>(() => {}),
    /** Listens for the release of another's lease, where the store can tell: `lease.vacated`. */
    vacancy: fromCallback<LockEvent, LeaseRequest>(() => {}),
    /** Gives the lease back, once, with its token, or without one to undo a lost grant: `release.*`. */
    release: fromCallback<LockEvent, LeaseRequest>(() => {}),
  },
  actions: {
    recordGrant: assign(({ context }, params: Answer & { token: string }) => recordGrant(context, params)),
    recordDenial: assign(({ context }, params: { heldBy: string; expiresInMs: number }) =>
      recordDenial(context, params),
    ),
    recordLostAnswer: assign(({ context }) => recordLostAnswer(context)),
    recordRefusal: assign(({ context }, params: { reason: LockRefusal }) => recordRefusal(context, params)),
    recordImpatience: assign(({ context }) => recordImpatience(context)),
    recordOutage: assign(({ context }) => recordRefusal(context, { reason: "unavailable" })),
    recordRenewal: assign(({ context }, params: Answer) => recordRenewal(context, params)),
    recordRenewalFailure: assign(({ context }) => recordRenewalFailure(context)),
    recordLoss: assign(({ context }, params: { reason: LockLoss }) => recordLoss(context, params)),
    recordExpiry: assign(({ context }) => recordLoss(context, { reason: "expired" })),
    recordDisowning: assign(({ context }) => recordLoss(context, { reason: "refused" })),
    forgetLease: assign(({ context }) => forgetLease(context)),
    /** Stands in this process's line for the name: `line.reached`, or `line.blocked` where others are ahead. */
    joinLine: () => {},
    /** Has the first in line ask the store, unless its question is under way or it has the lease: `line.taken`. */
    promptLine: () => {},
    /** Tells those behind it who ask once what came of its question: `line.taken` or `line.failed`. */
    tellLine: () => {},
    /** Leaves that line, so that the next is reached; without effect where it was never joined. */
    leaveLine: () => {},
    /** Sends one renewal: `renewal.*`. No actor, for it outlives the step from busy to stalled and is never repeated. */
    sendRenewal: () => {},
    /** Aborts the signal of the work under the lock, with `loss` as its reason. */
    abortSignal: () => {},
    /** Says that releases of another's lease go unnoticed; the timer asks anyway. */
    reportUnwatched: () => {},
    reportAcquired: () => {},
    /** Says what the acquisition waits for now: its line, another's lease or the store. */
    reportWaiting: () => {},
    reportRefused: () => {},
    reportAtRisk: () => {},
    reportRecovered: () => {},
    reportLost: () => {},
    reportReleased: () => {},
  },
  guards: {
    isOnce: ({ context }) => context.once,
    isUnsure: ({ context }) => context.unsure,
    isFresh: ({ context }, params: Answer) => isFresh(context, params),
    /** It has waited for nothing but the answer to its first question: nobody has said that the lock is another's. */
    isUntold: () => false,
    /** The store failed whoever is first in its line. */
    isLineFailed: () => false,
    /** Belief in the lease has ended, though its deadline may not have fired yet: renewing it would serve nobody. */
    isBeliefOver: () => false,
  },
  delays: {
    /** Until `waitMs` since the acquisition began; one that tries once waits for the store's answer alone, which has a deadline. */
    waitLimit: 10_000,
    /** Until another's lease can have run out, or a store that failed is asked again. */
    acquisitionRetry: 1_000,
    /** Until `renewEveryMs` after the last confirmed request was sent: a third of the TTL (B50). */
    renewalTime: 20_000,
    /** How long a renewal may take before it is late: a quarter of `renewEveryMs`. */
    renewalLimit: 5_000,
    /** `renewalRetryMs`: sooner than usual (B50). */
    renewalRetry: 1_000,
    /** `beliefEndsAt` the last confirmed request: the TTL less the margin (B49). */
    beliefDeadline: 54_000,
    /** Until the lease has run out in the store, whatever happened to it: the TTL (B51). */
    leaseEnd: 60_000,
  },
}).createMachine({
  id: "lockHolder",
  description:
    "One acquisition of one lock. It stops believing before the lease can be another's, and what it lost it never has again.",
  context: ({ input }) => createLockContext(input),
  initial: "idle",
  states: {
    idle: {
      description: "Holds nothing.",
      initial: "unasked",
      states: {
        unasked: {
          description: "Nobody has asked yet.",
          on: {
            "lock.acquire": { target: "#lockHolder.busy" },
          },
        },
        refused: {
          description: "Did not get the lock and never will; the caller was told why.",
          entry: ["forgetLease", "leaveLine"],
          type: "final",
        },
        released: {
          description: "Had the lock and gave it back.",
          entry: ["forgetLease", "leaveLine", "reportReleased"],
          type: "final",
        },
      },
    },
    busy: {
      description: "Waits for the lease, holds it or gives it back.",
      initial: "inLine",
      states: {
        inLine: {
          description: "Stands in its process's line; one who tries once shares the first one's answer.",
          entry: "joinLine",
          on: {
            "line.reached": { target: "acquiring" },
            "line.blocked": [{ guard: "isOnce", actions: "promptLine" }, { actions: "reportWaiting" }],
            "line.taken": { target: "leaving", actions: ["recordImpatience", "reportRefused"] },
            "line.failed": { target: "leaving", actions: ["recordOutage", "reportRefused"] },
            "lock.cancel": {
              target: "leaving",
              actions: [{ type: "recordRefusal", params: ({ event }) => event }, "reportRefused"],
            },
          },
          after: {
            waitLimit: [
              { guard: "isLineFailed", target: "leaving", actions: ["recordOutage", "reportRefused"] },
              { target: "leaving", actions: ["recordImpatience", "reportRefused"] },
            ],
          },
        },
        acquiring: {
          description: "One request for the lease is under way.",
          initial: "asked",
          invoke: {
            id: "acquisition",
            src: "acquisition",
            input: ({ context }) => leaseRequestOf(context),
          },
          states: {
            asked: {
              description: "The caller waits for the answer.",
              on: {
                "acquisition.granted": [
                  {
                    guard: { type: "isFresh", params: ({ event }) => event },
                    target: "#lockHolder.busy.holding",
                    actions: [
                      { type: "recordGrant", params: ({ event }) => event },
                      "reportAcquired",
                      "tellLine",
                    ],
                  },
                  { target: "#lockHolder.busy.unserved", actions: "recordLostAnswer" },
                ],
                "acquisition.denied": {
                  target: "#lockHolder.busy.unserved",
                  actions: { type: "recordDenial", params: ({ event }) => event },
                },
                "acquisition.failed": { target: "#lockHolder.busy.unserved", actions: "recordLostAnswer" },
                "acquisition.refused": {
                  target: "#lockHolder.busy.leaving",
                  actions: [{ type: "recordRefusal", params: { reason: "unusable" } }, "reportRefused"],
                },
                "lock.cancel": {
                  target: "withdrawn",
                  actions: [{ type: "recordRefusal", params: ({ event }) => event }, "reportRefused"],
                },
              },
              after: {
                waitLimit: [
                  { guard: "isUntold", target: "withdrawn", actions: ["recordOutage", "reportRefused"] },
                  { target: "withdrawn", actions: ["recordImpatience", "reportRefused"] },
                ],
              },
            },
            withdrawn: {
              description: "The caller gave up and was told; what the request still brings is given back.",
              on: {
                "acquisition.granted": { target: "#lockHolder.busy.undoing" },
                "acquisition.denied": { target: "#lockHolder.idle.refused" },
                "acquisition.failed": { target: "#lockHolder.busy.undoing" },
                "acquisition.refused": { target: "#lockHolder.busy.leaving" },
              },
            },
          },
        },
        unserved: {
          description: "Asked in vain; left at once: one who tries once gives up, the others wait.",
          entry: "tellLine",
          always: [
            { guard: "isOnce", target: "leaving", actions: ["recordImpatience", "reportRefused"] },
            { target: "waiting" },
          ],
        },
        waiting: {
          description: "First in line; another has the lease, or the store failed: asks again in time.",
          entry: "reportWaiting",
          invoke: {
            id: "vacancy",
            src: "vacancy",
            input: ({ context }) => leaseRequestOf(context),
            onError: { actions: "reportUnwatched" },
          },
          on: {
            "lease.vacated": { target: "acquiring" },
            "line.prompted": { target: "acquiring" },
            "lock.cancel": {
              target: "leaving",
              actions: [{ type: "recordRefusal", params: ({ event }) => event }, "reportRefused"],
            },
          },
          after: {
            acquisitionRetry: { target: "acquiring" },
            waitLimit: { target: "leaving", actions: ["recordImpatience", "reportRefused"] },
          },
        },
        leaving: {
          description: "Gave up waiting; left at once.",
          always: [{ guard: "isUnsure", target: "undoing" }, { target: "#lockHolder.idle.refused" }],
        },
        undoing: {
          description: "Gives back what may have been granted: one who gave up never has the lock.",
          invoke: {
            id: "undoing",
            src: "release",
            input: ({ context }) => leaseRequestOf(context),
          },
          on: {
            "release.confirmed": { target: "#lockHolder.idle.refused" },
            "release.refused": { target: "#lockHolder.idle.refused" },
            "release.failed": { target: "#lockHolder.idle.refused" },
          },
        },
        holding: {
          description:
            "Owns the lease; the next renewal is not due. It falls due before belief can end, so its timer looks after both.",
          on: {
            "lock.release": { target: "releasing" },
            "lock.cancel": { actions: "abortSignal" },
            "lock.forfeit": {
              target: "#lockHolder.reclaimed",
              actions: { type: "recordLoss", params: ({ event }) => event },
            },
            "clock.jumped": { target: "#lockHolder.stalled", actions: "sendRenewal" },
          },
          after: {
            renewalTime: [
              { guard: "isBeliefOver", target: "#lockHolder.reclaimed", actions: "recordExpiry" },
              { target: "renewing", actions: "sendRenewal" },
            ],
          },
        },
        renewing: {
          description: "Owns the lease, and one renewal is under way; no second is sent beside it.",
          on: {
            "renewal.confirmed": [
              {
                guard: { type: "isFresh", params: ({ event }) => event },
                target: "holding",
                actions: { type: "recordRenewal", params: ({ event }) => event },
              },
              { target: "#lockHolder.stalled", actions: "sendRenewal" },
            ],
            "renewal.refused": { target: "#lockHolder.reclaimed.over", actions: "recordDisowning" },
            "renewal.failed": { target: "#lockHolder.stalled.retrying", actions: "recordRenewalFailure" },
            "lock.release": { target: "releasing" },
            "lock.cancel": { actions: "abortSignal" },
            "lock.forfeit": {
              target: "#lockHolder.reclaimed",
              actions: { type: "recordLoss", params: ({ event }) => event },
            },
            "clock.jumped": { target: "#lockHolder.stalled" },
          },
          after: {
            renewalLimit: { target: "#lockHolder.stalled" },
            beliefDeadline: { target: "#lockHolder.reclaimed", actions: "recordExpiry" },
          },
        },
        releasing: {
          description:
            "Believes no more and gives the lease back. If the store does not answer, the lease runs out by itself.",
          invoke: {
            id: "releasing",
            src: "release",
            input: ({ context }) => leaseRequestOf(context),
          },
          on: {
            "release.confirmed": { target: "#lockHolder.idle.released" },
            "release.failed": { target: "#lockHolder.idle.released" },
            "release.refused": { target: "#lockHolder.reclaimed.over", actions: "recordDisowning" },
          },
        },
      },
    },
    stalled: {
      description:
        "At risk, still owned: a renewal failed or is late, or the wall clock ran ahead. A confirmed renewal ends it, or the deadline does.",
      entry: "reportAtRisk",
      initial: "renewing",
      on: {
        "lock.release": { target: "#lockHolder.busy.releasing" },
        "lock.cancel": { actions: "abortSignal" },
        "lock.forfeit": {
          target: "reclaimed",
          actions: { type: "recordLoss", params: ({ event }) => event },
        },
      },
      after: {
        beliefDeadline: { target: "reclaimed", actions: "recordExpiry" },
      },
      states: {
        renewing: {
          description: "One renewal is under way, however late; no second is sent beside it.",
          on: {
            "renewal.confirmed": [
              {
                guard: { type: "isFresh", params: ({ event }) => event },
                target: "#lockHolder.busy.holding",
                actions: [{ type: "recordRenewal", params: ({ event }) => event }, "reportRecovered"],
              },
              { actions: "sendRenewal" },
            ],
            "renewal.refused": { target: "#lockHolder.reclaimed.over", actions: "recordDisowning" },
            "renewal.failed": { target: "retrying", actions: "recordRenewalFailure" },
          },
        },
        retrying: {
          description: "None is under way; the next is sent sooner than usual.",
          after: {
            renewalRetry: [
              { guard: "isBeliefOver", target: "#lockHolder.reclaimed", actions: "recordExpiry" },
              { target: "renewing", actions: "sendRenewal" },
            ],
          },
        },
      },
    },
    reclaimed: {
      description: "Ownership ended before it could expire. It stays so; nothing else of the host stops.",
      entry: ["abortSignal", "leaveLine", "reportLost"],
      initial: "expiring",
      states: {
        expiring: {
          description:
            "Nobody renews the lease, so no zombie keeps it alive. It is returned early only if the work under it is over and lets go.",
          on: {
            "lock.release": { target: "returning" },
          },
          after: { leaseEnd: { target: "over" } },
        },
        returning: {
          description: "The work is over: gives back what may be left of the lease.",
          invoke: {
            id: "returning",
            src: "release",
            input: ({ context }) => leaseRequestOf(context),
          },
          on: {
            "release.confirmed": { target: "over" },
            "release.refused": { target: "over" },
            "release.failed": { target: "over" },
          },
        },
        over: {
          description: "Nothing is left of the lease.",
          entry: "forgetLease",
          type: "final",
        },
      },
    },
  },
});
