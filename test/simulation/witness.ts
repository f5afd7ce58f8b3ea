import type { AcceptedMessage, LanekeeperEvent, Outcome, Turn } from "lanekeeper";

/**
 * What clients and the agent saw of a run, and what of it breaks a rule. It asks the runtime nothing.
 */
export interface Witness {
  readonly faults: readonly string[];
  fault(what: string): void;
  /** A message was accepted; with `isOrdered` it must start after those that were accepted before it. */
  accepted(sessionKey: string, id: string, isOrdered: boolean): void;
  /** A turn has taken messages that steer it. */
  took(turn: Turn<string>, messages: readonly AcceptedMessage<string>[]): void;
  /** How accepted work ended. */
  ended(sessionKey: string, id: string, outcome: Outcome<string>): void;
  /** A turn started; the function returned ends it. */
  started(turn: Turn<string>): () => void;
  event(event: LanekeeperEvent): void;
  /** Faults that show only when all is over. */
  check(): void;
}

/** A witness that has seen nothing yet. */
export function createWitness(): Witness {
  const faults: string[] = [];
  const current = new Map<string, number>();
  const accepted = new Map<string, string[]>();
  const firstStarts = new Map<string, string[]>();
  const attempts = new Set<string>();
  /** The turn that completed with each message. */
  const completedBy = new Map<string, string>();
  const ends = new Map<string, Outcome<string>>();
  /** Messages whose work was put back from a dead letter: it begins anew. */
  const redriven = new Set<string>();

  const listOf = (lists: Map<string, string[]>, key: string): string[] => {
    const list = lists.get(key) ?? [];
    lists.set(key, list);
    return list;
  };
  const sawMessage = (sessionKey: string, attempt: number, { id }: AcceptedMessage<string>): void => {
    const name = `${sessionKey} ${id} ${attempt}`;
    if (attempts.has(name) && !redriven.has(`${sessionKey} ${id}`))
      faults.push(`B55 attempt seen twice: ${name}`);
    attempts.add(name);
    const starts = listOf(firstStarts, sessionKey);
    if (!starts.includes(id)) starts.push(id);
  };

  return {
    faults,
    fault: (what) => void faults.push(what),
    accepted(sessionKey, id, isOrdered) {
      if (isOrdered) listOf(accepted, sessionKey).push(id);
    },
    took({ sessionKey, id }, messages) {
      for (const message of messages) {
        const name = `${sessionKey} ${message.id} taken by ${id}`;
        if (attempts.has(name)) faults.push(`B19 taken twice: ${name}`);
        attempts.add(name);
      }
    },
    ended: (sessionKey, id, outcome) => void ends.set(`${sessionKey} ${id}`, outcome),
    started({ sessionKey, attempt, messages, signal }) {
      const others = current.get(sessionKey) ?? 0;
      if (others > 0) faults.push(`B3 two live turns in ${sessionKey}`);
      current.set(sessionKey, others + 1);
      for (const message of messages) sawMessage(sessionKey, attempt, message);
      let counts = true;
      const ended = (): void => {
        if (!counts) return;
        counts = false;
        current.set(sessionKey, current.get(sessionKey)! - 1);
      };
      // From the abort on it may do nothing, so the next turn may start before its code returns.
      signal.addEventListener("abort", ended);
      return ended;
    },
    event(event) {
      if (event.type === "lane.crashed") faults.push(`crashed: ${event.error.message}`);
      if (event.type === "lane.reclaimed" && !event.slotFreed)
        faults.push(`B26 slot kept: ${event.sessionKey}`);
      if (event.type === "deadLetter.redriven") redriven.add(`${event.sessionKey} ${event.itemId}`);
      if (event.type !== "turn.completed") return;
      for (const id of [...event.messageIds, ...event.eventIds]) {
        const name = `${event.sessionKey} ${id}`;
        if (completedBy.has(name)) faults.push(`B8 completed twice: ${name}`);
        completedBy.set(name, event.turnId);
      }
    },
    check() {
      for (const [sessionKey, starts] of firstStarts) {
        const expected = listOf(accepted, sessionKey).filter((id) => starts.includes(id));
        const ordered = starts.filter((id) => expected.includes(id));
        if (expected.join() !== ordered.join()) faults.push(`B3 order in ${sessionKey}: ${ordered.join()}`);
      }
      for (const [name, outcome] of ends) {
        if (redriven.has(name)) continue;
        const turnId = outcome.status === "completed" ? outcome.turnId : undefined;
        if (completedBy.get(name) !== turnId)
          faults.push(`B33 ${name} ended ${outcome.status}, not as its turn did`);
      }
    },
  };
}
