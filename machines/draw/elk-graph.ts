import type { ElkExtendedEdge, ElkNode, LayoutOptions } from "elkjs/lib/elk-api.js";
import { type ChartState, statesOf } from "./chart-model.ts";
import { dotId, type Link } from "./link.ts";
import type { StateBox } from "./state-box.ts";

/** Diameter of the dot that marks where a state is entered. */
const dotSize = 10;
/** Room beside a compound state's text for edges that pass it. */
export const headerClearance = 28;

const spacing: LayoutOptions = {
  "elk.spacing.nodeNode": "22",
  "elk.spacing.edgeNode": "12",
  "elk.spacing.edgeEdge": "8",
  "elk.spacing.edgeLabel": "4",
  "elk.layered.spacing.nodeNodeBetweenLayers": "22",
  "elk.layered.spacing.edgeNodeBetweenLayers": "14",
  "elk.layered.spacing.edgeEdgeBetweenLayers": "8",
};

/** Puts a chart's states and edges into the terms of ELK, to be laid out as one nested graph, top down. */
export function elkGraphOf(
  root: ChartState,
  boxes: ReadonlyMap<string, StateBox>,
  links: readonly Link[],
  strategy: LayoutOptions,
): ElkNode {
  const options: LayoutOptions = {
    ...spacing,
    "elk.algorithm": "layered",
    "elk.direction": "DOWN",
    "elk.edgeRouting": "ORTHOGONAL",
    "elk.hierarchyHandling": "INCLUDE_CHILDREN",
    ...strategy,
  };
  return {
    id: "",
    layoutOptions: { ...options, "elk.padding": "[top=12,left=12,bottom=12,right=12]" },
    children: [nodeOf(root, boxes, options)],
    edges: links.map((link) => edgeOf(link, isUpward(link, root))),
  };
}

/**
 * Tells whether an edge leads to a state that is declared before its own, so that it is to be drawn upwards. ELK gets
 * such edges turned round: its own ways to break cycles lead them out of the wrong side of a compound state.
 */
export function isUpward(link: Link, root: ChartState): boolean {
  const order = statesOf(root).map((state) => state.id);
  return link.look !== "initial" && order.indexOf(link.target) < order.indexOf(link.source);
}

function nodeOf(state: ChartState, boxes: ReadonlyMap<string, StateBox>, options: LayoutOptions): ElkNode {
  const box = boxes.get(state.id) ?? { width: 0, height: 0 };
  if (state.states.length === 0) return { id: state.id, width: box.width, height: box.height };
  const dots = state.initial.length > 0 ? [{ id: dotId(state.id), width: dotSize, height: dotSize }] : [];
  return {
    id: state.id,
    layoutOptions: {
      ...options,
      "elk.padding": `[top=${box.height + 8},left=14,bottom=14,right=14]`,
      "elk.nodeSize.constraints": "MINIMUM_SIZE",
      "elk.nodeSize.minimum": `(${box.width + headerClearance}, ${box.height})`,
    },
    children: [...dots, ...state.states.map((child) => nodeOf(child, boxes, options))],
  };
}

function edgeOf(link: Link, isReversed: boolean): ElkExtendedEdge {
  const ends = [[link.source], [link.target]] as const;
  const [sources, targets] = isReversed ? ends.toReversed() : ends;
  const edge = { id: link.id, sources: [...(sources ?? [])], targets: [...(targets ?? [])] };
  if (link.sentences.length === 0) return edge;
  const inline = { "elk.edgeLabels.inline": "true" };
  return {
    ...edge,
    labels: [{ id: `${link.id}:label`, text: link.id, ...link.label, layoutOptions: inline }],
  };
}
