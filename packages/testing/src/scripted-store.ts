import type { Store } from "lanekeeper";
import { type Answer, invalidOption, type Mailboxes, type StoreHost } from "lanekeeper/ports";
import { assertCallbacks } from "./callbacks.ts";
import { assertFate } from "./fate.ts";

/** What becomes of one step of a store. */
export interface StoreFate {
  /** Milliseconds until its answer comes, once the step has happened. Default: it comes as the store gives it. */
  readonly answersAfterMs?: number | undefined;
  /**
   * What goes wrong: it throws in the call; it rejects and nothing has happened; it happens and is said to have failed; it
   * happens and is never answered; it never happens and is never answered.
   */
  readonly fault?: "throws" | "fails" | "fails-afterwards" | "answer-lost" | "never-arrives" | undefined;
}

/** The name of a step of a store. */
export type StoreStep = Exclude<
  keyof Mailboxes | keyof Store,
  "isHeld" | "isDurable" | "known" | "backlog" | "leases"
>;

/** A store that does to its keeper what the script says. */
export interface ScriptedStore extends Store {
  /** Steps that were asked for, in order; the last 500. */
  readonly steps: readonly StoreStep[];
  /**
   * The keeper that has it dies: nothing it asked for is answered any more, and nothing it asks for happens. What was done
   * stays, and another keeper may open the store.
   */
  crash(): Promise<void>;
}

/**
 * Puts a script before a store. Steps happen in the order in which they were asked for. `after` is how it waits: on the
 * clock of whoever simulates, not on the keeper's. Throws `INVALID_OPTION`, also in a step whose fate is none.
 */
export function scriptStore(
  store: Store,
  fateOf: (step: StoreStep) => StoreFate | undefined = () => undefined,
  after: (ms: number, callback: () => void) => void = noWaiting,
): ScriptedStore {
  assertStore(store);
  assertCallbacks({ fateOf, after });
  const steps: StoreStep[] = [];
  /** Grows with each crash: what an earlier life asked for is not answered. */
  let life = 0;

  const carryOut = <T>(step: StoreStep, act: () => Answer<T>): Answer<T> => {
    steps.push(step);
    if (steps.length > keptSteps) steps.shift();
    const fate = fateOf(step) ?? {};
    assertFate(fate, ["answersAfterMs"], faults);
    const { answersAfterMs, fault } = fate;
    if (fault === "throws") throw new Error(`the store threw in ${step}`);
    if (fault === "fails") return Promise.reject(new Error(`the store failed in ${step}`));
    if (fault === "never-arrives") return never();
    const answer = act();
    if (fault === "answer-lost") return never();
    if (answersAfterMs === undefined && fault === undefined) return answer;
    return new Promise((resolve, reject) => {
      const asked = life;
      after(answersAfterMs ?? 0, () => {
        if (asked !== life) return;
        if (fault === "fails-afterwards") reject(new Error(`the store failed after ${step}`));
        else resolve(answer);
      });
    });
  };
  const script = (mailboxes: Mailboxes): Mailboxes => {
    const lived = life;
    return new Proxy(mailboxes, {
      get(target, name) {
        const member = Reflect.get(target, name) as unknown;
        if (typeof member !== "function") return lived === life ? member : name === "isHeld" ? false : 0;
        return (...args: unknown[]) => {
          if (lived !== life) return never();
          return carryOut(name as StoreStep, () => keep(member.apply(target, args) as Answer<unknown>));
        };
      },
    });
  };
  return {
    get steps() {
      return steps;
    },
    leases: store.leases,
    open: async (host: StoreHost) => carryOut("open", async () => script(await store.open(host))),
    async close() {
      await carryOut("close", () => store.close());
    },
    async crash() {
      life++;
      await store.close();
    },
  };
}

function assertStore(store: unknown): void {
  const { open, close } = (store ?? {}) as { readonly [Key in keyof Store]?: unknown };
  if (typeof open !== "function" || typeof close !== "function")
    throw invalidOption("store", store, "a store (an object with open, close), such as memoryStore()");
}

/** What waits is good until the session's next step only, and that may come before the answer does. */
function keep(answer: Answer<unknown>): Answer<unknown> {
  return Array.isArray(answer) ? answer.slice() : answer;
}

/** One for each question: a single promise would keep in memory whoever ever waited for it. */
const never = (): Promise<never> => new Promise(() => {});
const faults: readonly Exclude<StoreFate["fault"], undefined>[] = [
  "throws",
  "fails",
  "fails-afterwards",
  "answer-lost",
  "never-arrives",
];
/** Steps that are remembered. */
const keptSteps = 500;

function noWaiting(_ms: number, callback: () => void): void {
  queueMicrotask(callback);
}
