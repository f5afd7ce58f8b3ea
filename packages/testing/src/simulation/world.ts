import type { Receipt } from "lanekeeper";
import { type LeaseStore, memoryLeases } from "lanekeeper/ports";
import { createChanceFor } from "../chance.ts";
import { createVirtualTime, type VirtualTime } from "../virtual-time.ts";
import { createCounter, type Storm } from "./faults.ts";
import { KeeperProcess } from "./keeper-process.ts";
import { createLockWatch, type LockWatch } from "./lock-watch.ts";
import { agentOf, keeperOfAgent, type Setup } from "./setup.ts";
import { createRestWatch, type RestWatch } from "./rest-watch.ts";
import { createTrace, type Trace } from "./trace.ts";
import type { BrokenRule } from "./broken-rule.ts";

/** True milliseconds in which every question to a keeper is answered. */
const patienceMs = 100_000;

/** Everything of one run: time, the keepers' processes, the leases they share, and what was seen. */
export class World {
  readonly setup: Setup;
  readonly time: VirtualTime;
  readonly trace: Trace = createTrace();
  readonly violations: BrokenRule[] = [];
  readonly leases: LeaseStore;
  readonly locks: LockWatch;
  readonly processes: readonly KeeperProcess[];
  /** Ids that were accepted, by session, and the keeper that has them. */
  readonly ids = new Map<
    string,
    { readonly keeper: number; readonly sessionKey: string; readonly id: string }
  >();
  /** Events that may wait for ever: they were sent so. */
  readonly quiet = new Set<string>();
  /** Whether no fault happens any more. */
  isCalm = false;
  /** Whether nothing starts any more. */
  isOver = false;
  #leaseStorm: Storm | undefined;
  readonly #rest: RestWatch;

  constructor(setup: Setup) {
    this.setup = setup;
    const count = createCounter();
    this.time = createVirtualTime((choices) =>
      createChanceFor("order", setup.seed, this.now, count(this.now)).below(choices),
    );
    this.#rest = createRestWatch(setup.sessions.length);
    this.leases = memoryLeases(() => this.time.clock);
    this.locks = createLockWatch(this.violate);
    this.processes = Array.from({ length: setup.keepers }, (_, index) => new KeeperProcess(this, index));
  }

  /** True milliseconds since the start. */
  get now(): number {
    return this.time.now;
  }

  get leaseStorm(): Storm | undefined {
    return this.isCalm ? undefined : this.#leaseStorm;
  }
  set leaseStorm(storm: Storm | undefined) {
    this.#leaseStorm = storm;
  }

  /** The process that a session belongs to. */
  processOf(sessionKey: string): KeeperProcess {
    return this.processes[keeperOfAgent(this.setup, agentOf(sessionKey))]!;
  }

  /** Calls back after so many true milliseconds. */
  after(ms: number, callback: () => void): void {
    this.time.after(ms, callback);
  }

  /** Notes what happens to a life. */
  note(life: string, what: string): void {
    this.trace.note(this.now, life, what);
  }

  readonly violate = (rule: string, claim: string, sentence: string): void => {
    this.violations.push({ rule, claim, sentence });
  };

  accepted(keeper: number, { sessionKey, id }: Receipt<string>): void {
    this.ids.set(`${sessionKey} ${id}`, { keeper, sessionKey, id });
  }

  /** Lets true time pass until a promise has settled; rejects where that takes longer than every deadline. */
  async until<T>(promise: Promise<T>): Promise<T> {
    const settled = { isTrue: false };
    promise.catch(() => {}).finally(() => (settled.isTrue = true));
    await this.advance(0);
    for (let waitedMs = 0; !settled.isTrue; waitedMs += patienceMs / 1_000) {
      if (waitedMs > patienceMs)
        throw new Error("the simulated world waits for ever for one of its own questions");
      await this.advance(patienceMs / 1_000);
    }
    return promise;
  }

  /** Whether one turn more may run at this instant: where it may not, this run is about to end. */
  mayTurnRun(): boolean {
    return this.#rest.mayRun(this.now);
  }

  /** Lets true time pass. */
  async advance(ms: number): Promise<void> {
    await this.time.advance(ms, (isAtRest) => {
      this.locks.look();
      this.#rest.step(this.now, isAtRest);
    });
  }
}
