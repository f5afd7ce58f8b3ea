import type { Clock } from "./clock.ts";

/**
 * Every deadline of a keeper, on one timer of its clock.
 *
 * Owns: when the host's timer is armed.
 * Must not know: what a deadline is for.
 * I1. Deadlines fire in the order of their due time, then of their arming, and never early.
 * I2. Arming and cancelling cost the same whatever the number of deadlines: those with the same delay form a list that is
 *     sorted by itself, and only the lists are ordered.
 * I3. While nothing is armed the clock has no timer of ours.
 */
export interface Deadlines {
  /** Calls back after a delay in milliseconds, with what the callback needs: a closure for each costs more. */
  arm(delayMs: number, callback: () => void): Deadline;
  arm<A>(delayMs: number, callback: (a: A) => void, a: A): Deadline;
  /** Cancels everything and the clock's timer. */
  close(): void;
}
/** One armed deadline. Cancelling it twice, or after it fired, does nothing. */
export interface Deadline {
  cancel(): void;
}

type Callback = (a: unknown) => void;

/** The longest delay a clock takes. */
const longestDelay = 2_147_483_647;
/** Lateness of the clock's timer from which time counts as lost (B26a). */
const lateMs = 1_000;

/**
 * Creates an empty set of deadlines. `onLate` is told of stretches in which the clock's timer could not fire; `run` runs
 * the callbacks.
 */
export function createDeadlines(
  clock: Clock,
  onLate: (from: number, to: number) => void,
  run: (callback: Callback, a: unknown) => void = (callback, a) => callback(a),
): Deadlines {
  const lists = new Map<number, DelayList>();
  const heap: DelayList[] = [];
  let order = 0;
  let timer: unknown;
  let timerDue = Infinity;
  let isClosed = false;
  /** When something last ran here: what was lost began after that. */
  let lastRan = clock.monotonic();

  const precedes = (a: DelayList, b: DelayList): boolean => {
    const x = a.head!;
    const y = b.head!;
    return x.due < y.due || (x.due === y.due && x.order < y.order);
  };
  const place = (list: DelayList, index: number): void => {
    heap[index] = list;
    list.index = index;
  };
  const rise = (list: DelayList): void => {
    let index = list.index;
    while (index > 0) {
      const parent = heap[(index - 1) >> 1]!;
      if (!precedes(list, parent)) break;
      place(parent, index);
      index = (index - 1) >> 1;
    }
    place(list, index);
  };
  const sink = (list: DelayList): void => {
    let index = list.index;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && precedes(heap[child + 1]!, heap[child]!)) child++;
      if (!precedes(heap[child]!, list)) break;
      place(heap[child]!, index);
      index = child;
    }
    place(list, index);
  };
  const drop = (list: DelayList): void => {
    lists.delete(list.delayMs);
    const last = heap.pop()!;
    if (last === list) return;
    place(last, list.index);
    rise(last);
    sink(last);
  };
  const unlink = (deadline: ArmedDeadline): void => {
    const { list } = deadline;
    const wasHead = list.head === deadline;
    if (deadline.previous === undefined) list.head = deadline.next;
    else deadline.previous.next = deadline.next;
    if (deadline.next === undefined) list.tail = deadline.previous;
    else deadline.next.previous = deadline.previous;
    deadline.previous = deadline.next = undefined;
    if (list.head === undefined) drop(list);
    else if (wasHead) sink(list);
  };
  const schedule = (): void => {
    const due = heap[0]?.head!.due ?? Infinity;
    if (due === timerDue) return;
    // A timer that fires too early only looks and is armed again: cheaper than moving it with each cancelled deadline.
    if (due > timerDue && due !== Infinity) return;
    if (timerDue !== Infinity) clock.clearTimeout(timer);
    timerDue = due;
    if (due !== Infinity) {
      const delay = Math.max(1, Math.ceil(due - clock.monotonic()));
      timer = clock.setTimeout(fire, Math.min(delay, longestDelay));
    }
  };
  const fire = (): void => {
    const wasDue = timerDue;
    timerDue = Infinity;
    const now = clock.monotonic();
    if (now - wasDue > lateMs) onLate(Math.min(wasDue, lastRan), now);
    lastRan = now;
    // Only what was armed before this firing: a callback that arms an immediate deadline cannot hold the loop.
    const last = order;
    for (let list = heap[0]; list !== undefined; list = heap[0]) {
      const deadline = list.head!;
      if (deadline.due > now || deadline.order >= last) break;
      deadline.isArmed = false;
      unlink(deadline);
      run(deadline.callback, deadline.argument);
    }
    schedule();
  };

  const cancel = (deadline: ArmedDeadline): void => {
    unlink(deadline);
    if (heap.length === 0) schedule();
  };

  return {
    arm(delayMs: number, callback: Callback, a?: unknown) {
      if (isClosed) return { cancel: () => {} };
      // Whole milliseconds, so that delays which differ by a fraction share a list.
      const delay = Math.max(0, Math.ceil(delayMs));
      let list = lists.get(delay);
      if (list === undefined) {
        list = { delayMs: delay, cancel, head: undefined, tail: undefined, index: heap.length };
        lists.set(delay, list);
      }
      lastRan = clock.monotonic();
      const deadline = new ArmedDeadline(lastRan + delay, order++, list, callback, a);
      if (list.tail === undefined) {
        list.head = list.tail = deadline;
        list.index = heap.length;
        heap.push(list);
        rise(list);
        schedule();
      } else {
        list.tail.next = deadline;
        list.tail = deadline;
      }
      return deadline;
    },
    close() {
      isClosed = true;
      for (const list of heap) {
        for (let deadline = list.head; deadline !== undefined; deadline = deadline.next)
          deadline.isArmed = false;
      }
      heap.length = 0;
      lists.clear();
      schedule();
    },
  };
}

/** The deadlines of one delay, sorted by when they were armed. */
interface DelayList {
  readonly delayMs: number;
  readonly cancel: (deadline: ArmedDeadline) => void;
  head: ArmedDeadline | undefined;
  tail: ArmedDeadline | undefined;
  /** Its place in the heap. */
  index: number;
}

class ArmedDeadline implements Deadline {
  readonly due: number;
  readonly order: number;
  readonly list: DelayList;
  readonly callback: Callback;
  readonly argument: unknown;
  previous: ArmedDeadline | undefined;
  next: ArmedDeadline | undefined = undefined;
  isArmed = true;

  constructor(due: number, order: number, list: DelayList, callback: Callback, argument: unknown) {
    this.due = due;
    this.order = order;
    this.list = list;
    this.callback = callback;
    this.argument = argument;
    this.previous = list.tail;
  }

  cancel(): void {
    if (!this.isArmed) return;
    this.isArmed = false;
    this.list.cancel(this);
  }
}
