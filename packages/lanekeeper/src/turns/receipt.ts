import { LanekeeperError } from "../keeper/errors.ts";
import type { Outcome } from "./outcome.ts";
import type { PendingOutcome } from "./pending-outcomes.ts";

/** What the sender of accepted work holds. */
export interface Receipt<Reply = unknown> {
  readonly id: string;
  readonly sessionKey: string;
  /** Epoch milliseconds. */
  readonly acceptedAt: number;
  /** Settles exactly once and never rejects. */
  readonly outcome: Promise<Outcome<Reply>>;
  /** The reply, or a rejection: the turn's error, MESSAGE_CANCELLED, MESSAGE_DROPPED, WORK_RECLAIMED or CLOSED. */
  reply(): Promise<Reply>;
}

/** A receipt of work whose outcome is pending or known. */
export function createReceipt(
  work: { readonly id: string; readonly sessionKey: string; readonly acceptedAt: number },
  pending: PendingOutcome,
): Receipt {
  return new PendingReceipt(work, pending);
}

class PendingReceipt implements Receipt {
  readonly id: string;
  readonly sessionKey: string;
  readonly acceptedAt: number;
  readonly #pending: PendingOutcome;

  constructor(
    work: { readonly id: string; readonly sessionKey: string; readonly acceptedAt: number },
    pending: PendingOutcome,
  ) {
    this.id = work.id;
    this.sessionKey = work.sessionKey;
    this.acceptedAt = work.acceptedAt;
    this.#pending = pending;
  }

  get outcome(): Promise<Outcome> {
    return this.#pending.promise;
  }

  async reply(): Promise<unknown> {
    const outcome = await this.#pending.promise;
    if (outcome.status === "completed") return outcome.reply;
    throw this.#errorOf(outcome);
  }

  #errorOf(outcome: Exclude<Outcome, { status: "completed" }>): Error {
    const { id, sessionKey } = this;
    const details = { id, sessionKey, outcome };
    switch (outcome.status) {
      case "failed":
        return outcome.error;
      case "reclaimed":
        return new LanekeeperError(
          "WORK_RECLAIMED",
          `The turn that held ${id} was taken back (${outcome.reason}). It is dead letter ${outcome.deadLetterId}.`,
          details,
        );
      case "cancelled":
        return new LanekeeperError("MESSAGE_CANCELLED", `${id} was ${outcome.reason}.`, details);
      case "dropped":
        return new LanekeeperError("MESSAGE_DROPPED", `${id} was dropped (${outcome.reason}).`, details);
      case "suspended":
        return new LanekeeperError(
          "CLOSED",
          `The keeper closed before ${id} was finished; its store keeps it for the next keeper.`,
          details,
        );
    }
  }
}
