import type { BatchSummary } from "@lanekeeper/machines";
import type { LaneOptions } from "./lane-options.ts";

/**
 * Milliseconds until the batch at the head of a mailbox has had its quiet, or has waited as long as it may (B18); 0 or
 * less: it has.
 */
export function quietInMs(
  { firstMono, lastMono }: Pick<BatchSummary, "firstMono" | "lastMono">,
  { debounceMs, debounceMaxMs }: Pick<LaneOptions, "debounceMs" | "debounceMaxMs">,
  monotonic: number,
): number {
  return Math.min(lastMono + debounceMs, firstMono + debounceMaxMs) - monotonic;
}
