import { segmentsOf } from "./geometry.ts";
import type { PlacedChart, PlacedState } from "./placed-chart.ts";

/** Room between text and an edge that passes beside it, in pixels. */
const beside = 5;

/** Moves the text of compound states to the right of edges that lead through it, as far as there is room. */
export function placeHeaders(placed: PlacedChart): PlacedChart {
  return { ...placed, states: placed.states.map((state) => ({ ...state, textLeft: freeLeft(state, placed) })) };
}

function freeLeft({ state, area, box, textLeft }: PlacedState, placed: PlacedChart): number {
  if (state.states.length === 0) return textLeft;
  const passing = placed.links
    .flatMap(({ points }) => segmentsOf(points))
    .filter(({ isVertical, from, to }) => isVertical && from < area.y + box.height && to > area.y)
    .map(({ at }) => at)
    .filter((at) => at > area.x && at < area.x + area.width)
    .toSorted((a, b) => a - b);
  const limits = [...passing, area.x + area.width];
  const starts = [area.x, ...passing];
  const free = starts.findIndex((start, index) => (limits[index] ?? 0) - start >= box.width - beside);
  const start = starts[free];
  return start === undefined || free === 0 ? textLeft : start - beside + 2;
}
