import {
  createLanekeeper,
  type Lanekeeper,
  LanekeeperError,
  type LanekeeperErrorCode,
  type Lock,
  type Receipt,
  type Store,
  type Turn,
} from "lanekeeper";
import type { LeaseStore, Processes } from "lanekeeper/ports";
import { type MemoryRecorder, recordInMemory, type Recording } from "lanekeeper/recording";
import { createChanceFor } from "../chance.ts";
import { deterministicIds } from "../deterministic-ids.ts";
import type { ProcessClock } from "../virtual-time.ts";
import { agentOf, keeperOfAgent, type Setup } from "./setup.ts";
import { actAtRandom, type AgentPlace } from "./turn-agent.ts";

/** What a life needs of the world around it. */
export interface LifeHost {
  readonly setup: Setup;
  readonly keeper: number;
  readonly name: string;
  readonly clock: ProcessClock;
  readonly store: Store;
  readonly leases: LeaseStore;
  readonly processes: Processes;
  violate(rule: string, claim: string, sentence: string): void;
  /** How many turns without an item of theirs a session has had in all lives, this one included. */
  countTurn(sessionKey: string, cause: string): number;
  /** Whether one turn more may run at this instant. */
  mayTurnRun(): boolean;
  /** A lock was taken; to be called when it was given back. */
  holds(life: Life, lock: Lock): () => void;
  /** Some command elsewhere ends after so long. */
  reportLater(ms: number, execId: string, exitCode: number): void;
  accepted(receipt: Receipt<string>): void;
}

/** Milliseconds after which a client tries again what the store has failed. */
const againMs = 5_000;

/** What may be refused, whatever goes wrong or not. */
const expected: ReadonlySet<LanekeeperErrorCode> = new Set([
  "LANE_BUSY",
  "LANE_FULL",
  "OVERLOADED",
  "DRAINING",
  "CLOSED",
  "NOT_FOUND",
  "LOCK_TIMEOUT",
  "LOCK_ABORTED",
  "LOCK_LOST",
  "EXEC_FAILED",
]);

/**
 * One keeper from its start to its end, and what it is asked for.
 *
 * I1. What a dead one still does is seen by nobody: its recording ends with it.
 */
export class Life {
  readonly name: string;
  readonly clock: ProcessClock;
  /** Whether it was told to drain or to close. */
  isClosing = false;
  /** What was accepted, by session and id: the newest receipt of each. */
  readonly receipts = new Map<string, Receipt<string>>();
  /** Ids of those whose outcome is open. */
  readonly open = new Set<string>();
  /** Calls without an answer, by number. */
  readonly unanswered = new Map<number, string>();
  readonly #host: LifeHost;
  readonly #recorder: MemoryRecorder = recordInMemory();
  /** Lines of its recording that count. */
  #recorded: number | undefined;
  #keeper: Lanekeeper<string, string> | undefined;
  #calls = 0;

  constructor(host: LifeHost) {
    this.#host = host;
    this.name = host.name;
    this.clock = host.clock;
  }

  /** The keeper, once it has started. */
  get keeper(): Lanekeeper<string, string> {
    return this.#keeper!;
  }
  /** Whether there is a keeper. */
  get hasStarted(): boolean {
    return this.#keeper !== undefined;
  }

  /** Whether its process was killed. */
  get isDead(): boolean {
    return this.#recorded !== undefined;
  }
  /** Its recording, a line each. */
  get lines(): readonly string[] {
    return this.#recorder.lines.slice(0, this.#recorded);
  }
  /** The same, to be looked through. */
  get recording(): Recording {
    const { header, entries } = this.#recorder.recording;
    return { header, entries: entries.slice(0, this.lines.length - 1) };
  }
  /** Its process was killed. */
  end(): void {
    this.#recorded ??= this.#recorder.lines.length;
    this.clock.end();
  }

  /** Starts the keeper. Rejects as `createLanekeeper`. */
  async start(): Promise<void> {
    const { setup, keeper: index, clock, store, leases, processes } = this.#host;
    const keeper = await createLanekeeper<string, string>({
      clock,
      store,
      leases,
      processes,
      recorder: this.#recorder,
      random: () => createChanceFor("jitter", setup.seed, clock.monotonic()).next(),
      createId: deterministicIds(`${this.name}-`),
      capacity: setup.capacity,
      lane: setup.lane,
      laneFor: (sessionKey) => setup.lanes.get(sessionKey),
      heartbeats: setup.heartbeats.filter(({ agent }) => keeperOfAgent(setup, agent) === index),
      exec: setup.exec,
      forgetAfterMs: setup.forgetAfterMs,
      logger: { debug() {}, info() {}, warn() {}, error: (fields, message) => this.#logged(fields, message) },
      turn: (turn) => this.#turn(turn) as string,
    });
    this.#keeper = keeper;
    keeper.events$.subscribe((event) => {
      if (event.type === "lane.crashed")
        this.#violate(
          "B7",
          "No lane crashes.",
          `the lane of ${event.sessionKey} crashed: ${event.error.message}`,
        );
    });
  }

