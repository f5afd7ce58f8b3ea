import { attemptsOf } from "../store/attempts.ts";
import type { LaneOptions } from "../lanes/lane-options.ts";
import type { StoredItem } from "../store/store.ts";

/** What a turn is to hold. */
export interface Selection {
  readonly items: readonly StoredItem[];
  readonly cause: "message" | "event" | "wake";
  readonly attempt: number;
}

/**
 * Chooses what the next turn of a session holds: one message and every event accepted before (B8). A message's last
 * attempt runs without the events that failed with it before (B31a). Undefined if nothing may start a turn.
 */
export function selectTurn(
  waiting: readonly StoredItem[],
  settings: Pick<LaneOptions, "retry">,
  wake: { readonly isDue: boolean; readonly attempts: number },
): Selection | undefined {
  const first = waiting[0];
  if (first !== undefined && waiting.length === 1 && first.type === "message") {
    return { items: waiting.slice(), cause: "message", attempt: attemptsOf(first) + 1 };
  }
  const message = waiting.find((item) => item.type === "message");
  const events = waiting.filter((item) => item.type === "event");
  if (message !== undefined) {
    const isLast = message.failures > 0 && message.failures + 1 >= settings.retry.attempts;
    const rides = (event: StoredItem): boolean =>
      !isLast || event.failures === 0 || event.lastTurnId !== message.lastTurnId;
    return {
      items: [message, ...events.filter(rides)],
      cause: "message",
      attempt: attemptsOf(message) + 1,
    };
  }
  if (events.some((event) => event.wakes)) {
    return { items: events, cause: "event", attempt: Math.max(...events.map(attemptsOf)) + 1 };
  }
  if (!wake.isDue) return undefined;
  return { items: events, cause: "wake", attempt: wake.attempts + 1 };
}
