import {
  type ModelItem,
  type ModelProcess,
  ModelSession,
  type ModelSettings,
  ModelTurn,
} from "./model-state.ts";
import { ReferenceCapacity } from "./reference-capacity.ts";
import { backoffMs, judge, type ModelConclusion } from "./reference-verdict.ts";

/** A dead letter. */
export interface ModelLetter {
  readonly item: ModelItem;
}

/** What the rules say that happens by itself: which turns start and end, what becomes of their work, and when. */
export class ReferenceLanes {
  now = 0;
  readonly settings: ModelSettings;
  readonly sessions = new Map<string, ModelSession>();
  readonly items: ModelItem[] = [];
  /** Turns whose code runs, those included that no longer count: by session, then in the order of their starts. */
  codes: ModelTurn[] = [];
  letters: ModelLetter[] = [];
  processes: ModelProcess[] = [];
  isPaused = false;
  capacity: ReferenceCapacity;
  #incarnations = 0;
  protected isRecovering = false;

  constructor(settings: ModelSettings) {
    this.settings = settings;
    this.capacity = new ReferenceCapacity(settings, () => this.now);
  }

  session(key: string): ModelSession {
    const session = this.sessions.get(key) ?? new ModelSession(key, ++this.#incarnations);
    this.sessions.set(key, session);
    return session;
  }
  protected isKnown({ outcome, endedAt }: ModelItem): boolean {
    return outcome === undefined || this.now < endedAt + this.settings.lane.dedupeMs;
  }
  protected addDropped(
    session: ModelSession,
    { count, lines }: ModelSession["dropped"],
    where: "before" | "after",
  ): void {
    const { dropped } = session;
    const all = where === "after" ? [...dropped.lines, ...lines] : [...lines, ...dropped.lines];
    session.dropped = { count: dropped.count + count, lines: all.slice(-this.settings.lane.cap) };
  }

  /** Withdraws what waits (B23a). */
  withdraw(items: readonly ModelItem[], outcome: string): number {
    const waiting = items.filter((item) => this.session(item.input.session).waiting.includes(item));
    this.endAll(waiting, outcome);
    for (const { input } of waiting) this.react(this.session(input.session));
    return waiting.length;
  }

  /** Tells a turn to stop; what its work becomes is decided now, unless what it returns still counts (B28). */
  abort(turn: ModelTurn, reason: string): void {
    if (turn.isDecided) return;
    turn.wasStalled = this.isStalled(turn);
    turn.abortedAt = Math.min(turn.abortedAt, this.now);
    turn.abort = reason;
    turn.waits = [];
    this.processes = this.processes.filter(({ owner }) => owner !== turn);
    if (turn.isDecided) this.settle(turn, "cancelled", false);
    this.capacity.settle();
  }
  progress(turn: ModelTurn): void {
    if (turn.abort === undefined) turn.progressedAt = this.now;
  }

  /** Time passes: what is due happens, in order. */
  advance(ms: number): void {
    const end = this.now + ms;
    for (let [next] = this.#due(); next !== undefined && next.at <= end; [next] = this.#due()) {
      this.now = Math.max(this.now, next.at);
      next.happens();
    }
    this.now = end;
  }
  #due(): readonly { readonly at: number; readonly happens: () => void }[] {
    const { lane, laterMs } = this.settings;
    const due: { at: number; happens: () => void }[] = [];
    const add = (at: number, happens: () => void): void =>
      void (Number.isFinite(at) && due.push({ at, happens }));
    for (const session of this.sessions.values()) {
      const react = (): void => this.react(session);
      for (const item of session.waiting)
        add(item.expiresAt, () => void this.withdraw([item], "dropped:expired"));
      if (session.wake !== undefined && session.wake.at > this.now) add(session.wake.at, react);
      const isReady = session.turn === undefined && session.claim === undefined && this.#hasWork(session);
      if (isReady && !this.#isPaused(session)) add(this.heldBackUntil(session), react);
    }
    for (const turn of this.codes) {
      const later = laterMs[turn.session.key] ?? 0;
      if (turn.isFenced) continue;
      if (turn.abort === undefined) {
        add(turn.startedAt + lane.turnTimeoutMs + later, () => this.abort(turn, "timeout"));
        add(turn.silentSince + lane.reclaimAfterMs + later, () => this.abort(turn, "stalled"));
      } else {
        add(turn.abortedAt + lane.abortGraceMs, () => {
          turn.isFenced = true;
          turn.session.zombies++;
          this.finish(turn, "reclaimed");
        });
      }
    }
    return due.toSorted((a, b) => a.at - b.at);
  }

  /** Whether it has made no progress for too long (B25); aborting is a part of the state in which it began (B1). */
  isStalled(turn: ModelTurn): boolean {
    if (turn.abort !== undefined) return turn.wasStalled;
    return this.now - turn.silentSince >= this.settings.lane.stallAfterMs;
  }
  /** Why a session runs no turn, or what its turn does (B60). */
  blockedBy(session: ModelSession): string {
    if (this.#isPaused(session)) return "paused";
    if (session.turn !== undefined) return session.turn.abort === undefined ? "running" : "aborting";
    if (session.claim !== undefined) return this.capacity.reason(session.claim);
    if (!this.#hasWork(session)) return "nothing-to-do";
    const [head] = session.messages;
    return head?.input.mode === "collect" && head.lastTurn === undefined ? "debounce" : "backoff";
  }

  #isPaused(session: ModelSession): boolean {
    return this.isPaused || session.isPaused;
  }
  #isWakeDue({ wake }: ModelSession): boolean {
    return wake !== undefined && wake.at <= this.now;
  }
  protected hasOwnWork(session: ModelSession): boolean {
    return (
      this.#isWakeDue(session) || session.messages.length > 0 || session.events.some(({ wakes }) => wakes)
    );
  }
  #hasWork(session: ModelSession): boolean {
    return session.isHeartbeatDue || this.hasOwnWork(session);
  }
  /** Until when backoff (B31) or quiet (B18) keeps a session from its next turn. */
  protected heldBackUntil({ messages, events, batch, quietBatch }: ModelSession): number {
    const { debounceMs, debounceMaxMs, cap } = this.settings.lane;
    const [head] = messages;
    const retryAt = Math.max(
      -Infinity,
      ...(head === undefined ? events : [head]).map((item) => item.retryAt),
    );
    if (retryAt > -Infinity) return retryAt;
    const isBatch = head?.input.mode === "collect" && head.lastTurn === undefined && head !== quietBatch;
    if (!isBatch || batch.length >= cap) return -Infinity;
    return Math.min(batch.at(-1)!.acceptedAt + debounceMs, head.acceptedAt + debounceMaxMs);
  }

