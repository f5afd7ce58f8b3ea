import elk from "elkjs/lib/elk.bundled.js";
import type { ElkNode, LayoutOptions } from "elkjs/lib/elk-api.js";
import { type Chart, statesOf } from "./chart-model.ts";
import { DrawingError } from "./drawing-error.ts";
import { elkGraphOf, isUpward } from "./elk-graph.ts";
import { type Area, type Point, simplify } from "./geometry.ts";
import { dotId, type Link, linksOf } from "./link.ts";
import type { PlacedChart, PlacedLink } from "./placed-chart.ts";
import { boxOf } from "./state-box.ts";

/** Lets ELK place a chart by one of its strategies. */
export async function placeChart(chart: Chart, strategy: LayoutOptions): Promise<PlacedChart> {
  const states = statesOf(chart.root);
  const boxes = new Map(states.map((state) => [state.id, boxOf(state)]));
  const links = linksOf(chart);
  const graph = await new elk.default().layout(elkGraphOf(chart.root, boxes, links, strategy));
  const areas = areasOf(graph);
  return {
    width: graph.width ?? 0,
    height: graph.height ?? 0,
    states: states.map((state) => {
      const area = areaOf(areas, state.id);
      return {
        state,
        box: boxes.get(state.id) ?? boxOf(state),
        area,
        textLeft: area.x,
        dot: areas.get(dotId(state.id)),
      };
    }),
    links: links.map((link) => placeLink(link, isUpward(link, chart.root), graph, areas)),
  };
}

function placeLink(
  link: Link,
  isReversed: boolean,
  graph: ElkNode,
  areas: ReadonlyMap<string, Area>,
): PlacedLink {
  const edge = graph.edges?.find(({ id }) => id === link.id);
  const section = edge?.sections?.[0];
  if (edge === undefined || section === undefined) throw new DrawingError("NO_WAY", link.id);
  const origin = areaOf(areas, edge.container ?? graph.id);
  const shift = ({ x = 0, y = 0 }: { x?: number; y?: number }): Point => ({
    x: x + origin.x,
    y: y + origin.y,
  });
  const points = simplify([section.startPoint, ...(section.bendPoints ?? []), section.endPoint].map(shift));
  const label = edge.labels?.[0];
  return {
    link,
    points: isReversed ? points.toReversed() : points,
    label: label && { ...shift(label), ...link.label },
  };
}

function areasOf(graph: ElkNode): ReadonlyMap<string, Area> {
  const areas = new Map<string, Area>();
  const visit = (node: ElkNode, origin: Point): void => {
    const at = { x: origin.x + (node.x ?? 0), y: origin.y + (node.y ?? 0) };
    areas.set(node.id, { ...at, width: node.width ?? 0, height: node.height ?? 0 });
    for (const child of node.children ?? []) visit(child, at);
  };
  visit(graph, { x: 0, y: 0 });
  return areas;
}

function areaOf(areas: ReadonlyMap<string, Area>, id: string): Area {
  const area = areas.get(id);
  if (area === undefined) throw new DrawingError("NO_AREA", id);
  return area;
}
