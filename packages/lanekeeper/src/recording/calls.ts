import { AsyncLocalStorage } from "node:async_hooks";
import { messageOf, toError } from "../keeper/errors.ts";
import type { RecordingLog } from "./recording-log.ts";

/** How a call is noted, and what it gives. */
export interface Calls {
  /** Whose code is running. */
  readonly context: AsyncLocalStorage<CallContext>;
  /**
   * Notes a call of the host's, makes it, and notes its answer. `hand` says what of the answer is noted and what the host
   * is given for it.
   */
  call<R>(request: CallRequest, run: (call: number) => R, hand?: Handing): R;
  /** The same for what a turn's code asks of its turn. */
  did<R>(request: DoneRequest, run: (call: number) => R, hand?: Handing): R;
}

/** Whose code makes a call. */
export interface CallContext {
  readonly turnId: string | undefined;
  readonly under: number | undefined;
}
interface CallRequest {
  readonly method: string;
  readonly args: readonly unknown[];
  readonly on?: number | undefined;
}
interface DoneRequest {
  readonly turnId: string;
  readonly what: string;
  readonly args: readonly unknown[];
}

/** What of an answer is noted, and what the host is given for it. */
export type Handing = (answer: unknown, call: number) => { readonly shown: unknown; readonly given: unknown };

/** What is noted of an error. */
function refusalOf(thrown: unknown): { readonly code: string | undefined; readonly message: string } {
  const error = toError(thrown);
  const { code } = error as { readonly code?: unknown };
  return { code: typeof code === "string" ? code : undefined, message: messageOf(error) };
}

const asIs: Handing = (answer) => ({ shown: answer, given: answer });

/** Notes calls in a log. */
export function createCalls(log: RecordingLog): Calls {
  const context = new AsyncLocalStorage<CallContext>();

  /** What comes of a promise is noted before whoever awaits it knows. */
  const follow = (promise: Promise<unknown>, call: number, hand: Handing): Promise<unknown> =>
    promise.then(
      (answer) => {
        const { shown, given } = hand(answer, call);
        log.note({ type: "answer", call, value: shown });
        return given;
      },
      (error: unknown) => {
        log.note({ type: "refusal", call, ...refusalOf(error) });
        throw error;
      },
    );

  return {
    context,
    call<R>(request: CallRequest, run: (call: number) => R, hand: Handing = asIs): R {
      const call = log.nextCall();
      const { method, args, on } = request;
      const { turnId, under } = context.getStore() ?? {};
      log.note({ type: "call", call, method, args, on, turnId, under });
      let answer: R;
      try {
        answer = run(call);
      } catch (error) {
        log.note({ type: "refusal", call, ...refusalOf(error) });
        throw error;
      }
      if (answer instanceof Promise) return follow(answer, call, hand) as R;
      const { shown, given } = hand(answer, call);
      log.note({ type: "answer", call, value: shown });
      return given as R;
    },
    did<R>(request: DoneRequest, run: (call: number) => R, hand: Handing = asIs): R {
      const call = log.nextCall();
      const { under } = context.getStore() ?? {};
      let answer: R;
      try {
        answer = run(call);
      } catch (error) {
        log.note({ type: "turn.did", ...request, got: undefined, refusal: refusalOf(error), under });
        throw error;
      }
      if (answer instanceof Promise) {
        log.note({ type: "turn.did", ...request, got: undefined, call, under });
        return follow(answer, call, hand) as R;
      }
      const { shown, given } = hand(answer, call);
      log.note({ type: "turn.did", ...request, got: shown, under });
      return given as R;
    },
  };
}
