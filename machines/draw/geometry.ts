/** A point of the picture in pixels, from its upper left corner. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** A rectangle of the picture in pixels. */
export interface Area extends Point {
  readonly width: number;
  readonly height: number;
}

/** A straight piece of an edge, horizontal or vertical. */
export interface Segment {
  readonly isVertical: boolean;
  /** Its x if it is vertical, else its y. */
  readonly at: number;
  /** Where it begins and ends along its direction, the smaller number first. */
  readonly from: number;
  readonly to: number;
}

/** Below this distance two coordinates count as the same. */
const epsilon = 0.01;

/** Cuts an edge into its straight pieces. */
export function segmentsOf(points: readonly Point[]): readonly Segment[] {
  return points.slice(1).map((end, index) => {
    const start = points[index] ?? end;
    const isVertical = Math.abs(start.x - end.x) < epsilon;
    const [a, b] = isVertical ? [start.y, end.y] : [start.x, end.x];
    return { isVertical, at: isVertical ? start.x : start.y, from: Math.min(a, b), to: Math.max(a, b) };
  });
}

/** Drops points that repeat their neighbour or lie on a straight line between both neighbours. */
export function simplify(points: readonly Point[]): readonly Point[] {
  const kept: Point[] = [];
  for (const point of points) {
    const last = kept.at(-1);
    if (last !== undefined && isNear(last.x, point.x) && isNear(last.y, point.y)) continue;
    const before = kept.at(-2);
    const isStraight =
      before !== undefined &&
      last !== undefined &&
      ((isNear(before.x, last.x) && isNear(last.x, point.x)) ||
        (isNear(before.y, last.y) && isNear(last.y, point.y)));
    if (isStraight) kept.pop();
    kept.push(point);
  }
  return kept;
}

/** Tells whether two coordinates count as the same. */
export function isNear(a: number, b: number): boolean {
  return Math.abs(a - b) < epsilon;
}

/** Tells whether a segment comes closer to an area than `margin`. */
export function touches(segment: Segment, area: Area, margin: number): boolean {
  const along = segment.isVertical ? [area.y, area.y + area.height] : [area.x, area.x + area.width];
  const across = segment.isVertical ? [area.x, area.x + area.width] : [area.y, area.y + area.height];
  const [start = 0, end = 0] = along;
  const [low = 0, high = 0] = across;
  return (
    segment.at > low - margin + epsilon &&
    segment.at < high + margin - epsilon &&
    segment.to > start - margin + epsilon &&
    segment.from < end + margin - epsilon
  );
}

/** Tells whether two areas come closer to each other than `margin`. */
export function collide(a: Area, b: Area, margin: number): boolean {
  return (
    a.x < b.x + b.width + margin - epsilon &&
    b.x < a.x + a.width + margin - epsilon &&
    a.y < b.y + b.height + margin - epsilon &&
    b.y < a.y + a.height + margin - epsilon
  );
}

/** Tells whether two segments of different direction cross inside both. */
export function cross(a: Segment, b: Segment): boolean {
  return (
    a.isVertical !== b.isVertical &&
    a.at > b.from + epsilon &&
    a.at < b.to - epsilon &&
    b.at > a.from + epsilon &&
    b.at < a.to - epsilon
  );
}

/** Tells whether two segments of the same direction run beside each other closer than `margin`. */
export function crowd(a: Segment, b: Segment, margin: number): boolean {
  return (
    a.isVertical === b.isVertical &&
    Math.abs(a.at - b.at) < margin - epsilon &&
    a.from < b.to - epsilon &&
    b.from < a.to - epsilon
  );
}

/** The index of the point where the vertical piece of an edge begins that carries its label; -1 if none does. */
export function carrierOf(label: Area, points: readonly Point[]): number {
  const middle = label.y + label.height / 2;
  return points.findIndex((start, index) => {
    const end = points[index + 1];
    if (end === undefined || !isNear(start.x, end.x)) return false;
    const isBeside = start.x >= label.x && start.x <= label.x + label.width;
    return isBeside && middle >= Math.min(start.y, end.y) && middle <= Math.max(start.y, end.y);
  });
}
