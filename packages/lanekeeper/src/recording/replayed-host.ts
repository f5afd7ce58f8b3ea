import { AsyncLocalStorage } from "node:async_hooks";
import type { RouteResult } from "../commands/route-result.ts";
import type { Execution } from "../commands/execution.ts";
import type { Lanekeeper } from "../keeper/keeper.ts";
import type { Lock } from "../locks/lock.ts";
import type { Outcome } from "../turns/outcome.ts";
import type { Receipt } from "../turns/receipt.ts";
import type { Turn } from "../turns/turn.ts";
import { refusalOf } from "./calls.ts";
import { Unreadable } from "./encoding.ts";
import { replaySignals } from "./replayed-signals.ts";
import type { Entry, Players, Tape } from "./tape.ts";
import { factsOf } from "./turn-facts.ts";

type AnyFunction = (...args: readonly unknown[]) => unknown;

/**
 * The host of a keeper that is played back: it calls what the recorded host called, and its turns do and return what the
 * recorded ones did.
 */
export interface ReplayedHost {
  turn(turn: Turn): Promise<unknown>;
  /** The keeper, once it is there. */
  readonly keeper: Lanekeeper | undefined;
  opened(keeper: Lanekeeper): void;
  readonly players: Players;
  /** Calls that have come to something of which the recording has said nothing so far. */
  readonly untold: readonly object[];
}

/** What a call came to. */
type Came = { readonly value: unknown } | { readonly code: string | undefined; readonly message?: string };

/** A host on a tape. */
export function replayHost(tape: Tape): ReplayedHost {
  let keeper: Lanekeeper | undefined;
  /** Calls that were made. */
  let calls = 0;
  /** Runs something as code that is no turn's. */
  const outside = AsyncLocalStorage.snapshot();
  /** Runs something as code of a turn, by its id, or of the work of a `using`, by its call. */
  const contexts = new Map<string | number, typeof outside>();
  const turns = new Map<string, Turn>();
  const running = new Map<string, PromiseWithResolvers<unknown>>();
  const works = new Map<number, PromiseWithResolvers<unknown>>();
  const waits = new Map<number, PromiseWithResolvers<unknown>>();
  const signals = replaySignals(tape);
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
      revived[optionsAt] = { ...options, signal: signals.create(call) };
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
      const { next } = tape;
      // One that threw at once.
      if (next?.type === "work.threw" && next.call === call) tape.play(next);
      return work.promise;
    };

  /** Makes a call and compares what it gives at once; what it promises is kept until the recording tells of it. */
  const make = (method: string, call: number, run: () => unknown, isSilent: boolean): void => {
    let answer: unknown;
    try {
      answer = run();
    } catch (error) {
      tape.take({ type: "refusal", call, ...comparedRefusal(error) });
      return;
    }
    if (answer instanceof Promise) {
      answer.then(
        (value) => came.set(call, { value: show(method, call, value) }),
        (error: unknown) => came.set(call, comparedRefusal(error)),
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

  /** Whether a call is the next one: none is missing. */
  const isNext = (entry: Entry<"call"> | Entry<"turn.did">): boolean => {
    if (entry.call === calls + 1) return true;
    tape.diverge({ type: entry.type, call: calls + 1 }, entry);
    return false;
  };
  const playCall = (entry: Entry<"call">): boolean => {
    const { call, method, args, on, turnId, under } = entry;
    const target = on === undefined ? keeper : given.get(on);
    if (target === undefined) return false;
    const context =
      under === undefined ? (turnId === undefined ? outside : contexts.get(turnId)) : contexts.get(under);
    if (context === undefined || !isNext(entry)) return false;
    tape.advance();
    calls++;
    const revived = revive(method, call, args);
    make(method, call, () => context(() => invoke(target, method, on !== undefined, revived)), false);
    return true;
  };
  const playDid = (entry: Entry<"turn.did">): boolean => {
    const { call, turnId, what, args, from, under } = entry;
    const turn = turns.get(turnId);
    const asker = from ?? turnId;
    const context =
      under === undefined ? (asker === "" ? outside : contexts.get(asker)) : contexts.get(under);
    if (turn === undefined || context === undefined || !isNext(entry)) return false;
    tape.advance();
    calls++;
    const revived = revive(what, call, args);
    make(what, call, () => context(() => invoke(turn, what, false, revived)), true);
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
    const { call } = entry;
    const end = came.get(call);
    if (end === undefined) return false;
    came.delete(call);
    const done =
      "value" in end
        ? ({ type: "answer", call, value: end.value } as const)
        : ({ type: "refusal", call, ...end } as const);
    if (tape.agrees(entry, done)) tape.advance();
    else tape.diverge(entry, done);
    return true;
  };
  const expectOutcome = (entry: Entry<"outcome">): boolean => {
    const { call } = entry;
    if (!outcomes.has(call)) return false;
    const { sessionKey, id } = given.get(call) as Receipt;
    const outcome = outcomes.get(call) as Outcome;
    outcomes.delete(call);
    const done = { type: "outcome", call, sessionKey, id, outcome } as const;
    if (tape.agrees(entry, done)) tape.advance();
    else tape.diverge(entry, done);
    return true;
  };

  return {
    turn(turn) {
      tape.take({ type: "turn", ...factsOf(turn) });
      const { id: turnId, signal } = turn;
      signal.addEventListener("abort", () => {
        const { code } = signal.reason as { readonly code: string };
        tape.take({ type: "turn.signal", turnId, code });
      });
      turns.set(turnId, turn);
      contexts.set(turnId, AsyncLocalStorage.snapshot());
      const code = Promise.withResolvers<unknown>();
      running.set(turnId, code);
      tape.callOut();
      const { next } = tape;
      // One that threw at once.
      if (next?.type === "turn.threw" && next.turnId === turnId) tape.play(next);
      return code.promise;
    },
    opened(created) {
      tape.take({ type: "opened" });
      keeper = created;
      created.events$.subscribe((event) => {
        tape.take({ type: "event", event });
        // Other subscribers were told next.
        tape.playInside();
      });
    },
    players: {
      ...signals.players,
      call: playCall,
      "turn.did": playDid,
      "turn.returned": ({ turnId, reply }) => settle(running, turnId, { value: reply }),
      "turn.threw": ({ turnId, thrown }) => settle(running, turnId, { thrown }),
      "work.returned": ({ call, value }) => settle(works, call, { value }),
      "work.threw": ({ call, thrown }) => settle(works, call, { thrown }),
      awaited: ({ call, value, error }) => settle(waits, call, error ?? { value }),
      answer: expectCame,
      refusal: expectCame,
      outcome: expectOutcome,
    },
    get keeper() {
      return keeper;
    },
    get untold() {
      const ends = Array.from(came, ([call, end]) => ({ call, ...end }));
      return [...ends, ...Array.from(outcomes, ([call, outcome]) => ({ call, outcome }))];
    },
  };
}

/** What of a refusal is compared: what is said of a value that is none may not be the same of what is read back. */
function comparedRefusal(error: unknown): { readonly code: string | undefined; readonly message?: string } {
  const { code, message } = refusalOf(error);
  return code === "INVALID_OPTION" || code === "INVALID_SESSION_KEY" ? { code } : { code, message };
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
