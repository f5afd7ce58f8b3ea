import type { Chart } from "./chart-model.ts";
import { toneOf, type Tone } from "./palette.ts";
import type { PlacedChart, PlacedLink } from "./placed-chart.ts";
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

/** Draws a laid out chart; the same chart always gives the same bytes. */
export function drawChart(chart: Chart, placed: PlacedChart): string {
  const [width, height] = [num(placed.width), num(placed.height)];
  const regions = new Set(
    placed.states.flatMap(({ state }) => (state.kind === "parallel" ? state.states.map(({ id }) => id) : [])),
  );
  const tones = new Map(placed.states.map(({ state }) => [state.id, toneOf(state)]));
  const layers = [
    placed.states.map((state) => drawState(state, regions.has(state.state.id))),
    placed.links.map((link) => drawLink(link, toneTo(link, tones))),
    placed.states.map(drawStateText),
    placed.links.map((link) => drawLabel(link, toneTo(link, tones))),
  ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>${escapeXml(`Statechart of ${chart.name}`)}</title>`,
    `<style>${styles}</style>`,
    `<rect width="${width}" height="${height}" rx="8" fill="#ffffff"/>`,
    ...layers.flat().filter((line) => line !== ""),
    "</svg>",
    "",
  ].join("\n");
}

const fallback: Tone = { line: "#64748b", fill: "#ffffff", text: "#334155" };

function toneTo({ link }: PlacedLink, tones: ReadonlyMap<string, Tone>): Tone {
  return tones.get(link.target) ?? fallback;
}
