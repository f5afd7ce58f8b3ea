import {
  ModelItem,
  type ModelInput,
  type ModelProcess,
  type ModelSession,
  type ModelTurn,
} from "./model-state.ts";
import { ReferenceCapacity } from "./reference-capacity.ts";
import { ReferenceLanes, type ModelLetter } from "./reference-lanes.ts";

/** How a turn's code ends. */
export type CodeEnd = "returned" | "threw" | "threw for good";

/**
 * What the rules say of sessions and their turns, written from the rules alone. It knows nothing of charts, stores and
 * promises: everything is found by looking at everything, and time is a number of milliseconds. The numbers are those of
 * `docs/behaviour.md` of the package `lanekeeper`.
 */
export class ReferenceModel extends ReferenceLanes {
  /** Commands so far: what makes ids unique. */
  step = 0;

  /** Accepts work: says `accepted`, `duplicate`, `dropped`, or the code of a refusal (B18 to B23). */
  append(input: ModelInput, accepted: (item: ModelItem) => void = () => {}): string {
    const { cap, eventCap, overflow } = this.settings.lane;
    const session = this.session(input.session);
    const { waiting, turn } = session;
    if (this.items.some((item) => isSame(item, input) && this.isKnown(item))) return "duplicate";
    if (input.mode === "reject" && this.#isBusy(session)) return "LANE_BUSY";
    const item = new ModelItem(input, this.items.length, this.now);
    const messages = waiting.filter(({ isMessage }) => isMessage);
    const replaced = waiting.filter((one) => input.key !== undefined && one.input.key === input.key);
    const fresh = waiting.filter(({ lastTurn }) => lastTurn === undefined);
    if (replaced.length > 0) this.endAll(replaced, "dropped:replaced");
    else if (item.isInterrupt)
      this.endAll(
        waiting.filter((one) => one.isInterrupt),
        "cancelled:interrupted",
      );
    else if (item.isMessage && messages.length >= cap) {
      if (overflow === "reject") return "LANE_FULL";
      const droppable = fresh.filter((one) => one.isMessage && !one.isInterrupt && one.steers === undefined);
      const oldest = droppable.toSorted((a, b) => a.seq - b.seq).slice(0, messages.length - cap + 1);
      const lost = overflow === "drop-newest" || oldest.length === 0 ? [item] : oldest;
      if (overflow === "summarize") {
        const lines = lost.map((one) => one.input.body ?? one.id);
        this.addDropped(session, { count: lost.length, lines }, "after");
      }
      this.endAll(lost, "dropped:overflow");
    } else if (!item.isMessage && waiting.length - messages.length >= eventCap) {
      const oldest = fresh.find((one) => one.input.type === "event");
      if (oldest !== undefined) this.endAll([oldest], "dropped:overflow");
      else if (input.type === "event") return "LANE_FULL";
    }
    this.items.push(item);
    if (item.outcome !== undefined) return "dropped";
    const isSteerable = turn?.abort === undefined && (turn?.cause === "message" || turn?.cause === "event");
    if (input.mode === "steer" && isSteerable) item.steers = turn.held[0];
    session.add(item);
    accepted(item);
    if (turn?.isDecided === false) {
      if (turn.cause === "heartbeat" && item.isMessage && item.rank > 0) this.abort(turn, "preempted");
      else if (item.isInterrupt) this.abort(turn, "interrupted");
    }
    this.react(session);
    this.capacity.settle();
    return "accepted";
  }

  /** A dead letter's work comes back as if it had just been accepted (B31b). */
  redrive(letter: ModelLetter): string {
    const { item } = letter;
    const { input } = item;
    const { cap, eventCap, overflow } = this.settings.lane;
    const alike = this.session(input.session).waiting.filter(({ isMessage }) => isMessage === item.isMessage);
    if (item.isMessage && overflow !== "reject" && alike.length >= cap) return "LANE_FULL";
    const isReplacing = input.key !== undefined && alike.some((one) => one.input.key === input.key);
    const isRoom =
      isReplacing || alike.some((one) => one.input.type === "event" && one.lastTurn === undefined);
    if (input.type === "event" && alike.length >= eventCap && !isRoom) return "LANE_FULL";
    const { endedAt } = item;
    item.endedAt = -Infinity;
    // An id that other work has taken meanwhile gives way to a new one.
    const isTaken = this.items.some((other) => isSame(other, input) && other !== item && this.isKnown(other));
    const { expiresInMs: _, ...again } = input;
    const id = isTaken ? `r${this.step}` : item.id;
    const wakes = item.wakes || input.type === "completion";
    const answer = this.append({ ...again, id, body: input.body ?? item.id, mode: "followup", wakes });
    if (answer === "accepted") this.letters = this.letters.filter((other) => other !== letter);
    else item.endedAt = endedAt;
    return answer;
  }

  wake(key: string, reason: string, rank: number, coalesceMs: number): void {
    const session = this.session(key);
    const at = this.now + coalesceMs;
    const wake = (session.wake ??= { at, rank, attempts: 0, reasons: [] });
    wake.at = Math.min(wake.at, at);
    wake.rank = Math.max(wake.rank, rank);
    if (!wake.reasons.includes(reason)) wake.reasons.push(reason);
    this.react(session);
  }
  heartbeat(key: string): void {
    const session = this.session(key);
    session.isHeartbeatDue = true;
    this.react(session);
  }
  pause(key: string | undefined, isPaused: boolean): void {
    if (key === undefined) this.isPaused = isPaused;
    else this.session(key).isPaused = isPaused;
    for (const session of this.sessions.values()) this.react(session);
  }
  /** B36. */
  reset(key: string): void {
    const session = this.session(key);
    const { turn } = session;
    if (turn?.isDecided === true) session.resets++;
    else if (turn !== undefined) this.abort(turn, "reset");
    else {
      this.unclaim(session);
      this.restart(session);
      this.react(session);
    }
  }
  takeSteering(turn: ModelTurn): readonly ModelItem[] {
    if (turn.abort !== undefined) return [];
    const { session, held } = turn;
    const taken = session.waiting.filter(({ steers }) => steers !== undefined && held.includes(steers));
    session.waiting = session.waiting.filter((item) => !taken.includes(item));
    held.push(...taken);
    if (taken.length > 0) this.progress(turn);
    return taken;
  }
  /** A turn waits by its own word: until then at the latest, or for other work (B10, B10a, B29). */
  await(turn: ModelTurn, untilAt: number, item?: ModelItem): string {
    if (item !== undefined && this.#awaits(item.input.session, turn.session.key)) return "SELF_DEADLOCK";
    this.progress(turn);
    turn.waits.push({ untilAt, item, isResting: false });
    return "waits";
  }
  #awaits(from: string, to: string): boolean {
    const next = this.session(from).turn?.waits ?? [];
    return from === to || next.some(({ item }) => item !== undefined && this.#awaits(item.input.session, to));
  }

  exec(key: string, id: string, owner?: ModelTurn): void {
    const session = this.session(key);
    this.processes.push({ id, session, incarnation: session.incarnation, owner });
  }
  /** A command ends: its completion goes to the session that started it, if that was not reset since (B34 to B38a). */
  endProcess(process: ModelProcess): void {
    const { id, session, incarnation, owner } = process;
    this.processes = this.processes.filter((other) => other !== process);
    if (owner !== undefined && session.turn === owner) return;
    const completion = { id, session: session.key, type: "completion" } as const;
    if (incarnation === session.incarnation) this.append(completion);
    else this.letters.push({ item: new ModelItem(completion, -1, this.now) });
  }

  /** A turn's code returns or throws. */
  endCode(turn: ModelTurn, end: CodeEnd): void {
    this.codes = this.codes.filter((other) => other !== turn);
    if (turn.isFenced) turn.session.zombies--;
    else if (end === "returned") this.finish(turn, "completed");
    else this.finish(turn, turn.abort === undefined ? "failed" : "reclaimed", end === "threw for good");
  }

  /** The process dies, or closes in order, and another keeper goes on with the store (B30, B37, B55, B58). */
  restartKeeper(how: "crash" | "close"): void {
    const lost = this.processes;
    this.codes = [];
    this.processes = [];
    this.capacity = new ReferenceCapacity(this.settings, () => this.now);
    this.isRecovering = true;
    for (const session of this.sessions.values()) {
      const { turn } = session;
      session.claim = session.wake = session.quietBatch = undefined;
      session.isHeartbeatDue = false;
      session.resets = session.zombies = 0;
      if (turn?.isSettled === false) this.settle(turn, how === "crash" ? "crashed" : "handed-back", false);
      session.turn = undefined;
    }
    for (const process of lost) this.endProcess(process);
    this.isRecovering = false;
    // Sessions whose commands were lost hear of it first; then all go on, in the order of their keys. Those that backed
    // off, or were to have quiet, look at the clock before, and come after the others.
    const isTold = ({ session, incarnation }: ModelProcess): boolean => incarnation === session.incarnation;
    const told = how === "close" ? [] : lost.filter(isTold).map(({ session }) => session);
    const byKey = [...this.sessions.values()].toSorted((a, b) => (a.key < b.key ? -1 : 1));
    const looks = (session: ModelSession): number => (this.heldBackUntil(session) > -Infinity ? 1 : 0);
    for (const session of [...told, ...byKey].toSorted((a, b) => looks(a) - looks(b))) this.react(session);
  }
  /** Not idle, unless by a heartbeat alone (B21). */
  #isBusy(session: ModelSession): boolean {
    const isRunning = session.turn !== undefined && session.turn.cause !== "heartbeat";
    return isRunning || this.hasOwnWork(session) || session.waiting.some(({ isMessage }) => isMessage);
  }
}

function isSame(
  item: ModelItem,
  { session, id }: { readonly session: string; readonly id: string },
): boolean {
  return item.input.session === session && item.id === id;
}
