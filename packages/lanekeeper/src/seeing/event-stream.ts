import { Observable, type Observer, type Operator, Subject, Subscriber, type Subscription } from "rxjs";
import { containRejection } from "../keeper/errors.ts";
import { openPassages, type Passages } from "../keeper/passages.ts";
import type { LanekeeperEvent } from "./events.ts";

/**
 * Where events leave.
 *
 * Owns: the collecting of a step's events until the step is over, and the containment of subscribers.
 * I1. Nobody looking costs one test: `isObserved`.
 * I2. Subscribers run after the step, when every state is as it will stay (B5).
 * I3. A subscriber that throws is logged and changes nothing, also behind operators (B5).
 */
export interface EventStream {
  readonly isObserved: boolean;
  readonly events$: Observable<LanekeeperEvent>;
  /** Collects an event until the step is over. Ask `isObserved` first. */
  emit(event: LanekeeperEvent): void;
  /** Hands the collected events to the subscribers. */
  flush(): void;
  /** Ends the stream after what was collected. */
  close(): void;
}

/** Creates a stream. `flushSoon` asks for a `flush` after the current step; `onError` is told of subscribers that threw. */
export function createEventStream(
  flushSoon: () => void,
  onError: (error: unknown) => void,
  { callOut }: Pick<Passages, "callOut"> = openPassages,
): EventStream {
  const subject = new Subject<LanekeeperEvent>();
  let collected: LanekeeperEvent[] = [];
  const hand = (): void => {
    while (collected.length > 0) {
      const events = collected;
      collected = [];
      for (const event of events) subject.next(event);
    }
  };
  const events$ = new ContainedObservable<LanekeeperEvent>(subject, onError);
  return {
    get isObserved() {
      return subject.observed;
    },
    events$,
    emit(event) {
      if (collected.push(event) === 1) flushSoon();
    },
    flush() {
      if (collected.length > 0) callOut(hand);
    },
    close() {
      this.flush();
      callOut(() => subject.complete());
    },
  };
}

/** An observable whose subscribers' errors are reported instead of thrown in a timer, through any chain of operators. */
class ContainedObservable<T> extends Observable<T> {
  readonly #onError: (error: unknown) => void;

  constructor(source: Observable<unknown> | undefined, onError: (error: unknown) => void) {
    super();
    this.source = source;
    this.#onError = onError;
  }

  override lift<R>(operator?: Operator<T, R>): Observable<R> {
    const lifted = new ContainedObservable<R>(this, this.#onError);
    lifted.operator = operator;
    return lifted;
  }

  override subscribe(
    observerOrNext?: Partial<Observer<T>> | ((value: T) => void) | null,
    error?: ((error: unknown) => void) | null,
    complete?: (() => void) | null,
  ): Subscription {
    const given: Partial<Observer<T>> =
      typeof observerOrNext === "function"
        ? { next: observerOrNext, ...(error ? { error } : {}), ...(complete ? { complete } : {}) }
        : (observerOrNext ?? {});
    // An operator's own subscriber passes errors on by itself.
    if (given instanceof Subscriber) return super.subscribe(given);
    const contain = (call: () => unknown): void => {
      try {
        containRejection(call(), this.#onError);
      } catch (thrown) {
        this.#onError(thrown);
      }
    };
    return super.subscribe({
      next: (value) => contain(() => given.next?.(value)),
      error: (failure: unknown) =>
        given.error === undefined ? this.#onError(failure) : contain(() => given.error?.(failure)),
      complete: () => contain(() => given.complete?.()),
    });
  }
}
