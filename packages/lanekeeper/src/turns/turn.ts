import type { Locks } from "../locks/lock.ts";
import type { Execution, ExecOptions } from "../commands/execution.ts";

/** One run of a session. What it holds is consumed only when it completes. */
export interface Turn<Message = unknown> {
  readonly id: string;
  readonly sessionKey: string;
  readonly agent: string;
  /** What it was started for. With only events waiting, `event`; with nothing but a wake, `wake`; `heartbeat` at a time of its agent's schedule, with whatever events wait. */
  readonly cause: "message" | "event" | "wake" | "heartbeat";
  /** Of the wakes merged into it. */
  readonly reasons: readonly string[];
  /** 1 for the first try. */
  readonly attempt: number;
  /** One message; several in `collect` mode; none for an event, wake or heartbeat turn. */
  readonly messages: readonly AcceptedMessage<Message>[];
  /** Every event accepted before it started. */
  readonly events: readonly SystemEvent[];
  /** Set, in turns of any cause, when overflow summarised messages away: how many, and one line for each of the last `cap` (B22). */
  readonly dropped?: { readonly count: number; readonly summary: readonly string[] } | undefined;
  /** Aborts on interrupt, preemption (a heartbeat's turn alone), abort, reset, stall, time-out and close; `signal.reason` is a LanekeeperError. */
  readonly signal: AbortSignal;
  /**
   * Grows with each turn of the session; a store that keeps the largest can refuse a reclaimed turn's late write. It comes
   * from the keeper's store: a memory store begins anew with its process, so there it orders nothing over a restart.
   */
  readonly fencingToken: bigint;
  /**
   * Locks that end with this turn (B54a): their signals abort when it is told to stop, a fenced turn's are renewed no more,
   * and what its code forgot to release is released when it returns.
   */
  readonly locks: Locks;
  /** Says the turn is alive (B24). Never throws. */
  progress(note?: string): void;
  /** Streams something out as a `turn.emitted` event; counts as progress. Never throws. */
  emit(data: unknown): void;
  /**
   * Marks a wait that is not a stall (a human's answer, a rate limit) until the given instant (epoch milliseconds) at the
   * latest: the stall clock stands, the turn's time limit does not (B29). Settles as `wait` does, or rejects with
   * `signal.reason` when the turn is told to stop. Rejects with `TURN_FENCED` or `INVALID_OPTION`.
   */
  waiting<T>(reason: string, untilAt: number, wait: Promise<T>): Promise<T>;
  /**
   * Messages steered into this turn since the last call (B19); counts as progress. What nobody takes runs as the next turn.
   * Never throws.
   */
  takeSteering(): readonly AcceptedMessage<Message>[];
  /**
   * Starts a command. In the background its completion comes back to this session as an event; in the foreground it
   * belongs to this turn (B38a). Rejects with `TURN_FENCED`, `INVALID_OPTION` or `EXEC_FAILED`.
   */
  exec(
    command: string,
    args?: readonly string[],
    options?: ExecOptions & { readonly foreground?: boolean | undefined },
  ): Promise<Execution>;
  /** Announces a command that runs elsewhere, so that its completion finds this session. */
  expectExec(execId: string, options?: { readonly timeoutMs?: number | undefined }): Promise<void>;
  /** Throws code `TURN_FENCED` once the turn was reclaimed, aborted or superseded: call it before each outside effect. */
  assertCurrent(): void;
}

/** A message as its turn sees it. */
export interface AcceptedMessage<Message> {
  readonly id: string;
  readonly body: Message;
  /** Epoch milliseconds. */
  readonly acceptedAt: number;
  readonly meta?: Readonly<Record<string, string>> | undefined;
}

/** A system event as its turn sees it. An exec completion is `{ id: execId, kind: "exec.completed", body: ExecCompletion }`. */
export interface SystemEvent {
  readonly id: string;
  readonly kind: string;
  readonly body: unknown;
  /** Epoch milliseconds. */
  readonly acceptedAt: number;
  readonly key?: string | undefined;
}