  /** Does what a session's mailbox, pauses and times allow now: claims a slot, or gives its place up. */
  protected react(session: ModelSession): void {
    if (session.turn !== undefined || this.isRecovering) return;
    if (session.resets > 0) {
      session.resets--;
      this.restart(session);
    }
    const isPaused = this.#isPaused(session);
    if (isPaused) session.isHeartbeatDue = false;
    const heldBackUntil = this.heldBackUntil(session);
    if (!this.#hasWork(session) || isPaused || heldBackUntil > this.now) {
      this.unclaim(session);
      return;
    }
    const [head] = session.messages;
    if (heldBackUntil > -Infinity && head?.retryAt === -Infinity) {
      // A batch that comes to the head looks at the clock first, and waits anew; then quiet that is over stays so.
      this.unclaim(session);
      session.quietBatch = head;
    }
    if (session.claim !== undefined) this.capacity.settle();
    else {
      session.claim = {
        session: session.key,
        agent: /^agent:([^:]+)/.exec(session.key)?.[1] ?? "main",
        since: this.now,
        demand: () => this.#demand(session),
        granted: () => this.#open(session),
        lends: () => session.turn?.lends ?? [],
        slot: undefined,
      };
      this.capacity.claim(session.claim);
    }
  }
  protected unclaim(session: ModelSession): void {
    const { claim } = session;
    session.claim = undefined;
    if (claim !== undefined) this.capacity.release(claim);
  }
  /** B12, B14. */
  #demand(session: ModelSession): { readonly rank: number; readonly group: string | undefined } {
    if (!this.hasOwnWork(session)) return { rank: 0, group: undefined };
    const ranks = session.waiting.map(({ rank }) => rank);
    if (this.#isWakeDue(session)) ranks.push(session.wake!.rank);
    return { rank: Math.max(...ranks), group: (session.messages[0] ?? session.events[0])?.input.group };
  }

