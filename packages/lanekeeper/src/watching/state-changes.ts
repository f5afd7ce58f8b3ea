import { filter, map, type OperatorFunction, pipe } from "rxjs";
import type { LanekeeperEvent } from "../seeing/events.ts";
import type { LaneState } from "../seeing/views.ts";
import { ofType } from "./of-type.ts";

/** A session went from one of the four states to another. */
export interface StateChange {
  /** Epoch milliseconds. */
  readonly at: number;
  readonly sessionKey: string;
  readonly from: LaneState;
  readonly to: LaneState;
  /** The leaf of the statechart that it went to, e.g. "stalled.running". */
  readonly detail: string;
}

/**
 * Tells when a session becomes idle, busy, stalled or reclaimed. A step within one of these, from waiting for capacity to
 * running, say, is none; `ofType("lane.state")` has those too.
 *
 * @example
 * ```ts
 * keeper.events$
 *   .pipe(stateChanges())
 *   .subscribe(({ sessionKey, from, to }) => console.log(`${sessionKey}: ${from} → ${to}`));
 * ```
 */
export function stateChanges(): OperatorFunction<LanekeeperEvent, StateChange> {
  return pipe(
    ofType("lane.state"),
    filter(({ state, previous }) => state !== previous.state),
    map(({ at, sessionKey, previous, state, detail }) => ({
      at,
      sessionKey,
      from: previous.state,
      to: state,
      detail,
    })),
  );
}
