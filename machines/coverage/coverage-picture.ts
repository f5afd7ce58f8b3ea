import type { Chart, ChartNote, ChartState } from "../draw/chart-model.ts";
import { layOut } from "../draw/chart-layout.ts";
import { drawChart, type Look } from "../draw/chart-svg.ts";
import type { Link } from "../draw/link.ts";
import type { Tone } from "../draw/palette.ts";
import type { Coverage } from "./coverage.ts";
import type { Magnitude } from "./magnitude.ts";

const tones: Readonly<Record<Magnitude, Tone>> = {
  "–": { line: "#dc2626", fill: "#fef2f2", text: "#b91c1c", width: 1.2 },
  "1+": { line: "#93c5fd", fill: "#f8fafc", text: "#334155", width: 1 },
  "100+": { line: "#3b82f6", fill: "#f1f5f9", text: "#1d4ed8", width: 1.8 },
  "10,000+": { line: "#1e3a8a", fill: "#eff6ff", text: "#1e3a8a", width: 3 },
};
/** Rising. */
const order = Object.keys(tones) as readonly Magnitude[];

const styles = [
  `.note{fill:#2563eb}`,
  `.alarm{fill:#dc2626;font-weight:700}`,
  // Black for white where the reader's page is dark; hues stay what they are.
  `@media (prefers-color-scheme:dark){svg{filter:invert(1) hue-rotate(180deg)}}`,
].join("");

/** Draws a chart with what the tests of behaviour take of it: the more often, the darker and wider; red is never. */
export async function drawCoverage(chart: Chart, coverage: Coverage): Promise<string> {
  const of = (id: string): Magnitude => coverage.get(id)?.behaviour ?? "–";
  const annotated: Chart = { ...chart, root: annotate(chart.root, of) };
  const toneOfLink = ({ target, sentences }: Link): Tone => {
    const taken = sentences.flatMap(({ transition }) => (transition === undefined ? [] : [of(transition)]));
    return tones[mostOf(taken.length === 0 ? [of(target)] : taken)];
  };
  const look: Look = {
    styles,
    // The root is always active.
    toneOfState: ({ id, path }) => tones[path.length === 0 ? "1+" : of(id)],
    toneOfLink,
  };
  return drawChart(annotated, await layOut(annotated), look);
}

/** A state whose name and transitions say how often they were taken. */
function annotate(state: ChartState, of: (id: string) => Magnitude): ChartState {
  const name = state.path.length === 0 ? state.name : `${state.name} ${noteOn(of(state.id)).text}`;
  return {
    ...state,
    name,
    transitions: state.transitions.map((transition) => ({
      ...transition,
      note: noteOn(of(transition.id)),
    })),
    states: state.states.map((child) => annotate(child, of)),
  };
}

function noteOn(magnitude: Magnitude): ChartNote {
  return magnitude === "–" ? { text: "never", isAlarm: true } : { text: magnitude, isAlarm: false };
}

function mostOf(magnitudes: readonly Magnitude[]): Magnitude {
  return order.findLast((magnitude) => magnitudes.includes(magnitude)) ?? "–";
}
