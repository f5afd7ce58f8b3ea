import type { StoredItem } from "./store.ts";

/** Turns that held an item, did not complete it, and count (B30, B31a). */
export function attemptsOf(item: StoredItem): number {
  return item.failures + item.reclaims + item.crashes;
}
