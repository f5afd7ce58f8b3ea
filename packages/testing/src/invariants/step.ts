import type { LanekeeperEvent } from "lanekeeper";
import type { RecordingEntry } from "lanekeeper/recording";
import type { Life } from "./life.ts";

/** An entry, and where it stands. */
export interface Step<E extends RecordingEntry = RecordingEntry> {
  readonly life: Life;
  /** Its place in its recording. */
  readonly index: number;
  /** Its place over all recordings. */
  readonly order: number;
  /** Monotonic milliseconds of its keeper's clock. */
  readonly at: number;
  readonly entry: E;
}

/** The entry of one type. */
export type EntryOf<T extends RecordingEntry["type"]> = Extract<RecordingEntry, { readonly type: T }>;

/** The step of an entry of one type. */
export type StepOf<T extends RecordingEntry["type"]> = Step<EntryOf<T>>;

/** The event of one type. */
export type EventOf<T extends LanekeeperEvent["type"], E = LanekeeperEvent> = E extends {
  readonly type: infer U;
}
  ? T extends U
    ? E & { readonly type: T }
    : never
  : never;

/** An event that the keeper emitted, and its step. */
export interface Told<T extends LanekeeperEvent["type"] = LanekeeperEvent["type"]> {
  readonly step: StepOf<"event">;
  readonly event: EventOf<T>;
}

/** The later of two steps; the one there is. */
export function later<S extends Step>(a: S | undefined, b: S | undefined): S | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.order >= b.order ? a : b;
}

/** The earlier of two steps; the one there is. */
export function earlier<S extends Step>(a: S | undefined, b: S | undefined): S | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.order <= b.order ? a : b;
}

/** How many of those, sorted by their order, stand before an order. */
export function countBefore<T>(sorted: readonly T[], orderOf: (one: T) => number, order: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (orderOf(sorted[middle]!) < order) low = middle + 1;
    else high = middle;
  }
  return low;
}
