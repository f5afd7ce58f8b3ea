import type { AbortReason } from "@lanekeeper/machines";
import { abortError } from "./abort-error.ts";
import type { Origin } from "../heartbeats/origin.ts";
import { LanekeeperError, toError } from "../keeper/errors.ts";
import type { Execution } from "../commands/execution.ts";
import type { Locks } from "../locks/lock.ts";
import { createTurnLocks, type TurnLocks } from "../locks/turn-locks.ts";
import type { Lane } from "../lanes/lane.ts";
import { checkTurnExec } from "../commands/exec-settings.ts";
import { checkWaiting } from "../keeper/call-options.ts";
import type { Runtime } from "../keeper/runtime.ts";
import type { TurnRecord } from "./settlements.ts";
import type { Dropped, StoredItem } from "../store/store.ts";
import type { AcceptedMessage, SystemEvent, Turn } from "./turn.ts";
import { TurnSteering } from "./turn-steering.ts";
import { TurnWaits } from "./turn-waits.ts";

/**
 * One turn: what the host's code holds, and the one check of whether it still counts.
 *
 * I1. Every effect a turn asks for passes `isCurrent` (B28).
 * I2. Its code's end is reported once: to its lane while it counts, as a late result after the fence.
 * I3. Nothing here throws into the host's code but `assertCurrent`, and nothing of the host's throws out of it.
 */
export class LiveTurn implements Turn {
  readonly id: string;
  readonly sessionKey: string;
  readonly agent: string;
  readonly cause: Turn["cause"];
  /** Set when it starts: it satisfies every wake until then. */
  reasons: readonly string[] = [];
  readonly attempt: number;
  readonly fencingToken: bigint;
  /** What it was opened with. */
  readonly items: readonly StoredItem[];
  /** What overflow summarised away before it. */
  readonly dropped: Dropped | undefined;
  readonly incarnation: number;
  readonly origin: Origin;
  /** Epoch milliseconds; of its opening, until it starts. */
  startedAt = 0;
  /** Monotonic milliseconds of the same. */
  startedMono = 0;
  readonly lane: Lane;
  readonly #runtime: Runtime;

  /** Monotonic milliseconds of the last progress (B24). */
  progressedMono = 0;
  stalledMono = 0;
  abortedMono = 0;
  stopReason: AbortReason | null = null;
  reply: unknown;
  error: Error | undefined;
  /** How far the record of its end is. */
  readonly record: TurnRecord = { verdict: undefined, waiters: undefined, mailbox: undefined };
  #phase: "current" | "aborting" | "over" = "current";
  #code: "waiting" | "running" | "ended" = "waiting";
  #isFenced = false;
  #fencedMono = 0;
  #abortReason: LanekeeperError | undefined;
  #controller: AbortController | undefined;
  #messages: readonly AcceptedMessage<unknown>[] | undefined;
  #events: readonly SystemEvent[] | undefined;
  #onAbort: Set<() => void> | undefined;
  #waits: TurnWaits | undefined;
  #steering: TurnSteering | undefined;
  #locks: TurnLocks | undefined;

  constructor(
    runtime: Runtime,
    lane: Lane,
    opened: Pick<
      LiveTurn,
      "id" | "cause" | "attempt" | "fencingToken" | "items" | "dropped" | "incarnation" | "origin"
    >,
  ) {
    this.#runtime = runtime;
    this.lane = lane;
    this.id = opened.id;
    this.sessionKey = lane.sessionKey;
    this.agent = lane.agent;
    this.cause = opened.cause;
    this.attempt = opened.attempt;
    this.fencingToken = opened.fencingToken;
    this.items = opened.items;
    this.dropped = opened.dropped;
    this.incarnation = opened.incarnation;
    this.origin = opened.origin;
    this.starts();
  }

  /** Its time begins: the process may have been suspended since the store opened it, and that is none of it (B26a). */
  starts(): void {
    const { clock } = this.#runtime.settings;
    this.startedAt = clock.now();
    this.startedMono = this.progressedMono = clock.monotonic();
  }

