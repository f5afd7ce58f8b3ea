/**
 * Things in the order in which they came, any of which may leave, each in constant time. (In a `Set` whoever asks for the
 * first passes all that have left.)
 *
 * I1. A thing is in one line at most.
 */
export class Line<T extends Place<T>> {
  #first: T | undefined = undefined;
  #last: T | undefined = undefined;
  #length = 0;

  get first(): T | undefined {
    return this.#first;
  }
  get length(): number {
    return this.#length;
  }

  /** Adds a thing at the end. */
  add(thing: T): void {
    const last = this.#last;
    thing.previous = last;
    if (last === undefined) this.#first = thing;
    else last.next = thing;
    this.#last = thing;
    this.#length++;
  }

  /** Takes a thing out that is in this line. */
  remove(thing: T): void {
    const { previous, next } = thing;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    thing.previous = thing.next = undefined;
    this.#length--;
  }
}

/** What a thing in a line knows of its neighbours; the line's alone to write. */
export interface Place<T> {
  previous: T | undefined;
  next: T | undefined;
}
