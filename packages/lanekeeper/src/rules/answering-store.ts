import { memoryStore } from "../store/memory-store.ts";
import type { Mailboxes, Store } from "../store/store.ts";

/** When an answer comes: the promise given back is what the keeper awaits. Without one answers come at once. */
export type Answering = <T>(step: string, answer: T) => Promise<T>;

/** A memory store whose steps happen when they are asked for, in that order, and whose answers come as told. */
export interface AnsweringStore extends Store {
  /** From now on answers come so. */
  answerBy(answering: Answering | undefined): void;
}

/** Answers in a microtask of their own. */
export const inMicrotask: Answering = async (_, answer) => answer;

/** Answers in a later turn of the event loop. */
export const inImmediate: Answering = (_, answer) =>
  new Promise((resolve) => {
    setImmediate(() => resolve(answer));
  });

/** Creates a store that answers as told. */
export function answeringStore(answering?: Answering): AnsweringStore {
  const store = memoryStore();
  let current = answering;
  return {
    leases: store.leases,
    answerBy(next) {
      current = next;
    },
    async open(host) {
      const mailboxes = await store.open(host);
      return new Proxy(mailboxes, {
        get(target, step) {
          const member = Reflect.get(target, step) as unknown;
          if (typeof member !== "function") return member;
          return (...args: unknown[]) => {
            const answer = member.apply(target, args) as ReturnType<Mailboxes["waiting"]>;
            // What waits is good until the session's next step only, and that may come before the answer.
            const kept = Array.isArray(answer) ? answer.slice() : answer;
            return current === undefined ? kept : current(String(step), kept);
          };
        },
      });
    },
    close: () => store.close(),
  };
}
