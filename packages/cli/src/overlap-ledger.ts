/**
 * Owns which turns of a session have begun and not returned, and asks them whether they still count.
 *
 * A turn that never returns stays here for good: its fence is asked each time its session does something.
 * I1 Two turns of one session that both pass `assertCurrent()` when either is checked are one overlap, counted once.
 */
export interface OverlapLedger {
  enter(turn: FencedTurn): void;
  /** Asks the turn and its session's others at this instant. */
  check(turn: FencedTurn): void;
  /** The turn's code has returned. */
  leave(turn: FencedTurn): void;
  readonly overlaps: number;
}

/** What is asked of a turn. */
export interface FencedTurn {
  readonly sessionKey: string;
  /** Throws once the turn no longer counts. */
  assertCurrent(): void;
}

/** Starts an empty ledger. */
export function createOverlapLedger(): OverlapLedger {
  /** By session, each turn with those it has overlapped. */
  const sessions = new Map<string, Map<FencedTurn, Set<FencedTurn>>>();
  let overlaps = 0;

  const check = (turn: FencedTurn) => {
    const turns = sessions.get(turn.sessionKey);
    const met = turns?.get(turn);
    if (turns === undefined || met === undefined || turns.size < 2 || !isCurrent(turn)) return;
    for (const [other, metByOther] of turns) {
      if (other === turn || met.has(other) || !isCurrent(other)) continue;
      met.add(other);
      metByOther.add(turn);
      overlaps += 1;
    }
  };

  return {
    enter(turn) {
      const turns = sessions.get(turn.sessionKey);
      if (turns === undefined) sessions.set(turn.sessionKey, new Map([[turn, new Set()]]));
      else turns.set(turn, new Set());
      check(turn);
    },
    check,
    leave(turn) {
      const turns = sessions.get(turn.sessionKey);
      if (turns?.delete(turn) === true && turns.size === 0) sessions.delete(turn.sessionKey);
    },
    get overlaps() {
      return overlaps;
    },
  };
}

function isCurrent(turn: FencedTurn): boolean {
  try {
    turn.assertCurrent();
    return true;
  } catch {
    return false;
  }
}
