import type { ChartState } from "./chart-model.ts";
import type { Area, Point } from "./geometry.ts";
import type { Link } from "./link.ts";
import type { StateBox } from "./state-box.ts";

/** A state and where it lies. */
export interface PlacedState {
  readonly state: ChartState;
  readonly box: StateBox;
  readonly area: Area;
  /** Where the room for its text begins, from left to right. */
  readonly textLeft: number;
  /** The dot from which its first child is entered. */
  readonly dot: Area | undefined;
}

/** An edge, the way it takes and where its label lies. */
export interface PlacedLink {
  readonly link: Link;
  /** From its source to its target, every piece horizontal or vertical. */
  readonly points: readonly Point[];
  readonly label: Area | undefined;
}

/** A chart with a place for everything. */
export interface PlacedChart {
  readonly width: number;
  readonly height: number;
  /** Parents before their children; the root first. */
  readonly states: readonly PlacedState[];
  readonly links: readonly PlacedLink[];
}
