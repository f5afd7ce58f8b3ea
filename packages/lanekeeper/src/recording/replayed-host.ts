import { AsyncLocalStorage } from "node:async_hooks";
import type { RouteResult } from "../commands/completions.ts";
import type { Execution } from "../commands/execution.ts";
import type { Lanekeeper } from "../keeper/keeper.ts";
import type { Lock } from "../locks/lock.ts";
import type { Receipt } from "../turns/receipt.ts";
import type { Turn } from "../turns/turn.ts";
import { refusalOf } from "./calls.ts";
import { Unreadable } from "./encoding.ts";
import { type Entry, isSame, type Players, type Tape } from "./tape.ts";
import { factsOf } from "./turn-facts.ts";

type AnyFunction = (...args: readonly unknown[]) => unknown;

/**
 * The host of a keeper that is played back: it calls what the recorded host called, and its turns do and return what the
 * recorded ones did.
 */
export interface ReplayedHost {
  turn(turn: Turn): Promise<unknown>;
  /** The keeper is there. */
  opened(keeper: Lanekeeper): void;
  readonly players: Players;
  /** Calls that have come to something of which the recording has said nothing so far. */
  readonly untold: readonly { readonly call: number; readonly came: unknown }[];
}

/** What a call came to. */
type Came = { readonly value: unknown } | { readonly code: string | undefined };

