/**
 * What a turn waits for by its own word: while it does, its stall clock stands (B29).
 *
 * I1. The clock starts afresh when the last of several waits ends, by itself or because its time is over.
 */
export class TurnWaits {
  readonly #waits = new Set<Wait>();

  /** What it waits for now. */
  get reasons(): readonly string[] {
    return Array.from(this.#waits, ({ reason }) => reason);
  }

  /** The monotonic instant until which the clock stands at the latest; undefined while nothing is waited for. */
  get untilMono(): number | undefined {
    if (this.#waits.size === 0) return undefined;
    return Math.max(...Array.from(this.#waits, ({ untilMono }) => untilMono));
  }

  /** Begins a wait. The function ends it; the second time it does nothing. */
  begin(reason: string, untilMono: number): () => void {
    const wait = { reason, untilMono };
    this.#waits.add(wait);
    return () => void this.#waits.delete(wait);
  }
}

interface Wait {
  readonly reason: string;
  readonly untilMono: number;
}
