import { type Chart, type ChartTransition, isInternal, statesOf, transitionsOf } from "./chart-model.ts";
import { type Sentence, sayActivity, sayTransition, smallFont } from "./sentence.ts";
import { lineHeight } from "./state-box.ts";
import { widestOf } from "./text-width.ts";

/** An edge of the picture: what leads from one state to another, with all the transitions that do. */
export interface Link {
  readonly id: string;
  /** A state's id, or `dotId` of one for where it is entered. */
  readonly source: string;
  readonly target: string;
  readonly look: "event" | "after" | "initial";
  readonly sentences: readonly Sentence[];
  readonly label: { readonly width: number; readonly height: number };
}

/** Room between two transitions that share a label. */
export const sentenceGap = 3;
/** How wide a label's lines are where words allow; narrow labels let more edges run side by side. */
const labelWidth = 105;
/** Room between a label's border and its text. */
export const labelPadding = 6;

/** The id of the dot from which a state's first child is entered. */
export function dotId(state: string): string {
  return `${state}:initial`;
}

/** Lists a chart's edges; transitions from one state to another share one, delayed ones another. */
export function linksOf(chart: Chart): readonly Link[] {
  const groups = new Map<string, ChartTransition[]>();
  for (const transition of transitionsOf(chart)) {
    if (isInternal(transition)) continue;
    const key = [transition.source, transition.targets.join("+"), lookOf(transition)].join(">");
    groups.set(key, [...(groups.get(key) ?? []), transition]);
  }
  return [...initialLinks(chart), ...[...groups.values()].flatMap((group) => transitionLinks(group))];
}

function initialLinks(chart: Chart): readonly Link[] {
  return statesOf(chart.root).flatMap((state) => {
    const { initial, initialActions } = state;
    const sentences = initialActions.length > 0 ? [sayActivity("initial", initialActions, labelWidth)] : [];
    return initial.map((target, index) =>
      link(dotId(state.id), target, "initial", index === 0 ? sentences : []),
    );
  });
}

/** A transition into several regions of a parallel state is told once, on its first edge. */
function transitionLinks(group: readonly ChartTransition[]): readonly Link[] {
  const [first] = group;
  if (first === undefined) return [];
  const sentences = group.map((transition) => sayTransition(transition, labelWidth));
  return first.targets.map((target, index) =>
    link(first.source, target, lookOf(first), index === 0 ? sentences : []),
  );
}

function link(source: string, target: string, look: Link["look"], sentences: readonly Sentence[]): Link {
  const lines = sentences.flatMap((sentence) => sentence.lines);
  return {
    id: `${source}>${target}:${look}`,
    source,
    target,
    look,
    sentences,
    label: {
      width: Math.ceil(widestOf(lines, smallFont)) + 2 * labelPadding,
      height: lines.length * lineHeight + (sentences.length - 1) * sentenceGap + 5,
    },
  };
}

function lookOf(transition: ChartTransition): "event" | "after" {
  return transition.trigger.kind === "after" ? "after" : "event";
}
