import { LanekeeperError } from "lanekeeper";
import { type Clock, type LeaseStore, systemClock } from "lanekeeper/ports";
import { isLocked, toOpeningError } from "../failures.ts";
import { type BootClock, machineBootClock } from "./boot-clock.ts";
import { checkLeaseOptions } from "./lease-options.ts";
import {
  type FileRow,
  type LeaseDatabase,
  type LeaseRow,
  type LeaseTables,
  openLeaseDatabase,
} from "./lease-database.ts";

/** How a lease file is used. */
export interface SqliteLeasesOptions {
  /** Milliseconds a step may wait for other processes' steps. Default 2,000; from 1 to 2^31 − 1. */
  readonly timeoutMs?: number | undefined;
  /** The most the file may grow to, in bytes, at least 1 MiB. Default: no limit. */
  readonly maxBytes?: number | undefined;
  /** The source of time-outs, and of the least a token may be. Default: the machine's. Leases expire by `bootClock`. */
  readonly clock?: Clock | undefined;
  /** Time since the machine started. Default: the machine's. */
  readonly bootClock?: BootClock | undefined;
  /** From 0 to 1: spreads the questions of those who wait for the file. Default `Math.random`. */
  readonly random?: (() => number) | undefined;
}

/** A step's view of the file. */
interface Present {
  readonly now: number;
  readonly file: FileRow;
  readonly lease: LeaseRow | undefined;
}

/** Microseconds that clocks of two processors may differ by without the machine having started anew. */
const toleranceMicros = 1_000_000;
/** Milliseconds between two tries to have the file, at most. */
const retryMs = 10;

/**
 * Leases in a file that many processes of one machine may open. Time is counted since the machine started: leases do not
 * outlive it, tokens do. Cannot tell of releases: waiters ask every second. Opened with the first step. Throws
 * `INVALID_OPTION`; steps reject with `STORE_UNAVAILABLE`, `STORE_CORRUPT`, `STORE_INCOMPATIBLE` or `CLOSED`.
 */
export function sqliteLeases(path: string, options: SqliteLeasesOptions = {}): LeaseStore {
  const settings = checkLeaseOptions(path, options);
  const { clock = systemClock, bootClock = machineBootClock(), random = Math.random } = options;
  let database: LeaseDatabase | undefined;
  let isClosed = false;

  const closeFile = (): void => {
    const last = database;
    database = undefined;
    try {
      last?.close();
    } catch {
      // What is broken is left; the next step opens it anew.
    }
  };

  const tryStep = <Answer>(name: string, run: (tables: LeaseTables, present: Present) => Answer): Answer => {
    if (database?.isInPlace() === false) closeFile();
    database ??= openLeaseDatabase(settings);
    return database.step((tables) => run(tables, look(tables, name)));
  };

  const look = (tables: LeaseTables, name: string): Present => {
    // Asked while no other process writes, so that the file sees time go on.
    const now = Math.floor(bootClock.sinceBootMs() * 1_000);
    const { boot, seen, token } = tables.readFile();
    const file = { boot: bootClock.bootId || boot, seen: Math.max(seen, now), token };
    if (!isAnotherBoot(boot, seen, now)) return { now, file, lease: held(tables.readLease(name), now) };
    tables.removeUntil(Number.MAX_SAFE_INTEGER);
    const restarted = { ...file, seen: now };
    tables.writeFile(restarted);
    return { now, file: restarted, lease: undefined };
  };

  /** By the names of the boots where both are known, else by time, which goes back with a boot only. */
  const isAnotherBoot = (boot: string, seen: number, now: number): boolean =>
    boot !== "" && bootClock.bootId !== "" ? boot !== bootClock.bootId : now < seen - toleranceMicros;

  const step = async <Answer>(
    name: string,
    run: (tables: LeaseTables, present: Present) => Answer,
  ): Promise<Answer> => {
    const begun = clock.monotonic();
    for (;;) {
      if (isClosed) throw new LanekeeperError("CLOSED", "These leases are closed. Create new ones.");
      try {
        return tryStep(name, run);
      } catch (error) {
        if (!isLocked(error)) {
          closeFile();
          throw toLeaseError(settings.path, error);
        }
        const waitedMs = clock.monotonic() - begun;
        if (waitedMs >= settings.timeoutMs) throw busy(settings.path, waitedMs, error);
      }
      const delayMs = Math.max(1, retryMs * random());
      await new Promise<void>((resolve) => clock.setTimeout(resolve, delayMs));
    }
  };

  return {
    acquire: (name, owner, ttlMs) =>
      step(name, (tables, { now, file, lease }) => {
        if (lease !== undefined && lease.owner !== owner) {
          const expiresInMs = Math.ceil((lease.until - now) / 1_000);
          return { acquired: false, owner: lease.owner, expiresInMs };
        }
        const token = lease?.token ?? nextToken(file, clock);
        tables.removeUntil(now);
        tables.writeLease(name, { owner, token, until: untilOf(now, ttlMs) });
        tables.writeFile(lease === undefined ? { ...file, token } : file);
        return { acquired: true, token };
      }),
    renew: (name, owner, token, ttlMs) =>
      step(name, (tables, { now, file, lease }) => {
        if (lease?.owner !== owner || lease.token !== token) return false;
        tables.writeLease(name, { owner, token, until: untilOf(now, ttlMs) });
        tables.writeFile(file);
        return true;
      }),
    release: (name, owner, token) =>
      step(name, (tables, { file, lease }) => {
        if (lease?.owner !== owner || (token !== undefined && lease.token !== token)) return false;
        tables.removeLease(name);
        tables.writeFile(file);
        return true;
      }),
    async close() {
      isClosed = true;
      closeFile();
    },
  };
}

function held(lease: LeaseRow | undefined, now: number): LeaseRow | undefined {
  return lease !== undefined && lease.until > now ? lease : undefined;
}

function untilOf(now: number, ttlMs: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, now + Math.ceil(ttlMs * 1_000));
}

/** One more than the last, and at least the time in microseconds: a file that was removed does not take tokens back. */
function nextToken({ token }: FileRow, clock: Clock): bigint {
  const least = BigInt(Math.floor(clock.now() * 1_000));
  return token + 1n > least ? token + 1n : least;
}

/** Leases have no backup, and need none: a file that is damaged, or was written over, is removed. */
function toLeaseError(path: string, error: unknown): LanekeeperError {
  const failure = toOpeningError(path, error);
  const { code, details, cause } = failure;
  const what = String(details["what"]);
  if (code === "STORE_CORRUPT")
    return new LanekeeperError(
      code,
      `The lease file ${path} is damaged (${what}). Nothing more is written to it. Remove it with its -wal and -shm: all leases are free then, and tokens go on.`,
      details,
      { cause },
    );
  if (code === "STORE_INCOMPATIBLE" && details["version"] === undefined)
    return new LanekeeperError(
      code,
      `${path} is ${what}. It was left as it is; give the leases a path of their own. If leases were here before, something has written over them: remove the file, and all are free.`,
      details,
      { cause },
    );
  return failure;
}

function busy(path: string, waitedMs: number, cause: unknown): LanekeeperError {
  return new LanekeeperError(
    "STORE_UNAVAILABLE",
    `The lease file ${path} was in use by other processes for ${Math.round(waitedMs)} ms. Nothing was changed; see whether one of them was stopped in the middle of a step, and try again.`,
    { path, reason: "locked" },
    { cause },
  );
}
