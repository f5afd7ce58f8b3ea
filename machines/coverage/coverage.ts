import type { Chart } from "../draw/chart-model.ts";
import { statesOf, transitionsOf } from "../draw/chart-model.ts";
import { type Magnitude, magnitudeOf } from "./magnitude.ts";
import { type SuitePart, suiteParts } from "./suite-part.ts";
import type { PartCounts } from "./tally-files.ts";

/** What a state or transition is counted in: the suite without the tests of the charts, and each part of it. */
export type Column = "behaviour" | SuitePart;

/** The columns, in order. */
export const columns = ["behaviour", ...suiteParts] as const satisfies readonly Column[];

/** How often something happened in each column. */
export type Magnitudes = Readonly<Record<Column, Magnitude>>;

/** What a run took of a chart, by the ids of its states and transitions. */
export type Coverage = ReadonlyMap<string, Magnitudes>;

/** Judges the counts of a run. What is close to what was known before stays as it was. */
export function coverageOf(
  chart: Chart,
  counts: ReadonlyMap<string, PartCounts>,
  before: Coverage = new Map(),
): Coverage {
  return new Map(
    idsOf(chart).map((id) => {
      const ofParts = counts.get(id) ?? {};
      const known = before.get(id);
      const sumOf = (parts: readonly SuitePart[]): number =>
        parts.reduce((sum, part) => sum + (ofParts[part] ?? 0), 0);
      const magnitudes = columns.map((column) => {
        const parts = column === "behaviour" ? suiteParts.filter((part) => part !== "charts") : [column];
        return [column, magnitudeOf(sumOf(parts), known?.[column])];
      });
      return [id, Object.fromEntries(magnitudes) as Magnitudes];
    }),
  );
}

/** The ids of a chart's states and transitions, in the order of the config. The root is always active and is none. */
export function idsOf(chart: Chart): readonly string[] {
  const states = statesOf(chart.root).slice(1);
  return [...states, ...transitionsOf(chart)].map(({ id }) => id);
}

/** What no test of behaviour takes. */
export function untakenIn(coverage: Coverage): readonly string[] {
  return [...coverage].filter(([, { behaviour }]) => behaviour === "–").map(([id]) => id);
}
