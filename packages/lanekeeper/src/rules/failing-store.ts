import { memoryStore } from "../store/memory-store.ts";
import type { Mailboxes, Store } from "../store/store.ts";

/**
 * What a step of a failing store does: rejects, throws, never answers or answers nonsense instead of its work, or does it
 * and rejects, or leaves the mailbox out of its answer.
 */
export type Fault =
  | "rejects"
  | "throws"
  | "hangs"
  | "answers nonsense"
  | "answers nonsense later"
  | "forgets the mailbox"
  | "loses the answer";

/** A memory store whose steps fail as told. */
export interface FailingStore extends Store {
  /** From now on these steps fail so; without a fault they work again. */
  fail(steps: readonly (keyof Mailboxes)[], fault?: Fault): void;
}

/** Creates a store that works until it is told to fail. */
export function failingStore(): FailingStore {
  const store = memoryStore();
  const faults = new Map<PropertyKey, Fault>();
  return {
    leases: store.leases,
    fail(steps, fault) {
      for (const step of steps) {
        if (fault === undefined) faults.delete(step);
        else faults.set(step, fault);
      }
    },
    async open(host) {
      const mailboxes = await store.open(host);
      return new Proxy(mailboxes, {
        get(target, step) {
          const fault = faults.get(step);
          if (fault === undefined) return Reflect.get(target, step) as unknown;
          return (...args: unknown[]) => {
            const work = Reflect.get(target, step) as (...given: unknown[]) => object;
            if (fault === "forgets the mailbox") return { ...work(...args), mailbox: undefined };
            if (fault === "loses the answer") work(...args);
            if (fault === "throws") throw new Error(`${String(step)} threw`);
            if (fault === "hangs") return new Promise(() => {});
            if (fault === "answers nonsense") return undefined;
            if (fault === "answers nonsense later") return Promise.resolve(undefined);
            return Promise.reject(new Error(`${String(step)} failed`));
          };
        },
      });
    },
    close: () => store.close(),
  };
}
