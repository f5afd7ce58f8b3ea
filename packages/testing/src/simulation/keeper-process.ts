import { memoryStore } from "lanekeeper";
import type { LeaseStore } from "lanekeeper/ports";
import { createChanceFor } from "../chance.ts";
import { scriptLeases } from "../scripted-leases.ts";
import { type ScriptedStore, scriptStore } from "../scripted-store.ts";
import { createCounter, fateOfLease, fateOfStep, type Storm } from "./faults.ts";
import { Life } from "./life.ts";
import { type SimulatedCommands, simulatedCommands } from "./simulated-commands.ts";
import type { World } from "./world.ts";

/** True milliseconds after which a keeper that could not start is tried again. */
const againMs = 1_000;

/**
 * One keeper's process on a machine of its own: its store, its commands, and its lives one after the other.
 *
 * I1. It has at most one life that is not dead.
 * I2. A life that is not the present one is answered by nobody: not by the store, not by the leases.
 */
export class KeeperProcess {
  readonly index: number;
  readonly store: ScriptedStore;
  readonly commands: SimulatedCommands;
  /** All there were, in order. */
  readonly lives: Life[] = [];
  /** When its store is in trouble. */
  storm: Storm | undefined;
  /** When its clock was stepped last, in true milliseconds. */
  steppedAt = -Infinity;
  /** Why its keeper could not start, when it could not last. */
  failure: Error | undefined;
  readonly #world: World;
  readonly #turns = new Map<string, number>();
  #life: Life | undefined;
  #isDown = true;

  constructor(world: World, index: number) {
    this.#world = world;
    this.index = index;
    this.commands = simulatedCommands(world.setup.seed, (ms, callback) => world.after(ms, callback));
    const count = createCounter();
    const after = (ms: number, callback: () => void): void => void this.#life?.clock.setTimeout(callback, ms);
    this.store = scriptStore(
      memoryStore(),
      (step) =>
        fateOfStep(
          world.setup,
          world.now,
          [index, count(world.now)],
          step,
          world.isCalm ? undefined : this.storm,
        ),
      after,
    );
  }

  /** The present life, if its keeper has started. */
  get life(): Life | undefined {
    return this.#life?.hasStarted === true ? this.#life : undefined;
  }

  /** Starts a keeper on the store; tries again while that fails. */
  async open(): Promise<void> {
    const { setup, time } = this.#world;
    const { seed } = setup;
    const number = this.lives.length + 1;
    const jumpy = createChanceFor("clock", seed, this.index, number);
    const hasBadClock = setup.faults.includes("clocks");
    const clock = time.process({
      rate: hasBadClock ? 1 + (jumpy.below(201) - 100) / 10_000 : 1,
      lateMs: () => (hasBadClock && jumpy.happens(0.02) ? jumpy.below(1_500) : 0),
    });
    const name = `k${this.index + 1}.${number}`;
    const life: Life = new Life({
      setup,
      keeper: this.index,
      name,
      clock,
      store: this.store,
      leases: this.#leasesOf(() => life),
      processes: this.commands.reachedBy((callback) => this.deliver(life, callback)),
      violate: this.#world.violate,
      countTurn: (sessionKey, cause) => {
        const key = `${sessionKey} ${cause}`;
        const turns = (this.#turns.get(key) ?? 0) + 1;
        this.#turns.set(key, turns);
        return turns;
      },
      mayTurnRun: () => this.#world.mayTurnRun(),
      holds: (one, lock) => this.#world.locks.add(one, lock),
      reportLater: (ms, execId, exitCode) =>
        this.#world.after(ms, () =>
          this.whileServing((one) =>
            one.insist("reportExec", () => one.keeper.reportExec({ execId, exitCode })),
          ),
        ),
      accepted: (receipt) => this.#world.accepted(this.index, receipt),
    });
    this.#life = life;
    this.lives.push(life);
    this.#isDown = false;
    this.#world.note(name, "starts");
    try {
      await life.start();
      this.failure = undefined;
    } catch (error) {
      if (life.isDead) return;
      this.failure = error as Error;
      this.#world.note(name, `could not start: ${String(error)}`);
      await this.#kill(life);
      this.#openAfter(againMs);
    }
  }

  /** Its process dies; so long later another keeper opens the store. */
  async crash(downMs: number): Promise<void> {
    if (this.#life === undefined) return;
    this.#world.note(this.#life.name, "crashes");
    await this.#kill(this.#life);
    this.#openAfter(downMs);
  }

  /** Its keeper is closed in order; so long later another opens the store. */
  async close(drainMs: number | undefined, downMs: number): Promise<void> {
    const { life } = this;
    if (life === undefined || life.isClosing) return;
    life.isClosing = true;
    if (drainMs !== undefined) await life.call("drain", () => life.keeper.drain({ timeoutMs: drainMs }));
    const isClosed = await life.call("close", () => life.keeper.close().then(() => true));
    if (life.isDead) return;
    // A store that could not be closed is taken away from it.
    if (isClosed !== true) await this.store.crash();
    life.clock.end();
    if (this.#life === life) this.#life = undefined;
    this.#openAfter(downMs);
  }

  /** Kills what there is, for good. */
  async end(): Promise<void> {
    if (this.#life !== undefined) await this.#kill(this.#life);
  }

  /** Does something for the present life as soon as its process runs; nothing where there is none by then. */
  whileServing(act: (life: Life) => unknown): void {
    const { life } = this;
    if (life !== undefined) this.deliver(life, () => act(life));
  }

  /** Lets something reach a life: when its process runs again, or never if it was killed. */
  deliver(life: Life, act: () => void): void {
    if (life.isDead) return;
    if (life.clock.isAwake) act();
    else life.clock.setTimeout(act, 0);
  }

  async #kill(life: Life): Promise<void> {
    life.end();
    if (this.#life === life) this.#life = undefined;
    await this.store.crash();
  }

  #openAfter(downMs: number): void {
    if (this.#isDown || this.#world.isOver) return;
    this.#isDown = true;
    this.#world.after(downMs, () => void (this.#isDown && !this.#world.isOver && this.open()));
  }

  /** The shared leases, as a life reaches them. */
  #leasesOf(life: () => Life): LeaseStore {
    const world = this.#world;
    const count = createCounter();
    const scripted = scriptLeases(
      world.leases,
      (ms, callback) => world.after(ms, callback),
      (command) =>
        life().isDead
          ? { fault: "never-arrives" }
          : fateOfLease(world.setup, world.now, [this.index, count(world.now)], command, world.leaseStorm),
    );
    return scripted;
  }
}
