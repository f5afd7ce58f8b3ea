import type { Instant } from "./lock-lease.ts";

/** What a lock holder understands. Each store command has its own answers, so that a late one is never another's. */
export type LockEvent =
  | { readonly type: "lock.acquire" }
  /** The caller's signal or its turn was aborted, or the keeper closes: a waiter gives up, a holder's work is told. */
  | { readonly type: "lock.cancel"; readonly reason: "aborted" | "closed" }
  /** Follows `lock.cancel` once its turn is fenced or its keeper closed: the lease is renewed no more (B54a). */
  | { readonly type: "lock.forfeit"; readonly reason: "fenced" | "closed" }
  | { readonly type: "lock.release" }
  | { readonly type: "line.reached" }
  | { readonly type: "line.blocked" }
  /** To the first: somebody behind it asks once, and wants the store's answer of now. */
  | { readonly type: "line.prompted" }
  /** To those behind who ask once: the first has the lease, or the store said that another has it. */
  | { readonly type: "line.taken" }
  /** To those behind who ask once: the store failed the first. */
  | { readonly type: "line.failed" }
  | {
      readonly type: "acquisition.granted";
      readonly token: string;
      readonly sent: Instant;
      readonly received: Instant;
    }
  | { readonly type: "acquisition.denied"; readonly heldBy: string; readonly expiresInMs: number }
  | { readonly type: "acquisition.failed" }
  /** The store failed for good: it would fail again, whenever it is asked. */
  | { readonly type: "acquisition.refused" }
  | { readonly type: "lease.vacated" }
  | { readonly type: "renewal.confirmed"; readonly sent: Instant; readonly received: Instant }
  | { readonly type: "renewal.refused" }
  | { readonly type: "renewal.failed" }
  /** The wall clock ran ahead of the monotonic one by more than the margin. */
  | { readonly type: "clock.jumped" }
  | { readonly type: "release.confirmed" }
  | { readonly type: "release.refused" }
  | { readonly type: "release.failed" };
