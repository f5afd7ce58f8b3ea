import { messageOf, toError } from "../keeper/errors.ts";
import type { Lock, Locks } from "../locks/lock.ts";
import type { Calls, Handing, Run } from "./calls.ts";
import type { RecordingLog } from "./recording-log.ts";

/** With what calls of locks are noted. */
interface LockNotes {
  readonly log: RecordingLog;
  readonly calls: Calls;
  /** Notes one call of `locks`, as a call of the keeper's or as something that a turn did. */
  note<Args extends readonly unknown[], R>(
    request: { readonly what: string; readonly args: Args; readonly optionsAt?: number },
    run: Run<Args, R>,
    hand?: Handing,
  ): R;
}

/** Locks whose calls are noted, and those of what they give. They are asked for when they are used first. */
export function recordLocks(locks: () => Locks, { log, calls, note }: LockNotes): Locks {
  const giveLock: Handing = (answer, call) => {
    if (answer === undefined) return { shown: undefined, given: undefined };
    const lock = answer as Lock;
    return { shown: dataOf(lock), given: recordLock(lock, calls, call) };
  };
  return {
    acquire: (...args) =>
      note({ what: "acquire", args, optionsAt: 1 }, (given) => locks().acquire(...given), giveLock),
    tryAcquire: (...args) =>
      note({ what: "tryAcquire", args, optionsAt: 1 }, (given) => locks().tryAcquire(...given), giveLock),
    using: (...args) =>
      note({ what: "using", args, optionsAt: 2 }, ([name, work, options], call) => {
        const recorded = typeof work === "function" ? recordWork(work, { log, calls }, call) : work;
        return locks().using(name, recorded, options);
      }),
    holders: () => note({ what: "holders", args: [] }, () => locks().holders()),
  };
}

/** The work under a lock: when it begins and how it ends, and that what it calls is called by it. */
function recordWork<T>(
  work: (lock: Lock) => Promise<T> | T,
  { log, calls }: Pick<LockNotes, "log" | "calls">,
  call: number,
): (lock: Lock) => Promise<T> {
  return async (lock) => {
    log.note({ type: "work", call, lock: dataOf(lock) });
    const context = { turnId: calls.context.getStore()?.turnId, under: call };
    try {
      const value = await log.callOut(() =>
        calls.context.run(context, () => work(recordLock(lock, calls, call))),
      );
      log.note({ type: "work.returned", call, value });
      return value;
    } catch (thrown) {
      log.note({ type: "work.threw", call, thrown, error: messageOf(toError(thrown)) });
      throw thrown;
    }
  };
}

function recordLock(lock: Lock, calls: Calls, on: number): Lock {
  const { name, fencingToken } = lock;
  const noted =
    <R>(what: string, run: () => R): (() => R) =>
    () =>
      calls.call({ method: `lock.${what}`, args: [], on }, run);
  const release = noted("release", () => lock.release());
  const state = noted("state", () => lock.state);
  return {
    name,
    fencingToken,
    get signal() {
      return lock.signal;
    },
    get state() {
      return state();
    },
    assertHeld: noted("assertHeld", () => lock.assertHeld()),
    release,
    [Symbol.asyncDispose]: release,
  };
}

function dataOf({ name, fencingToken }: Lock): { readonly name: string; readonly fencingToken: bigint } {
  return { name, fencingToken };
}
