import type { MailboxSummary } from "@lanekeeper/machines";
import type { DeadLetter } from "./dead-letter.ts";
import type { ReclaimRecord, SessionRecord, SettledItem, StoredItem } from "./store.ts";

/**
 * One session in the memory store.
 *
 * I1. `waiting` is sorted by `seq`; what a turn holds is not in it.
 * I2. The counts always equal what `waiting` holds.
 */

/** A settled item and how long it is remembered. */
export interface RememberedItem extends SettledItem {
  readonly knownAs: string;
  readonly forgetAt: number;
}

/** The turn that a session has open. */
export interface OpenTurn {
  readonly turnId: string;
  readonly fencingToken: bigint;
  readonly items: readonly StoredItem[];
}

/** The turn that a session settled last. */
export interface SettledTurn {
  readonly turnId: string;
  readonly fencingToken: bigint;
  readonly deadLetters: readonly DeadLetter[];
  readonly finished: readonly SettledItem[];
}

/** The memory store's record of one session. */
export class MemorySession {
  readonly sessionKey: string;
  incarnation: number;
  isPaused = false;
  lastReclaim: ReclaimRecord | undefined = undefined;
  open: OpenTurn | undefined = undefined;
  /** The turn settled last, so that asking again gives the same answer. */
  last: SettledTurn | undefined = undefined;
  waiting: StoredItem[] = none;
  known: Map<string, StoredItem | RememberedItem> | undefined = undefined;
  version = 0;
  #messages = 0;
  #events = 0;
  #quiet = 0;
  #backingOff = 0;

  constructor(sessionKey: string, incarnation: number) {
    this.sessionKey = sessionKey;
    this.incarnation = incarnation;
  }

  get messages(): number {
    return this.#messages;
  }
  get events(): number {
    return this.#events + this.#quiet;
  }

  /** Adds an item at its place. */
  add(item: StoredItem): void {
    if (this.waiting === none) this.waiting = [];
    const { waiting } = this;
    const last = waiting.at(-1);
    if (last === undefined || last.seq < item.seq) waiting.push(item);
    else
      waiting.splice(
        waiting.findIndex((other) => other.seq > item.seq),
        0,
        item,
      );
    this.#count(item, 1);
  }

  /** Removes a waiting item; undefined if it does not wait. */
  remove(seq: number): StoredItem | undefined {
    const index = this.waiting[0]?.seq === seq ? 0 : this.waiting.findIndex((item) => item.seq === seq);
    const item = this.waiting[index];
    if (item === undefined) return undefined;
    if (index === 0) this.waiting.shift();
    else this.waiting.splice(index, 1);
    if (this.waiting.length === 0) this.waiting = none;
    this.#count(item, -1);
    return item;
  }

  /** Counts a change of the mailbox and describes it. */
  changed(): MailboxSummary {
    this.version++;
    return this.summary();
  }

  /** The mailbox as a lane sees it. */
  summary(): MailboxSummary {
    return {
      version: this.version,
      messages: this.#messages,
      events: this.#events,
      quiet: this.#quiet,
      retry: this.#backingOff === 0 ? null : this.#retry(),
    };
  }

  /** The session's record. */
  record(): SessionRecord {
    return {
      sessionKey: this.sessionKey,
      incarnation: this.incarnation,
      isPaused: this.isPaused,
      mailbox: this.summary(),
      lastReclaim: this.lastReclaim,
    };
  }

  #retry(): MailboxSummary["retry"] {
    const head = this.waiting.find((item) => item.type === "message");
    if (head?.retryAt !== undefined) return { holding: "message", at: head.retryAt };
    let at: number | undefined;
    for (const item of this.waiting) {
      if (item.type === "event" && item.retryAt !== undefined) at = Math.max(at ?? 0, item.retryAt);
    }
    return at === undefined ? null : { holding: "event", at };
  }

  #count(item: StoredItem, by: 1 | -1): void {
    if (item.type === "message") this.#messages += by;
    else if (item.wakes) this.#events += by;
    else this.#quiet += by;
    if (item.retryAt !== undefined) this.#backingOff += by;
  }
}

/** Shared by every session in which nothing waits. Never written. */
const none: StoredItem[] = [];
