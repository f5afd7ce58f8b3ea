import type { LaneOptions } from "lanekeeper";
import type { ModelClaim, ModelSlots } from "./reference-capacity.ts";

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
  readonly seq: number;
  readonly acceptedAt: number;
  readonly input: ModelInput;
  ahead: 0 | 1 | 2;
  failures = 0;
  reclaims = 0;
  crashes = 0;
  retryAt = -Infinity;
  lastTurn: ModelTurn | undefined = undefined;
  steers: ModelItem | undefined = undefined;
  readonly failedWith = new Set<ModelItem>();
  outcome: string | undefined = undefined;
  endedAt = Infinity;

  constructor(input: ModelInput, seq: number, now: number) {
    this.input = input;
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
    return this.failures + this.reclaims + this.crashes;
  }
}

/** What overflow summarised away. */
export interface ModelDropped {
  readonly count: number;
  readonly lines: readonly string[];
}

/** A turn until its code has returned. */
export class ModelTurn {
  readonly session: ModelSession;
  readonly cause: "message" | "event" | "wake" | "heartbeat";
  readonly attempt: number;
  readonly opened: readonly ModelItem[];
  readonly reasons: readonly string[];
  readonly dropped: ModelDropped;
  readonly claim: ModelClaim;
  readonly startedAt: number;
  /** What it holds: what it was opened with, and steering that it has taken. */
  readonly held: ModelItem[];
  progressedAt: number;
  /** What it waits for by its own word, until when at the latest; and the work that it awaits. */
  waits: { readonly untilAt: number; readonly item: ModelItem | undefined; isResting: boolean }[] = [];
  abort: string | undefined = undefined;
  abortedAt = Infinity;
  wasStalled = false;
  isSettled = false;
  isFenced = false;

  constructor(
    session: ModelSession,
    cause: ModelTurn["cause"],
    attempt: number,
    opened: ModelItem[],
    now: number,
  ) {
    this.session = session;
    this.cause = cause;
    this.attempt = attempt;
    this.opened = opened;
    this.held = [...opened];
    this.reasons = session.wake?.reasons ?? [];
    this.dropped = session.dropped;
    this.claim = session.claim!;
    this.startedAt = this.progressedAt = now;
  }
  /** Whether what becomes of its work is decided, though its code runs (B28). */
  get isDecided(): boolean {
    return ["aborted", "interrupted", "preempted", "reset"].includes(this.abort ?? "");
  }
  /** Since when it makes no progress; infinitely late while it waits for other work (B24, B29). */
  get silentSince(): number {
    return Math.max(this.progressedAt, ...this.waits.map(({ untilAt }) => untilAt));
  }
  /** Sessions whose work it awaits: it lends them its slot (B10a). */
  get lends(): readonly string[] {
    return this.waits.flatMap(({ item, isResting }) => (item && !isResting ? [item.input.session] : []));
  }
}

/** A session. */
export class ModelSession {
  readonly key: string;
  waiting: ModelItem[] = [];
  turn: ModelTurn | undefined = undefined;
  claim: ModelClaim | undefined = undefined;
  isPaused = false;
  incarnation: number;
  resets = 0;
  zombies = 0;
  wake: { at: number; rank: number; attempts: number; readonly reasons: string[] } | undefined = undefined;
  isHeartbeatDue = false;
  dropped: ModelDropped = { count: 0, lines: [] };
  quietBatch: ModelItem | undefined = undefined;

  constructor(key: string, incarnation: number) {
    this.key = key;
    this.incarnation = incarnation;
  }
  /** Messages that may start a turn. */
  get messages(): readonly ModelItem[] {
    return this.waiting.filter((item) => item.isMessage && item.steers === undefined);
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
  add(item: ModelItem): void {
    this.waiting.push(item);
    this.sort();
  }
  sort(): void {
    this.waiting.sort((a, b) => b.ahead - a.ahead || a.seq - b.seq);
  }
  /** Lets what steers something steer something else, or wait like other messages, ahead of them (B19). */
  pass(steering: readonly ModelItem[], heir: ModelItem | undefined): void {
    for (const item of steering) {
      item.steers = heir;
      if (heir === undefined) item.ahead = 1;
    }
    this.sort();
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
