/**
 * The source of time. For deadlines and delays only: work that is ready runs by itself (microtasks, setImmediate),
 * never by a timer of 0.
 */
export interface Clock {
  /** Epoch milliseconds, for people. */
  now(): number;
  /** Milliseconds that never step back, for deadlines. */
  monotonic(): number;
  /** Calls back once after a delay in milliseconds. Delays beyond 2^31 − 1 are the caller's to chain. */
  setTimeout(callback: () => void, delayMs: number): unknown;
  /** Cancels what `setTimeout` returned. */
  clearTimeout(handle: unknown): void;
}

/** The machine's own time. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  setTimeout: (callback, delayMs) => setTimeout(callback, delayMs),
  clearTimeout: (handle) => clearTimeout(handle as NodeJS.Timeout),
};
