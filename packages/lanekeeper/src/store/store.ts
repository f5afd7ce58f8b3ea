import type { Clock } from "../time/clock.ts";
import type { MailboxSummary } from "@lanekeeper/machines";
import type { DeadLetter } from "./dead-letter.ts";
import type { ExecCompletion } from "../commands/execution.ts";
import type { LeaseStore } from "./leases.ts";
import type { Outcome } from "../turns/outcome.ts";

/**
 * The store port: what was accepted and is not finished.
 *
 * I1. Every member is one atomic step: it happens whole, or it rejects and nothing has happened.
 * I2. Steps of one session happen in the order they were asked for.
 * I3. A store may answer at once or later; nobody relies on either.
 * I4. A step that may be asked again after a lost answer (`append`, `openTurn`, `settleTurn`, `completeExecution`) gives
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
  /** Of an event. */
  readonly kind: string;
  /** Of an event that the newest of its key replaces. */
  readonly key: string | undefined;
  readonly meta: Readonly<Record<string, string>> | undefined;
  /** Epoch milliseconds. */
  readonly acceptedAt: number;
  /** Whether it may start a turn by itself. */
  readonly wakes: boolean;
  /** Of an exec completion: the incarnation that started its command. */
  readonly incarnation: number | undefined;
  /** Turns that held it and failed, or ended without completing it in another way that counts (B31a). */
  readonly failures: number;
  readonly reclaims: number;
  readonly crashes: number;
  /** Epoch milliseconds before which it is not tried again. */
  readonly retryAt: number | undefined;
  /** The last turn that held it. */
  readonly lastTurnId: string | undefined;
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
}

/** How many items of each type may wait in one session. */
export interface MailboxLimits {
  readonly cap: number;
  readonly eventCap: number;
  /** How long the ids of what this step finishes are remembered, in milliseconds. */
  readonly dedupeMs: number;
}

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

/** The answer to `append`. */
export type AppendResult =
  | {
      readonly status: "accepted";
      readonly item: StoredItem;
      readonly mailbox: MailboxSummary;
      /** The waiting event of the same key, which this one replaced. */
      readonly replaced: SettledItem | undefined;
      /** The event dropped to make room. */
      readonly dropped: SettledItem | undefined;
    }
  | { readonly status: "duplicate"; readonly known: KnownItem }
  | { readonly status: "full"; readonly waiting: number; readonly limit: number };

/** What a session's record says. */
export interface SessionRecord {
  readonly sessionKey: string;
  readonly incarnation: number;
  readonly isPaused: boolean;
  readonly mailbox: MailboxSummary;
  readonly lastReclaim: ReclaimRecord | undefined;
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
      readonly incarnation: number;
    }
  /** Some of the items no longer wait: choose again. */
  | { readonly status: "changed"; readonly mailbox: MailboxSummary };

/** What becomes of one item when its turn ends. */
export type Disposition =
  | { readonly seq: number; readonly fate: "finish"; readonly outcome: Outcome<unknown> }
  | {
      readonly seq: number;
      readonly fate: "return";
      readonly retryAt: number | undefined;
      readonly counts: "failure" | "reclaim" | "crash" | "nothing";
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
      /** What a restart in the same step finished besides. */
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

/** A command that was started or announced. */
export interface ExecutionRecord {
  readonly execId: string;
  readonly sessionKey: string;
  /** The session's when it was started; undefined: whichever it is when it is reported. */
  readonly incarnation: number | undefined;
  readonly command: string | undefined;
  readonly startedAt: number;
  readonly state: "running" | "announced" | "completed";
}
/** The answer to `completeExecution`. */
export type CompleteResult =
  | { readonly status: "duplicate" }
  | { readonly status: "silent" }
  | { readonly status: "stale"; readonly deadLetter: DeadLetter }
  | (AppendResult & { readonly status: "accepted" });

/** The kind of the event that carries a command's completion. */
export const execCompletedKind = "exec.completed";

/** One page of sessions, in the order of their keys. */
export interface SessionPage {
  readonly sessions: readonly SessionRecord[];
  /** Where the next page begins; absent on the last. */
  readonly next: string | undefined;
}

/** An opened store. */
export interface Mailboxes {
  /** Sessions it knows. */
  readonly known: number;
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
  /** Finishes waiting items with an outcome; without `ids`, the waiting messages and, with `events`, the host's events. */
  withdraw(request: {
    readonly sessionKey: string;
    readonly ids?: readonly string[] | undefined;
    readonly events: boolean;
    readonly outcome: Outcome<unknown>;
    readonly dedupeMs: number;
  }): Answer<{ readonly mailbox: MailboxSummary; readonly withdrawn: readonly SettledItem[] }>;

  /** Gives waiting items to a turn. Asked again with the same turn id: the same items and token. */
  openTurn(request: {
    readonly sessionKey: string;
    readonly turnId: string;
    readonly seqs: readonly number[];
  }): Answer<OpenTurnResult>;
  /** Records the end of a turn. Refused as stale unless the turn is the session's open one. */
  settleTurn(settlement: Settlement): Answer<SettleResult>;
  /** Starts a new incarnation of a session without an open turn (B36). */
  restart(request: { readonly sessionKey: string; readonly dedupeMs: number }): Answer<RestartResult>;

  /** A session's record; one of a session never seen is empty. */
  session(sessionKey: string): Answer<SessionRecord>;
  /** Known sessions by key. */
  page(query: {
    readonly prefix: string;
    readonly after: string | undefined;
    readonly limit: number;
  }): Answer<SessionPage>;
  /** Pauses or resumes a session, or with no key the whole keeper. */
  pause(sessionKey: string | undefined, isPaused: boolean): Answer<void>;

  /** Remembers a command before it is started, or announced, with its session's incarnation; what is known of its id wins. */
  recordExecution(
    record: ExecutionRecord,
  ): Answer<{ readonly status: "recorded" | "known"; readonly record: ExecutionRecord }>;
  /** Forgets a command that could not be started. */
  forgetExecution(execId: string): Answer<void>;
  /** What is known of a command. */
  execution(execId: string): Answer<ExecutionRecord | undefined>;
  /** Marks a command as completed, once, and accepts its event in the same step unless it is to be silent. */
  completeExecution(request: {
    readonly record: ExecutionRecord;
    readonly completion: ExecCompletion;
    readonly isSilent: boolean;
    readonly limits: MailboxLimits;
  }): Answer<CompleteResult>;

  /** Dead letters, newest first. */
  deadLetters(query: {
    readonly sessionKey: string | undefined;
    readonly limit: number;
  }): Answer<readonly DeadLetter[]>;
  /** Forgets what is remembered no longer. Answers when to sweep next (epoch milliseconds), if ever. */
  sweep(): Answer<number | undefined>;
}
