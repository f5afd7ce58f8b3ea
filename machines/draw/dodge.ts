import { isClear } from "./clearance.ts";
import { isNear, simplify } from "./geometry.ts";
import type { PlacedChart, PlacedLink, PlacedState } from "./placed-chart.ts";

/** Room between text and an edge that passes beside it, and between edges that do, in pixels. */
const step = 8;
const maxSteps = 4;

/** Leads edges that enter a compound state through its text around the right of that text, where there is room. */
export function dodge(layout: PlacedChart): PlacedChart {
  let current = layout;
  for (let index = 0; index < layout.links.length; index++) {
    for (const placed of layout.states) {
      const former = current.links[index];
      if (former === undefined || placed.state.states.length === 0) continue;
      const chart = current;
      const better = waysAround(former, placed).find((candidate) => isClear(candidate, former, chart));
      if (better !== undefined) current = { ...current, links: current.links.with(index, better) };
    }
  }
  return current;
}

function waysAround(placed: PlacedLink, { area, box }: PlacedState): readonly PlacedLink[] {
  const { points } = placed;
  const [right, below] = [area.x + box.width, area.y + box.height];
  const index = points.findIndex((point, at) => {
    const end = points[at + 1];
    const isThrough = end !== undefined && isNear(point.x, end.x) && point.x > area.x && point.x < right;
    return isThrough && Math.min(point.y, end.y) < area.y && Math.max(point.y, end.y) > below;
  });
  const [start, end] = [points[index], points[index + 1]];
  if (start === undefined || end === undefined) return [];
  const steps = Array.from({ length: maxSteps }, (_, count) => (count + 1) * step);
  return steps.flatMap((down) =>
    steps.map((aside) => {
      const corner = [
        { x: right + aside, y: below + down },
        { x: start.x, y: below + down },
      ];
      const isDownward = end.y > start.y;
      const way = isDownward
        ? [...points.slice(0, index), { ...start, x: right + aside }, ...corner, ...points.slice(index + 1)]
        : [...points.slice(0, index + 1), ...corner.toReversed(), { ...end, x: right + aside }, ...points.slice(index + 2)];
      return { ...placed, points: simplify(way) };
    }),
  );
}
