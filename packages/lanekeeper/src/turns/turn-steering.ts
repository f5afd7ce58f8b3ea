import type { StoredItem } from "../store/store.ts";

/**
 * The messages that steer a turn: those it may take, and those it has taken.
 *
 * I1. A message is taken once, or withdrawn, never both: what is being withdrawn cannot be taken meanwhile.
 */
export class TurnSteering {
  /** In the order of acceptance. */
  #waiting: readonly StoredItem[] = none;
  #taken: readonly StoredItem[] = none;
  #withdrawing: readonly StoredItem[] = none;

  /** What the turn has taken: it shares the turn's outcome. */
  get taken(): readonly StoredItem[] {
    return this.#taken;
  }

  /** Lets the turn take a message, unless it is known here. */
  add(item: StoredItem): void {
    const known = [...this.#waiting, ...this.#taken, ...this.#withdrawing];
    if (!known.some(({ seq }) => seq === item.seq)) this.#waiting = inOrder([...this.#waiting, item]);
  }

  /** Takes what waits. */
  take(): readonly StoredItem[] {
    const items = this.#waiting;
    if (items.length === 0) return none;
    this.#taken = [...this.#taken, ...items];
    this.#waiting = none;
    return items;
  }

  /**
   * Keeps messages from being taken (all without `seqs`) while they are withdrawn. The function puts those back that were
   * not.
   */
  withhold(seqs: readonly number[] | undefined): (wasWithdrawn: (seq: number) => boolean) => void {
    const held = this.#waiting.filter(({ seq }) => seqs === undefined || seqs.includes(seq));
    if (held.length === 0) return () => {};
    this.#waiting = this.#waiting.filter((item) => !held.includes(item));
    this.#withdrawing = [...this.#withdrawing, ...held];
    return (wasWithdrawn) => {
      this.#withdrawing = this.#withdrawing.filter((item) => !held.includes(item));
      this.#waiting = inOrder([...this.#waiting, ...held.filter(({ seq }) => !wasWithdrawn(seq))]);
    };
  }
}

function inOrder(items: readonly StoredItem[]): readonly StoredItem[] {
  return items.toSorted((a, b) => a.seq - b.seq);
}

/** Shared by every turn that nothing steers. */
const none: readonly StoredItem[] = [];
