import { isPermanent, messageOf, toError } from "../keeper/errors.ts";
import type { Locks } from "../locks/lock.ts";
import type { Turn } from "../turns/turn.ts";
import type { Calls, Handing, Run } from "./calls.ts";
import { createExecutionHanding } from "./recorded-keeper.ts";
import { recordLocks } from "./recorded-locks.ts";
import type { RecordingLog } from "./recording-log.ts";
import { factsOf } from "./turn-facts.ts";

/** The host's `turn`, with everything noted that its code sees and does, and how it ends. */
export function recordTurns(
  run: (turn: Turn) => unknown,
  log: RecordingLog,
  calls: Calls,
): (turn: Turn) => Promise<unknown> {
  return async (turn) => {
    const { id: turnId } = turn;
    log.note({ type: "turn", ...factsOf(turn) });
    const { signal } = turn;
    signal.addEventListener("abort", () => {
      const { code } = signal.reason as { readonly code: string };
      log.note({ type: "turn.signal", turnId, code });
    });
    try {
      const recorded = new RecordedTurn(turn, log, calls);
      const reply = await log.callOut(() => calls.context.run({ turnId, under: undefined }, run, recorded));
      log.note({ type: "turn.returned", turnId, reply });
      return reply;
    } catch (error) {
      const thrown = toError(error);
      const isFinal = isPermanent(error);
      log.note({ type: "turn.threw", turnId, thrown, error: messageOf(thrown), isPermanent: isFinal });
      throw error;
    }
  };
}

/** A turn as the host's code holds it. Each method is a function of its own: hosts destructure. */
class RecordedTurn implements Turn {
  readonly id: string;
  readonly sessionKey: string;
  readonly agent: string;
  readonly cause: Turn["cause"];
  readonly reasons: readonly string[];
  readonly attempt: number;
  readonly messages: Turn["messages"];
  readonly events: Turn["events"];
  readonly dropped: Turn["dropped"];
  readonly signal: AbortSignal;
  readonly fencingToken: bigint;
  readonly progress: Turn["progress"];
  readonly emit: Turn["emit"];
  readonly assertCurrent: Turn["assertCurrent"];
  readonly takeSteering: Turn["takeSteering"];
  readonly exec: Turn["exec"];
  readonly expectExec: Turn["expectExec"];
  readonly waiting: Turn["waiting"];
  readonly #locks: () => Locks;
  #recordedLocks: Locks | undefined;

  constructor(turn: Turn, log: RecordingLog, calls: Calls) {
    this.id = turn.id;
    this.sessionKey = turn.sessionKey;
    this.agent = turn.agent;
    this.cause = turn.cause;
    this.reasons = turn.reasons;
    this.attempt = turn.attempt;
    this.messages = turn.messages;
    this.events = turn.events;
    this.dropped = turn.dropped;
    this.signal = turn.signal;
    this.fencingToken = turn.fencingToken;
    const note = <Args extends readonly unknown[], R>(
      what: string,
      args: Args,
      run: Run<Args, R>,
      hand?: Handing,
    ): R => calls.did({ turnId: turn.id, what, args }, run, hand);
    this.progress = (...args) => note("progress", args, () => turn.progress(...args));
    this.emit = (...args) => note("emit", args, () => turn.emit(...args));
    this.assertCurrent = () => note("assertCurrent", [], () => turn.assertCurrent());
    this.takeSteering = () => note("takeSteering", [], () => turn.takeSteering());
    this.exec = (...args) => note("exec", args, () => turn.exec(...args), createExecutionHanding(calls));
    this.expectExec = (...args) => note("expectExec", args, () => turn.expectExec(...args));
    this.waiting = (...args) =>
      note("waiting", args, (_, call) => turn.waiting(args[0], args[1], recordAwaited(args[2], call, log)));
    this.#locks = () =>
      recordLocks(() => turn.locks, {
        log,
        calls,
        note: ({ what, ...request }, run, hand) =>
          calls.did({ turnId: turn.id, what: `locks.${what}`, ...request }, run, hand),
      });
  }

  get locks(): Locks {
    return (this.#recordedLocks ??= this.#locks());
  }
}

/** What a turn awaits, settled as soon as that is noted. */
async function recordAwaited<T>(wait: Promise<T>, call: number, log: RecordingLog): Promise<T> {
  try {
    const value = await wait;
    log.note({ type: "awaited", call, value });
    return value;
  } catch (thrown) {
    log.note({ type: "awaited", call, error: { thrown } });
    throw thrown;
  }
}
