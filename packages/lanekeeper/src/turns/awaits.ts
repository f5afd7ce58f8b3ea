import type { Loan } from "../dispatch/dispatcher.ts";
import { LanekeeperError } from "../keeper/errors.ts";
import type { Runtime } from "../keeper/runtime.ts";
import type { LiveTurn } from "./live-turn.ts";
import type { Outcome } from "./outcome.ts";
import type { PendingOutcome } from "./pending-outcomes.ts";

/**
 * Turns that await other sessions' work (B10, B10a).
 *
 * I1. Sessions never await each other in a circle: the call that would close one is refused.
 * I2. A turn awaits nothing any more once the work has ended, it was told to stop, or it is over.
 * I3. While it awaits, its stall clock stands, and it lends its slot to the session whose work it awaits; but not from when
 *     the turn that holds that work is over until it is known whether the work has ended: it may run on any moment.
 */
export interface Awaits {
  /** The outcome of work, as whoever calls may await it. Rejects with `SELF_DEADLOCK`, or with the reason of the calling turn's signal. */
  outcome(work: AwaitedWork, pending: PendingOutcome): Promise<Outcome>;
  /** A turn is over and about to give its slot back: it awaits nothing, and who awaits what it holds lends no longer. */
  turnOver(turn: LiveTurn): void;
  /** What a session's last turn held is known to have ended or not: who awaits what has not lends again. */
  resume(sessionKey: string): void;
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
  const { enter } = runtime.passages;
  const byTurn = new Map<LiveTurn, Set<Await>>();
  const bySeq = new Map<number, Set<Await>>();
  /** Those that lend nothing for the moment, by whose work they await. */
  const resting = new Map<string, Set<Await>>();

  const awaitedBy = (sessionKey: string): readonly string[] => {
    const turn = runtime.lanes.get(sessionKey)?.turn;
    return turn === undefined || turn.isOver
      ? []
      : Array.from(byTurn.get(turn) ?? [], ({ work }) => work.sessionKey);
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

  const lend = (one: Await): void => {
    one.loan = one.turn.lane.claim?.lend(one.work.sessionKey);
  };
  const rest = (one: Await): void => {
    one.loan?.end();
    add(resting, one.work.sessionKey, one);
  };
  const begin = (turn: LiveTurn, work: AwaitedWork): Await => {
    const one: Await = { turn, work, loan: undefined };
    add(byTurn, turn, one);
    add(bySeq, work.seq, one);
    const last = runtime.lanes.get(work.sessionKey)?.turn;
    if (last?.isOver === true && holds(last, work)) rest(one);
    else lend(one);
    return one;
  };
  const end = (one: Await): void => {
    remove(byTurn, one.turn, one);
    remove(bySeq, one.work.seq, one);
    remove(resting, one.work.sessionKey, one);
    one.loan?.end();
  };

  return {
    outcome(work, pending) {
      const turn = runtime.scope.getStore();
      if (turn === undefined || turn.isOver || pending.isSettled) return pending.promise;
      const circle = chain(work.sessionKey, turn.sessionKey);
      if (circle !== undefined) return Promise.reject(selfDeadlock(work, [turn.sessionKey, ...circle]));
      // A turn that was told to stop starts no wait (B28).
      if (!turn.isCurrent) return Promise.reject(turn.stopError);
      const one = begin(turn, work);
      const forgetStop = turn.whenStopped(() => end(one));
      const over = (): void => {
        forgetStop();
        end(one);
      };
      return turn.waitFor(`the reply of ${work.sessionKey}`, pending.promise, Infinity).finally(enter(over));
    },
    turnOver(turn) {
      if (bySeq.size === 0) return;
      for (const one of byTurn.get(turn) ?? []) end(one);
      for (const { seq } of turn.held) for (const one of bySeq.get(seq) ?? []) rest(one);
    },
    resume(sessionKey) {
      const those = resting.get(sessionKey);
      if (those === undefined) return;
      resting.delete(sessionKey);
      for (const one of those) lend(one);
    },
    finished(seq) {
      for (const one of bySeq.get(seq) ?? []) end(one);
    },
  };
}

/** One turn that awaits one piece of work. */
interface Await {
  readonly turn: LiveTurn;
  readonly work: AwaitedWork;
  loan: Loan | undefined;
}

function holds({ held }: LiveTurn, { seq }: AwaitedWork): boolean {
  return held.some((item) => item.seq === seq);
}

function add<K>(awaits: Map<K, Set<Await>>, key: K, one: Await): void {
  const others = awaits.get(key);
  if (others === undefined) awaits.set(key, new Set([one]));
  else others.add(one);
}

function remove<K>(awaits: Map<K, Set<Await>>, key: K, one: Await): void {
  const others = awaits.get(key);
  if (others?.delete(one) === true && others.size === 0) awaits.delete(key);
}

function selfDeadlock({ id, sessionKey }: AwaitedWork, circle: readonly string[]): LanekeeperError {
  const path = circle.join(" → ");
  return new LanekeeperError(
    "SELF_DEADLOCK",
    `reply() of ${id} would wait for ever: its session is awaited by itself (${path}). The work stays accepted; return, and take its result in a later turn.`,
    { id, sessionKey, circle },
  );
}
