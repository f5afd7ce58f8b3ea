import type { Clock } from "../time/clock.ts";
import type { MailboxSummary } from "@lanekeeper/machines";
import type { DeadLetter } from "./dead-letter.ts";
import type { ExecCompletion } from "../commands/execution.ts";
import type { ProcessIdentity } from "../commands/processes.ts";
import type { ExecutionRecord } from "./execution-record.ts";
import type { MailboxLimits } from "./mailbox-limits.ts";
import type { HeartbeatKeeping } from "./heartbeat-keeping.ts";
import type { LeaseStore } from "./leases.ts";
import type { Outcome } from "../turns/outcome.ts";
import type { Origin } from "../heartbeats/origin.ts";
import type { Priority } from "../dispatch/priority.ts";
import type { QueueMode } from "../lanes/queue-mode.ts";

/**
 * The store port: what was accepted and is not finished.
 *
 * I1. Every member is one atomic step: it happens whole, or it rejects and nothing has happened.
 * I2. Steps of one session happen in the order they were asked for.
 * I3. A store may answer at once or later; nobody relies on either.
 * I4. A step that may be asked again after a lost answer (`append`, `openTurn`, `claimSteering`, `settleTurn`,
 *     `completeExecution`) gives
 *     the same answer again and changes nothing.
 * I5. Fencing tokens and incarnations come from one counter of the store, which neither repeats nor goes back.
 */

/** An answer now or later. */
export type Answer<T> = T | PromiseLike<T>;

/** Where accepted work lives. A store serves one keeper at a time. */
export interface Store {
  /** The store's own leases. */
  readonly leases: LeaseStore;
  /** Gives the store to a keeper. Rejects with `STORE_IN_USE` while another has it. */
  open(host: StoreHost): Answer<Mailboxes>;
  /** Ends the keeper's use of it. */
  close(): Promise<void>;
}

/** What a keeper gives the store that it opens. */
export interface StoreHost {
  readonly clock: Clock;
  readonly createId: () => string;
}

/** A message or an event, as the store keeps it. */
export interface StoredItem {
  /** The order of acceptance over the whole store. */
  readonly seq: number;
  readonly id: string;
  readonly sessionKey: string;
  readonly type: "message" | "event";
  readonly body: unknown;
  /** Of a message; an event's is "followup". */
  readonly mode: QueueMode;
  readonly priority: Priority;
  /** The capacity group of a turn that it is the first item of. */
  readonly group: string | undefined;
  /** Of an event. */
  readonly kind: string;
  /** Of an event that the newest of its key replaces. */
  readonly key: string | undefined;
  readonly meta: Readonly<Record<string, string>> | undefined;
  /** Epoch milliseconds. */
  readonly acceptedAt: number;
  /** The same instant in monotonic milliseconds of the keeper that has the store. */
  readonly acceptedMono: number;
  /** Whether it may start a turn by itself. */
  readonly wakes: boolean;
  /** Of an exec completion: the incarnation that started its command. */
  readonly incarnation: number | undefined;
  /** Who caused it, through however many turns (B39). */
  readonly origin: Origin;
  /** Turns that held it and failed, or ended without completing it in another way that counts (B31a). */
  readonly failures: number;
  readonly reclaims: number;
  readonly crashes: number;
  /** Epoch milliseconds before which it is not tried again. */
  readonly retryAt: number | undefined;
  /** The last turn that held it. */
  readonly lastTurnId: string | undefined;
  /** Of an event: messages (`seq`) whose turns failed while they held it (B31a). */
  readonly failedWith: readonly number[];
  /** Epoch milliseconds at which it expires unless a turn has held it. */
  readonly expiresAt: number | undefined;
  /** Of steering: the first item (`seq`) of the turn that it is for. It starts no turn until that turn is over for good (B19). */
  readonly steers: number | undefined;
  /** What it runs ahead of: 2, everything (an interrupt); 1, all but that (steering that nobody took); 0, what came later. */
  readonly ahead: 0 | 1 | 2;
}

/** What overflow summarised away since the last turn that completed (B22). */
export interface Dropped {
  readonly count: number;
  /** One line for each of the last `cap`. */
  readonly summary: readonly string[];
}

