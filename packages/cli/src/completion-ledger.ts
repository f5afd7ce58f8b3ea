/**
 * Owns what the replay knows of the commands it started: who started each, and which turns were shown its completion.
 *
 * It must not ask the runtime. Where a process was killed, what its sessions' last turns completed with may be shown
 * again, and a command may have been started of which nothing was written down. Invariants:
 * I1 A completion is open until a turn of its own session completes with it, or until as many turns of that session as
 *    work has attempts held it in vain (then it is a dead letter, by rule B31a).
 * I2 A completion shown to another session, or one nobody started, is misrouted, once, whatever else happens to it.
 * I3 A completion shown after a turn completed with it, or twice in one turn, is duplicated each time.
 */
export interface CompletionLedger {
  /** A session's turn is about to start a command. */
  launching(sessionKey: string): void;
  /** That command could not be started. */
  launchFailed(sessionKey: string): void;
  /** A session's turn started a command. */
  launch(execId: string, sessionKey: string): void;
  /** A turn began with these completions. */
  show(execIds: readonly string[], sessionKey: string): void;
  /** One of these says that the command is `lost`. */
  noteLost(execId: string): void;
  /** That turn completed. */
  consume(execIds: readonly string[], sessionKey: string): void;
  /** That turn crashed or was aborted. */
  release(execIds: readonly string[]): void;
  /** The process has ended, and another one goes on. */
  restart(): void;
  /** What a session's last turn before a `restart` held: if it completed, that may not have been recorded. */
  reopen(execIds: readonly string[], sessionKey: string): void;
  /** It is among the dead letters; whether that was news. */
  bury(execId: string): boolean;
  /** How many are open. */
  readonly open: number;
  tally(): CompletionTally;
}

/** What became of the commands. */
export interface CompletionTally {
  readonly started: number;
  readonly delivered: number;
  /** Of those that were shown: ended with the process that ran them, so that nobody can tell how. */
  readonly asLost: number;
  readonly deadLettered: number;
  readonly undelivered: readonly string[];
  readonly misrouted: readonly string[];
  readonly duplicated: number;
}

/** Starts an empty ledger; `attempts` is how many turns may hold a completion in vain. */
export function createCompletionLedger(attempts: number): CompletionLedger {
  const owners = new Map<string, string>();
  const readers = new Map<string, Set<string>>();
  const open = new Set<string>();
  const consumed = new Set<string>();
  const deadLettered = new Set<string>();
  const heldInVain = new Map<string, number>();
  const asLost = new Set<string>();
  const starting = createCounts();
  /** By session, commands that may have been started by a process that was killed. */
  const unseen = createCounts();
  /** By session, completions that were consumed unless that was not recorded. */
  const undecided = new Map<string, Set<string>>();
  let duplicated = 0;

  const isMisrouted = ([execId, seenBy]: readonly [string, ReadonlySet<string>]) => {
    const owner = owners.get(execId);
    return owner === undefined || [...seenBy].some((reader) => reader !== owner);
  };

  return {
    launching: (sessionKey) => starting.add(sessionKey, 1),
    launchFailed: (sessionKey) => starting.add(sessionKey, -1),
    launch(execId, sessionKey) {
      starting.add(sessionKey, -1);
      owners.set(execId, sessionKey);
      open.add(execId);
    },
    show(execIds, sessionKey) {
      const distinct = new Set(execIds);
      // A session's next turn takes all that its mailbox holds: what it does not show was recorded.
      const again = undecided.get(sessionKey);
      undecided.delete(sessionKey);
      duplicated += execIds.length - distinct.size;
      for (const execId of distinct) {
        readers.set(execId, (readers.get(execId) ?? new Set()).add(sessionKey));
        if (!owners.has(execId) && unseen.take(sessionKey)) owners.set(execId, sessionKey);
        else if (again?.has(execId) === true) consumed.delete(execId);
        else if (deadLettered.has(execId)) deadLettered.delete(execId);
        else if (consumed.has(execId)) duplicated += 1;
        if (owners.get(execId) === sessionKey && !consumed.has(execId)) open.add(execId);
      }
    },
    noteLost: (execId) => void asLost.add(execId),
    consume(execIds, sessionKey) {
      for (const execId of execIds) {
        if (owners.get(execId) !== sessionKey) continue;
        consumed.add(execId);
        open.delete(execId);
      }
    },
    release(execIds) {
      for (const execId of execIds) {
        const turns = (heldInVain.get(execId) ?? 0) + 1;
        heldInVain.set(execId, turns);
        if (turns >= attempts && open.delete(execId)) deadLettered.add(execId);
      }
    },
    restart() {
      for (const [sessionKey, count] of starting.all()) unseen.add(sessionKey, count);
      starting.clear();
    },
    reopen(execIds, sessionKey) {
      const again = execIds.filter((execId) => consumed.has(execId));
      if (again.length > 0) undecided.set(sessionKey, new Set(again));
    },
    bury(execId) {
      if (!open.delete(execId)) return false;
      deadLettered.add(execId);
      return true;
    },
    get open() {
      return open.size;
    },
    tally() {
      return {
        started: owners.size,
        delivered: consumed.size,
        asLost: asLost.size,
        deadLettered: deadLettered.size,
        undelivered: [...open],
        misrouted: [...readers].filter(isMisrouted).map(([execId]) => execId),
        duplicated,
      };
    },
  };
}

/** Whether a completion says that nobody can tell how its command ended. */
export function isLostCompletion(completion: unknown): boolean {
  return (
    typeof completion === "object" &&
    completion !== null &&
    "status" in completion &&
    completion.status === "lost"
  );
}

interface Counts {
  add(key: string, count: number): void;
  /** Takes one; false if there is none. */
  take(key: string): boolean;
  all(): Iterable<readonly [string, number]>;
  clear(): void;
}

function createCounts(): Counts {
  const counts = new Map<string, number>();
  const add = (key: string, count: number) => {
    const next = (counts.get(key) ?? 0) + count;
    if (next > 0) counts.set(key, next);
    else counts.delete(key);
  };
  return {
    add,
    take(key) {
      if (!counts.has(key)) return false;
      add(key, -1);
      return true;
    },
    all: () => counts,
    clear: () => counts.clear(),
  };
}
