import type { PlacedChart, PlacedLink, PlacedState } from "./placed-chart.ts";
import { type Item, pushDown, rulesBetween } from "./compaction.ts";
import { type Area, isNear, type Point } from "./geometry.ts";
import { dotId } from "./link.ts";

type Areas = ReadonlyMap<string, Area>;
type Kind = "box" | "header" | "foot" | "dot" | "label" | "bar";

/** Room between one kind of thing and the next, in pixels. */
const room: Readonly<Record<Kind, number>> = { box: 20, header: 16, foot: 14, dot: 14, label: 9, bar: 8 };
/** Room above a box for the heads of the arrows that lead to it. */
const arrowRoom = 16;

/** Moves everything up as far as what lies above it allows; nothing changes its order or its column. */
export function tighten(layout: PlacedChart): PlacedChart {
  const items = [...layout.states.flatMap(itemsOfState), ...layout.links.flatMap(itemsOfLink)];
  const rules = rulesBetween(items, (upper, lower) =>
    Math.max(room[upper], room[lower], lower === "box" || lower === "header" ? arrowRoom : 0),
  );
  const margin = layout.states[0]?.area.y ?? 0;
  const places = pushDown(items, rules, margin);
  const top = (key: string): number => places.get(key) ?? 0;
  const states = layout.states.map((placed) => moveState(placed, top));
  const [before, after] = [areasOf(layout.states), areasOf(states)];
  const root = states[0]?.area;
  return {
    ...layout,
    height: root === undefined ? layout.height : root.y + root.height + margin,
    states,
    links: layout.links.map((placed) => moveLink(placed, before, after, top)),
  };
}

function itemsOfState({ state, box, area, dot }: PlacedState): readonly Item<Kind>[] {
  const { x, y, width, height } = area;
  const span = { from: x, to: x + width };
  if (state.states.length === 0) return [{ key: state.id, kind: "box", at: y, size: height, ...span }];
  const items: readonly Item<Kind>[] = [
    { key: state.id, kind: "header", at: y, size: box.height, ...span },
    { key: `${state.id}:foot`, kind: "foot", at: y + height, size: 0, ...span },
  ];
  if (dot === undefined) return items;
  return [
    ...items,
    { key: dotId(state.id), kind: "dot", at: dot.y, size: dot.height, from: dot.x, to: dot.x + dot.width },
  ];
}

function itemsOfLink({ link, points, label }: PlacedLink): readonly Item<Kind>[] {
  const bars = points.slice(1).flatMap((end, index): readonly Item<Kind>[] => {
    const start = points[index];
    if (start === undefined || !isNear(start.y, end.y)) return [];
    const span = { from: Math.min(start.x, end.x), to: Math.max(start.x, end.x) };
    return [{ key: `${link.id}:${index}`, kind: "bar", at: start.y, size: 0, ...span }];
  });
  if (label === undefined) return bars;
  const span = { from: label.x, to: label.x + label.width };
  return [...bars, { key: `${link.id}:label`, kind: "label", at: label.y, size: label.height, ...span }];
}

function moveState(placed: PlacedState, top: (key: string) => number): PlacedState {
  const { state, area, dot } = placed;
  const y = top(state.id);
  const height = state.states.length === 0 ? area.height : top(`${state.id}:foot`) - y;
  return { ...placed, area: { ...area, y, height }, dot: dot && { ...dot, y: top(dotId(state.id)) } };
}

function moveLink(placed: PlacedLink, before: Areas, after: Areas, top: (key: string) => number): PlacedLink {
  const { link, points, label } = placed;
  const last = points.length - 1;
  const moved = points.map((point, index): Point => {
    const next = points[index + 1];
    const previous = points[index - 1];
    if (next !== undefined && isNear(point.y, next.y)) return { x: point.x, y: top(`${link.id}:${index}`) };
    if (previous !== undefined && isNear(point.y, previous.y))
      return { x: point.x, y: top(`${link.id}:${index - 1}`) };
    const id = index === last ? link.target : link.source;
    return { x: point.x, y: followBorder(point.y, before.get(id), after.get(id)) };
  });
  return { ...placed, points: moved, label: label && { ...label, y: top(`${link.id}:label`) } };
}

/** Keeps an edge's end on the upper or lower border it was on; an edge to a state's own child begins at the upper. */
function followBorder(y: number, before: Area | undefined, after: Area | undefined): number {
  if (before === undefined || after === undefined) return y;
  const isUpper = Math.abs(y - before.y) < Math.abs(y - before.y - before.height);
  return isUpper ? after.y : after.y + after.height;
}

function areasOf(states: readonly PlacedState[]): Areas {
  return new Map(
    states.flatMap(({ state, area, dot }): readonly (readonly [string, Area])[] =>
      dot === undefined
        ? [[state.id, area]]
        : [
            [state.id, area],
            [dotId(state.id), dot],
          ],
    ),
  );
}