/** Work to accept. */
export interface NewItem {
  readonly sessionKey: string;
  readonly id: string;
  readonly type: "message" | "event";
  readonly body: unknown;
  readonly kind?: string | undefined;
  readonly key?: string | undefined;
  readonly meta?: Readonly<Record<string, string>> | undefined;
  readonly wakes: boolean;
  readonly incarnation?: number | undefined;
  /** Default "person". */
  readonly origin?: Origin | undefined;
  readonly mode: QueueMode;
  readonly priority: Priority;
  readonly group?: string | undefined;
  /** Milliseconds after acceptance at which it expires. */
  readonly expiresInMs?: number | undefined;
  /** Of mode `reject`: whether its lane is not idle, whatever the store knows of the session. */
  readonly meetsBusyLane?: boolean | undefined;
  /** The open turn that it steers; if that is open no more, it waits like any other message. */
  readonly steersTurn?: string | undefined;
}

export type { ExecutionRecord, MailboxLimits };

/** Work of which an outcome is known, and for how long it is remembered. */
export interface SettledItem {
  readonly seq: number;
  readonly id: string;
  readonly type: "message" | "event";
  readonly sessionKey: string;
  readonly acceptedAt: number;
  readonly outcome: Outcome<unknown>;
}

/** What the store knows of an id. */
export type KnownItem =
  | { readonly state: "open"; readonly item: StoredItem }
  | { readonly state: "settled"; readonly item: SettledItem };

/** The answer to `append`. Nothing has changed unless it is `accepted` or `dropped`. */
export type AppendResult =
  | {
      readonly status: "accepted";
      readonly item: StoredItem;
      readonly mailbox: MailboxSummary;
      /** What this step finished: a replaced event, what was dropped to make room, an interrupt that this one outdates. */
      readonly finished: readonly SettledItem[];
    }
  /** Accepted and dropped in the same step: there was no room, and it had to be the one. */
  | { readonly status: "dropped"; readonly item: SettledItem }
  | { readonly status: "duplicate"; readonly known: KnownItem }
  | { readonly status: "full"; readonly waiting: number; readonly limit: number }
  | { readonly status: "overloaded"; readonly waiting: number; readonly limit: number }
  /** Of mode `reject`: the session is not idle. */
  | { readonly status: "busy" };

/** What a session's record says. */
export interface SessionRecord {
  readonly sessionKey: string;
  readonly incarnation: number;
  readonly isPaused: boolean;
  readonly mailbox: MailboxSummary;
  readonly lastReclaim: ReclaimRecord | undefined;
  /** Whether something waits that may expire. */
  readonly isExpiring: boolean;
}
/** The last time a turn of the session was reclaimed. */
export interface ReclaimRecord {
  readonly at: number;
  readonly turnId: string;
  readonly reason: string;
}

/** The answer to `openTurn`. */
export type OpenTurnResult =
  | {
      readonly status: "opened";
      readonly fencingToken: bigint;
      readonly mailbox: MailboxSummary;
      /** What the turn holds. */
      readonly items: readonly StoredItem[];
      /** What waits for the turn to take it. */
      readonly steering: readonly StoredItem[];
      readonly dropped: Dropped | undefined;
      readonly incarnation: number;
    }
  /** Some of the items no longer wait, or an interrupt does that is not among them: choose again. */
  | { readonly status: "changed"; readonly mailbox: MailboxSummary };

/** What becomes of one item when its turn ends. */
export type Disposition =
  | { readonly seq: number; readonly fate: "finish"; readonly outcome: Outcome<unknown> }
  | {
      readonly seq: number;
      readonly fate: "return";
      readonly retryAt: number | undefined;
      readonly counts: "failure" | "reclaim" | "crash" | "nothing";
      /** Of an event: the messages (`seq`) that it failed with. */
      readonly failedWith?: readonly number[] | undefined;
    }
  | {
      readonly seq: number;
      readonly fate: "dead-letter";
      readonly deadLetterId: string;
      readonly reason: string;
      readonly outcome: Outcome<unknown>;
    };

