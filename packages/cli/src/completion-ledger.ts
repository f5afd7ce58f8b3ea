/**
 * Owns what the replay knows of the commands it started: who started each, and which turns were shown its completion.
 *
 * It must not ask the runtime. Invariants:
 * I1 A completion is open until a turn of its own session completes with it, or until as many turns of that session as
 *    work has attempts held it in vain (then it is a dead letter, by rule B31a).
 * I2 A completion shown to another session, or one nobody started, is misrouted, once, whatever else happens to it.
 * I3 A completion shown after a turn completed with it, or twice in one turn, is duplicated each time.
 */
export interface CompletionLedger {
  /** A session's turn started a command. */
  launch(execId: string, sessionKey: string): void;
  /** A turn began with these completions. */
  show(execIds: readonly string[], sessionKey: string): void;
  /** That turn completed. */
  consume(execIds: readonly string[], sessionKey: string): void;
  /** That turn crashed or was aborted. */
  release(execIds: readonly string[]): void;
  /** How many are open. */
  readonly open: number;
  tally(): CompletionTally;
}

/** What became of the commands. */
export interface CompletionTally {
  readonly started: number;
  readonly delivered: number;
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
  let duplicated = 0;

  const isMisrouted = ([execId, seenBy]: readonly [string, ReadonlySet<string>]) => {
    const owner = owners.get(execId);
    return owner === undefined || [...seenBy].some((reader) => reader !== owner);
  };

  return {
    launch(execId, sessionKey) {
      owners.set(execId, sessionKey);
      open.add(execId);
    },
    show(execIds, sessionKey) {
      const distinct = new Set(execIds);
      duplicated += execIds.length - distinct.size;
      for (const execId of distinct) {
        readers.set(execId, (readers.get(execId) ?? new Set()).add(sessionKey));
        if (consumed.has(execId)) duplicated += 1;
      }
    },
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
    get open() {
      return open.size;
    },
    tally() {
      return {
        started: owners.size,
        delivered: consumed.size,
        deadLettered: deadLettered.size,
        undelivered: [...open],
        misrouted: [...readers].filter(isMisrouted).map(([execId]) => execId),
        duplicated,
      };
    },
  };
}
