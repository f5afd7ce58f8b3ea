import { checkReason } from "../keeper/call-options.ts";
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
  /**
   * The reply, or a rejection: the turn's error, `MESSAGE_CANCELLED`, `MESSAGE_DROPPED`, `WORK_RECLAIMED` or `CLOSED`. Inside
   * a live turn it lends that turn's slot to this session (B10a), and rejects with `SELF_DEADLOCK` where the work cannot end
   * before that turn does, or with the turn's `signal.reason` when it is told to stop.
   */
  reply(): Promise<Reply>;
  /**
   * Withdraws it if it still waits; false if it does not: it has ended, a turn holds it, or it is a command's completion.
   * Rejects with `INVALID_OPTION`, `CLOSED` or `STORE_UNAVAILABLE`.
   */
  cancel(reason?: string): Promise<boolean>;
}

/** What a receipt asks of the keeper that gave it. */
export interface ReceiptHost {
  /** The outcome, for whoever awaits the reply. */
  awaitOutcome(work: ReceiptWork, pending: PendingOutcome): Promise<Outcome>;
  /** Withdraws work that still waits. */
  cancel(work: ReceiptWork, reason: string | undefined): Promise<boolean>;
}

/** What a receipt is of. */
export interface ReceiptWork {
  readonly seq: number;
  readonly id: string;
  readonly sessionKey: string;
  readonly acceptedAt: number;
}

/** A receipt of work whose outcome is pending or known. */
export function createReceipt(work: ReceiptWork, pending: PendingOutcome, host: ReceiptHost): Receipt {
  return new PendingReceipt(work, pending, host);
}

class PendingReceipt implements Receipt {
  readonly id: string;
  readonly sessionKey: string;
  readonly acceptedAt: number;
  readonly #seq: number;
  readonly #pending: PendingOutcome;
  readonly #host: ReceiptHost;

  constructor(work: ReceiptWork, pending: PendingOutcome, host: ReceiptHost) {
    this.id = work.id;
    this.sessionKey = work.sessionKey;
    this.acceptedAt = work.acceptedAt;
    this.#seq = work.seq;
    this.#pending = pending;
    this.#host = host;
  }

  get outcome(): Promise<Outcome> {
    return this.#pending.promise;
  }

  async cancel(reason?: string): Promise<boolean> {
    const note = checkReason(reason);
    return this.#pending.isEnded ? false : this.#host.cancel(this.#work, note);
  }

  async reply(): Promise<unknown> {
    const outcome = await this.#host.awaitOutcome(this.#work, this.#pending);
    if (outcome.status === "completed") return outcome.reply;
    throw this.#errorOf(outcome);
  }

  get #work(): ReceiptWork {
    return { seq: this.#seq, id: this.id, sessionKey: this.sessionKey, acceptedAt: this.acceptedAt };
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
          `The keeper closed before ${id} was finished, or its store no longer knows how it ended; attach it with the next keeper.`,
          details,
        );
    }
  }
}
