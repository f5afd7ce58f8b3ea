import { openPassages, type Passages } from "../keeper/passages.ts";
import type { Outcome } from "./outcome.ts";

/** Work that is open as far as its keeper knows. */
export interface OpenWork {
  readonly seq: number;
  readonly id: string;
  readonly sessionKey: string;
  /** Of an exec completion alone. */
  readonly incarnation: number | undefined;
}

/** The outcome of accepted work, before and after it is known. */
export class PendingOutcome {
  #outcome: Outcome | undefined;
  #promise: Promise<Outcome> | undefined;
  #resolve: ((outcome: Outcome) => void) | undefined;

  /** Whether there is an outcome. */
  get isSettled(): boolean {
    return this.#outcome !== undefined;
  }
  /** Whether the work has ended for good: suspended work has not. */
  get isEnded(): boolean {
    return this.#outcome !== undefined && this.#outcome.status !== "suspended";
  }

  /** Settles exactly once and never rejects. */
  get promise(): Promise<Outcome> {
    this.#promise ??=
      this.#outcome === undefined
        ? new Promise((resolve) => {
            this.#resolve = resolve;
          })
        : Promise.resolve(this.#outcome);
    return this.#promise;
  }

  /** Settles it; the second time does nothing. */
  settle(outcome: Outcome): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = outcome;
    this.#resolve?.(outcome);
  }
}

/** An outcome, and whose: all but what was accepted, which may be large. */
class OpenOutcome extends PendingOutcome implements OpenWork {
  readonly seq: number;
  readonly id: string;
  readonly sessionKey: string;
  readonly incarnation: number | undefined;

  constructor({ seq, id, sessionKey, incarnation }: OpenWork) {
    super();
    this.seq = seq;
    this.id = id;
    this.sessionKey = sessionKey;
    this.incarnation = incarnation;
  }
}

/**
 * The outcomes somebody may be waiting for.
 *
 * I1. Every one of them settles: by its work's end, or by `suspendAll`.
 */
export interface PendingOutcomes {
  /** The outcome of open work. */
  of(work: OpenWork): PendingOutcome;
  /** Work of a session without an outcome, in the order in which it was first asked for. */
  openIn(sessionKey: string): readonly OpenWork[];
  /** Tells whoever waits how the work ended. */
  settle(seq: number, outcome: Outcome): void;
  /**
   * Waits for an answer of the store that may bring work, and uses it: the work may have ended before the answer came, so
   * ends are kept in mind until then.
   */
  expecting<T, R>(answer: Promise<T>, use: (value: T) => R): Promise<R>;
  /** Work of a session may have ended and nobody knows which: what is yet expected of it may be that. */
  doubt(sessionKey: string): void;
  /** Tells everybody still waiting, now or later, that the keeper closed first. */
  suspendAll(): void;
}

/** What else is told of outcomes. */
export interface PendingOutcomesHost {
  /** Work has ended. */
  ended(seq: number): void;
  /** Work of a session was brought late, and may have ended: it is to be looked up. */
  doubtful(sessionKey: string): void;
}

/** No outcomes yet. */
export function createPendingOutcomes(
  host: PendingOutcomesHost = { ended: () => {}, doubtful: () => {} },
  { through }: Pick<Passages, "through"> = openPassages,
): PendingOutcomes {
  const pending = new Map<number, OpenOutcome>();
  /** What ended while answers are expected that may bring it. */
  const early = new Map<number, Outcome>();
  /** Sessions of which work may have ended meanwhile. */
  const doubtful = new Set<string>();
  let expected = 0;
  let isSuspended = false;
  return {
    of(work) {
      const { seq } = work;
      let outcome = pending.get(seq);
      if (outcome !== undefined) return outcome;
      outcome = new OpenOutcome(work);
      const end = early.get(seq);
      if (end !== undefined) outcome.settle(end);
      else if (isSuspended) outcome.settle({ status: "suspended" });
      else {
        pending.set(seq, outcome);
        if (doubtful.has(work.sessionKey)) host.doubtful(work.sessionKey);
      }
      return outcome;
    },
    openIn: (sessionKey) => [...pending.values()].filter((work) => work.sessionKey === sessionKey),
    settle(seq, outcome) {
      host.ended(seq);
      const waiting = pending.get(seq);
      if (expected > 0) early.set(seq, outcome);
      if (waiting === undefined) return;
      pending.delete(seq);
      waiting.settle(outcome);
    },
    async expecting(answer, use) {
      expected++;
      try {
        return use(await through(answer));
      } finally {
        if (--expected === 0) {
          early.clear();
          doubtful.clear();
        }
      }
    },
    doubt(sessionKey) {
      if (expected > 0) doubtful.add(sessionKey);
    },
    suspendAll() {
      isSuspended = true;
      for (const outcome of pending.values()) outcome.settle({ status: "suspended" });
      pending.clear();
    },
  };
}
