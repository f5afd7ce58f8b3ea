import { createLanekeeper, type Lanekeeper, LanekeeperError, type Lock } from "lanekeeper";
import { type LeaseStore, memoryLeases } from "lanekeeper/ports";
import { type Fate, type ScriptedLeases, scriptLeases } from "../scripted-leases.ts";
import { createVirtualTime, type ProcessClock, type VirtualTime } from "../virtual-time.ts";
import { type LeaseFault, lockTerms, type SeenLock } from "./lock-model.ts";

/** Two processes on one lease store, in virtual time: what commands of the lock model are carried out on. */
export interface LockWorld {
  readonly time: VirtualTime;
  readonly leases: ScriptedLeases;
  fault: LeaseFault;
  /** Asks for a lock. */
  request(id: string, process: number, name: string, waitMs: number): void;
  /** Gives a lock back. */
  release(id: string): void;
  /** A process dies and another takes its place. */
  crash(process: number): Promise<void>;
  /** What is seen of the locks whose process lives. */
  see(): ReadonlyMap<string, SeenLock>;
  close(): Promise<void>;
}

interface Process {
  readonly clock: ProcessClock;
  readonly keeper: Lanekeeper;
}
interface Request {
  readonly clock: ProcessClock;
  lock: Lock | undefined;
  state: string;
}

/** What becomes of every command while the store has a fault. */
const fates: Readonly<Record<LeaseFault, Fate>> = {
  none: {},
  fails: { fault: "fails" },
  hangs: { fault: "never-arrives" },
  refuses: { fault: "fails", error: new LanekeeperError("STORE_CORRUPT", "the lease store is damaged") },
};

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** Starts a world of locks. */
export async function createLockWorld(): Promise<LockWorld> {
  const time = createVirtualTime();
  const requests = new Map<string, Request>();
  const leases = scriptLeases(
    memoryLeases(() => time.clock),
    time.after,
    () => fates[world.fault],
  );
  const start = async (): Promise<Process> => {
    const clock = time.process();
    const own = mortal(leases, () => processes.some((process) => process.clock === clock));
    const keeper = createLanekeeper({ clock, leases: own, logger: silent, turn: () => undefined });
    const process = { clock, keeper: await keeper };
    lives.push(process);
    return process;
  };
  const processes: Process[] = [];
  /** All there were: those that died are closed in the end, too, or they would keep this process alive. */
  const lives: Process[] = [];
  processes.push(await start(), await start());
  const world: LockWorld = {
    time,
    leases,
    fault: "none",
    request(id, process, name, waitMs) {
      const { clock, keeper } = processes[process]!;
      const request: Request = { clock, lock: undefined, state: "waiting" };
      requests.set(id, request);
      keeper.locks.acquire(name, { waitMs, ttlMs: lockTerms.ttlMs }).then(
        (lock) => (request.lock = lock),
        (error: unknown) => (request.state = (error as { readonly code: string }).code),
      );
    },
    release: (id) => void requests.get(id)?.lock?.release(),
    async crash(process) {
      processes[process]!.clock.end();
      processes[process] = await start();
    },
    see() {
      const living = [...requests].filter(([, { clock }]) =>
        processes.some((process) => process.clock === clock),
      );
      return new Map(living.map(([id, request]) => [id, look(request)]));
    },
    async close() {
      world.fault = "none";
      const closing = Promise.all(processes.map(({ keeper }) => keeper.close()));
      closing.catch(() => {});
      await time.advance(lockTerms.ttlMs);
      for (const { clock, keeper } of lives) {
        clock.end();
        await clock.bury(keeper.close());
      }
      await closing;
    },
  };
  return world;
}

/** The lease store as a process has it: one that has died asks nothing and hears nothing. */
function mortal(leases: LeaseStore, isAlive: () => boolean): LeaseStore {
  const never = new Promise<never>(() => {});
  return {
    acquire: (...args) => (isAlive() ? leases.acquire(...args) : never),
    renew: (...args) => (isAlive() ? leases.renew(...args) : never),
    release: (...args) => (isAlive() ? leases.release(...args) : never),
    watch: (name, released) => leases.watch!(name, () => void (isAlive() && released())),
    close: () => leases.close(),
  };
}

function look({ lock, state }: Request): SeenLock {
  if (lock === undefined) return { state, token: 0n };
  try {
    lock.assertHeld();
    return { state: "held", token: lock.fencingToken };
  } catch {
    return { state: "lost", token: lock.fencingToken };
  }
}
