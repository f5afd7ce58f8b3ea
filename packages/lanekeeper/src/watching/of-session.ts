import { filter, type OperatorFunction } from "rxjs";
import { assertSessionKey } from "../keeper/session-key.ts";
import type { LanekeeperEvent } from "../seeing/events.ts";

/** The members of a union of events that can concern a session, as they are when they do. */
export type EventOfSession<Event extends LanekeeperEvent = LanekeeperEvent> = Event extends unknown
  ? "sessionKey" extends keyof Event
    ? Event extends { readonly sessionKey: string }
      ? Event
      : Event & { readonly sessionKey: string }
    : never
  : never;

/**
 * Passes on the events of one session. What concerns every session names none and is left out: a pause of the keeper,
 * changes of capacity and health. Throws `INVALID_SESSION_KEY` at once for what no session can be called.
 *
 * @example
 * ```ts
 * keeper.events$
 *   .pipe(ofSession("agent:main:alice"), ofType("turn.emitted"))
 *   .subscribe(({ data }) => socket.send(data));
 * ```
 */
export function ofSession<Event extends LanekeeperEvent = LanekeeperEvent>(
  sessionKey: string,
): OperatorFunction<Event, EventOfSession<Event>> {
  assertSessionKey(sessionKey);
  return filter((event: Event): event is Event & EventOfSession<Event> => sessionKeyOf(event) === sessionKey);
}

/** The session that an event concerns, if it concerns one. */
export function sessionKeyOf(event: LanekeeperEvent): string | undefined {
  return "sessionKey" in event ? event.sessionKey : undefined;
}
