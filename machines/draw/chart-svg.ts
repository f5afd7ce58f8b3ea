import type { Chart, ChartState } from "./chart-model.ts";
import type { Link } from "./link.ts";
import { toneOf, type Tone } from "./palette.ts";
import type { PlacedChart } from "./placed-chart.ts";
import { drawLabel, drawLink } from "./svg-link.ts";
import { drawState, drawStateText } from "./svg-state.ts";
import { escapeXml, num } from "./svg-text.ts";

const styles = [
  `text{font-family:-apple-system,BlinkMacSystemFont,"Segoe UI",Helvetica,Arial,"Liberation Sans",sans-serif;font-size:11px;fill:#0f172a}`,
  `.name{font-size:13px;font-weight:700}`,
  `.guard{fill:#475569}`,
  `.action{fill:#64748b}`,
  `.halo text{paint-order:stroke;stroke-width:3px;stroke-linejoin:round}`,
].join("");

/** What a picture's colours say. */
export interface Look {
  toneOfState(state: ChartState): Tone;
  /** The tone of an edge, by that of the state it leads to. */
  toneOfLink(link: Link, ofTarget: Tone): Tone;
  /** Styles of its own. */
  readonly styles: string;
}

/** The colours tell the state, and where an edge leads. */
const plain: Look = { toneOfState: toneOf, toneOfLink: (_, ofTarget) => ofTarget, styles: "" };

/** Draws a laid out chart; the same chart always gives the same bytes. */
export function drawChart(chart: Chart, placed: PlacedChart, look: Look = plain): string {
  const [width, height] = [num(placed.width), num(placed.height)];
  const regions = new Set(
    placed.states.flatMap(({ state }) => (state.kind === "parallel" ? state.states.map(({ id }) => id) : [])),
  );
  const tones = new Map(placed.states.map(({ state }) => [state.id, look.toneOfState(state)]));
  const toneIn = ({ id }: ChartState): Tone => tones.get(id) ?? fallback;
  const toneTo = (link: Link): Tone => look.toneOfLink(link, tones.get(link.target) ?? fallback);
  const layers = [
    placed.states.map((state) => drawState(state, toneIn(state.state), regions.has(state.state.id))),
    placed.links.map((placedLink) => drawLink(placedLink, toneTo(placedLink.link))),
    placed.states.map((state) => drawStateText(state, toneIn(state.state))),
    placed.links.map((placedLink) => drawLabel(placedLink, toneTo(placedLink.link))),
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escapeXml(`Statechart of ${chart.name}`)}</title>`,
    `<style>${styles}${look.styles}</style>`,
    `<rect width="${width}" height="${height}" rx="8" fill="#ffffff"/>`,
    ...layers.flat().filter((line) => line !== ""),
    "</svg>",
    "",
  ].join("\n");
}

const fallback: Tone = { line: "#64748b", fill: "#ffffff", text: "#334155" };
