import { AsyncLocalStorage } from "node:async_hooks";
import { messageOf, toError } from "../keeper/errors.ts";
import { recordSignal } from "./recorded-signals.ts";
import type { RecordingLog } from "./recording-log.ts";

/** How a call is noted, and what it gives. */
export interface Calls {
  /** Whose code is running. */
  readonly context: AsyncLocalStorage<CallContext>;
  /**
   * Notes a call of the host's, makes it, and notes its answer. `run` is given the arguments with signals of our own in
   * them; `hand` says what of the answer is noted and what the host is given for it.
   */
  call<Args extends readonly unknown[], R>(request: CallRequest<Args>, run: Run<Args, R>, hand?: Handing): R;
  /** The same for what a turn's code asks of its turn. */
  did<Args extends readonly unknown[], R>(request: DoneRequest<Args>, run: Run<Args, R>, hand?: Handing): R;
}

/** Whose code makes a call. */
export interface CallContext {
  readonly turnId: string | undefined;
  readonly under: number | undefined;
}
interface CallRequest<Args> {
  readonly method: string;
  readonly args: Args;
  /** Which argument may have a signal. */
  readonly optionsAt?: number | undefined;
  readonly on?: number | undefined;
}
interface DoneRequest<Args> {
  readonly turnId: string;
  readonly what: string;
  readonly args: Args;
  readonly optionsAt?: number | undefined;
}
/** Makes a call that has this number. */
export type Run<Args, R> = (args: Args, call: number) => R;

/** What of an answer is noted, and what the host is given for it. */
export type Handing = (answer: unknown, call: number) => { readonly shown: unknown; readonly given: unknown };

/** What is noted of an error. */
export function refusalOf(thrown: unknown): { readonly code: string | undefined; readonly message: string } {
  const error = toError(thrown);
  const { code } = error as { readonly code?: unknown };
  return { code: typeof code === "string" ? code : undefined, message: messageOf(error) };
}

const asIs: Handing = (answer) => ({ shown: answer, given: answer });

/** Notes calls in a log. */
export function createCalls(log: RecordingLog): Calls {
  const context = new AsyncLocalStorage<CallContext>();

  const refuse = (call: number, error: unknown): never => {
    log.note({ type: "refusal", call, ...refusalOf(error) });
    throw error;
  };
  /** Makes a call that was noted. What comes of a promise is noted before whoever awaits it knows. */
  const make = <R>(call: number, run: () => R, hand: Handing, isSilent: boolean): R => {
    let answer: R;
    try {
      answer = run();
    } catch (error) {
      return refuse(call, error);
    }
    const give = (value: unknown, isNothing: boolean): unknown => {
      const { shown, given } = hand(value, call);
      if (!isNothing) log.note({ type: "answer", call, value: shown });
      return given;
    };
    if (!(answer instanceof Promise)) return give(answer, isSilent && answer === undefined) as R;
    return answer.then(
      (value) => give(value, false),
      (error: unknown) => refuse(call, error),
    ) as R;
  };
  /** The same arguments, with a signal of our own in the options. */
  const follow = <Args extends readonly unknown[]>(
    { args, optionsAt }: { readonly args: Args; readonly optionsAt?: number | undefined },
    call: number,
  ): Args => {
    if (optionsAt === undefined) return args;
    const options = recordSignal(args[optionsAt], call, log);
    return options === args[optionsAt] ? args : (args.with(optionsAt, options) as readonly unknown[] as Args);
  };

  return {
    context,
    call(request, run, hand = asIs) {
      const call = log.nextCall();
      const { method, on } = request;
      const { turnId, under } = context.getStore() ?? {};
      const args = follow(request, call);
      log.note({ type: "call", call, method, args, on, turnId, under });
      return make(call, () => run(args, call), hand, false);
    },
    did(request, run, hand = asIs) {
      const call = log.nextCall();
      const { turnId, what } = request;
      const { turnId: caller, under } = context.getStore() ?? {};
      const from = caller === turnId ? undefined : (caller ?? "");
      const args = follow(request, call);
      log.note({ type: "turn.did", call, turnId, what, args, from, under, got: undefined });
      // Most of what a turn does gives nothing, and often.
      return make(call, () => run(args, call), hand, true);
    },
  };
}
