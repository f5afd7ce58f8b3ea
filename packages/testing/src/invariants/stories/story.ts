import type { LanekeeperEvent, NotifyOptions, Outcome, QueueMode, SendOptions } from "lanekeeper";
import type { Recording, RecordingEntry } from "lanekeeper/recording";
import type { EventOf } from "../step.ts";
import { beginLife, type Premises, startedAt, type StoryLife } from "./story-life.ts";

/** What a story says of a turn as it starts. */
interface Start {
  readonly cause?: "message" | "event" | "wake" | "heartbeat";
  readonly attempt?: number;
  readonly reasons?: readonly string[];
  readonly agent?: string;
  readonly dropped?: unknown;
  /** What its completions say, by their ids. */
  readonly bodies?: Readonly<Record<string, unknown>>;
}

/** Who made a call: a turn's code, and of what that an earlier call gave; an item's id stands for its receipt. */
interface Caller {
  readonly by?: string | undefined;
  readonly on?: number | string | undefined;
}

interface Turn {
  readonly sessionKey: string;
  readonly messageIds: readonly string[];
  readonly eventIds: readonly string[];
  readonly attempt: number;
  hasEnded: boolean;
}

/** Begins a story: recordings written by hand, of one session `a` unless it says another, from 0 ms. */
export function story(premises: Premises = {}): Story {
  return new Story(premises);
}

/**
 * Recordings written by hand, step by step: each method tells what a host sees of it.
 *
 * I1. What it writes is legal as long as what it is told to is: whatever breaks a rule is there in the test.
 */
export class Story {
  /** What breaks a rule in it, as `breaks` said. */
  readonly breaches: { readonly recording: number; readonly index: number; readonly sentence: string }[] = [];
  readonly #lives: StoryLife[] = [];
  readonly #premises: Premises;
  readonly #turns = new Map<string, Turn>();
  readonly #events = new Set<string>();
  #now = 0;
  #session = "a";
  #token = 0n;
  /** The entry that the last method was about. */
  #last = 0;
  #call = 0;

  constructor(premises: Premises) {
    this.#premises = premises;
    this.restarts();
  }

  get recordings(): readonly Recording[] {
    return this.#lives;
  }

