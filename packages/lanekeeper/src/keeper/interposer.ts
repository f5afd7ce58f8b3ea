import type { Clock } from "../time/clock.ts";
import type { Lanekeeper } from "./keeper.ts";
import type { Settings } from "./options.ts";
import type { Passages } from "./passages.ts";

/** Stands between a keeper and everything around it: notes what passes, or plays back what passed once. */
export interface Interposer {
  /** What the keeper is to use: its ports and callbacks. */
  readonly settings: Settings;
  readonly passages: Passages;
  /** Time for what decides nothing: the intervals of log lines. */
  readonly aside: Clock;
  /** Whether the process may end though the keeper is open. */
  readonly isPlayback: boolean;
  /** An actor, named by its id, is in another state from now on. */
  moved(actor: string, detail: string): void;
  /** What the host is given for the keeper. */
  present(keeper: Lanekeeper): Lanekeeper;
  /** The keeper could not be created. */
  failed(error: unknown): void;
}

/** Records a keeper: an option of `createLanekeeper`. `lanekeeper/recording` has those that write to a file, or to memory. */
export interface Recorder {
  /** A keeper with these settings starts. Throws `INVALID_OPTION` where the recorder has recorded another. */
  begin(settings: Settings): Interposer;
}
