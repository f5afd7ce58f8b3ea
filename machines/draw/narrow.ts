import type { PlacedChart, PlacedLink, PlacedState } from "./placed-chart.ts";
import { type Item, pushBack, pushDown, type Rule, rulesBetween } from "./compaction.ts";
import { carrierOf, isNear } from "./geometry.ts";
import { headerClearance } from "./elk-graph.ts";
import { dotId } from "./link.ts";

type Kind = "box" | "left" | "right" | "header" | "dot" | "label" | "line";

/** Room between one kind of thing and the next, in pixels. */
const room: Readonly<Record<Kind, number>> = {
  box: 14,
  left: 12,
  right: 12,
  header: 8,
  dot: 10,
  label: 5,
  line: 8,
};
/** Room between an edge's end and the corner of the box it is attached to. */
const corner = 10;

/** Moves everything to the left until the picture is `width` pixels wide, or as narrow as its order allows. */
export function narrow(layout: PlacedChart, width: number): PlacedChart {
  const root = layout.states[0];
  if (root === undefined || layout.width <= width) return layout;
  const margin = root.area.x;
  const items = [...layout.states.flatMap(itemsOfState), ...layout.links.flatMap(itemsOfLink)];
  const apart = rulesBetween(items, (before, after) => Math.max(room[before], room[after]));
  const rules = [
    ...apart,
    ...layout.states.flatMap(rulesOfState),
    ...layout.links.flatMap((placed) => rulesOfLink(placed, layout)),
  ];
  const rightKey = `${root.state.id}:right`;
  const least = pushDown(items, rules, margin).get(rightKey) ?? layout.width;
  const places = pushBack(items, rules, Math.max(least, width - margin));
  const left = (key: string): number => places.get(key) ?? 0;
  return {
    ...layout,
    width: left(rightKey) + margin,
    states: layout.states.map((placed) => moveState(placed, left)),
    links: layout.links.map((placed) => moveLink(placed, left)),
  };
}

function itemsOfState({ state, box, area, dot }: PlacedState): readonly Item<Kind>[] {
  const { x, y, width, height } = area;
  const span = { from: y, to: y + height };
  if (state.states.length === 0) return [{ key: state.id, kind: "box", at: x, size: width, ...span }];
  const items: readonly Item<Kind>[] = [
    { key: state.id, kind: "left", at: x, size: 0, ...span },
    { key: `${state.id}:right`, kind: "right", at: x + width, size: 0, ...span },
    { key: `${state.id}:header`, kind: "header", at: x, size: box.width, from: y, to: y + box.height },
  ];
  if (dot === undefined) return items;
  return [
    ...items,
    { key: dotId(state.id), kind: "dot", at: dot.x, size: dot.width, from: dot.y, to: dot.y + dot.height },
  ];
}

function itemsOfLink({ link, points, label }: PlacedLink): readonly Item<Kind>[] {
  const lines = points.slice(1).flatMap((end, index): readonly Item<Kind>[] => {
    const start = points[index];
    if (start === undefined || !isNear(start.x, end.x)) return [];
    const span = { from: Math.min(start.y, end.y), to: Math.max(start.y, end.y) };
    return [{ key: `${link.id}:${index}`, kind: "line", at: start.x, size: 0, ...span }];
  });
  if (label === undefined) return lines;
  const span = { from: label.y, to: label.y + label.height };
  return [...lines, { key: `${link.id}:label`, kind: "label", at: label.x, size: label.width, ...span }];
}

function rulesOfState({ state, box, area }: PlacedState): readonly Rule[] {
  if (state.states.length === 0) return [];
  const right = `${state.id}:right`;
  return [
    ...together(state.id, `${state.id}:header`, 0),
    { before: state.id, after: right, gap: Math.min(box.width + headerClearance, area.width) },
  ];
}

function rulesOfLink({ link, points, label }: PlacedLink, layout: PlacedChart): readonly Rule[] {
  const last = points.length - 2;
  const rules = [
    ...attach(`${link.id}:0`, points[0]?.x ?? 0, link.source, layout),
    ...attach(`${link.id}:${last}`, points.at(-1)?.x ?? 0, link.target, layout),
  ];
  const lineIndex = label === undefined ? -1 : carrierOf(label, points);
  const line = points[lineIndex];
  if (label === undefined || line === undefined) return rules;
  return [...rules, ...together(`${link.id}:label`, `${link.id}:${lineIndex}`, line.x - label.x)];
}

/** An edge's end stays on its box, away from the corners or as near to one as it was. */
function attach(line: string, x: number, id: string, layout: PlacedChart): readonly Rule[] {
  for (const { state, area, dot } of layout.states) {
    if (dot !== undefined && dotId(state.id) === id) return together(id, line, x - dot.x);
    if (state.id !== id) continue;
    const right = area.x + area.width;
    const enter: Rule = { before: id, after: line, gap: Math.min(corner, x - area.x) };
    const leave = Math.min(corner, right - x);
    if (state.states.length > 0) return [enter, { before: line, after: `${id}:right`, gap: leave }];
    return [enter, { before: line, after: id, gap: leave - area.width }];
  }
  return [];
}

function together(before: string, after: string, gap: number): readonly Rule[] {
  return [
    { before, after, gap },
    { before: after, after: before, gap: -gap },
  ];
}

function moveState(placed: PlacedState, left: (key: string) => number): PlacedState {
  const { state, area, dot } = placed;
  const x = left(state.id);
  const width = state.states.length === 0 ? area.width : left(`${state.id}:right`) - x;
  return {
    ...placed,
    area: { ...area, x, width },
    textLeft: x,
    dot: dot && { ...dot, x: left(dotId(state.id)) },
  };
}

function moveLink(placed: PlacedLink, left: (key: string) => number): PlacedLink {
  const { link, points, label } = placed;
  const moved = points.map((point, index) => {
    const next = points[index + 1];
    const isStart = next !== undefined && isNear(point.x, next.x);
    return { x: left(`${link.id}:${isStart ? index : index - 1}`), y: point.y };
  });
  return { ...placed, points: moved, label: label && { ...label, x: left(`${link.id}:label`) } };
}
