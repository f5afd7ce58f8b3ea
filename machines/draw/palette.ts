import type { ChartState } from "./chart-model.ts";

/** The colours of a state, or of an edge. */
export interface Tone {
  readonly line: string;
  readonly fill: string;
  readonly text: string;
  /** How wide an edge is drawn, in pixels. */
  readonly width?: number;
}

const neutral: Tone = { line: "#94a3b8", fill: "#f8fafc", text: "#334155" };
const tones: ReadonlyMap<string, Tone> = new Map([
  ["idle", { line: "#64748b", fill: "#f1f5f9", text: "#334155" }],
  ["busy", { line: "#2563eb", fill: "#eff6ff", text: "#1d4ed8" }],
  ["stalled", { line: "#d97706", fill: "#fffbeb", text: "#b45309" }],
  ["reclaimed", { line: "#7c3aed", fill: "#f5f3ff", text: "#6d28d9" }],
]);

/** The colours of a state: those of the nearest state it lies in that is idle, busy, stalled or reclaimed. */
export function toneOf(state: ChartState): Tone {
  const name = state.path.findLast((key) => tones.has(key));
  return (name === undefined ? undefined : tones.get(name)) ?? neutral;
}