/** A host on a tape. */
export function replayHost(tape: Tape): ReplayedHost {
  let keeper: Lanekeeper | undefined;
  /** Runs something as code that is no turn's. */
  const outside = AsyncLocalStorage.snapshot();
  /** Runs something as code of a turn, by its id, or of the work of a `using`, by its call. */
  const contexts = new Map<string | number, typeof outside>();
  const turns = new Map<string, Turn>();
  const running = new Map<string, PromiseWithResolvers<unknown>>();
  const works = new Map<number, PromiseWithResolvers<unknown>>();
  const waits = new Map<number, PromiseWithResolvers<unknown>>();
  const signals = new Map<number, AbortController>();
  /** What calls gave that has members of its own. */
  const given = new Map<number, object>();
  const came = new Map<number, Came>();
  const outcomes = new Map<number, unknown>();

  const show = (method: string, call: number, answer: unknown): unknown => {
    if (isReceipt(method) && answer !== undefined) return showReceipt(call, answer as Receipt);
    if (method === "reportExec" && (answer as RouteResult).routed) {
      const routed = answer as RouteResult & { readonly routed: true };
      return { ...routed, receipt: showReceipt(call, routed.receipt) };
    }
    if (method === "exec") {
      const { execId, sessionKey, pid } = answer as Execution;
      given.set(call, answer as Execution);
      return { execId, sessionKey, pid };
    }
    if (method === "heartbeat") {
      given.set(call, answer as object);
      return undefined;
    }
    if ((method === "locks.acquire" || method === "locks.tryAcquire") && answer !== undefined) {
      const { name, fencingToken } = answer as Lock;
      given.set(call, answer as Lock);
      return { name, fencingToken };
    }
    return answer;
  };
  const showReceipt = (call: number, receipt: Receipt): object => {
    const { id, sessionKey, acceptedAt } = receipt;
    given.set(call, receipt);
    void receipt.outcome.then((outcome) => outcomes.set(call, outcome));
    return { id, sessionKey, acceptedAt };
  };

  /** The arguments of a call, with what could not be written made anew. */
  const revive = (method: string, call: number, args: readonly unknown[]): readonly unknown[] => {
    const revived = [...args];
    const optionsAt = method === "send" || method === "locks.using" ? 2 : 1;
    const options = revived[optionsAt];
    if (hasSignal(method, options)) {
      const controller = new AbortController();
      signals.set(call, controller);
      revived[optionsAt] = { ...options, signal: controller.signal };
    }
    if (method === "locks.using" && typeof revived[1] === "function") revived[1] = workOf(call);
    if (method === "waiting") {
      const wait = Promise.withResolvers<unknown>();
      waits.set(call, wait);
      revived[2] = wait.promise;
    }
    return revived;
  };
  const workOf =
    (call: number) =>
    (lock: Lock): Promise<unknown> => {
      const { name, fencingToken } = lock;
      given.set(call, lock);
      tape.take({ type: "work", call, lock: { name, fencingToken } });
      contexts.set(call, AsyncLocalStorage.snapshot());
      const work = Promise.withResolvers<unknown>();
      works.set(call, work);
      tape.callOut();
      return work.promise;
    };

  /** Makes a call and compares what it gives at once; what it promises is kept until the recording tells of it. */
  const make = (method: string, call: number, run: () => unknown, isSilent: boolean): void => {
    let answer: unknown;
    try {
      answer = run();
    } catch (error) {
      tape.take({ type: "refusal", call, code: refusalOf(error).code });
      return;
    }
    if (answer instanceof Promise) {
      answer.then(
        (value) => came.set(call, { value: show(method, call, value) }),
        (error: unknown) => came.set(call, { code: refusalOf(error).code }),
      );
      return;
    }
    if (isSilent && answer === undefined) return;
    const shown = show(method, call, answer);
    const { next } = tape;
    // How late the event loop is says nothing of the keeper.
    if (method === "stats" && next?.type === "answer")
      Object.assign(shown as object, {
        eventLoopDelayMs: (next.value as { eventLoopDelayMs?: unknown }).eventLoopDelayMs,
      });
    tape.take({ type: "answer", call, value: shown });
  };

  const playCall = ({ call, method, args, on, turnId, under }: Entry<"call">): boolean => {
    const target = on === undefined ? keeper : given.get(on);
    if (target === undefined) return false;
    const context =
      under === undefined ? (turnId === undefined ? outside : contexts.get(turnId)) : contexts.get(under);
    if (context === undefined) return false;
    tape.advance();
    const revived = revive(method, call, args);
    abortedBefore(call);
    make(method, call, () => context(() => invoke(target, method, on !== undefined, revived)), false);
    return true;
  };
  const playDid = ({ call, turnId, what, args, from, under }: Entry<"turn.did">): boolean => {
    const turn = turns.get(turnId);
    const asker = from ?? turnId;
    const context =
      under === undefined ? (asker === "" ? outside : contexts.get(asker)) : contexts.get(under);
    if (turn === undefined || context === undefined) return false;
    tape.advance();
    const revived = revive(what, call, args);
    abortedBefore(call);
    make(what, call, () => context(() => invoke(turn, what, false, revived)), true);
    return true;
  };
  /** A signal that was aborted when it was given. */
  const abortedBefore = (call: number): void => {
    const { next } = tape;
    if (next?.type === "signal" && next.call === call && signals.has(call)) playSignal(next);
  };
  const playSignal = ({ call, reason }: Entry<"signal">): boolean => {
    const controller = signals.get(call);
    if (controller === undefined) return false;
    signals.delete(call);
    tape.advance();
    controller.abort(reason);
    return true;
  };

  /** Ends what was promised. */
  const settle = <Key>(
    promises: Map<Key, PromiseWithResolvers<unknown>>,
    key: Key,
    end: { readonly value: unknown } | { readonly thrown: unknown },
  ): boolean => {
    const promised = promises.get(key);
    if (promised === undefined) return false;
    promises.delete(key);
    tape.advance();
    if ("thrown" in end) promised.reject(end.thrown);
    else promised.resolve(end.value);
    return true;
  };
  /** Compares what a call came to with what the recording says. */
  const expectCame = (entry: Entry<"answer"> | Entry<"refusal">): boolean => {
    const end = came.get(entry.call);
    if (end === undefined) return false;
    came.delete(entry.call);
    const isAsSaid =
      entry.type === "answer"
        ? "value" in end && isSame(entry.value, end.value)
        : "code" in end && end.code === entry.code;
    if (!isAsSaid)
      tape.diverge(entry, { type: "value" in end ? "answer" : "refusal", call: entry.call, ...end });
    tape.advance();
    return true;
  };
  const expectOutcome = (entry: Entry<"outcome">): boolean => {
    if (!outcomes.has(entry.call)) return false;
    const { call, sessionKey, id } = entry;
    const outcome = outcomes.get(call);
    outcomes.delete(call);
    const receipt = given.get(call) as Receipt;
    const isAsSaid = receipt.id === id && receipt.sessionKey === sessionKey && isSame(entry.outcome, outcome);
    if (!isAsSaid) tape.diverge(entry, { type: "outcome", call, sessionKey, id, outcome });
    tape.advance();
    return true;
  };

  return {
    turn(turn) {
      tape.take({ type: "turn", ...factsOf(turn) });
      const { id: turnId, signal } = turn;
      signal.addEventListener("abort", () => {
        const { code } = signal.reason as { readonly code: string };
        try {
          tape.take({ type: "turn.signal", turnId, code });
        } catch {
          // The tape knows; thrown here it would end the process.
        }
      });
      turns.set(turnId, turn);
      contexts.set(turnId, AsyncLocalStorage.snapshot());
      const code = Promise.withResolvers<unknown>();
      running.set(turnId, code);
      tape.callOut();
      return code.promise;
    },
    opened(created) {
      tape.take({ type: "opened" });
      keeper = created;
      created.events$.subscribe((event) => tape.take({ type: "event", event }));
    },
    players: {
      call: playCall,
      "turn.did": playDid,
      signal: playSignal,
      "turn.returned": ({ turnId, reply }) => settle(running, turnId, { value: reply }),
      "turn.threw": ({ turnId, thrown }) => settle(running, turnId, { thrown }),
      "work.returned": ({ call, value }) => settle(works, call, { value }),
      "work.threw": ({ call, thrown }) => settle(works, call, { thrown }),
      awaited: ({ call, value, error }) => settle(waits, call, error ?? { value }),
      answer: expectCame,
      refusal: expectCame,
      outcome: expectOutcome,
    },
    get untold() {
      return Array.from(came, ([call, end]) => ({ call, came: end }));
    },
  };
}

function isReceipt(method: string): boolean {
  return method === "send" || method === "notify" || method === "attach" || method === "redrive";
}

function hasSignal(method: string, options: unknown): options is object {
  if (method !== "send" && !method.startsWith("locks.")) return false;
  return (
    typeof options === "object" &&
    options !== null &&
    (options as { signal?: unknown }).signal instanceof Unreadable
  );
}

/** Calls a member by its name: `send`, `locks.acquire`; of what a call gave `receipt.reply`, `lock.state`. */
function invoke(target: object, method: string, isOfGiven: boolean, args: readonly unknown[]): unknown {
  const [first, second] = method.split(".") as [string, string?];
  const owner = second === undefined || isOfGiven ? target : (target as Record<string, object>)[first]!;
  const member = (owner as Record<string, unknown>)[second ?? first];
  return typeof member === "function" ? (member as AnyFunction).apply(owner, [...args]) : member;
}
