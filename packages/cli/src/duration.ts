const unitsMs: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 };

/** Milliseconds of `20s`, `500ms`, `1.5m`, `2h` or a plain number of milliseconds; undefined if it is none of these. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)?$/.exec(text.trim());
  const unitMs = unitsMs[match?.[2] ?? "ms"];
  if (match === null || unitMs === undefined) return undefined;
  const durationMs = Math.round(Number(match[1]) * unitMs);
  return Number.isSafeInteger(durationMs) ? durationMs : undefined;
}

/** A duration as people read it: `0 ms`, `840 ms`, `12.3 s`, `20 s`, `20 min 24 s`, `1 h 5 min`. */
export function formatDuration(durationMs: number): string {
  if (durationMs < 1_000) return `${Math.round(durationMs)} ms`;
  if (durationMs < 59_950) return `${Math.round(durationMs / 100) / 10} s`;
  const seconds = Math.round(durationMs / 1_000);
  if (seconds < 3_600) return twoUnits(seconds, 60, "min", "s");
  return twoUnits(Math.round(seconds / 60), 60, "h", "min");
}

function twoUnits(amount: number, size: number, large: string, small: string): string {
  const rest = amount % size;
  const whole = `${Math.floor(amount / size)} ${large}`;
  return rest === 0 ? whole : `${whole} ${rest} ${small}`;
}
