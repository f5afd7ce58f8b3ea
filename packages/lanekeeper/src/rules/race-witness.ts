import type { LanekeeperEvent } from "../seeing/events.ts";
import type { Outcome } from "../turns/outcome.ts";
import type { AcceptedMessage, Turn } from "../turns/turn.ts";

/**
 * What a host's turns and senders saw of one race, and what of it breaks a rule. It asks the keeper nothing.
 *
 * I1. All that counts is what turns were shown, what events said, and how receipts ended.
 */
export interface RaceWitness {
  /** Something broke a rule. */
  fault(what: string): void;
  /** A message is sent: in the order of the calls. */
  sent(id: string, mode: string): void;
  /** A wake is asked for. */
  woken(): void;
  /** A turn's code was called. */
  started(turn: Turn): void;
  /** A turn has taken steering. */
  took(turn: Turn, messages: readonly AcceptedMessage<unknown>[]): void;
  event(event: LanekeeperEvent): void;
  /** A dead letter has this item. */
  buried(id: string): void;
  /** How accepted work ended; undefined: it has not. */
  ended(id: string, outcome: Outcome | undefined): void;
  /** What broke a rule. */
  faults(): readonly string[];
}

/** A witness that has seen nothing yet. */
export function createRaceWitness(): RaceWitness {
  const faults: string[] = [];
  const current: Turn[] = [];
  let isWoken = false;
  const sent = new Map<string, string>();
  const firstStarts: string[] = [];
  /** What each turn was shown: its messages, and the steering it has taken. */
  const shown = new Map<string, Set<string>>();
  /** The turns that completed with each item. */
  const completedBy = new Map<string, string[]>();
  /** Cancellations and drops of each item. */
  const endedOtherwise = new Map<string, number>();
  const outcomes = new Map<string, Outcome | undefined>();
  const letters = new Map<string, number>();

  const show = (turn: Turn, id: string): void => {
    const seen = shown.get(turn.id) ?? new Set();
    shown.set(turn.id, seen);
    if (seen.has(id)) faults.push(`B19 ${id} shown twice to one turn`);
    seen.add(id);
  };
  const checkOutcome = (id: string, outcome: Outcome | undefined): void => {
    if (outcome === undefined) {
      faults.push(`B33 ${id} has no outcome`);
      return;
    }
    const completions = completedBy.get(id) ?? [];
    const others = endedOtherwise.get(id) ?? 0;
    if (completions.length > 1) faults.push(`B8 ${id} completed ${completions.length} times`);
    if (outcome.status === "completed") {
      if (completions[0] !== outcome.turnId)
        faults.push(`B6 ${id} is completed, and no turn completed with it`);
      if (shown.get(outcome.turnId)?.has(id) !== true)
        faults.push(`B8 ${id} is completed, and its turn never saw it`);
    } else if (completions.length > 0) {
      faults.push(`B6 a turn completed with ${id}, and it is ${outcome.status}`);
    }
    if (!sent.has(id)) return;
    if (outcome.status === "dropped" && firstStarts.includes(id))
      faults.push(`B22 ${id} started, and is dropped`);
    const told = outcome.status === "cancelled" || outcome.status === "dropped" ? 1 : 0;
    if (others !== told) faults.push(`B61 ${id} is ${outcome.status}, and events ended it ${others} times`);
    const given = outcome.status === "failed" || outcome.status === "reclaimed" ? 1 : 0;
    const buried = letters.get(id) ?? 0;
    if (buried !== given) faults.push(`B31 ${id} is ${outcome.status}, and ${buried} dead letters have it`);
  };
  const checkShown = (): void => {
    for (const turnId of new Set([...completedBy.values()].flat())) {
      for (const id of shown.get(turnId) ?? []) {
        if (completedBy.get(id)?.includes(turnId) !== true)
          faults.push(`B8 a turn that completed saw ${id}, and did not complete with it`);
      }
    }
  };

  return {
    fault: (what) => void faults.push(what),
    sent: (id, mode) => void sent.set(id, mode),
    woken: () => void (isWoken = true),
    started(turn) {
      if (turn.cause === "wake" && !isWoken) faults.push("B9 a turn started that nothing asked for");
      for (const other of current.splice(0)) if (isCurrent(other)) faults.push("B3 two turns are current");
      current.push(turn);
      for (const { id } of [...turn.messages, ...turn.events]) show(turn, id);
      for (const { id } of turn.messages) if (!firstStarts.includes(id)) firstStarts.push(id);
    },
    took(turn, messages) {
      for (const { id } of messages) show(turn, id);
    },
    event(event) {
      if (event.type === "lane.crashed") faults.push(`a lane crashed: ${event.error.message}`);
      if (event.type === "store.failed") faults.push(`the store failed: ${event.error.message}`);
      if (event.type === "lane.reclaimed" && !event.slotFreed) faults.push("B26 a slot was kept");
      if (event.type === "turn.completed") {
        for (const id of [...event.messageIds, ...event.eventIds])
          completedBy.set(id, [...(completedBy.get(id) ?? []), event.turnId]);
      }
      if (
        event.type === "message.cancelled" ||
        event.type === "message.dropped" ||
        event.type === "event.cancelled"
      )
        endedOtherwise.set(event.id, (endedOtherwise.get(event.id) ?? 0) + 1);
    },
    buried: (id) => void letters.set(id, (letters.get(id) ?? 0) + 1),
    ended: (id, outcome) => void outcomes.set(id, outcome),
    faults() {
      for (const [id, outcome] of outcomes) checkOutcome(id, outcome);
      checkShown();
      const ordered = [...sent.keys()].filter(
        (id) => sent.get(id) === "followup" && firstStarts.includes(id),
      );
      const started = firstStarts.filter((id) => ordered.includes(id));
      if (ordered.join() !== started.join()) faults.push(`B3 ${started.join()} is not ${ordered.join()}`);
      return faults;
    },
  };
}

function isCurrent(turn: Turn): boolean {
  try {
    turn.assertCurrent();
    return true;
  } catch {
    return false;
  }
}
