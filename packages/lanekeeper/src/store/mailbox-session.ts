import type { BatchSummary, MailboxSummary } from "@lanekeeper/machines";
import type { DeadLetter } from "./dead-letter.ts";
import { knownName } from "./known-name.ts";
import { type Priority, priorityRank } from "../dispatch/priority.ts";
import type { Dropped, ReclaimRecord, SessionRecord, SettledItem, StoredItem } from "./store.ts";

/**
 * One session of a mailbox store, as it is in memory while a step is taken.
 *
 * I1. `waiting` is in the order in which it is to run: by `ahead`, then by `seq`; what a turn holds is not in it.
 * I2. The counts always equal what `waiting` holds.
 * I3. What steers waits only as long as the item that it steers waits or is held: it is released with it.
 * I4. An item that is accepted and not finished is known by its name, as it is now, and whoever changes it says so.
 * I5. What was shed comes back whole as soon as anybody looks at what waits; until then only what follows it is added.
 */

/** A settled item and how long it is remembered. */
export interface RememberedItem extends SettledItem {
  readonly knownAs: string;
  readonly forgetAt: number;
}

/** What is known by a name: an item that is not finished, or how it ended. */
export type KnownEntry = StoredItem | RememberedItem;

/** The turn that a session has open. */
export interface OpenTurn {
  readonly turnId: string;
  readonly fencingToken: bigint;
  readonly items: readonly StoredItem[];
  readonly dropped: Dropped | undefined;
  /** Whether it gives way to any message. */
  readonly yields: boolean;
}

/** The turn that a session settled last. */
export interface SettledTurn {
  readonly turnId: string;
  readonly fencingToken: bigint;
  readonly deadLetters: readonly DeadLetter[];
  readonly finished: readonly SettledItem[];
}

/** What the sessions of one store count together. */
export interface StoreCounts {
  /** Grows with every change of a mailbox: no session ever goes back to an earlier version, not even one that is forgotten. */
  version: number;
  /** Items that wait. */
  backlog: number;
}

/** One session: what it has accepted and not finished, and what is known of the rest. */
export class MailboxSession {
  readonly sessionKey: string;
  incarnation: number;
  isPaused = false;
  lastReclaim: ReclaimRecord | undefined = undefined;
  open: OpenTurn | undefined = undefined;
  /** The turn settled last, so that asking again gives the same answer. */
  last: SettledTurn | undefined = undefined;
  dropped: Dropped | undefined = undefined;
  /** Lines that `dropped` has at most: the `cap` of the last message that came too many. */
  droppedLines = 0;
  version = 0;
  /** Epoch milliseconds of its last use. */
  usedAt: number;
  readonly #counts: StoreCounts;
  /** What waits, but for what was shed; and how many that are, with what gives them back. */
  #waiting: StoredItem[] = none;
  #shedCount = 0;
  /** The highest `seq` that was shed. */
  #shedUpTo = 0;
  #recall: (() => readonly StoredItem[]) | undefined = undefined;
  #known: Map<string, StoredItem | RememberedItem> | undefined = undefined;
  #messages = 0;
  /** Those of them that no heartbeat gives way to. */
  #background = 0;
  #steering = 0;
  #events = 0;
  #quiet = 0;
  #backingOff = 0;
  #expiring = 0;
  /** Items that are more than a message to be followed up or an event, of the usual priority and no group. */
  #special = 0;

  constructor(sessionKey: string, incarnation: number, counts: StoreCounts, usedAt: number) {
    this.sessionKey = sessionKey;
    this.incarnation = incarnation;
    this.#counts = counts;
    this.usedAt = usedAt;
  }

  /** What waits, in order. Good until the session's next step: copy what you keep. */
  get waiting(): readonly StoredItem[] {
    return this.#all();
  }
  /** How many items wait, and how many of those were shed. */
  get waitingCount(): number {
    return this.#shedCount + this.#waiting.length;
  }
  get shedCount(): number {
    return this.#shedCount;
  }
  /** Whether counts alone say what waits: each item is as most are. */
  get isPlain(): boolean {
    return this.#special + this.#backingOff + this.#steering === 0;
  }