/** The end of a turn. */
export interface Settlement {
  readonly sessionKey: string;
  readonly turnId: string;
  readonly fencingToken: bigint;
  readonly dispositions: readonly Disposition[];
  readonly dedupeMs: number;
  /**
   * Whether steering stays for the turn that holds the first returned item that wakes, or waits like other messages, ahead
   * of them. Where none is returned it is released.
   */
  readonly steering: "stays" | "released";
  /** Whether what overflow summarised away has been told. */
  readonly hasToldDropped: boolean;
  readonly reclaim?: ReclaimRecord | undefined;
  /** Starts a new incarnation in the same step (B36). */
  readonly restart?: boolean | undefined;
}
/** The answer to `settleTurn`. Stale: another turn or a reset has settled it before; nothing has changed. */
export type SettleResult =
  | {
      readonly status: "settled";
      readonly mailbox: MailboxSummary;
      readonly incarnation: number;
      readonly deadLetters: readonly DeadLetter[];
      /** What this step finished besides: by a restart, or because a later interrupt outdates it. */
      readonly finished: readonly SettledItem[];
    }
  | { readonly status: "stale"; readonly mailbox: MailboxSummary };

/** The answer to `restart`. */
export interface RestartResult {
  readonly mailbox: MailboxSummary;
  readonly incarnation: number;
  /** Messages that were backing off, and completions of earlier commands. */
  readonly finished: readonly SettledItem[];
  readonly deadLetters: readonly DeadLetter[];
}

/** A turn that a keeper left open when it died. */
export interface AbandonedTurn extends Pick<Settlement, "sessionKey" | "turnId" | "fencingToken"> {
  readonly items: readonly StoredItem[];
}

/** The answer to `completeExecution`. */
export type CompleteResult =
  | { readonly status: "duplicate" }
  | { readonly status: "silent" }
  | { readonly status: "stale"; readonly deadLetter: DeadLetter }
  | (AppendResult & { readonly status: "accepted" });

/** The answer to `redrive`. */
export type RedriveResult =
  | Extract<AppendResult, { status: "accepted" | "full" | "overloaded" }>
  | { readonly status: "missing" };

/** The kind of the event that carries a command's completion. */
export const execCompletedKind = "exec.completed";

/** One page of sessions, in the order of their keys. */
export interface SessionPage {
  readonly sessions: readonly SessionRecord[];
  /** Where the next page begins; absent on the last. */
  readonly next: string | undefined;
}

/** An opened store. Once it was given back every step is refused with `STORE_IN_USE`. */
export interface Mailboxes extends HeartbeatKeeping {
  /** Whether the keeper that opened it still has it. */
  readonly isHeld: boolean;
  /** Whether what it accepts outlives this process: then bodies and replies must survive JSON (B57). Never changes. */
  readonly isDurable: boolean;
  /** Sessions it knows. */
  readonly known: number;
  /** Items that wait over all sessions. */
  readonly backlog: number;
  /** Whether the whole keeper is paused, and which sessions are. */
  pauses(): Answer<{ readonly keeper: boolean; readonly sessions: readonly string[] }>;

  /** Accepts an item; idempotent by its id. */
  append(item: NewItem, limits: MailboxLimits): Answer<AppendResult>;
  /** What waits in a session, in order; not what a turn holds. Good until the session's next step: copy what you keep. */
  waiting(sessionKey: string): Answer<readonly StoredItem[]>;
  /** What a session has accepted and not finished, in order. */
  unfinished(sessionKey: string): Answer<readonly StoredItem[]>;
  /** What is known of an id; undefined once it is forgotten. */
  find(sessionKey: string, id: string): Answer<KnownItem | undefined>;
  /**
   * Finishes waiting items with an outcome: those of `seqs`, or without them the waiting messages and, with `events`, the
   * host's events. With `isFresh` only those that no turn has held.
   */
  withdraw(request: {
    readonly sessionKey: string;
    readonly seqs?: readonly number[] | undefined;
    readonly events: boolean;
    readonly isFresh: boolean;
    readonly outcome: Outcome<unknown>;
    readonly dedupeMs: number;
  }): Answer<{ readonly mailbox: MailboxSummary; readonly withdrawn: readonly SettledItem[] }>;

