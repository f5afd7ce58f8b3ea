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
  see(who: string, what: object): void;
  violate(rule: string, message: string): void;
  /** How many turns without an item of theirs a session has had in all lives, this one included. */
  countTurn(sessionKey: string, cause: string): number;
  holds(life: Life, lock: Lock): void;
  /** Some command elsewhere ends after so long. */
  reportLater(ms: number, execId: string, exitCode: number): void;
  accepted(receipt: Receipt<string>): void;
}

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
 * I1. What a dead one still does is seen by nobody.
 */
export class Life {
  readonly name: string;
  readonly clock: ProcessClock;
  /** Whether its process was killed. */
  isDead = false;
  /** Whether it was told to drain or to close. */
  isClosing = false;
  /** What was accepted, by session and id: the newest receipt of each. */
  readonly receipts = new Map<string, Receipt<string>>();
  /** Ids of those whose outcome is open. */
  readonly open = new Set<string>();
  /** Calls without an answer, by number. */
  readonly unanswered = new Map<number, string>();
  readonly #host: LifeHost;
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

  /** Starts the keeper. Rejects as `createLanekeeper`. */
  async start(): Promise<void> {
    const { setup, keeper: index, clock, store, leases, processes } = this.#host;
    const keeper = await createLanekeeper<string, string>({
      clock,
      store,
      leases,
      processes,
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
      this.see({ event });
      if (event.type === "lane.crashed") this.#violate("B7", `the lane of ${event.sessionKey} crashed: ${event.error.message}`);
    });
  }

  /** Notes what was seen. */
  see(what: object): void {
    if (!this.isDead) this.#host.see(this.name, what);
  }

  /** Asks the keeper for something. Resolves with the answer; undefined where it was refused. */
  async call<T>(method: string, args: readonly unknown[], act: () => T | Promise<T>): Promise<T | undefined> {
    const call = ++this.#calls;
    this.unanswered.set(call, method);
    this.see({ call, method, args });
    try {
      const answer = await act();
      this.see({ answer: call, value: shown(answer) });
      return answer;
    } catch (error) {
      this.see({ refusal: call, error });
      if (!this.#isExpected(error)) this.#violate("B33", `${method} was refused: ${String(error)}`);
      return undefined;
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
    void receipt.outcome.then((outcome) => {
      if (this.receipts.get(key) === receipt) this.open.delete(key);
      this.see({ outcome, sessionKey, id });
    });
  }

  /** A lock was taken: who believes to hold it is looked at. */
  holds(lock: Lock | undefined): void {
    if (lock !== undefined) this.#host.holds(this, lock);
  }

  #turn(turn: Turn<string>): unknown {
    const { setup, keeper: index } = this.#host;
    const name = this.#nameOf(turn);
    const { id: turnId, sessionKey, cause, attempt, fencingToken, reasons, messages, events, dropped } = turn;
    this.see({ turn: turnId, sessionKey, cause, attempt, fencingToken, reasons, messages, events, dropped });
    turn.signal.addEventListener("abort", () => this.see({ signal: turnId, reason: turn.signal.reason as Error }));
    const place: AgentPlace = {
      keeper: this.keeper,
      clock: this.clock,
      chance: createChanceFor("turn", setup.seed, sessionKey, name),
      name,
      sessions: setup.sessions.filter((key) => keeperOfAgent(setup, agentOf(key)) === index),
      send: async (session, id, mode) => {
        const receipt = await this.keeper.send(session, id, { id, mode });
        this.accepted(receipt);
        return receipt;
      },
      holds: (lock) => this.holds(lock),
      reportLater: (ms, execId, exitCode) => this.#host.reportLater(ms, execId, exitCode),
    };
    const ended = (how: "returned" | "threw", value: unknown): void => this.see({ [how]: turnId, value });
    try {
      const reply = setup.turn === undefined ? actAtRandom(turn, place) : setup.turn(turn, place);
      // A strange thenable is the keeper's to deal with.
      if (reply instanceof Promise)
        reply.then(
          (value) => ended("returned", value),
          (error) => ended("threw", error),
        );
      return reply;
    } catch (error) {
      ended("threw", error);
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
    this.see({ logged: message, error });
    if (/bug|crashed/.test(message)) this.#violate("B5", `${message} ${error?.message ?? ""}`);
  }

  #violate(rule: string, message: string): void {
    if (!this.isDead) this.#host.violate(rule, `${this.name}: ${message}`);
  }
}

/** An answer as data. */
function shown(answer: unknown): unknown {
  if (typeof answer !== "object" || answer === null) return answer;
  if ("outcome" in answer) {
    const { sessionKey, id, acceptedAt } = answer as Receipt<string>;
    return { sessionKey, id, acceptedAt };
  }
  if ("assertHeld" in answer) {
    const { name, fencingToken } = answer as Lock;
    return { name, fencingToken };
  }
  if ("done" in answer) {
    const { execId, pid } = answer as { readonly execId?: string; readonly pid?: number };
    return { execId, pid };
  }
  if ("receipt" in answer) return { ...answer, receipt: shown(answer.receipt) };
  return answer;
}
