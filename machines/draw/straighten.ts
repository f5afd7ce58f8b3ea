import type { PlacedChart, PlacedLink } from "./placed-chart.ts";
import { isClear } from "./clearance.ts";
import { carrierOf, isNear, simplify } from "./geometry.ts";

const maxPasses = 30;

/** Takes the steps out of edges wherever a straight way is free; boxes stay where they are. */
export function straighten(layout: PlacedChart): PlacedChart {
  let current = layout;
  for (let pass = 0; pass < maxPasses; pass++) {
    const before = current;
    for (let index = 0; index < current.links.length; index++) current = straightenLink(current, index);
    if (current === before) break;
  }
  return current;
}

function straightenLink(layout: PlacedChart, index: number): PlacedChart {
  const former = layout.links[index];
  if (former === undefined) return layout;
  const better = withoutOneStep(former).find((candidate) => isClear(candidate, former, layout));
  if (better === undefined) return layout;
  return { ...layout, links: layout.links.with(index, better) };
}

/** Every way to take one step (down, aside, down) out of an edge. */
function withoutOneStep(placed: PlacedLink): readonly PlacedLink[] {
  const { points } = placed;
  return points.slice(0, -3).flatMap((start, index) => {
    const [upper, lower, end] = [points[index + 1], points[index + 2], points[index + 3]];
    if (upper === undefined || lower === undefined || end === undefined) return [];
    if (!isNear(start.x, upper.x) || !isNear(lower.x, end.x)) return [];
    return [move(placed, index, lower.x), move(placed, index + 2, upper.x)];
  });
}

/** Moves the vertical piece that begins at a point, and the label on it. */
function move(placed: PlacedLink, index: number, x: number): PlacedLink {
  const { points, label } = placed;
  const [start, end] = [points[index], points[index + 1]];
  if (start === undefined || end === undefined) return placed;
  const moved = points.with(index, { x, y: start.y }).with(index + 1, { x, y: end.y });
  const carries = label !== undefined && carrierOf(label, points) === index;
  return {
    ...placed,
    points: simplify(moved),
    label: carries ? { ...label, x: label.x + x - start.x } : label,
  };
}
