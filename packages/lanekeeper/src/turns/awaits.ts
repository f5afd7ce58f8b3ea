import { LanekeeperError } from "../keeper/errors.ts";
import type { Runtime } from "../keeper/runtime.ts";
import type { LiveTurn } from "./live-turn.ts";
import type { Outcome } from "./outcome.ts";
import type { PendingOutcome } from "./pending-outcomes.ts";

/**
 * Turns that await other sessions' work (B10, B10a).
 *
 * I1. Sessions never await each other in a circle: the call that would close one is refused.
 * I2. A turn awaits nothing any more once the work has ended, or it was told to stop.
 * I3. While it awaits, it lends its slot to the session whose work it awaits, and its stall clock stands.
 */
export interface Awaits {
  /** The outcome of work, as whoever calls may await it. Rejects with `SELF_DEADLOCK`, or with the reason of the calling turn's signal. */
  outcome(work: AwaitedWork, pending: PendingOutcome): Promise<Outcome>;
  /** Work has ended: who awaits it runs again, before its session starts anything else. */
  finished(seq: number): void;
}

/** Work whose end may be awaited. */
export interface AwaitedWork {
  readonly seq: number;
  readonly id: string;
  readonly sessionKey: string;
}

/** Creates the awaits of a keeper. */
export function createAwaits(runtime: Runtime): Awaits {
  /** What ends each await, by the work's `seq`. */
  const ends = new Map<number, Set<() => void>>();
  /** The sessions whose work a turn awaits, and how often. */
  const awaited = new Map<LiveTurn, Map<string, number>>();

  const awaitedBy = (sessionKey: string): readonly string[] => {
    const turn = runtime.lanes.get(sessionKey)?.turn;
    return turn === undefined || turn.isOver ? [] : [...(awaited.get(turn)?.keys() ?? [])];
  };
  /** The sessions from one to another, each awaiting the next; undefined if the first does not await the other at all. */
  const chain = (from: string, to: string): readonly string[] | undefined => {
    const cameFrom = new Map<string, string | undefined>([[from, undefined]]);
    for (const sessionKey of cameFrom.keys()) {
      if (sessionKey === to) {
        const path: string[] = [];
        for (let at: string | undefined = to; at !== undefined; at = cameFrom.get(at)) path.unshift(at);
        return path;
      }
      for (const next of awaitedBy(sessionKey)) if (!cameFrom.has(next)) cameFrom.set(next, sessionKey);
    }
    return undefined;
  };

  const begin = (turn: LiveTurn, { seq, sessionKey }: AwaitedWork): (() => void) => {
    const counts = awaited.get(turn) ?? new Map<string, number>();
    awaited.set(turn, counts.set(sessionKey, (counts.get(sessionKey) ?? 0) + 1));
    const loan = turn.lane.claim?.lend(sessionKey);
    const ending = ends.get(seq) ?? new Set();
    ends.set(seq, ending);
    const end = (): void => {
      if (!ending.delete(end)) return;
      if (ending.size === 0) ends.delete(seq);
      const left = counts.get(sessionKey)! - 1;
      if (left > 0) counts.set(sessionKey, left);
      else counts.delete(sessionKey);
      if (counts.size === 0) awaited.delete(turn);
      loan?.end();
    };
    ending.add(end);
    return end;
  };

  return {
    outcome(work, pending) {
      const turn = runtime.scope.getStore();
      if (turn === undefined || turn.isOver || pending.isSettled) return pending.promise;
      const circle = chain(work.sessionKey, turn.sessionKey);
      if (circle !== undefined) return Promise.reject(selfDeadlock(work, [turn.sessionKey, ...circle]));
      // A turn that was told to stop starts no wait (B28).
      if (!turn.isCurrent) return Promise.reject(turn.stopError);
      const end = begin(turn, work);
      const forgetStop = turn.whenStopped(end);
      const over = (): void => {
        forgetStop();
        end();
      };
      return turn.waitFor(`the reply of ${work.sessionKey}`, pending.promise, Infinity).finally(over);
    },
    finished(seq) {
      for (const end of ends.get(seq) ?? []) end();
    },
  };
}

function selfDeadlock({ id, sessionKey }: AwaitedWork, circle: readonly string[]): LanekeeperError {
  const path = circle.join(" → ");
  return new LanekeeperError(
    "SELF_DEADLOCK",
    `reply() of ${id} would wait for ever: its session is awaited by itself (${path}). The work stays accepted; return, and take its result in a later turn.`,
    { id, sessionKey, circle },
  );
}