  /** Asks the keeper for something. Resolves with the answer; undefined where it was refused. */
  async call<T>(method: string, act: () => T | Promise<T>): Promise<T | undefined> {
    return (await this.#attempt(method, act)).answer;
  }

  /**
   * Asks for something that is known by an id, as a client must: again while the store fails, because what it accepted before
   * its answer was lost is known then.
   */
  async insist<T>(method: string, act: (isAgain: boolean) => Promise<T>): Promise<T | undefined> {
    for (let tries = 0; tries < 40; tries++) {
      const { answer, code } = await this.#attempt(method, () => act(tries > 0));
      if (code !== "STORE_UNAVAILABLE") return answer;
      await new Promise<void>((resolve) => void this.clock.setTimeout(resolve, againMs));
    }
    return undefined;
  }

  async #attempt<T>(
    method: string,
    act: () => T | Promise<T>,
  ): Promise<{ readonly answer?: T; readonly code?: string }> {
    const call = ++this.#calls;
    this.unanswered.set(call, method);
    try {
      return { answer: await act() };
    } catch (error) {
      if (!this.#isExpected(error))
        this.#violate(
          "B33",
          `${method} is refused for what the rules name alone.`,
          `${method} was refused: ${String(error)}`,
        );
      return { code: (error as { readonly code?: string }).code ?? "" };
    } finally {
      this.unanswered.delete(call);
    }
  }

  /** Work of a client's or a turn's was accepted: its outcome is waited for, and whether it is remembered is looked at. */
  accepted(receipt: Receipt<string> | undefined): void {
    if (receipt === undefined || this.isDead) return;
    this.#host.accepted(receipt);
    this.follow(receipt);
  }

  /** The outcome of a receipt is waited for. */
  follow(receipt: Receipt<string> | undefined): void {
    if (receipt === undefined || this.isDead) return;
    const { sessionKey, id } = receipt;
    const key = `${sessionKey} ${id}`;
    this.receipts.set(key, receipt);
    this.open.add(key);
    void receipt.outcome.then(() => {
      if (this.receipts.get(key) === receipt) this.open.delete(key);
    });
  }

  /** A lock was taken: who believes to hold it is looked at until it is given back. */
  holds(lock: Lock): () => void {
    return this.#host.holds(this, lock);
  }

  #turn(turn: Turn<string>): unknown {
    const { setup, keeper: index } = this.#host;
    // One turn after the other without an end would leave nothing else a chance.
    if (!this.isDead && !this.#host.mayTurnRun()) return new Promise(() => {});
    const name = this.#nameOf(turn);
    const { sessionKey } = turn;
    const place: AgentPlace = {
      keeper: this.keeper,
      clock: this.clock,
      chance: createChanceFor("turn", setup.seed, sessionKey, name),
      name,
      sessions: setup.sessions.filter((key) => keeperOfAgent(setup, agentOf(key)) === index),
      send: (session, id, mode) => this.#bring(() => this.keeper.send(session, id, { id, mode })),
      notify: (session, id, wake) =>
        this.#bring(() => this.keeper.notify(session, { kind: "told" }, { id, wake })),
      holds: (lock) => this.holds(lock),
      reportLater: (ms, execId, exitCode) => this.#host.reportLater(ms, execId, exitCode),
    };
    return setup.turn === undefined ? actAtRandom(turn, place) : setup.turn(turn, place);
  }

  /** A turn brings work: as a client would, but the turn itself is told at once that the store has failed. */
  async #bring(act: () => Promise<Receipt<string>>): Promise<Receipt<string>> {
    try {
      const receipt = await act();
      this.accepted(receipt);
      return receipt;
    } catch (error) {
      if ((error as { readonly code?: string }).code === "STORE_UNAVAILABLE")
        this.clock.setTimeout(
          () => void this.insist("send", act).then((receipt) => this.accepted(receipt)),
          againMs,
        );
      throw error;
    }
  }

  /** By what it is for, so that it is the same turn in every run that has its work. */
  #nameOf({ sessionKey, cause, attempt, messages, events }: Turn<string>): string {
    const [first] = messages.length > 0 ? messages : events;
    if (first === undefined) return `${cause} ${this.#host.countTurn(sessionKey, cause)}`;
    const { command } = ("kind" in first ? (first.body ?? {}) : {}) as { readonly command?: string };
    return `${command ?? first.id}.${attempt}`;
  }

  #isExpected(error: unknown): boolean {
    if (!(error instanceof LanekeeperError)) return false;
    const isStores = error.code === "STORE_UNAVAILABLE" || error.code === "STORE_IN_USE";
    return expected.has(error.code) || (isStores && this.#host.setup.faults.length > 0);
  }

  #logged(fields: object, message: string): void {
    const { error } = fields as { readonly error?: Error };
    if (/bug|crashed/.test(message))
      this.#violate("B5", "No machine has a bug.", `${message} ${error?.message ?? ""}`);
  }

  #violate(rule: string, claim: string, sentence: string): void {
    if (!this.isDead) this.#host.violate(rule, claim, `${this.name}: ${sentence}`);
  }
}
