import type { LockLoss, LockRefusal } from "@lanekeeper/machines";
import { LanekeeperError, messageOf, toError } from "../keeper/errors.ts";

/** The error for whoever asks a keeper that is closed. */
export function closedError(): LanekeeperError {
  return new LanekeeperError("CLOSED", "This keeper is closed. Create another on the same leases.");
}

/**
 * Why an acquisition got nothing, for its caller. `cause` is what aborted it, or how the store failed; a store that failed
 * for good has said itself what is wrong, where, and what to do.
 */
export function refusalError(
  refusal: LockRefusal,
  facts: {
    readonly name: string;
    readonly waitedMs: number;
    readonly heldBy: string | undefined;
    readonly cause: unknown;
  },
): LanekeeperError {
  const { name, waitedMs, heldBy, cause } = facts;
  const details = { name, waitedMs, heldBy };
  const holder = heldBy === undefined ? "" : `; ${heldBy} holds it`;
  switch (refusal) {
    case "occupied":
      return new LanekeeperError(
        "LOCK_TIMEOUT",
        `Lock ${name} is taken${holder}. Try again later, or wait for it (waitMs).`,
        details,
      );
    case "timeout":
      return new LanekeeperError(
        "LOCK_TIMEOUT",
        `Lock ${name} did not become free within ${Math.round(waitedMs)} ms${holder}. Try again later, or wait longer (waitMs).`,
        details,
      );
    case "aborted":
      return new LanekeeperError(
        "LOCK_ABORTED",
        `Waiting for lock ${name} was called off.`,
        details,
        cause === undefined ? undefined : { cause },
      );
    case "unavailable":
      return new LanekeeperError(
        "STORE_UNAVAILABLE",
        `The lease store did not say whether lock ${name} is free${cause === undefined ? "" : ` (${messageOf(toError(cause))})`}. Nothing is held; try again when it is back.`,
        details,
        cause === undefined ? undefined : { cause },
      );
    case "unusable":
      return cause as LanekeeperError;
    case "closed":
      return new LanekeeperError(
        "CLOSED",
        `The keeper closes: it acquires no lock any more, ${name} neither.`,
        details,
      );
  }
}

/** The error for a lock that was not free when it was asked for once. */
export function lockOccupied(name: string, heldBy: string | undefined): LanekeeperError {
  return refusalError("occupied", { name, waitedMs: 0, heldBy, cause: undefined });
}

/** Why a lock is not held, or not known to be. */
export type NotHeld = LockLoss | "released" | "suspended" | "crashed";

const explanations: Record<NotHeld, string> = {
  refused: "the store gave its lease to another, or forgot it",
  expired: "no renewal was confirmed in time, so another may hold it",
  fenced: "its turn was fenced",
  closed: "its keeper was closed",
  released: "it was released",
  suspended: "nothing ran for a while, and no renewal has confirmed it since",
  crashed: "its holder crashed; please report this as a bug",
};

/** The error of `assertHeld()`, of a `signal` and of `using`. `failure` is how the store failed to renew it. */
export function lostError(name: string, reason: NotHeld, cause?: unknown, failure?: Error): LanekeeperError {
  const blamed = reason === "expired" ? failure : undefined;
  const why = blamed === undefined ? "" : ` (the lease store failed: ${messageOf(blamed)})`;
  const behind = cause ?? blamed;
  return new LanekeeperError(
    "LOCK_LOST",
    `Lock ${name} is not held: ${explanations[reason]}${why}. Write nothing more that it protects.`,
    { name, reason },
    behind === undefined ? undefined : { cause: behind },
  );
}

/** The error for acquiring a name again inside its own `using`. */
export function selfDeadlock(name: string): LanekeeperError {
  return new LanekeeperError(
    "SELF_DEADLOCK",
    `Lock ${name} is held by the very work that asks for it again, so it would wait for itself. Hand the lock on instead.`,
    { name },
  );
}
