import type { Players, Tape } from "./tape.ts";

/** The signals that the host of a playback gives to its calls. */
export interface ReplayedSignals {
  /** A signal for a call. */
  create(call: number): object;
  readonly players: Players;
}

/** Signals on a tape. */
export function replaySignals(tape: Tape): ReplayedSignals {
  const signals = new Map<number, ReplayedSignal>();
  return {
    create(call) {
      const signal = new ReplayedSignal(tape, call);
      signals.set(call, signal);
      return signal;
    },
    players: {
      signal({ call, reason, wasAborted }) {
        const signal = signals.get(call);
        // What the keeper is to find out comes when it looks.
        if (signal === undefined || wasAborted === true) return false;
        tape.advance();
        signal.abort(reason);
        return true;
      },
    },
  };
}

class ReplayedSignal {
  readonly #tape: Tape;
  readonly #call: number;
  readonly #listeners = new Set<() => void>();
  #isAborted = false;
  reason: unknown;

  constructor(tape: Tape, call: number) {
    this.#tape = tape;
    this.#call = call;
  }

  get aborted(): boolean {
    const { next } = this.#tape;
    if (!this.#isAborted && next?.type === "signal" && next.call === this.#call && next.wasAborted === true) {
      this.#tape.advance();
      this.#isAborted = true;
      this.reason = next.reason;
    }
    return this.#isAborted;
  }
  addEventListener(_: "abort", listener: () => void): void {
    this.#listeners.add(listener);
  }
  removeEventListener(_: "abort", listener: () => void): void {
    this.#listeners.delete(listener);
  }
  abort(reason: unknown): void {
    this.#isAborted = true;
    this.reason = reason;
    for (const listener of this.#listeners) listener();
  }
}
