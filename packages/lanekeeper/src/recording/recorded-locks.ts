import { messageOf, toError } from "../keeper/errors.ts";
import type { Lock, Locks } from "../locks/lock.ts";
import type { Calls, Handing } from "./calls.ts";
import type { RecordingLog } from "./recording-log.ts";

/** Notes one call of `locks`, as a call of the keeper's or as something that a turn did. */
type NoteCall = <R>(what: string, args: readonly unknown[], run: (call: number) => R, hand?: Handing) => R;

/** Locks whose calls are noted, and those of what they give. */
export function recordLocks(locks: Locks, log: RecordingLog, calls: Calls, note: NoteCall): Locks {
  const giveLock: Handing = (answer, call) => {
    if (answer === undefined) return { shown: undefined, given: undefined };
    const lock = answer as Lock;
    return { shown: dataOf(lock), given: recordLock(lock, calls, call) };
  };
  return {
    acquire: (...args) => note("acquire", args, () => locks.acquire(...args), giveLock),
    tryAcquire: (...args) => note("tryAcquire", args, () => locks.tryAcquire(...args), giveLock),
    using: (name, work, ...rest) =>
      note("using", [name, work, ...rest], (call) =>
        locks.using(name, typeof work === "function" ? recordWork(work, log, calls, call) : work, ...rest),
      ),
    holders: () => note("holders", [], () => locks.holders()),
  };
}

/** The work under a lock: when it begins and how it ends, and that what it calls is called by it. */
function recordWork<T>(
  work: (lock: Lock) => Promise<T> | T,
  log: RecordingLog,
  calls: Calls,
  call: number,
): (lock: Lock) => Promise<T> {
  return async (lock) => {
    log.note({ type: "work", call, lock: dataOf(lock) });
    const context = { turnId: calls.context.getStore()?.turnId, under: call };
    try {
      const value = await calls.context.run(context, () => work(recordLock(lock, calls, call)));
      log.note({ type: "work.returned", call, value });
      return value;
    } catch (error) {
      log.note({ type: "work.threw", call, error: messageOf(toError(error)) });
      throw error;
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
