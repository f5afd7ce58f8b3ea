import type { LaneTurn } from "@lanekeeper/machines";
import type { StoredItem } from "../store/store.ts";

/** Who caused something, through however many turns and commands: a person, or an agent's schedule (B39). */
export type Origin = "person" | "heartbeat";

/**
 * A turn's origin is that of what caused it: its messages; without one, the events that start turns by themselves; without
 * one, the wake, or the heartbeat. What merely rides along has no say, and one person among them is enough.
 */
export function originOf(
  cause: LaneTurn["cause"],
  items: readonly Pick<StoredItem, "type" | "wakes" | "origin">[],
  ofWake: Origin,
): Origin {
  if (cause === "heartbeat") return "heartbeat";
  if (cause === "wake") return ofWake;
  const causes = items.filter(({ type, wakes }) => (cause === "message" ? type === "message" : wakes));
  return causes.length > 0 && causes.every(({ origin }) => origin === "heartbeat") ? "heartbeat" : "person";
}
