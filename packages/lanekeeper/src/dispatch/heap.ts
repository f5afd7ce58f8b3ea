/**
 * Things of which the first is always at hand; any of them may leave or change its place, each in logarithmic time.
 *
 * I1. A thing is in one heap at most.
 * I2. Whoever changes what a thing is compared by calls `update` before anything else is asked of the heap.
 */
export class Heap<T extends HeapPlace> {
  readonly #things: T[] = [];
  readonly #precedes: (a: T, b: T) => boolean;

  constructor(precedes: (a: T, b: T) => boolean) {
    this.#precedes = precedes;
  }

  get first(): T | undefined {
    return this.#things[0];
  }
  get size(): number {
    return this.#things.length;
  }

  /** Adds a thing that is in no heap. */
  add(thing: T): void {
    thing.heapIndex = this.#things.length;
    this.#things.push(thing);
    this.#rise(thing);
  }

  /** Takes a thing out that is in this heap. */
  remove(thing: T): void {
    const last = this.#things.pop()!;
    if (last === thing) return;
    this.#place(last, thing.heapIndex);
    this.update(last);
  }

  /** Moves a thing of this heap to where it belongs by now. */
  update(thing: T): void {
    this.#rise(thing);
    this.#sink(thing);
  }

  #place(thing: T, index: number): void {
    this.#things[index] = thing;
    thing.heapIndex = index;
  }

  #rise(thing: T): void {
    let index = thing.heapIndex;
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = this.#things[above]!;
      if (!this.#precedes(thing, parent)) break;
      this.#place(parent, index);
      index = above;
    }
    this.#place(thing, index);
  }

  #sink(thing: T): void {
    const things = this.#things;
    let index = thing.heapIndex;
    for (;;) {
      let below = 2 * index + 1;
      if (below >= things.length) break;
      if (below + 1 < things.length && this.#precedes(things[below + 1]!, things[below]!)) below++;
      const child = things[below]!;
      if (!this.#precedes(child, thing)) break;
      this.#place(child, index);
      index = below;
    }
    this.#place(thing, index);
  }
}

/** What a thing in a heap knows of its place; the heap's alone to write. */
export interface HeapPlace {
  heapIndex: number;
}
