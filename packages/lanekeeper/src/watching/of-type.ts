import { filter, type OperatorFunction } from "rxjs";
import { checkChoices } from "../keeper/validation.ts";
import { eventTypes } from "../seeing/event-types.ts";
import type { LanekeeperEvent } from "../seeing/events.ts";

/** The members of a union of events that have one of these types. */
export type EventOfType<
  Type extends LanekeeperEvent["type"],
  Event extends LanekeeperEvent = LanekeeperEvent,
> = Event extends { readonly type: infer Own }
  ? [Extract<Own, Type>] extends [never]
    ? never
    : [Own] extends [Type]
      ? Event
      : Event & { readonly type: Extract<Own, Type> }
  : never;

/**
 * Passes on the events of these types, narrowed to them. Combines with `ofSession` in either order. Throws
 * `INVALID_OPTION` at once for no type, or what is none.
 *
 * @example
 * ```ts
 * keeper.events$
 *   .pipe(ofType("turn.completed", "turn.failed"))
 *   .subscribe(({ sessionKey, durationMs }) => latency.observe({ sessionKey }, durationMs));
 * ```
 */
export function ofType<Type extends LanekeeperEvent["type"], Event extends LanekeeperEvent = LanekeeperEvent>(
  ...types: readonly [Type, ...Type[]]
): OperatorFunction<Event, EventOfType<Type, Event>> {
  checkChoices("ofType", eventTypes, types, 'one or more types of events, such as "turn.completed"');
  const wanted: ReadonlySet<LanekeeperEvent["type"]> = new Set(types);
  return filter((event: Event): event is Event & EventOfType<Type, Event> => wanted.has(event.type));
}
