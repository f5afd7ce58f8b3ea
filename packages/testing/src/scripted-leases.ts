import { invalidOption, type LeaseStore } from "lanekeeper/ports";
import { assertCallbacks } from "./callbacks.ts";
import { assertFate } from "./fate.ts";

/** What becomes of one command. */
export interface Fate {
  /** Milliseconds until the store does it. Default 0. */
  readonly arrivesAfterMs?: number;
  /** Milliseconds from then until its answer is there. Default 0. */
  readonly answersAfterMs?: number;
  /**
   * What goes wrong: it never arrives; its answer is lost; it fails without being done; it is done and said to have failed;
   * the store says that the owner holds nothing, without a look (renew and release alone).
   */
  readonly fault?: "never-arrives" | "answer-lost" | "fails" | "fails-afterwards" | "disowns";
  /** What it rejects with where it fails. Default: an error that may pass. */
  readonly error?: Error;
}

/** A command, as the script is asked about it. */
export interface LeaseCommand {
  readonly type: "acquire" | "renew" | "release";
  readonly name: string;
  readonly owner: string;
}

/** A lease store that does to its caller what the script says. */
export interface ScriptedLeases extends LeaseStore {
  /** Every command, in the order in which they were sent. */
  readonly commands: readonly LeaseCommand[];
  /** Renewals that were sent and not answered: now, and the most there ever were for one owner. */
  readonly renewals: { readonly inFlight: number; readonly mostInFlight: number };
  /** To whom the store granted a name last. */
  ownerOf(name: string): string | undefined;
  /** The store forgets who holds a name; its tokens it keeps. */
  forget(name: string): Promise<void>;
}

/**
 * Puts a script before a lease store. `after` is how it waits. Its own watch is left out where `isBlind`. Throws
 * `INVALID_OPTION`; a command whose fate is none rejects with it.
 */
export function scriptLeases(
  leases: LeaseStore,
  after: (ms: number, callback: () => void) => void,
  fateOf: (command: LeaseCommand) => Fate,
  isBlind = false,
): ScriptedLeases {
  assertLeases(leases);
  assertCallbacks({ after, fateOf });
  if (typeof isBlind !== "boolean") throw invalidOption("isBlind", isBlind, "true or false");
  const commands: LeaseCommand[] = [];
  const renewing = new Map<string, number>();
  const owners = new Map<string, string>();
  let mostInFlight = 0;
  const wait = (ms: number): Promise<void> | undefined =>
    ms > 0 ? new Promise((resolve) => after(ms, resolve)) : undefined;
  const never = new Promise<never>(() => {});

  const carryOut = async <T>(command: LeaseCommand, act: () => Promise<T>, disowned: T): Promise<T> => {
    commands.push(command);
    if (commands.length > keptCommands) commands.shift();
    const { arrivesAfterMs = 0, answersAfterMs = 0, fault, error } = checkFate(fateOf(command));
    if (fault === "never-arrives") return never;
    await wait(arrivesAfterMs);
    if (fault === "fails") throw error ?? new Error("the lease store is not reachable");
    const answer = fault === "disowns" ? disowned : await act();
    if (fault === "answer-lost") return never;
    await wait(answersAfterMs);
    if (fault === "fails-afterwards") throw error ?? new Error("the connection to the lease store broke");
    return answer;
  };

  const scripted: ScriptedLeases = {
    commands,
    get renewals() {
      let inFlight = 0;
      for (const count of renewing.values()) inFlight += count;
      return { inFlight, mostInFlight };
    },
    acquire: (name, owner, ttlMs) =>
      carryOut(
        { type: "acquire", name, owner },
        async () => {
          const answer = await leases.acquire(name, owner, ttlMs);
          if (answer.acquired) owners.set(name, owner);
          return answer;
        },
        { acquired: false, owner: "nobody", expiresInMs: ttlMs },
      ),
    async renew(name, owner, token, ttlMs) {
      const count = (renewing.get(owner) ?? 0) + 1;
      renewing.set(owner, count);
      mostInFlight = Math.max(mostInFlight, count);
      try {
        return await carryOut(
          { type: "renew", name, owner },
          () => leases.renew(name, owner, token, ttlMs),
          false,
        );
      } finally {
        const left = renewing.get(owner)! - 1;
        if (left === 0) renewing.delete(owner);
        else renewing.set(owner, left);
      }
    },
    release: (name, owner, token) =>
      carryOut({ type: "release", name, owner }, () => leases.release(name, owner, token), false),
    ownerOf: (name) => owners.get(name),
    async forget(name) {
      const owner = owners.get(name);
      if (owner !== undefined) await leases.release(name, owner);
    },
    close: async () => {},
  };
  if (!isBlind && leases.watch !== undefined) scripted.watch = leases.watch.bind(leases);
  return scripted;
}

function assertLeases(leases: unknown): void {
  const { acquire, renew, release } = (leases ?? {}) as { readonly [Key in keyof LeaseStore]?: unknown };
  if (![acquire, renew, release].every((member) => typeof member === "function"))
    throw invalidOption(
      "leases",
      leases,
      "a lease store (an object with acquire, renew, release), such as memoryLeases(() => clock)",
    );
}

function checkFate(fate: Fate): Fate {
  assertFate(fate, ["arrivesAfterMs", "answersAfterMs"], faults, ["error"]);
  if (fate.error !== undefined && !(fate.error instanceof Error))
    throw invalidOption("error", fate.error, "an error");
  return fate;
}

const faults: readonly Exclude<Fate["fault"], undefined>[] = [
  "never-arrives",
  "answer-lost",
  "fails",
  "fails-afterwards",
  "disowns",
];
/** Commands that are remembered; the oldest are forgotten. */
const keptCommands = 500;