  /** Messages that wait, steering included. */
  get messages(): number {
    return this.#messages + this.#steering;
  }
  get events(): number {
    return this.#events + this.#quiet;
  }
  /** Whether anything is held, or waits and may start a turn. */
  get isBusy(): boolean {
    const isHeld = this.open !== undefined && !this.open.yields;
    return isHeld || this.#messages + this.#steering + this.#events > 0;
  }

  /** What is known by a name, also what is remembered no longer and not swept yet. */
  knownAs(name: string): KnownEntry | undefined {
    return this.#known?.get(name);
  }
  /** Keeps an item, as it is now or as it ended, by its name. */
  know(name: string, entry: KnownEntry): void {
    (this.#known ??= new Map()).set(name, entry);
  }
  /** Forgets a name. */
  unknow(name: string): void {
    this.#known?.delete(name);
    if (this.#known?.size === 0) this.#known = undefined;
  }
  /** Whether any work is remembered at an instant (epoch milliseconds). Only asked where nothing waits or is held. */
  remembersAt(now: number): boolean {
    for (const entry of this.#known?.values() ?? [])
      if (!("outcome" in entry) || entry.forgetAt > now) return true;
    return false;
  }

  /** Adds an item at its place. */
  add(item: StoredItem): void {
    const isLast = item.ahead === 0 && item.seq > this.#shedUpTo;
    if (!isLast) this.#all();
    if (this.#waiting === none) this.#waiting = [];
    const waiting = this.#waiting;
    const last = waiting.at(-1);
    if (last === undefined || precedes(last, item)) waiting.push(item);
    else
      waiting.splice(
        waiting.findIndex((other) => precedes(item, other)),
        0,
        item,
      );
    this.#count(item, 1);
  }

  /** Removes a waiting item; undefined if it does not wait. */
  remove(seq: number): StoredItem | undefined {
    const waiting = this.#all();
    const index = waiting[0]?.seq === seq ? 0 : waiting.findIndex((item) => item.seq === seq);
    const item = waiting[index];
    if (item === undefined) return undefined;
    if (index === 0) waiting.shift();
    else waiting.splice(index, 1);
    if (waiting.length === 0) this.#waiting = none;
    this.#count(item, -1);
    return item;
  }

  /** Lets go of what waits. `recall` gives all that was shed, in order, once somebody looks at it. */
  shed(recall: () => readonly StoredItem[]): void {
    for (const { seq } of this.#waiting) this.#shedUpTo = Math.max(this.#shedUpTo, seq);
    this.#shedCount += this.#waiting.length;
    this.#waiting = none;
    if (this.#shedCount > 0) this.#recall = recall;
  }

  /** Puts another item in the place of the waiting one with the same `seq`. */
  replace(item: StoredItem): void {
    this.remove(item.seq);
    this.add(item);
  }

  /** Counts the time since each waiting item's acceptance on another clock, which is now at these instants. */
  rebase(now: number, monotonic: number): void {
    for (const item of [...this.waiting]) {
      const rebased = { ...item, acceptedMono: monotonic - Math.max(0, now - item.acceptedAt) };
      this.replace(rebased);
      this.know(knownName(item), rebased);
    }
  }

  /** Whether something waits that may expire. */
  get isExpiring(): boolean {
    return this.#expiring > 0;
  }

  /** Whether anything waits that steers. */
  get hasSteering(): boolean {
    return this.#steering > 0;
  }

  /** Lets what steers an item steer another, or wait like other messages, ahead of them. */
  passSteering(seq: number, heir: number | undefined): void {
    if (this.#steering === 0) return;
    for (const item of this.waiting.filter(({ steers }) => steers === seq)) {
      const passed: StoredItem = { ...item, steers: heir, ahead: heir === undefined ? 1 : item.ahead };
      this.replace(passed);
      this.know(knownName(item), passed);
    }
  }

  /** Counts a change of the mailbox and describes it. */
  changed(): MailboxSummary {
    this.version = ++this.#counts.version;
    return this.summary();
  }

  /** The mailbox as a lane sees it. */
  summary(): MailboxSummary {
    const isPlain = this.#special === 0;
    return {
      version: this.version,
      messages: this.#messages,
      events: this.#events,
      quiet: this.#quiet,
      steering: this.#steering,
      retry: this.#backingOff === 0 ? null : this.#retry(),
      batch: isPlain ? null : this.#batch(),
      interrupt: !isPlain && isFreshInterrupt(this.waiting[0]),
      pressing: this.#messages > this.#background,
      priority: isPlain ? (this.#messages > 0 ? "foreground" : "normal") : this.#priority(),
      group: isPlain ? null : this.#group(),
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
      isExpiring: this.isExpiring,
    };
  }

  /** What waits, with what was shed. */
  #all(): StoredItem[] {
    if (this.#recall !== undefined) {
      this.#waiting = [...this.#recall(), ...this.#waiting];
      this.#recall = undefined;
      this.#shedCount = 0;
      this.#shedUpTo = 0;
    }
    return this.#waiting;
  }

  /** The first message that may start a turn. */
  #head(): StoredItem | undefined {
    return this.waiting.find((item) => item.type === "message" && item.steers === undefined);
  }

  #retry(): MailboxSummary["retry"] {
    const head = this.#head();
    if (head?.retryAt !== undefined) return { holding: "message", at: head.retryAt };
    let at: number | undefined;
    for (const item of this.waiting) {
      if (item.type === "event" && item.retryAt !== undefined) at = Math.max(at ?? 0, item.retryAt);
    }
    return at === undefined ? null : { holding: "event", at };
  }

  #batch(): BatchSummary | null {
    const head = this.#head();
    if (head === undefined || head.mode !== "collect" || head.lastTurnId !== undefined) return null;
    let count = 0;
    let lastMono = head.acceptedMono;
    for (const item of this.waiting) {
      if (item.type === "event" || item.steers !== undefined || precedes(item, head)) continue;
      if (item.mode !== "collect" || item.lastTurnId !== undefined) break;
      count++;
      lastMono = item.acceptedMono;
    }
    return { firstSeq: head.seq, firstMono: head.acceptedMono, lastMono, count };
  }

  #priority(): Priority {
    let highest: Priority = "background";
    for (const { priority } of this.waiting) {
      if (priorityRank[priority] <= priorityRank[highest]) continue;
      highest = priority;
      if (highest === "foreground") break;
    }
    return highest;
  }

  #group(): string | null {
    return (this.#head() ?? this.waiting.find(({ type }) => type === "event"))?.group ?? null;
  }

  #count(item: StoredItem, by: 1 | -1): void {
    this.#counts.backlog += by;
    if (item.type === "event") {
      if (item.wakes) this.#events += by;
      else this.#quiet += by;
      if (item.priority !== "normal" || item.group !== undefined) this.#special += by;
    } else {
      if (item.steers !== undefined) this.#steering += by;
      else {
        this.#messages += by;
        if (item.priority === "background") this.#background += by;
      }
      const isPlain = item.mode === "followup" && item.priority === "foreground" && item.group === undefined;
      if (!isPlain) this.#special += by;
      if (item.expiresAt !== undefined && item.lastTurnId === undefined) this.#expiring += by;
    }
    if (item.retryAt !== undefined) this.#backingOff += by;
  }
}

/** Whether an item runs before another. */
function precedes(item: StoredItem, other: StoredItem): boolean {
  return item.ahead === other.ahead ? item.seq < other.seq : item.ahead > other.ahead;
}

/** Whether an item interrupts what runs: none that a turn has held does. */
export function isFreshInterrupt(item: StoredItem | undefined): boolean {
  return item !== undefined && item.ahead === 2 && item.lastTurnId === undefined;
}

/** Shared by every session in which nothing waits. Never written. */
const none: StoredItem[] = [];
