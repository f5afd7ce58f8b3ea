import type { LaneOptions } from "lanekeeper";

/** The number of slots and the limits inside. */
export interface ModelSlots {
  readonly turns: number;
  readonly groups: Readonly<Record<string, { readonly limit: number; readonly reserved: number }>>;
}

/** The settings that the reference model knows: those of every lane, and the capacity. */
export interface ModelSettings extends ModelSlots {
  readonly lane: Omit<LaneOptions, "mode" | "summarize" | "passivateAfterMs">;
  /** How much later a session's deadlines are than `lane` says, in milliseconds. */
  readonly laterMs: Readonly<Record<string, number>>;
}

/** Work as it is accepted. */
export interface ModelInput {
  readonly id: string;
  readonly session: string;
  readonly type: "message" | "event" | "completion";
  /** By default its id. */
  readonly body?: string;
  readonly mode?: "followup" | "collect" | "steer" | "interrupt" | "reject";
  /** 0 background, 1 normal, 2 foreground. */
  readonly rank?: number;
  readonly group?: string | undefined;
  readonly key?: string | undefined;
  readonly wakes?: boolean;
  readonly expiresInMs?: number | undefined;
}

/** Work from its acceptance to its outcome. */
export class ModelItem {
  readonly input: ModelInput;
  readonly session: ModelSession;
  readonly seq: number;
  readonly acceptedAt: number;
  /** How often its turn ended so, where that counts. */
  readonly counts = { failed: 0, reclaimed: 0, crashed: 0 };
  /** What was in the turns in which it failed. */
  readonly failedWith: ModelItem[] = [];
  /** An interrupt goes first, then steering that nothing took. */
  ahead: 0 | 1 | 2;
  retryAt = -Infinity;
  lastTurn: ModelTurn | undefined = undefined;
  /** It is for the turn that holds this. */
  steers: ModelItem | undefined = undefined;
  outcome: string | undefined = undefined;
  endedAt = Infinity;

  constructor(input: ModelInput, session: ModelSession, seq: number, now: number) {
    this.input = input;
    this.session = session;
    this.seq = seq;
    this.acceptedAt = now;
    this.ahead = input.mode === "interrupt" ? 2 : 0;
  }
  get id(): string {
    return this.input.id;
  }
  get isMessage(): boolean {
    return this.input.type === "message";
  }
  get isWaiting(): boolean {
    return this.session.waiting.includes(this);
  }
  get isInterrupt(): boolean {
    return this.ahead === 2;
  }
  get wakes(): boolean {
    return this.input.wakes ?? true;
  }
  get rank(): number {
    return this.input.rank ?? (this.isMessage ? 2 : 1);
  }
  get expiresAt(): number {
    return this.lastTurn === undefined ? this.acceptedAt + (this.input.expiresInMs ?? Infinity) : Infinity;
  }
  get attempts(): number {
    return this.counts.failed + this.counts.reclaimed + this.counts.crashed;
  }
}

/** What a turn runs on: those that share it, in the order of their starts (B10a), and the group in which it counts. */
export interface ModelSlot {
  users: readonly ModelTurn[];
  readonly group: string | undefined;
}

/** A turn until its code has returned. */
export class ModelTurn {
  readonly session: ModelSession;
  readonly cause: "message" | "event" | "wake" | "heartbeat";
  readonly attempt: number;
  readonly opened: readonly ModelItem[];
  readonly reasons: readonly string[];
  readonly dropped: readonly string[];
  readonly startedAt: number;
  /** What it holds: what it was opened with, and steering that it has taken. */
  readonly held: ModelItem[];
  /** The work that it awaits. */
  awaits: readonly ModelItem[] = [];
  /** When it last made progress, or until when it waits by its own word. */
  activeUntil: number;
  abort: string | undefined = undefined;
  abortedAt = Infinity;

