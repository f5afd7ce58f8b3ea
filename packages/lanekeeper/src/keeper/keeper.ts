import type { Observable } from "rxjs";
import type { DeadLetter } from "../store/dead-letter.ts";
import type { LanekeeperEvent } from "../seeing/events.ts";
import type { Execution, ExecOptions, ExecReport } from "../commands/execution.ts";
import type { RouteResult } from "../commands/route-result.ts";
import type { HeartbeatControl } from "../heartbeats/heartbeat-control.ts";
import type { CapacityOptions } from "./capacity-options.ts";
import type { EventInput, NotifyOptions, SendOptions, WakeOptions } from "./call-options.ts";
import type { Locks } from "../locks/lock.ts";
import type { Receipt } from "../turns/receipt.ts";
import type { Explanation, LaneState, SessionView, Stats } from "../seeing/views.ts";

/** An orchestrator of sessions. Every call after `close` but `stats`, `session` and `explain` is refused with `CLOSED`. */
export interface Lanekeeper<Message = unknown, Reply = unknown> extends AsyncDisposable {
  /**
   * Accepts a message for a session. Resolves once the store has it; rejects if it is not accepted: `INVALID_SESSION_KEY`,
   * `INVALID_OPTION`, `LANE_BUSY`, `LANE_FULL`, `OVERLOADED`, `DRAINING`, `CLOSED`, `STORE_UNAVAILABLE`, `STORE_CORRUPT`, of a
   * durable store `INVALID_MESSAGE`, or the reason of an aborted `signal`.
   */
  send(sessionKey: string, message: Message, options?: SendOptions): Promise<Receipt<Reply>>;
  /** Puts a system event into a session's mailbox; the next turn of that session, and only that one, sees it. Rejects as `send`. */
  notify(sessionKey: string, event: EventInput, options?: NotifyOptions): Promise<Receipt<Reply>>;
  /** The receipt of work accepted earlier; undefined once dedupe has forgotten it. */
  attach(sessionKey: string, id: string): Promise<Receipt<Reply> | undefined>;
  /** Asks for a turn of a session soon, merged with others asking. Never interrupts a turn. */
  wake(sessionKey: string, options?: WakeOptions): void;

  /** Starts a command in the background; its completion comes back to this session as an event. Rejects with `EXEC_FAILED`. */
  exec(
    sessionKey: string,
    command: string,
    args?: readonly string[],
    options?: ExecOptions,
  ): Promise<Execution>;
  /** Announces a command that runs elsewhere, so that its completion finds this session; unreported after `timeoutMs` (24 h) it is `lost`. */
  expectExec(
    sessionKey: string,
    execId: string,
    options?: { readonly timeoutMs?: number | undefined },
  ): Promise<void>;
  /** Reports a command that ran elsewhere. The same `execId` is taken once. */
  reportExec(report: ExecReport): Promise<RouteResult>;

  /** The heartbeats of an agent. Throws `INVALID_OPTION` for what is no name, `NOT_FOUND` for an agent that has none. */
  heartbeat(agent: string): HeartbeatControl;
  /** Locks shared with every process on the same lease store (B49–B54). */
  readonly locks: Locks;

  /** Everything that happens, typed. Hot; costs nothing while nobody subscribes. */
  readonly events$: Observable<LanekeeperEvent>;
  /** The keeper as a whole. */
  stats(): Stats;
  /** A live session; undefined if unknown or asleep, or while its lane is starting (`sessions()` reads the store). */
  session(sessionKey: string): SessionView | undefined;
  /** Known sessions by key, one page at a time (`limit`, default 100). */
  sessions(query?: {
    readonly state?: LaneState | undefined;
    readonly prefix?: string | undefined;
    readonly limit?: number | undefined;
    readonly after?: string | undefined;
  }): Promise<{ readonly sessions: readonly SessionView[]; readonly next?: string | undefined }>;
  /** What a session has accepted and not finished, in order. */
  mailbox(sessionKey: string): Promise<
    readonly {
      readonly id: string;
      readonly type: "message" | "event";
      readonly acceptedAt: number;
      readonly attempts: number;
    }[]
  >;
  /** Why this session is not running a turn right now, or what its turn is doing: one sentence and its facts. */
  explain(sessionKey: string): Explanation;
  /** Work that was given up, newest first (`limit`, default 100). */
  deadLetters(query?: {
    readonly sessionKey?: string | undefined;
    readonly limit?: number | undefined;
  }): Promise<DeadLetter[]>;
  /**
   * Puts the work of a dead letter back at the end of its session's queue in one step, with all its attempts before it: a
   * message as a followup. Rejects with `NOT_FOUND` if there is no such letter, else as `send`, and the letter stays.
   */
  redrive(deadLetterId: string): Promise<Receipt<Reply>>;
  /** Forgets a dead letter; false if there is none. */
  discard(deadLetterId: string): Promise<boolean>;

  /**
   * Cancels the messages that wait in a session, also those that back off (not what runs); with `events`, the host's events
   * too. Resolves with how many.
   */
  clear(
    sessionKey: string,
    options?: { readonly reason?: string | undefined; readonly events?: boolean | undefined },
  ): Promise<number>;
  /** Starts the session afresh (B36). */
  reset(sessionKey: string, reason?: string): Promise<void>;
  /**
   * Aborts the running turn; what waits goes on. False if none ran. Resolves as soon as the turn was told to stop: it has its
   * grace to return.
   */
  abort(sessionKey: string, reason?: string): Promise<boolean>;
  /** Removes a session with nothing left (B11); false if something is, or it is not known. */
  forget(sessionKey: string): Promise<boolean>;
  /** Stops starts, of a session or of all; never what runs (B59a). */
  pause(sessionKey?: string): Promise<void>;
  /** Lifts the pause of a session, or without a key the global one only. */
  resume(sessionKey?: string): Promise<void>;
  /** Replaces the capacity while running. Throws `INVALID_OPTION` and changes nothing. */
  setCapacity(capacity: CapacityOptions): void;

  /** Refuses new work (code `DRAINING`) and waits for running turns, at most `timeoutMs`. What waits stays in the store. One-way. */
  drain(options?: {
    readonly timeoutMs?: number | undefined;
  }): Promise<{ readonly drained: boolean; readonly running: number; readonly waiting: number }>;
  /**
   * Stops everything and gives the store back (B58). The second call returns the same promise. Rejects with
   * `STORE_UNAVAILABLE` if the store could not be closed; everything else has been stopped all the same.
   */
  close(): Promise<void>;
}
