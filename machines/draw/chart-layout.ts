import type { LayoutOptions } from "elkjs/lib/elk-api.js";
import type { Chart } from "./chart-model.ts";
import { countCrossings } from "./clearance.ts";
import { placeChart } from "./elk-placement.ts";
import { segmentsOf } from "./geometry.ts";
import { placeHeaders } from "./header.ts";
import { narrow } from "./narrow.ts";
import type { PlacedChart } from "./placed-chart.ts";
import { straighten } from "./straighten.ts";
import { tighten } from "./tighten.ts";

/** As wide as a picture may be and still be read on a page 900 pixels wide. */
const wantedWidth = 1000;

/** Lays a chart out in several ways and returns the best. */
export async function layOut(chart: Chart): Promise<PlacedChart> {
  let best: { readonly placed: PlacedChart; readonly cost: number } | undefined;
  for (const { labelWidth, strategy } of candidates()) {
    const placed = tidy(await placeChart(chart, labelWidth, strategy));
    const cost = costOf(placed);
    if (best === undefined || cost < best.cost) best = { placed, cost };
  }
  if (best === undefined) throw new Error(`There is no layout for ${chart.name}`);
  return best.placed;
}

export function tidy(placed: PlacedChart): PlacedChart {
  let current = straighten(placed);
  for (let round = 0; round < 2; round++) current = tighten(straighten(narrow(tighten(current), wantedWidth)));
  return placeHeaders(current);
}

/** What a layout costs its reader: area, most of all width beyond the page, then crossings, bends and length of edges. */
export function costOf(placed: PlacedChart): number {
  const segments = placed.links.map(({ points }) => segmentsOf(points));
  const crossings = placed.links.reduce(
    (sum, link, index) => sum + countCrossings(segments[index] ?? [], placed.links.slice(index + 1), { states: [] }),
    0,
  );
  const all = segments.flat();
  const length = all.reduce((sum, { from, to }) => sum + to - from, 0);
  const excess = Math.max(0, placed.width - wantedWidth) / wantedWidth;
  const area = (Math.max(placed.width, wantedWidth * 0.6) * placed.height) / 1_000;
  return area * (1 + 4 * excess) + crossings * 40 + all.length * 6 + length / 50;
}

function candidates(): readonly { readonly labelWidth: number; readonly strategy: LayoutOptions }[] {
  return [130, 105].flatMap((labelWidth) =>
    ["HEAD_LAYER", "MEDIAN_LAYER", "TAIL_LAYER"].flatMap((layer) =>
      ["1", "3", "4"].map((seed) => ({
        labelWidth,
        strategy: {
          "elk.randomSeed": seed,
          "elk.layered.nodePlacement.strategy": "NETWORK_SIMPLEX",
          "elk.layered.edgeLabels.centerLabelPlacementStrategy": layer,
        },
      })),
    ),
  );
}
