import { segmentsOf } from "./geometry.ts";
import type { PlacedChart, PlacedState } from "./placed-chart.ts";

/** Room between text and an edge that passes beside it, in pixels. */
const beside = 5;

/** Moves the text of compound states to the right of edges that lead through it, as far as there is room. */
export function placeHeaders(placed: PlacedChart): PlacedChart {
  return {
    ...placed,
    states: placed.states.map((state) => ({ ...state, textLeft: freeLeft(state, placed) })),
  };
}

/** Counts the edges that still lead through text of compound states. */
export function countCoveredHeaders(placed: PlacedChart): number {
  const covered = placed.states.map((state) => {
    const end = state.textLeft + state.box.width - beside;
    return passingOf(state, placed).filter((at) => at > state.textLeft + beside && at < end).length;
  });
  return covered.reduce((sum, count) => sum + count, 0);
}

function freeLeft(placedState: PlacedState, placed: PlacedChart): number {
  const { area, box, textLeft } = placedState;
  const passing = passingOf(placedState, placed);
  const limits = [...passing, area.x + area.width];
  const starts = [area.x, ...passing];
  const free = starts.findIndex((start, index) => (limits[index] ?? 0) - start >= box.width - beside);
  const start = starts[free];
  return start === undefined || free === 0 ? textLeft : start - beside + 2;
}

/** Where edges pass a compound state's text from top to bottom, from left to right. */
function passingOf({ state, area, box }: PlacedState, placed: PlacedChart): readonly number[] {
  if (state.states.length === 0) return [];
  return placed.links
    .flatMap(({ points }) => segmentsOf(points))
    .filter(({ isVertical, from, to }) => isVertical && from < area.y + box.height && to > area.y)
    .map(({ at }) => at)
    .filter((at) => at > area.x && at < area.x + area.width)
    .toSorted((a, b) => a - b);
}