  /** Gives waiting items to a turn. Asked again with the same turn id: the same items and token. */
  openTurn(request: {
    readonly sessionKey: string;
    readonly turnId: string;
    readonly seqs: readonly number[];
    /** Whether the turn gives way to any message: then its session is not busy for one of mode `reject`. */
    readonly yields?: boolean | undefined;
  }): Answer<OpenTurnResult>;
  /** Gives steering to the open turn that has taken it. What does not wait for that turn is passed over. */
  claimSteering(request: {
    readonly sessionKey: string;
    readonly turnId: string;
    readonly seqs: readonly number[];
  }): Answer<MailboxSummary>;
  /**
   * Records the end of a turn. Each item that it holds needs one disposition; one for anything else is about steering that
   * it has taken, and is passed over if that waits no more. Refused as stale unless the turn is the session's open one.
   */
  settleTurn(settlement: Settlement): Answer<SettleResult>;
  /** Starts a new incarnation of a session without an open turn (B36). */
  restart(request: { readonly sessionKey: string; readonly dedupeMs: number }): Answer<RestartResult>;

  /** A session's record; one of a session never seen is empty, and its mailbox's version no lower than any told before. */
  session(sessionKey: string): Answer<SessionRecord>;
  /** Known sessions in the store's order of keys; with `holding` only those in which items wait, or some that may expire. */
  page(query: {
    readonly prefix: string;
    readonly after: string | undefined;
    readonly limit: number;
    readonly holding?: "items" | "expiring" | undefined;
  }): Answer<SessionPage>;
  /** Removes a session with nothing waiting, held, remembered, announced or paused; false if it has, or is not known. */
  forget(sessionKey: string): Answer<boolean>;
  /**
   * Sessions that `forget` would remove and that were not used since `before` (epoch milliseconds): nothing was accepted,
   * and no turn ended. And when the first of those was last used that were used since.
   */
  unused(query: {
    readonly before: number;
    readonly limit: number;
  }): Answer<{ readonly sessionKeys: readonly string[]; readonly nextUsedAt: number | undefined }>;
  /** Turns left open by a keeper that died. Each is settled like any other. */
  abandonedTurns(): Answer<readonly AbandonedTurn[]>;
  /** Pauses or resumes a session, or with no key the whole keeper. */
  pause(sessionKey: string | undefined, isPaused: boolean): Answer<void>;

  /** Remembers a command before it is started, or announced, with its session's incarnation; what is known of its id wins. */
  recordExecution(
    record: ExecutionRecord,
  ): Answer<{ readonly status: "recorded" | "known"; readonly record: ExecutionRecord }>;
  /** Remembers the process of a command that runs; one that is not known, or has completed, is passed over. */
  recordProcess(request: { readonly execId: string; readonly process: ProcessIdentity }): Answer<void>;
  /** Forgets a command that could not be started. */
  forgetExecution(execId: string): Answer<void>;
  /** What is known of a command. */
  execution(execId: string): Answer<ExecutionRecord | undefined>;
  /** Commands that are not completed. */
  openExecutions(): Answer<readonly ExecutionRecord[]>;
  /** Marks a command as completed, once, and accepts its event in the same step unless it is to be silent. */
  completeExecution(request: {
    readonly record: ExecutionRecord;
    readonly completion: ExecCompletion;
    readonly isSilent: boolean;
    /** Whether the event may start a turn by itself; default true. */
    readonly wakes?: boolean | undefined;
    readonly limits: MailboxLimits;
  }): Answer<CompleteResult>;

  /** Dead letters, newest first. */
  deadLetters(query: {
    readonly sessionKey: string | undefined;
    readonly limit: number;
  }): Answer<readonly DeadLetter[]>;
  /** One dead letter. */
  deadLetter(id: string): Answer<DeadLetter | undefined>;
  /** Puts the work of a dead letter back at the end of its session's queue, with no attempts, and forgets the letter. */
  redrive(request: { readonly id: string; readonly limits: MailboxLimits }): Answer<RedriveResult>;
  /** Forgets a dead letter; false if there is none. */
  discard(id: string): Answer<boolean>;
  /** Forgets what is remembered no longer. Answers when to sweep next (epoch milliseconds), if ever. */
  sweep(): Answer<number | undefined>;
}