  constructor(session: ModelSession, attempt: number, opened: readonly ModelItem[], now: number) {
    this.session = session;
    this.cause = session.cause!;
    this.attempt = attempt;
    this.opened = opened;
    this.held = [...opened];
    this.reasons = [...(session.wake?.reasons ?? [])];
    this.dropped = session.dropped;
    this.startedAt = this.activeUntil = now;
  }
  /** Whether what becomes of its work was decided when it was told to stop (B28). */
  get isDecided(): boolean {
    return ["aborted", "interrupted", "preempted", "reset"].includes(this.abort ?? "");
  }
  /** Since when it makes no progress; in infinity while it awaits other work (B24, B29). */
  get silentSince(): number {
    return Math.max(this.activeUntil, ...this.awaits.map(({ endedAt }) => endedAt));
  }
  /** Sessions to which it lends its slot. Of work that has just left a turn it may hear any moment (B10a). */
  get lends(): readonly ModelSession[] {
    const isOpen = ({ outcome, session, isWaiting }: ModelItem): boolean =>
      outcome === undefined && (session.turn !== undefined || isWaiting);
    return this.awaits.filter(isOpen).map(({ session }) => session);
  }
  /** Steering that waits for it (B19). */
  get steering(): readonly ModelItem[] {
    return this.session.waiting.filter(({ steers }) => steers !== undefined && this.held.includes(steers));
  }
}

/** Wakes that were asked for, merged (B40). */
export interface ModelWake {
  at: number;
  isDue: boolean;
  rank: number;
  attempts: number;
  readonly reasons: Set<string>;
}

/** A session. */
export class ModelSession {
  readonly key: string;
  readonly agent: string;
  waiting: readonly ModelItem[] = [];
  turn: ModelTurn | undefined = undefined;
  /** Since when it waits for a slot. */
  since = 0;
  isPaused = false;
  incarnation = 0;
  isResetDue = false;
  wake: ModelWake | undefined = undefined;
  isHeartbeatDue = false;
  /** What overflow summarised away, and no turn has completed with. */
  dropped: readonly string[] = [];
  /** The first of a batch that has had its quiet. */
  quietBatch: ModelItem | undefined = undefined;

  constructor(key: string) {
    this.key = key;
    this.agent = /^agent:([^:]+)/.exec(key)?.[1] ?? "main";
  }
  /** Messages that may start a turn. */
  get messages(): readonly ModelItem[] {
    return this.waiting.filter((item) => item.isMessage && item.steers === undefined);
  }
  get interrupts(): readonly ModelItem[] {
    return this.waiting.filter(({ isInterrupt }) => isInterrupt);
  }
  get events(): readonly ModelItem[] {
    return this.waiting.filter((item) => !item.isMessage);
  }
  /** The messages of the next turn (B18). */
  get batch(): readonly ModelItem[] {
    const { messages } = this;
    const [head] = messages;
    if (head?.input.mode !== "collect") return messages.slice(0, 1);
    const end = messages.findIndex(
      ({ input, lastTurn }) => input.mode !== "collect" || lastTurn !== head.lastTurn,
    );
    return end < 0 ? messages : messages.slice(0, end);
  }
  /** What decides when the next turn starts, and which attempt it is (B31). */
  get leaders(): readonly ModelItem[] {
    return this.batch.length > 0 ? this.batch : this.events;
  }
  /** What its next turn would start by, if anything (B9). */
  get cause(): ModelTurn["cause"] | undefined {
    if (this.messages.length > 0) return "message";
    if (this.events.some(({ wakes }) => wakes)) return "event";
    if (this.wake?.isDue === true) return "wake";
    return this.isHeartbeatDue ? "heartbeat" : undefined;
  }
  /** With what it waits for a slot: a heartbeat with nothing (B12, B14). */
  get demand(): { readonly rank: number; readonly group: string | undefined } {
    if (this.cause === "heartbeat") return { rank: 0, group: undefined };
    const wakeRank = this.wake?.isDue === true ? this.wake.rank : 0;
    const ranks = this.waiting.map(({ rank }) => rank);
    return { rank: Math.max(wakeRank, ...ranks), group: this.leaders[0]?.input.group };
  }
  /** Puts work in its place. */
  queue(items: readonly ModelItem[]): void {
    this.waiting = [...this.waiting, ...items].toSorted((a, b) => b.ahead - a.ahead || a.seq - b.seq);
  }
  /** Lets what steers something steer something else, or wait like other messages, ahead of them (B19). */
  pass(steering: readonly ModelItem[], heir: ModelItem | undefined): void {
    for (const item of steering) {
      item.steers = heir;
      if (heir === undefined) item.ahead = 1;
    }
    this.queue([]);
  }
}

/** A command that runs. */
export interface ModelProcess {
  readonly id: string;
  readonly session: ModelSession;
  readonly incarnation: number;
  /** The turn whose foreground command it is. */
  readonly owner: ModelTurn | undefined;
}

/** A list without some of its things. */
export function without<T>(list: readonly T[], gone: readonly T[]): readonly T[] {
  return list.filter((thing) => !gone.includes(thing));
}
