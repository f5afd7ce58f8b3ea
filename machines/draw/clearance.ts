import { type Area, collide, cross, crowd, isNear, type Segment, segmentsOf, touches } from "./geometry.ts";
import { dotId } from "./link.ts";
import type { PlacedChart, PlacedLink, PlacedState } from "./placed-chart.ts";

/** Room between an edge and what it passes, in pixels. */
const passing = 7;
/** Room between an edge's end and the corner of the box it is attached to. */
const corner = 10;

/** Tells whether an edge may take a way: clear of boxes, labels and other edges, and crossing no more than before. */
export function isClear(candidate: PlacedLink, former: PlacedLink, layout: PlacedChart): boolean {
  const others = layout.links.filter((other) => other !== former);
  const segments = segmentsOf(candidate.points);
  return (
    layout.states.every((placed) => isClearOfState(candidate, segments, placed)) &&
    others.every((other) => isClearOfLink(candidate, segments, other)) &&
    countCrossings(segments, others, layout) <= countCrossings(segmentsOf(former.points), others, layout)
  );
}

/** Counts how often an edge crosses others and the borders of states. */
export function countCrossings(
  segments: readonly Segment[],
  others: readonly PlacedLink[],
  layout: Pick<PlacedChart, "states">,
): number {
  const obstacles = [
    ...others.flatMap(({ points }) => segmentsOf(points)),
    ...layout.states.flatMap(({ area }) => bordersOf(area)),
  ];
  return segments.reduce(
    (sum, segment) => sum + obstacles.filter((obstacle) => cross(segment, obstacle)).length,
    0,
  );
}

function isClearOfState(candidate: PlacedLink, segments: readonly Segment[], placed: PlacedState): boolean {
  const { link, label } = candidate;
  const { state, area, box, dot } = placed;
  if (dot !== undefined && link.source === dotId(state.id) && !isCentred(candidate.points[0], dot))
    return false;
  if (state.id === link.source && !isAttached(candidate.points[0], area)) return false;
  if (state.id === link.target && !isAttached(candidate.points.at(-1), area)) return false;
  const isEnd = (index: number): boolean =>
    (index === 0 && state.id === link.source) || (index === segments.length - 1 && state.id === link.target);
  if (state.states.length === 0) {
    if (label !== undefined && collide(label, area, passing)) return false;
    return segments.every((segment, index) => !touches(segment, area, isEnd(index) ? 0 : passing));
  }
  const header: Area = { x: area.x, y: area.y, width: box.width, height: box.height };
  const blocks = dot === undefined || link.look === "initial" ? [header] : [header, dot];
  if (segments.some((segment, index) => !isEnd(index) && blocks.some((block) => touches(segment, block, 2))))
    return false;
  const borders = bordersOf(area);
  if (label !== undefined && borders.some((border) => touches(border, label, 4))) return false;
  return segments.every((segment) => borders.every((border) => !crowd(segment, border, passing)));
}

function isClearOfLink(candidate: PlacedLink, segments: readonly Segment[], other: PlacedLink): boolean {
  const { label } = candidate;
  const otherSegments = segmentsOf(other.points);
  if (segments.some((segment) => otherSegments.some((obstacle) => crowd(segment, obstacle, passing))))
    return false;
  if (other.label !== undefined) {
    const obstacle = other.label;
    if (segments.some((segment) => touches(segment, obstacle, 4))) return false;
    if (label !== undefined && collide(label, obstacle, 4)) return false;
  }
  return label === undefined || !otherSegments.some((segment) => touches(segment, label, 4));
}

function isAttached(point: { readonly x: number } | undefined, area: Area): boolean {
  return point !== undefined && point.x >= area.x + corner && point.x <= area.x + area.width - corner;
}

function isCentred(point: { readonly x: number } | undefined, dot: Area): boolean {
  return point !== undefined && isNear(point.x, dot.x + dot.width / 2);
}

function bordersOf({ x, y, width, height }: Area): readonly Segment[] {
  return [
    { isVertical: true, at: x, from: y, to: y + height },
    { isVertical: true, at: x + width, from: y, to: y + height },
    { isVertical: false, at: y, from: x, to: x + width },
    { isVertical: false, at: y + height, from: x, to: x + width },
  ];
}
