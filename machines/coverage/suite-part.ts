/** A part of the suite, as a column of the tables. */
export type SuitePart = "rules" | "races" | "simulation" | "elsewhere" | "charts";

/** The parts, in the order of their columns. All but `charts` ask for behaviour by the public surface. */
export const suiteParts = ["rules", "races", "simulation", "elsewhere", "charts"] as const;

const simulations = ["packages/testing/", "test/simulation/", "test/model/"];
const chartTests = ["machines/", "packages/lanekeeper/src/xstate/"];

/** The part that a test belongs to, by its file's path below the repository's root. */
export function partOf(file: string): SuitePart {
  if (chartTests.some((folder) => file.startsWith(folder))) return "charts";
  if (simulations.some((folder) => file.startsWith(folder))) return "simulation";
  if (!file.startsWith("packages/lanekeeper/src/")) return "elsewhere";
  return /(^|[/-])races[.-]/.test(file) ? "races" : "rules";
}
