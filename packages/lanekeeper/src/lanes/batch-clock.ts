import type { BatchSummary } from "@lanekeeper/machines";
import type { Clock } from "../time/clock.ts";
import type { LaneOptions } from "./lane-options.ts";

/**
 * How long the batch at the head of a mailbox still waits for quiet (B18).
 *
 * I1. Instants of the wall clock are looked at once, when they are new, so that a step of it delays no batch by more than
 *     it may wait anyway.
 */
export class BatchClock {
  #firstSeq = -1;
  #count = 0;
  #firstMono = 0;
  #lastMono = 0;

  /** Milliseconds until a batch is quiet; 0 or less: it is. */
  quietInMs(batch: BatchSummary, options: LaneOptions, clock: Clock): number {
    const mono = clock.monotonic();
    const ago = (at: number, mostMs: number): number => Math.min(mostMs, Math.max(0, clock.now() - at));
    if (batch.firstSeq !== this.#firstSeq) {
      this.#firstSeq = batch.firstSeq;
      this.#firstMono = mono - ago(batch.firstAt, options.debounceMaxMs);
      this.#count = 0;
    }
    if (batch.count !== this.#count) {
      this.#count = batch.count;
      this.#lastMono = mono - ago(batch.lastAt, options.debounceMs);
    }
    const quietMono = Math.min(this.#lastMono + options.debounceMs, this.#firstMono + options.debounceMaxMs);
    return quietMono - mono;
  }
}
