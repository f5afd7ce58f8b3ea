import type { LayoutOptions } from "elkjs/lib/elk-api.js";
import type { Chart } from "./chart-model.ts";
import { countCrossings } from "./clearance.ts";
import { DrawingError } from "./drawing-error.ts";
import { placeChart } from "./elk-placement.ts";
import { segmentsOf } from "./geometry.ts";
import { countCoveredHeaders, placeHeaders } from "./header.ts";
import { narrow } from "./narrow.ts";
import type { PlacedChart } from "./placed-chart.ts";
import { straighten } from "./straighten.ts";
import { tighten } from "./tighten.ts";

/** As wide as a picture may be and still be read on a page 900 pixels wide. */
const wantedWidth = 1000;

/** Lays a chart out in several ways and returns the best. */
export async function layOut(chart: Chart): Promise<PlacedChart> {
  let best: { readonly placed: PlacedChart; readonly cost: number } | undefined;
  for (const strategy of candidates()) {
    const placed = tidy(await placeChart(chart, strategy));
    const cost = costOf(placed);
    if (best === undefined || cost < best.cost) best = { placed, cost };
  }
  if (best === undefined) throw new DrawingError("NO_LAYOUT", chart.name);
  return best.placed;
}

/** Improves on ELK: straight edges, and no more room than needed. */
function tidy(placed: PlacedChart): PlacedChart {
  let current = straighten(placed);
  for (let round = 0; round < 2; round++)
    current = tighten(straighten(narrow(tighten(current), wantedWidth)));
  return placeHeaders(current);
}

/** What a layout costs its reader: area, width beyond the page, covered text, crossings, bends and length of edges. */
function costOf(placed: PlacedChart): number {
  const segments = placed.links.flatMap(({ points }) => segmentsOf(points));
  const crossings = placed.links.reduce(
    (sum, { points }, index) =>
      sum + countCrossings(segmentsOf(points), placed.links.slice(index + 1), { states: [] }),
    0,
  );
  const length = segments.reduce((sum, { from, to }) => sum + to - from, 0);
  const excess = Math.max(0, placed.width - wantedWidth) / wantedWidth;
  const area = (Math.max(placed.width, wantedWidth * 0.6) * placed.height) / 1_000;
  const width = area * (1 + 4 * excess);
  return width + countCoveredHeaders(placed) * 100 + crossings * 40 + segments.length * 6 + length / 50;
}

/** Ways worth trying: what ELK makes of a seed cannot be foreseen, and each of these is the best for some chart. */
function candidates(): readonly LayoutOptions[] {
  const labelLayers = [
    { labelLayer: "HEAD_LAYER", seeds: ["3", "4", "5"] },
    { labelLayer: "MEDIAN_LAYER", seeds: ["1", "4"] },
  ];
  return labelLayers.flatMap(({ labelLayer, seeds }) =>
    seeds.flatMap((seed) =>
      ["NETWORK_SIMPLEX", "LONGEST_PATH"].map((layering) => ({
        "elk.randomSeed": seed,
        "elk.layered.layering.strategy": layering,
        "elk.layered.nodePlacement.strategy": "NETWORK_SIMPLEX",
        "elk.layered.edgeLabels.centerLabelPlacementStrategy": labelLayer,
      })),
    ),
  );
}
