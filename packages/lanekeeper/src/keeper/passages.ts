/**
 * The ways into the runtime and out of it that are no calls of a port or of the keeper: where promises and the event loop
 * bring the runtime to go on, and where it calls host code in the middle of a step. Whoever records a keeper notes each;
 * whoever plays a recording back opens each when the recording says so.
 *
 * I1. An `await` or a `then` of the runtime after which something is done, or something that changes is read, goes
 *     through here.
 */
export interface Passages {
  /** A callback that a promise or the event loop calls, at most once. */
  enter<Args extends readonly unknown[]>(callback: (...args: Args) => void): (...args: Args) => void;
  /** What the caller awaits in the same expression. */
  through<T>(awaited: T | PromiseLike<T>): T | PromiseLike<T>;
  /** Calls host code, or what may call it. */
  callOut(call: () => void): void;
}

/** Nothing stands in any way. */
export const openPassages: Passages = {
  enter: (callback) => callback,
  through: (awaited) => awaited,
  callOut: (call) => call(),
};
