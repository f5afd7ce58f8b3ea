import {
  ModelItem,
  type ModelInput,
  type ModelProcess,
  ModelSession,
  type ModelSettings,
  type ModelSlot,
  ModelTurn,
  without,
} from "./model-state.ts";
import { ReferenceCapacity } from "./reference-capacity.ts";
import { backoffMs, type CodeEnd, judge, outcomeOf, type TurnEnd } from "./reference-verdict.ts";

/**
 * What the rules say of sessions and their turns, written from the rules alone. It knows nothing of charts, stores and
 * promises: everything is found by looking at everything, and time is a number of milliseconds. The numbers are those of
 * `docs/behaviour.md` of the package `lanekeeper`.
 *
 * What it is told it notes at once; which turns start for that is seen when time passes next, be it none.
 */
export class ReferenceModel {
  /** Commands so far: what makes ids unique. */
  step = 0;
  now = 0;
  readonly settings: ModelSettings;
  readonly sessions = new Map<string, ModelSession>();
  readonly items: ModelItem[] = [];
  /** Turns whose code runs, those included that no longer count: by session, then in the order of their starts. */
  codes: readonly ModelTurn[] = [];
  /** Dead letters. */
  letters: readonly ModelItem[] = [];
  processes: readonly ModelProcess[] = [];
  isPaused = false;
  capacity: ReferenceCapacity;

  constructor(settings: ModelSettings) {
    this.settings = settings;
    this.capacity = new ReferenceCapacity(settings);
  }

