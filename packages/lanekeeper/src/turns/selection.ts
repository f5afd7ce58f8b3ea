import { attemptsOf } from "../store/attempts.ts";
import type { LaneOptions } from "../lanes/lane-options.ts";
import type { StoredItem } from "../store/store.ts";

/** What a turn is to hold. */
export interface Selection {
  /** Its messages, then its events. */
  readonly items: readonly StoredItem[];
  readonly cause: "message" | "event" | "wake" | "heartbeat";
  readonly attempt: number;
}

/**
 * Chooses what the next turn of a session holds, of what waits in the order in which it is to run: one message, or the
 * `collect` batch at the head, and every event accepted before (B8, B18). A message's last attempt runs without the events
 * that failed with it before (B31a). What steers a turn to be tried again is no message of its own (B19). Undefined if
 * nothing may start a turn. A heartbeat comes last: it starts one where nothing else does, and takes the events along (B48).
 */
export function selectTurn(
  waiting: readonly StoredItem[],
  settings: Pick<LaneOptions, "retry">,
  wake: { readonly isDue: boolean; readonly attempts: number },
  heartbeat?: { readonly attempt: number },
): Selection | undefined {
  const first = waiting[0];
  if (first !== undefined && waiting.length === 1 && first.type === "message" && first.steers === undefined) {
    return { items: waiting.slice(), cause: "message", attempt: attemptsOf(first) + 1 };
  }
  const [head, ...others] = waiting.filter((item) => item.type === "message" && item.steers === undefined);
  const events = waiting.filter((item) => item.type === "event");
  if (head !== undefined) {
    const isLast = head.failures > 0 && head.failures + 1 >= settings.retry.attempts;
    const rides = (event: StoredItem): boolean => !isLast || !event.failedWith.includes(head.seq);
    return {
      items: [head, ...batchWith(head, others), ...events.filter(rides)],
      cause: "message",
      attempt: attemptsOf(head) + 1,
    };
  }
  if (events.some((event) => event.wakes)) {
    return { items: events, cause: "event", attempt: Math.max(...events.map(attemptsOf)) + 1 };
  }
  if (wake.isDue) return { items: events, cause: "wake", attempt: wake.attempts + 1 };
  return heartbeat && { items: events, cause: "heartbeat", attempt: heartbeat.attempt };
}

/** The neighbours that share a `collect` message's turn. A batch that is tried again stays as it was. */
function batchWith(head: StoredItem, others: readonly StoredItem[]): readonly StoredItem[] {
  if (head.mode !== "collect") return [];
  const end = others.findIndex(
    ({ mode, lastTurnId }) => mode !== "collect" || lastTurnId !== head.lastTurnId,
  );
  return end === -1 ? others : others.slice(0, end);
}