  /** A turn starts with what B8, B18 and B31a give it. */
  #open(session: ModelSession): void {
    const { messages, events, batch, wake } = session;
    const [head] = messages;
    const isLast =
      head !== undefined && head.failures > 0 && head.failures + 1 >= this.settings.lane.retry.attempts;
    const riders = events.filter(({ failedWith }) => !isLast || !failedWith.has(head));
    const items = head === undefined ? [...events] : [...batch, ...riders];
    const cause = this.#causeOf(session);
    const counted = (head === undefined ? events : [head]).map(({ attempts }) => attempts);
    const tried = cause === "heartbeat" ? 0 : cause === "wake" ? wake!.attempts : Math.max(...counted);
    const turn = new ModelTurn(session, cause, tried + 1, items, this.now);
    if (cause === "heartbeat") session.isHeartbeatDue = false;
    session.waiting = session.waiting.filter((item) => !items.includes(item));
    session.dropped = { count: 0, lines: [] };
    session.wake = session.claim = undefined;
    session.turn = turn;
    this.codes.push(turn);
    this.codes.sort((a, b) => (a.session.key < b.session.key ? -1 : Number(a.session.key > b.session.key)));
  }
  #causeOf(session: ModelSession): ModelTurn["cause"] {
    if (session.messages.length > 0) return "message";
    if (session.events.some(({ wakes }) => wakes)) return "event";
    return this.#isWakeDue(session) ? "wake" : "heartbeat";
  }

  /** A turn is over: its slot is free, its work is decided, and its session goes on (B6). */
  protected finish(turn: ModelTurn, conclusion: ModelConclusion, isPermanent = false): void {
    const { session, held } = turn;
    const awaits = this.codes.flatMap(({ waits }) => waits).filter(({ item }) => item && held.includes(item));
    // Who awaits what it held may go on any moment: its slot is not given on before that is known (B10a).
    for (const wait of awaits) wait.isResting = true;
    this.capacity.release(turn.claim);
    if (!turn.isSettled) this.settle(turn, conclusion, isPermanent);
    for (const wait of awaits) wait.isResting = false;
    session.turn = undefined;
    this.capacity.settle();
    this.react(session);
  }
  protected settle(turn: ModelTurn, conclusion: ModelConclusion, isPermanent: boolean): void {
    const { session, cause, held, attempt } = turn;
    const isSteering = ({ steers }: ModelItem): boolean => steers !== undefined && held.includes(steers);
    const untaken = session.waiting.filter(isSteering);
    const { again, buried, outcome, heir } = judge(turn, conclusion, isPermanent, this.settings);
    turn.isSettled = true;
    for (const item of again) {
      item.retryAt += this.now;
      session.add(item);
    }
    if (conclusion !== "completed") this.addDropped(session, turn.dropped, "before");
    session.pass([...untaken, ...again.filter(isSteering)], heir);
    for (const item of held) if (!again.includes(item)) this.#end(item, outcome);
    this.letters.push(...buried.map((item) => ({ item })));
    this.endAll(
      session.waiting.filter(({ isInterrupt }) => isInterrupt).slice(0, -1),
      "cancelled:interrupted",
    );
    const isTried = (conclusion === "failed" && !isPermanent) || conclusion === "reclaimed";
    if (cause === "wake" && isTried && attempt < this.settings.lane.retry.attempts) {
      const at = this.now + backoffMs(this.settings, attempt - 1);
      session.wake ??= { at, rank: 1, attempts: 0, reasons: [] };
      session.wake.attempts = attempt;
      const { reasons } = session.wake;
      reasons.push(...turn.reasons.filter((reason) => !reasons.includes(reason)));
    }
    if (turn.abort === "reset" && conclusion === "cancelled") this.restart(session);
  }
  /** A new incarnation: what backs off is over, and completions of earlier commands come too late (B36). */
  protected restart(session: ModelSession): void {
    session.incarnation = ++this.#incarnations;
    for (const item of [...session.waiting]) {
      const isStale = item.input.type === "completion";
      if (isStale) this.letters.push({ item });
      if (isStale || (item.isMessage && item.retryAt > this.now)) this.#end(item, "cancelled:reset");
      else item.retryAt = -Infinity;
    }
  }

  protected endAll(items: readonly ModelItem[], outcome: string): void {
    for (const item of items) this.#end(item, outcome);
  }
  /** Work ends: what steers it is released, and who awaits it goes on. */
  #end(item: ModelItem, outcome: string): void {
    const session = this.session(item.input.session);
    item.outcome = outcome;
    item.endedAt = this.now;
    session.waiting = session.waiting.filter((other) => other !== item);
    session.pass(
      session.waiting.filter(({ steers }) => steers === item),
      undefined,
    );
    for (const turn of this.codes) {
      const left = turn.waits.filter((wait) => wait.item !== item);
      if (left.length < turn.waits.length) this.progress(turn);
      turn.waits = left;
    }
  }
}