  get messages(): readonly AcceptedMessage<unknown>[] {
    return (this.#messages ??= this.items.filter(({ type }) => type === "message").map(toMessage));
  }

  get events(): readonly SystemEvent[] {
    return (this.#events ??= this.items
      .filter(({ type }) => type === "event")
      .map(({ id, kind, body, acceptedAt, key }) =>
        key === undefined ? { id, kind, body, acceptedAt } : { id, kind, body, acceptedAt, key },
      ));
  }

  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#abortReason !== undefined) this.#controller.abort(this.#abortReason);
    }
    return this.#controller.signal;
  }

  get locks(): Locks {
    return (this.#locks ??= createTurnLocks(this.#runtime.locks, this, this.#runtime.passages)).locks;
  }
  /** Why it was told to stop. */
  get abortReason(): LanekeeperError | undefined {
    return this.#abortReason;
  }
  /** The same; that it no longer counts, where it was not told so. */
  get stopError(): LanekeeperError {
    return this.#abortReason ?? this.fencedError("turn.waiting");
  }
  /** The messages that steer it. */
  get steering(): TurnSteering {
    return (this.#steering ??= new TurnSteering());
  }
  /** What it waits for by its own word. */
  get waitsFor(): readonly string[] {
    return this.#waits?.reasons ?? [];
  }
  /** Everything whose end its own decides: what it was opened with, and the steering that it has taken. */
  get held(): readonly StoredItem[] {
    return this.#steering === undefined ? this.items : [...this.items, ...this.#steering.taken];
  }
  /** Whether messages may steer it: what nothing but a wake or a heartbeat has started may be of no use to them. */
  get isSteerable(): boolean {
    return this.isCurrent && this.cause !== "wake" && this.cause !== "heartbeat";
  }
  /** The monotonic instant since which it is silent: now, while it waits by its own word (B29). */
  silentSince(now: number): number {
    const untilMono = this.#waits?.untilMono;
    return untilMono === undefined
      ? this.progressedMono
      : Math.max(this.progressedMono, Math.min(now, untilMono));
  }

  /** Whether what it asks for counts: until its code has ended or it was told to stop. */
  get isCurrent(): boolean {
    return this.#phase === "current";
  }
  /** Whether its code has ended or it was fenced. */
  get isOver(): boolean {
    return this.#phase === "over";
  }
  /** Whether its code has been called and has not returned. */
  get isCodeRunning(): boolean {
    return this.#code === "running";
  }
  /** What its lane's crash means for its work: what its code did before counts. */
  get crashConclusion(): "completed" | "failed" | "crashed" {
    if (this.#code !== "ended" || this.stopReason !== "lost") return "crashed";
    return this.error === undefined ? "completed" : "failed";
  }
  /** Epoch milliseconds of the last progress. */
  get progressedAt(): number {
    return this.startedAt + (this.progressedMono - this.startedMono);
  }

  // Hosts destructure turns, so each method is a function of its own, made when it is first asked for.
  #progress: Turn["progress"] | undefined;
  get progress(): Turn["progress"] {
    return (this.#progress ??= (note) => {
      if (!this.isCurrent) return;
      this.noteProgress();
      const { journal } = this.#runtime;
      if (journal.isObserved && note !== undefined) {
        journal.emit({ type: "turn.progressed", ...this.facts(), note });
      }
    });
  }
  #emit: Turn["emit"] | undefined;
  get emit(): Turn["emit"] {
    return (this.#emit ??= (data) => {
      if (!this.isCurrent) return;
      this.noteProgress();
      const { journal } = this.#runtime;
      if (journal.isObserved) journal.emit({ type: "turn.emitted", ...this.facts(), data });
    });
  }
  #assertCurrent: Turn["assertCurrent"] | undefined;
  get assertCurrent(): Turn["assertCurrent"] {
    return (this.#assertCurrent ??= () => {
      if (!this.isCurrent) throw this.fencedError("turn.assertCurrent");
    });
  }
  #exec: Turn["exec"] | undefined;
  get exec(): Turn["exec"] {
    return (this.#exec ??= async (command, args = [], options): Promise<Execution> => {
      if (!this.isCurrent) throw this.fencedError("turn.exec");
      const { foreground, exec } = checkTurnExec(options);
      return this.#runtime.executions.start(this.sessionKey, command, args, exec, {
        turn: this,
        isForeground: foreground,
      });
    });
  }
  #expectExec: Turn["expectExec"] | undefined;
  get expectExec(): Turn["expectExec"] {
    return (this.#expectExec ??= async (execId, options) => {
      if (!this.isCurrent) throw this.fencedError("turn.expectExec");
      await this.#runtime.executions.expect(this.sessionKey, execId, options, this.origin);
    });
  }

  #takeSteering: Turn["takeSteering"] | undefined;
  get takeSteering(): Turn["takeSteering"] {
    return (this.#takeSteering ??= () => {
      const items = this.isCurrent ? this.steering.take() : [];
      if (items.length === 0) return [];
      this.noteProgress();
      this.#runtime.claimSteering(this, items);
      return items.map(toMessage);
    });
  }
  #waiting: Turn["waiting"] | undefined;
  get waiting(): Turn["waiting"] {
    return (this.#waiting ??= async (reason, untilAt, wait) => {
      const settled = Promise.resolve(wait);
      // Whatever this call ends with, the host's promise has been looked at.
      settled.catch(() => {});
      if (!this.isCurrent) throw this.fencedError("turn.waiting");
      checkWaiting(reason, untilAt);
      const { clock } = this.#runtime.settings;
      const untilMono = clock.monotonic() + Math.max(0, untilAt - clock.now());
      return this.waitFor(reason, settled, untilMono, untilAt);
    });
  }

  /** Waits by its own word: settles as the promise does, or rejects with the signal's reason when it is told to stop. */
  waitFor<T>(reason: string, wait: Promise<T>, untilMono: number, untilAt?: number): Promise<T> {
    const { journal, passages } = this.#runtime;
    this.noteProgress();
    const end = (this.#waits ??= new TurnWaits()).begin(reason, untilMono);
    if (journal.isObserved) journal.emit({ type: "turn.waiting", ...this.facts(), reason, untilAt });
    return new Promise((resolve, reject) => {
      let isOver = false;
      const ended = (settle: () => void): void => {
        if (isOver) return;
        isOver = true;
        const now = this.#runtime.settings.clock.monotonic();
        end();
        // One whose time was over has ended then.
        if (this.isCurrent && untilMono >= now) this.noteProgress();
        else this.progressedMono = Math.max(this.progressedMono, Math.min(now, untilMono));
        if (journal.isObserved && this.isCurrent)
          journal.emit({ type: "turn.resumed", ...this.facts(), reason });
        settle();
      };
      const forgetStop = this.whenStopped(() => ended(() => reject(this.stopError)));
      const over = (settle: () => void): void => {
        forgetStop();
        ended(settle);
      };
      wait.then(
        passages.enter((value: T) => over(() => resolve(value))),
        passages.enter((error: unknown) => over(() => reject(error))),
      );
    });
  }

  /** Notes that the turn is alive. */
  noteProgress(): void {
    this.progressedMono = this.#runtime.settings.clock.monotonic();
    if (this.lane.snapshot.leaf.state === "stalled")
      this.#runtime.tell(this.lane, { type: "turn.progressed" });
  }

  /** Calls the host's code. A turn that was told to stop before is not called at all. */
  run(): void {
    if (this.#phase !== "current" || this.#isFenced) {
      if (!this.#isFenced) this.#end("threw", this.#abortReason);
      return;
    }
    this.#code = "running";
    void this.#call();
  }

  async #call(): Promise<void> {
    const { scope, settings, passages } = this.#runtime;
    let reply: unknown;
    try {
      // A throw, and whatever a strange thenable does, end here or never (B7).
      reply = await passages.through(scope.run(this, settings.turn, this));
    } catch (error) {
      this.#end("threw", error);
      return;
    }
    this.#end("returned", reply);
  }

  /** Tells the code to stop; from now on it may start nothing. The first reason stays on the signal. */
  stop(reason: AbortReason, note?: string): void {
    this.stopReason = reason;
    if (this.#phase !== "current") return;
    this.#phase = "aborting";
    this.abortedMono = this.#runtime.settings.clock.monotonic();
    this.#abortReason = abortError(reason, this, note);
    const { queue, passages } = this.#runtime;
    queue.post(() => passages.callOut(() => this.#controller?.abort(this.#abortReason)));
    for (const onAbort of this.#onAbort ?? []) onAbort();
    this.#onAbort = undefined;
  }

  /** Calls back when the turn is told to stop; at once if it was. The function calls that off. */
  whenStopped(callback: () => void): () => void {
    if (this.#phase === "aborting" || this.#isFenced) callback();
    else (this.#onAbort ??= new Set()).add(callback);
    return () => void this.#onAbort?.delete(callback);
  }

  /** From now on nothing it does counts. */
  fence(): void {
    if (this.#isFenced) return;
    this.#isFenced = true;
    this.#phase = "over";
    this.#fencedMono = this.#runtime.settings.clock.monotonic();
    this.#locks?.fenced();
    if (this.#code === "running") this.#runtime.zombies.add(this.sessionKey);
  }

  /** What every event about the turn carries. */
  facts(): {
    at: number;
    sessionKey: string;
    turnId: string;
    messageIds: readonly string[];
    eventIds: readonly string[];
    meta?: Readonly<Record<string, string>>;
  } {
    const meta = this.items.find((item) => item.meta !== undefined)?.meta;
    const facts = {
      at: this.#runtime.settings.clock.now(),
      sessionKey: this.sessionKey,
      turnId: this.id,
      messageIds: this.held.filter(({ type }) => type === "message").map(({ id }) => id),
      eventIds: this.items.filter(({ type }) => type === "event").map(({ id }) => id),
    };
    return meta === undefined ? facts : { ...facts, meta };
  }

  #end(result: "returned" | "threw", value: unknown): void {
    const wasRunning = this.#code === "running";
    this.#code = "ended";
    this.#locks?.ended();
    if (this.#isFenced) {
      if (wasRunning) this.#reportLate(result);
      return;
    }
    this.#phase = "over";
    if (result === "returned") this.reply = value;
    else this.error = toError(value);
    this.#runtime.tell(this.lane, { type: result === "returned" ? "turn.returned" : "turn.threw" });
  }

  #reportLate(result: "returned" | "threw"): void {
    const { queue, journal, zombies, settings } = this.#runtime;
    queue.post(() => {
      zombies.remove(this.sessionKey);
      if (!journal.isObserved) return;
      journal.emit({
        type: "turn.lateResult",
        ...this.facts(),
        result,
        lateByMs: settings.clock.monotonic() - this.#fencedMono,
      });
    });
  }

  /** The error for what it asks for when it no longer counts. */
  fencedError(what: string): LanekeeperError {
    return new LanekeeperError(
      "TURN_FENCED",
      `${what} was refused: turn ${this.id} of ${this.sessionKey} no longer counts (${this.stopReason ?? "it has ended"}). Stop its work.`,
      { turnId: this.id, sessionKey: this.sessionKey, reason: this.stopReason ?? "ended" },
    );
  }
}

function toMessage({ id, body, acceptedAt, meta }: StoredItem): AcceptedMessage<unknown> {
  return meta === undefined ? { id, body, acceptedAt } : { id, body, acceptedAt, meta };
}
