import { distinctUntilChanged, map, type OperatorFunction, pipe } from "rxjs";
import { checkChoices } from "../keeper/validation.ts";
import { type LaneState, laneStates, type SessionView } from "../seeing/views.ts";

/**
 * The rows of a live table that are in one of these states, by key, whenever one of them changes. Looks at every row of
 * each table: behind `auditTime` it does so as seldom as wanted. Throws `INVALID_OPTION` at once for no state, or what is none.
 *
 * @example
 * ```ts
 * liveSessions(keeper)
 *   .pipe(sessionsIn("stalled", "reclaimed"))
 *   .subscribe((sessions) => alarm.set(sessions.length));
 * ```
 */
export function sessionsIn(
  ...states: readonly [LaneState, ...LaneState[]]
): OperatorFunction<ReadonlyMap<string, SessionView>, readonly SessionView[]> {
  checkChoices("sessionsIn", laneStates, states, 'one or more of "idle", "busy", "stalled" and "reclaimed"');
  return pipe(
    map((table) => {
      const found: SessionView[] = [];
      table.forEach((row) => {
        if (states.includes(row.state)) found.push(row);
      });
      return found;
    }),
    distinctUntilChanged(
      (before, after) => before.length === after.length && before.every((row, index) => row === after[index]),
    ),
  );
}
