import type { Point } from "./geometry.ts";
import { labelPadding, sentenceGap } from "./link.ts";
import type { Tone } from "./palette.ts";
import type { PlacedLink } from "./placed-chart.ts";
import { drawSentences, num } from "./svg-text.ts";

const bendRadius = 6;
const arrow = { length: 8, halfWidth: 3.5 };

/** Draws an edge with its arrow head, in the colour of the state it leads to. */
export function drawLink({ link, points }: PlacedLink, tone: Tone): string {
  const dashes = link.look === "after" ? ' stroke-dasharray="4 3"' : "";
  const line = `<path d="${wayOf(points)}" fill="none" stroke="${tone.line}" stroke-width="${tone.width ?? 1.2}"${dashes}/>`;
  return `${line}<path d="${arrowOf(points)}" fill="${tone.line}"/>`;
}

/** Draws an edge's label. */
export function drawLabel({ link, label }: PlacedLink, tone: Tone): string {
  if (label === undefined) return "";
  const { x, y, width, height } = label;
  const size = `x="${num(x)}" y="${num(y)}" width="${num(width)}" height="${num(height)}"`;
  const box = `<rect ${size} rx="4" fill="#ffffff" stroke="${tone.line}" stroke-opacity="0.4"/>`;
  const at = { x: x + width / 2, y: y + labelPadding + 7 };
  return box + drawSentences(link.sentences, at, { isCentred: true, gap: sentenceGap, indent: 0 });
}

/** The way with round bends; it ends where the arrow head begins. */
function wayOf(points: readonly Point[]): string {
  const end = points.at(-1);
  const parts = points.map((point, index) => {
    const [before, after] = [points[index - 1], points[index + 1]];
    if (before === undefined) return `M${pair(point)}`;
    if (after === undefined) return `L${pair(towards(point, before, arrow.length - 1))}`;
    const isLast = after === end;
    const radius = Math.min(
      bendRadius,
      reach(before, point) / 2,
      (reach(point, after) - (isLast ? arrow.length : 0)) / (isLast ? 1 : 2),
    );
    return `L${pair(towards(point, before, Math.max(0, radius)))}Q${pair(point)} ${pair(towards(point, after, Math.max(0, radius)))}`;
  });
  return parts.join("");
}

function arrowOf(points: readonly Point[]): string {
  const [tip, before] = [points.at(-1), points.at(-2)];
  if (tip === undefined || before === undefined) return "";
  const base = towards(tip, before, arrow.length);
  const side = {
    x: ((tip.y - base.y) / arrow.length) * arrow.halfWidth,
    y: ((base.x - tip.x) / arrow.length) * arrow.halfWidth,
  };
  const wings = [
    { x: base.x + side.x, y: base.y + side.y },
    { x: base.x - side.x, y: base.y - side.y },
  ];
  return `M${pair(tip)}${wings.map((wing) => `L${pair(wing)}`).join("")}Z`;
}

function towards(from: Point, to: Point, distance: number): Point {
  return { x: from.x + Math.sign(to.x - from.x) * distance, y: from.y + Math.sign(to.y - from.y) * distance };
}

function reach(a: Point, b: Point): number {
  return Math.abs(a.x - b.x) + Math.abs(a.y - b.y);
}

function pair({ x, y }: Point): string {
  return `${num(x)} ${num(y)}`;
}