  /** The entry that the method before was about breaks a rule, and is reported with this sentence. */
  breaks(sentence: string): this {
    this.breaches.push({ recording: this.#lives.length - 1, index: this.#last, sentence });
    return this;
  }
  /** What follows happens at this monotonic millisecond. */
  at(ms: number): this {
    this.#now = ms;
    return this;
  }
  /** What follows is of this session. */
  in(sessionKey: string): this {
    this.#session = sessionKey;
    return this;
  }

  /** Another keeper on the same store, the one before being closed or dead. */
  restarts(): this {
    this.#lives.push(beginLife(this.#premises, this.#lives.length));
    return this;
  }
  /** The keeper is closed, and suspends what nobody has run. */
  closes(...suspended: readonly string[]): this {
    this.calls("close").tells("health.changed", { health: "closed", reason: "close" });
    for (const id of suspended) this.settles(id, { status: "suspended" });
    return this.answers();
  }

  /** An event, of the session unless it says another. */
  tells<T extends LanekeeperEvent["type"]>(type: T, members: Partial<EventOf<T>> = {}): this {
    const event = { type, at: startedAt + this.#now, sessionKey: this.#session, ...members };
    return this.#add({ at: this.#now, type: "event", event: event as unknown as LanekeeperEvent });
  }
  /** An event of a turn. */
  tellsOf<T extends LanekeeperEvent["type"]>(
    turnId: string,
    type: T,
    members: Partial<EventOf<T>> = {},
  ): this {
    const { sessionKey, messageIds, eventIds } = this.#turn(turnId);
    const its = { sessionKey, turnId, messageIds, eventIds, ...members } as unknown;
    return this.tells(type, its as Partial<EventOf<T>>);
  }
  /** The lane is in another state. */
  lane(detail: string): this {
    const { lanes } = this.#life;
    const before = lanes.get(this.#session) ?? "idle";
    lanes.set(this.#session, detail);
    const [state, previous] = [stateOf(detail), { state: stateOf(before), detail: before }];
    return this.tells("lane.state", { state, detail, previous });
  }

  /** A call from outside, or of a turn's code; what it comes to is told by `answers` or `isRefused`. */
  calls(method: string, args: readonly unknown[] = [], { by, on }: Caller = {}): this {
    this.#call = ++this.#life.calls;
    const receipt = typeof on === "string" ? this.#receiptOf(on) : on;
    return this.#add({
      at: this.#now,
      type: "call",
      call: this.#call,
      method,
      args,
      turnId: by,
      on: receipt,
    });
  }
  /** A turn's code asked something of its turn, and got something at once. */
  does(turnId: string, what: string, args: readonly unknown[] = [], got?: unknown): this {
    this.#call = ++this.#life.calls;
    return this.#add({ at: this.#now, type: "turn.did", call: this.#call, turnId, what, args, got });
  }
  /** What the last call came to, or the one of this number. */
  answers(value?: unknown, call = this.#call): this {
    return this.#add({ at: this.#now, type: "answer", call, value });
  }
  isRefused(code: string, call = this.#call): this {
    return this.#add({ at: this.#now, type: "refusal", call, code, message: "" });
  }
  /** The number of the last call. */
  get call(): number {
    return this.#call;
  }

  /** A message is sent and accepted. */
  sends(
    id: string,
    {
      isSteering = false,
      by,
      ...options
    }: SendOptions & { readonly isSteering?: boolean } & Pick<Caller, "by"> = {},
  ): this {
    this.calls("send", [this.#session, id, { id, ...options }], { by });
    const mode: QueueMode = options.mode ?? this.#premises.lane?.mode ?? "followup";
    return this.accepts("message.accepted", id, { mode, isSteering });
  }
  /** An event is sent and accepted. */
  notifies(
    id: string,
    { key, by, ...options }: NotifyOptions & { readonly key?: string } & Pick<Caller, "by"> = {},
  ): this {
    this.calls("notify", [this.#session, { kind: "note", key }, { id, ...options }], { by });
    return this.accepts("event.accepted", id, { kind: "note" });
  }
  /** What the last call brought is accepted, and its caller has its receipt. */
  accepts<T extends "message.accepted" | "event.accepted">(
    type: T,
    id: string,
    members: Partial<EventOf<T>>,
  ): this {
    if (type === "event.accepted") this.#events.add(this.#nameOf(id));
    this.#life.receipts.set(this.#nameOf(id), this.#call);
    this.tells(type, { id, ...members });
    const accepted = this.#last;
    this.answers({ id, sessionKey: this.#session, acceptedAt: startedAt + this.#now });
    return this.#about(accepted);
  }
  /** A command's completion is accepted. */
  routes(execId: string): this {
    this.#events.add(this.#nameOf(execId));
    this.tells("exec.routed", { execId });
    const routed = this.#last;
    return this.tells("event.accepted", { id: execId, kind: "exec.completed" }).#about(routed);
  }
  /** A receipt settles. */
  settles(id: string, outcome: Outcome): this {
    return this.#add({
      at: this.#now,
      type: "outcome",
      sessionKey: this.#session,
      id,
      outcome,
      call: this.#receiptOf(id),
    });
  }

  /** A turn starts with messages and events, from wherever its lane waited; with none a wake asks for it. */
  starts(turnId: string, held: readonly string[] = [], start: Start = {}): this {
    if (held.length === 0 && start.cause === undefined)
      this.calls("wake", [this.#session, { coalesceMs: 0 }]).answers();
    for (const detail of ["busy.waitingForCapacity", "busy.opening"])
      if (this.#life.lanes.get(this.#session) !== detail && !this.#isOpening) this.lane(detail);
    this.tellsStart(turnId, held, start);
    const started = this.#last;
    return this.lane("busy.running").enters(turnId, start).#about(started);
  }
  /** Only the start of a turn is told. */
  tellsStart(
    turnId: string,
    held: readonly string[],
    { cause, attempt = 1, reasons = [] }: Start = {},
  ): this {
    const messageIds = held.filter((id) => !this.#events.has(this.#nameOf(id)));
    const eventIds = held.filter((id) => !messageIds.includes(id));
    this.#turns.set(turnId, { sessionKey: this.#session, messageIds, eventIds, attempt, hasEnded: false });
    const why = cause ?? (messageIds.length > 0 ? "message" : eventIds.length > 0 ? "event" : "wake");
    return this.tellsOf(turnId, "turn.started", {
      cause: why,
      attempt,
      reasons,
      fencingToken: ++this.#token,
    });
  }
  /** A turn's code is called. */
  enters(turnId: string, { agent = "main", bodies = {}, dropped }: Start = {}): this {
    const { messageIds, eventIds } = this.#turn(turnId);
    const started = this.#life.entries.findLast(
      (entry) => entry.type === "event" && entry.event.type === "turn.started",
    );
    const { cause, attempt, reasons, sessionKey } = (started as { readonly event: EventOf<"turn.started"> })
      .event;
    const messages = messageIds.map((id) => ({ id, body: id }));
    const events = eventIds.map((id) =>
      bodies[id] === undefined
        ? { id, kind: "note", body: undefined }
        : { id, kind: "exec.completed", body: bodies[id] },
    );
    const fencingToken = String(this.#token);
    return this.#add({
      at: this.#now,
      type: "turn",
      turnId,
      sessionKey,
      agent,
      cause,
      attempt,
      fencingToken,
      reasons,
      messages,
      events,
      dropped,
    });
  }
  /** A turn's code returns. */
  returns(turnId: string): this {
    return this.#ends(turnId, { at: this.#now, type: "turn.returned", turnId, reply: "done" });
  }
  /** A turn's code throws. */
  throws(turnId: string, isPermanent = false): this {
    return this.#ends(turnId, {
      at: this.#now,
      type: "turn.threw",
      turnId,
      error: "broken",
      isPermanent,
      thrown: new Error("broken"),
    });
  }
  /** A turn returns and completes, and whoever waited for its work knows. */
  completes(turnId: string, ...others: readonly string[]): this {
    const { messageIds, eventIds, attempt, hasEnded } = this.#turn(turnId);
    if (!hasEnded) this.returns(turnId).lane("idle");
    const taken = { messageIds: [...messageIds, ...others], eventIds };
    this.tellsOf(turnId, "turn.completed", { ...taken, durationMs: 0, attempt });
    const completed = this.#last;
    for (const id of [...taken.messageIds, ...eventIds])
      if (this.#life.receipts.has(this.#nameOf(id)))
        this.settles(id, { status: "completed", turnId, reply: "done", attempts: attempt });
    return this.#about(completed);
  }
  /** A turn throws, and its work is tried again at an instant; without one it is a dead letter. */
  fails(turnId: string, retryAt?: number, isPermanent = false): this {
    const { messageIds, attempt, hasEnded } = this.#turn(turnId);
    if (!hasEnded) this.throws(turnId, isPermanent).lane(retryAt === undefined ? "idle" : "busy.backingOff");
    if (retryAt === undefined)
      this.tells("deadLetter.added", { id: `letter of ${turnId}`, reason: "broken" });
    this.tellsOf(turnId, "turn.failed", {
      error: new Error("broken"),
      attempt,
      durationMs: 0,
      willRetry: retryAt !== undefined,
    });
    const failed = this.#last;
    if (retryAt !== undefined)
      return this.tellsOf(turnId, "turn.retrying", { reason: "failed", retryAt: startedAt + retryAt }).#about(
        failed,
      );
    const error = new Error("broken");
    for (const id of messageIds)
      this.settles(id, {
        status: "failed",
        turnId,
        error,
        attempts: attempt,
        deadLetterId: `letter of ${turnId}`,
      });
    return this.#about(failed);
  }
  /** A turn is told to stop. */
  stops(turnId: string, reason: string, graceMs = 15_000): this {
    const isStalled = this.#life.lanes.get(this.#session)?.startsWith("stalled") === true;
    this.tellsOf(turnId, "turn.aborting", { reason, note: undefined, graceMs });
    const told = this.#last;
    this.lane(isStalled ? "stalled.aborting" : "busy.aborting");
    return this.#add({ at: this.#now, type: "turn.signal", turnId, code: codes[reason]! }).#about(told);
  }
  /** A turn is stalled. */
  stalls(turnId: string, ageMs = 0): this {
    const lastProgressAt = startedAt + this.#now - ageMs;
    this.tells("lane.stalled", { turnId, ageMs, lastProgressAt, waiting: 0, events: 0 });
    const stalled = this.#last;
    return this.lane("stalled.running").#about(stalled);
  }
  /** A turn is fenced while its code runs. */
  fences(turnId: string, reason: string): this {
    const facts = {
      turnId,
      reason,
      slotFreed: true,
      isCodeRunning: true,
      waiting: 0,
      events: 0,
      next: "nothing",
    } as const;
    this.tells("lane.reclaimed", facts);
    const reclaimed = this.#last;
    return this.lane("reclaimed.settling").lane("idle").#about(reclaimed);
  }

  get #life(): StoryLife {
    return this.#lives.at(-1)!;
  }
  get #isOpening(): boolean {
    return this.#life.lanes.get(this.#session) === "busy.opening";
  }
  #add(entry: RecordingEntry): this {
    this.#last = this.#life.entries.push(entry) - 1;
    return this;
  }
  #about(index: number): this {
    this.#last = index;
    return this;
  }
  #ends(turnId: string, entry: RecordingEntry): this {
    this.#turn(turnId).hasEnded = true;
    this.#add(entry);
    const ended = this.#last;
    return this.lane("busy.settling").#about(ended);
  }
  #turn(turnId: string): Turn {
    const turn = this.#turns.get(turnId);
    if (turn === undefined) throw new Error(`No turn ${turnId} has started in this story.`);
    return turn;
  }
  #nameOf(id: string): string {
    return `${this.#session} ${id}`;
  }
  #receiptOf(id: string): number {
    const call = this.#life.receipts.get(this.#nameOf(id));
    if (call === undefined)
      throw new Error(`Nobody has a receipt of ${id} in ${this.#session} in this story.`);
    return call;
  }
}

function stateOf(detail: string): EventOf<"lane.state">["state"] {
  return detail.split(".")[0] as EventOf<"lane.state">["state"];
}

/** What a turn's signal says, by the reason for which it is told to stop. */
const codes: Readonly<Record<string, string>> = {
  stalled: "TURN_STALLED",
  timeout: "TURN_TIMEOUT",
  aborted: "TURN_ABORTED",
  interrupted: "TURN_INTERRUPTED",
  preempted: "TURN_PREEMPTED",
  reset: "TURN_RESET",
  closed: "CLOSED",
  lost: "TURN_FENCED",
};
