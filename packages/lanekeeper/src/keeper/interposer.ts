import type { Lanekeeper } from "./keeper.ts";
import type { Settings } from "./options.ts";

/** Stands between a keeper and everything around it: notes what passes, or plays back what passed once. */
export interface Interposer {
  /** What the keeper is to use: its ports and callbacks. */
  readonly settings: Settings;
  /** What the host is given for the keeper. */
  present(keeper: Lanekeeper): Lanekeeper;
}

/** Records a keeper: an option of `createLanekeeper`. `lanekeeper/recording` has those that write to a file, or to memory. */
export interface Recorder {
  /** A keeper with these settings starts. Throws `INVALID_OPTION` where the recorder has recorded another. */
  begin(settings: Settings): Interposer;
}
