import type { StoredItem } from "../store/store.ts";

/**
 * The messages that steer a turn: those it may take, and those it has taken.
 *
 * I1. A message is taken once, or withdrawn, never both: what is being withdrawn cannot be taken meanwhile, nor can what
 *     turns up meanwhile and is meant by it.
 */
export class TurnSteering {
  /** In the order of acceptance. */
  #waiting: readonly StoredItem[] = none;
  #taken: readonly StoredItem[] = none;
  readonly #withheld = new Set<Withheld>();
  /** What was withdrawn: its acceptance may be answered afterwards. */
  readonly #withdrawn = new Set<number>();

  /** What the turn has taken: it shares the turn's outcome. */
  get taken(): readonly StoredItem[] {
    return this.#taken;
  }

  /** Lets the turn take a message, unless it is known here. */
  add(item: StoredItem): void {
    const known = [...this.#waiting, ...this.#taken, ...[...this.#withheld].flatMap(({ items }) => items)];
    if (known.some(({ seq }) => seq === item.seq) || this.#withdrawn.has(item.seq)) return;
    const withheld = [...this.#withheld].find(({ seqs }) => isMeant(item, seqs));
    if (withheld === undefined) this.#waiting = inOrder([...this.#waiting, item]);
    else withheld.items.push(item);
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
   * Keeps messages from being taken (all without `seqs`) while they are withdrawn. The function is told which were, and
   * lets the turn take the others.
   */
  withhold(seqs: readonly number[] | undefined): (withdrawn: Iterable<number>) => void {
    const withheld: Withheld = { seqs, items: this.#waiting.filter((item) => isMeant(item, seqs)) };
    this.#withheld.add(withheld);
    this.#waiting = this.#waiting.filter((item) => !withheld.items.includes(item));
    return (withdrawn) => {
      this.#withheld.delete(withheld);
      for (const seq of withdrawn) this.#withdrawn.add(seq);
      for (const item of withheld.items) this.add(item);
    };
  }
}

/** What is being withdrawn. */
interface Withheld {
  readonly seqs: readonly number[] | undefined;
  readonly items: StoredItem[];
}

function isMeant({ seq }: StoredItem, seqs: readonly number[] | undefined): boolean {
  return seqs === undefined || seqs.includes(seq);
}

function inOrder(items: readonly StoredItem[]): readonly StoredItem[] {
  return items.toSorted((a, b) => a.seq - b.seq);
}

/** Shared by every turn that nothing steers. */
const none: readonly StoredItem[] = [];