  session(key: string): ModelSession {
    const session = this.sessions.get(key) ?? new ModelSession(key);
    this.sessions.set(key, session);
    return session;
  }
  /** Turns that no longer count, and whose code has not returned. */
  zombies(session: ModelSession): number {
    return this.codes.filter((turn) => turn.session === session && session.turn !== turn).length;
  }
  /** Whether a turn has made no progress for too long (B25); aborting is a part of the state in which it began (B1). */
  isStalled({ abortedAt, silentSince }: ModelTurn): boolean {
    return Math.min(this.now, abortedAt) - silentSince >= this.settings.lane.stallAfterMs;
  }
  /** Why a session runs no turn, or what its turn does (B60). */
  blockedBy(session: ModelSession): string {
    const { turn, cause, leaders } = session;
    if (this.#isPaused(session)) return "paused";
    if (turn !== undefined) return turn.abort === undefined ? "running" : "aborting";
    if (this.capacity.waiting.includes(session)) return this.capacity.reason(session);
    if (cause === undefined) return "nothing-to-do";
    return leaders.some(({ retryAt }) => retryAt > -Infinity) ? "backoff" : "debounce";
  }

  /** Accepts work: says `accepted`, `duplicate`, `dropped`, or the code of a refusal (B18 to B23). */
  append(input: ModelInput): string {
    return this.#known(input) === undefined ? this.#accept(input, this.settings.lane.overflow) : "duplicate";
  }
  /** A dead letter's work comes back as if it had just been accepted, but no message makes room for it (B31b). */
  redrive(letter: ModelItem): string {
    const { expiresInMs: _, ...input } = letter.input;
    const known = this.#known(input);
    // An id that other work has taken meanwhile gives way to a new one.
    const id = known === undefined || known === letter ? letter.id : `r${this.step}`;
    const body = input.body ?? letter.id;
    const answer = this.#accept({ ...input, id, body, mode: "followup" }, "reject");
    if (answer === "accepted") this.letters = without(this.letters, [letter]);
    return answer;
  }
  /** The latest work of an id, until it is forgotten (B23). */
  #known({ id, session }: ModelInput): ModelItem | undefined {
    const latest = this.items.findLast((item) => item.id === id && item.session.key === session);
    return latest && this.now < latest.endedAt + this.settings.lane.dedupeMs ? latest : undefined;
  }
  /** B17 to B22. */
  #accept(input: ModelInput, overflow: ModelSettings["lane"]["overflow"]): string {
    const { cap, eventCap } = this.settings.lane;
    const session = this.session(input.session);
    const { turn } = session;
    const isBusy = [turn?.cause, session.cause].some((cause) => cause !== undefined && cause !== "heartbeat");
    if (input.mode === "reject" && isBusy) return "LANE_BUSY";
    const item = new ModelItem(input, session, this.items.length, this.now);
    const alike = session.waiting.filter(({ isMessage }) => isMessage === item.isMessage);
    const replaced = alike.filter((one) => input.key !== undefined && one.input.key === input.key);
    const fresh = alike.filter(({ lastTurn, steers }) => lastTurn === undefined && steers === undefined);
    const droppable = fresh.filter((one) => one.input.type !== "completion" && !one.isInterrupt);
    const oldest = droppable.toSorted((a, b) => a.seq - b.seq);
    if (replaced.length > 0) this.#end(replaced, "dropped:replaced");
    else if (item.isInterrupt) this.#end(session.interrupts, "cancelled:interrupted");
    else if (item.isMessage && alike.length >= cap) {
      if (overflow === "reject") return "LANE_FULL";
      const isOwn = overflow === "drop-newest" || oldest.length === 0;
      const lost = isOwn ? [item] : oldest.slice(0, alike.length - cap + 1);
      const lines = lost.map((one) => one.input.body ?? one.id);
      if (overflow === "summarize") session.dropped = [...session.dropped, ...lines];
      this.#end(lost, "dropped:overflow");
    } else if (!item.isMessage && alike.length >= eventCap) {
      if (input.type === "event" && oldest.length === 0) return "LANE_FULL";
      this.#end(oldest.slice(0, 1), "dropped:overflow");
    }
    this.items.push(item);
    if (item.outcome !== undefined) return "dropped";
    const isSteerable = turn?.abort === undefined && (turn?.cause === "message" || turn?.cause === "event");
    if (input.mode === "steer" && isSteerable) item.steers = turn.held[0];
    session.queue([item]);
    const isPreempting = turn?.cause === "heartbeat" && item.isMessage && item.rank > 0;
    if (isPreempting) this.abort(turn, "preempted");
    else if (turn !== undefined && item.isInterrupt) this.abort(turn, "interrupted");
    return "accepted";
  }
  /** Withdraws what of this waits (B23a). */
  withdraw(items: readonly ModelItem[], outcome: string): number {
    const waiting = items.filter((item) => item.isWaiting);
    this.#end(waiting, outcome);
    return waiting.length;
  }

  wake(key: string, reason: string, rank: number, coalesceMs: number): void {
    const at = this.now + coalesceMs;
    const session = this.session(key);
    const wake = (session.wake ??= { at, isDue: false, rank, attempts: 0, reasons: new Set() });
    wake.at = Math.min(wake.at, at);
    wake.rank = Math.max(wake.rank, rank);
    wake.reasons.add(reason);
  }
  heartbeat(key: string): void {
    this.session(key).isHeartbeatDue = true;
  }
  pause(key: string | undefined, isPaused: boolean): void {
    (key === undefined ? this : this.session(key)).isPaused = isPaused;
  }
  /** Ends what runs or backs off, and starts anew (B36); where a turn was told to stop before, when that is over. */
  reset(key: string): void {
    const session = this.session(key);
    if (session.turn?.isDecided === false) this.abort(session.turn, "reset");
    else session.isResetDue = true;
  }
  /** Tells a turn to stop; what its work becomes is decided now, unless what it returns still counts (B28). */
  abort(turn: ModelTurn, reason: string): void {
    if (turn.isDecided) return;
    turn.activeUntil = turn.silentSince;
    turn.awaits = [];
    turn.abort = reason;
    turn.abortedAt = Math.min(turn.abortedAt, this.now);
    this.processes = this.processes.filter(({ owner }) => owner !== turn);
    if (turn.isDecided) this.#settle(turn, "cancelled");
  }

  /** A turn makes progress, or waits by its own word until then (B24, B29). */
  progress(turn: ModelTurn, until = this.now): void {
    if (turn.abort === undefined) turn.activeUntil = Math.max(turn.activeUntil, until);
  }
  /** B19. */
  takeSteering(turn: ModelTurn): readonly ModelItem[] {
    const { session, steering } = turn;
    if (turn.abort !== undefined || steering.length === 0) return [];
    session.waiting = without(session.waiting, steering);
    turn.held.push(...steering);
    this.progress(turn);
    return steering;
  }
  /** A turn awaits other work: refused where that awaits this turn (B10). */
  await(turn: ModelTurn, item: ModelItem): string {
    const isCircle = ({ outcome, session }: ModelItem): boolean =>
      outcome === undefined && (session === turn.session || session.turn?.awaits.some(isCircle) === true);
    if (isCircle(item)) return "SELF_DEADLOCK";
    this.progress(turn);
    turn.awaits = [...turn.awaits, item];
    return "waits";
  }
  /** A turn's code returns or throws; if it was fenced, that counts for nothing (B28). */
  endCode(turn: ModelTurn, end: CodeEnd): void {
    this.codes = without(this.codes, [turn]);
    if (turn.session.turn !== turn) return;
    this.#finish(turn, turn.abort === undefined || end === "returned" ? end : "reclaimed");
  }

  exec(key: string, id: string, owner?: ModelTurn): void {
    const session = this.session(key);
    this.processes = [...this.processes, { id, session, incarnation: session.incarnation, owner }];
  }
  /** A command ends: its completion goes to the session that started it, if that was not reset since (B34 to B38a). */
  endProcess(process: ModelProcess): void {
    const { id, session, incarnation, owner } = process;
    this.processes = without(this.processes, [process]);
    if (owner !== undefined && session.turn === owner) return;
    const completion = { id, session: session.key, type: "completion" } as const;
    if (incarnation === session.incarnation) this.append(completion);
    else this.letters = [...this.letters, new ModelItem(completion, session, -1, this.now)];
  }

  /** The process dies, or closes in order, and another keeper goes on with the store (B30, B37, B55, B58). */
  restartKeeper(how: "crash" | "close"): void {
    const lost = this.processes;
    this.codes = [];
    this.capacity = new ReferenceCapacity(this.settings);
    for (const session of this.sessions.values()) {
      const { turn } = session;
      if (turn?.isDecided === false) this.#settle(turn, how === "crash" ? "crashed" : "handed back");
      session.turn = session.wake = session.quietBatch = undefined;
      session.isHeartbeatDue = session.isResetDue = false;
    }
    for (const process of lost) this.endProcess(process);
    // Sessions whose commands were lost hear of it first; then all go on, in the order of their keys. Those that backed
    // off, or were to have quiet, look at the clock before, and come after the others.
    const isTold = ({ session, incarnation }: ModelProcess): boolean => incarnation === session.incarnation;
    const told = how === "close" ? [] : lost.filter(isTold).map(({ session }) => session);
    const looks = (session: ModelSession): number => Number(this.#heldBackUntil(session) > -Infinity);
    const all = [...this.sessions.values()].toSorted(byKey);
    this.#goOn([...told, ...all].toSorted((a, b) => looks(a) - looks(b)));
  }

  /** Time passes: what is due happens, in order, and sessions do what they may. */
  advance(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      this.#goOn([...this.sessions.values()]);
      const due = [...this.#due()].filter(([at]) => at <= end);
      const [next] = due.toSorted(([a], [b]) => a - b);
      if (next === undefined) break;
      const [at, happens] = next;
      this.now = at;
      happens();
    }
    this.now = end;
  }
  *#due(): Iterable<readonly [at: number, happens: () => void]> {
    const { lane, laterMs } = this.settings;
    for (const session of this.sessions.values()) {
      const { waiting, wake } = session;
      for (const item of waiting) yield [item.expiresAt, () => this.withdraw([item], "dropped:expired")];
      if (wake?.isDue === false) yield [wake.at, () => (wake.isDue = true)];
      const startsAt = this.#heldBackUntil(session);
      if (startsAt > this.now) yield [startsAt, () => {}];
    }
    for (const turn of this.codes) {
      const later = laterMs[turn.session.key] ?? 0;
      if (turn.session.turn !== turn) continue;
      if (turn.abort === undefined) {
        yield [turn.startedAt + lane.turnTimeoutMs + later, () => this.abort(turn, "timeout")];
        yield [turn.silentSince + lane.reclaimAfterMs + later, () => this.abort(turn, "stalled")];
      } else yield [turn.abortedAt + lane.abortGraceMs, () => this.#finish(turn, "reclaimed")];
    }
  }
  /** What mailboxes, pauses and times allow: some sessions give their place up, others claim a slot, in this order. */
  #goOn(sessions: readonly ModelSession[]): void {
    const { capacity } = this;
    for (const session of sessions) {
      if (session.turn !== undefined) continue;
      if (session.isResetDue) this.#restart(session);
      if (this.#isPaused(session)) session.isHeartbeatDue = false;
      const [head] = session.batch;
      // A batch that comes to the head looks at the clock first, and waits anew; then quiet that is over stays so.
      const isLooking = this.#heldBackUntil(session) > -Infinity && head?.retryAt === -Infinity;
      const mayStart = this.#mayStart(session);
      if (isLooking || !mayStart) capacity.leave(session);
      if (isLooking && mayStart) session.quietBatch = head;
    }
    for (const session of sessions) {
      if (!this.#mayStart(session) || capacity.waiting.includes(session)) continue;
      capacity.join(session, this.now);
      this.#grant();
    }
    this.#grant();
  }
  #isPaused(session: ModelSession): boolean {
    return this.isPaused || session.isPaused;
  }
  #mayStart(session: ModelSession): boolean {
    const hasWork = session.turn === undefined && session.cause !== undefined;
    return hasWork && !this.#isPaused(session) && this.#heldBackUntil(session) <= this.now;
  }
  /** Until when backoff (B31) or quiet (B18) keeps a session from its next turn. */
  #heldBackUntil({ leaders, batch, quietBatch }: ModelSession): number {
    const { debounceMs, debounceMaxMs, cap } = this.settings.lane;
    const [head] = batch;
    const retryAt = Math.max(...leaders.map((item) => item.retryAt));
    const isNew = head?.input.mode === "collect" && head.lastTurn === undefined && head !== quietBatch;
    if (!isNew || batch.length >= cap) return retryAt;
    return Math.min(batch.at(-1)!.acceptedAt + debounceMs, head.acceptedAt + debounceMaxMs);
  }

  #grant(): void {
    for (const [session, slot] of this.capacity.grants(this.now)) this.#open(session, slot);
  }
  /** A turn starts with what B8, B18 and B31a give it. */
  #open(session: ModelSession, slot: ModelSlot): void {
    const { cause, batch, events, leaders, wake } = session;
    const [head] = batch;
    const isLast = head !== undefined && head.counts.failed + 1 >= this.settings.lane.retry.attempts;
    const riders = events.filter(({ failedWith }) => !isLast || !failedWith.includes(head));
    const counted = Math.max(...leaders.map(({ attempts }) => attempts));
    const tried = cause === "heartbeat" ? 0 : cause === "wake" ? wake!.attempts : counted;
    const turn = new ModelTurn(session, tried + 1, [...batch, ...riders], this.now);
    slot.users = [...slot.users, turn];
    session.waiting = without(session.waiting, turn.opened);
    session.dropped = [];
    session.wake = undefined;
    session.turn = turn;
    if (cause === "heartbeat") session.isHeartbeatDue = false;
    this.codes = [...this.codes, turn].toSorted((a, b) => byKey(a.session, b.session));
  }

  /** A turn is over: its slot is given on, then its work is decided, and its session goes on (B6). */
  #finish(turn: ModelTurn, end: TurnEnd): void {
    turn.session.turn = undefined;
    this.capacity.release(turn);
    this.#grant();
    if (!turn.isDecided) this.#settle(turn, end);
  }
  #settle(turn: ModelTurn, end: TurnEnd): void {
    const { session, cause, held, attempt, reasons } = turn;
    const { again, heir } = judge(turn, end, this.settings, this.now);
    const gone = without(held, again);
    session.queue(again);
    session.pass(turn.steering, heir);
    this.#end(gone, outcomeOf(end, turn));
    if (end !== "returned") {
      session.dropped = [...turn.dropped, ...session.dropped];
      // A message that was cancelled is nobody's to put back.
      const buried = gone.filter(({ isMessage }) => end !== "cancelled" || !isMessage);
      this.letters = [...this.letters, ...buried];
    }
    this.#end(session.interrupts.slice(0, -1), "cancelled:interrupted");
    const isTried = end === "threw" || end === "reclaimed";
    if (cause === "wake" && isTried && attempt < this.settings.lane.retry.attempts) {
      const at = this.now + backoffMs(this.settings, attempt - 1);
      session.wake ??= { at, isDue: false, rank: 1, attempts: 0, reasons: new Set() };
      session.wake.attempts = attempt;
      for (const reason of reasons) session.wake.reasons.add(reason);
    }
    if (turn.abort === "reset") this.#restart(session);
  }
  /** A new incarnation: what backs off is over, and completions of earlier commands come too late (B36). */
  #restart(session: ModelSession): void {
    session.incarnation++;
    session.isResetDue = false;
    this.capacity.leave(session);
    const stale = session.waiting.filter(({ input }) => input.type === "completion");
    this.letters = [...this.letters, ...stale];
    const backingOff = session.waiting.filter((item) => item.isMessage && item.retryAt > this.now);
    this.#end([...stale, ...backingOff], "cancelled:reset");
    for (const item of session.waiting) item.retryAt = -Infinity;
  }
  /** Work ends: what steers it is released. */
  #end(items: readonly ModelItem[], outcome: string): void {
    for (const item of items) {
      const { session } = item;
      item.outcome = outcome;
      item.endedAt = this.now;
      session.waiting = without(session.waiting, [item]);
      const steering = session.waiting.filter(({ steers }) => steers === item);
      session.pass(steering, undefined);
    }
  }
}

function byKey(a: ModelSession, b: ModelSession): number {
  return a.key < b.key ? -1 : Number(a.key > b.key);
}
