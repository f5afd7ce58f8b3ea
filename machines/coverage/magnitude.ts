/** How often something happened, as far as that stays the same from one run to the next. */
export type Magnitude = "–" | "1+" | "100+" | "10,000+";

/** The magnitudes with the least count of each. */
const scale: readonly (readonly [magnitude: Magnitude, least: number])[] = [
  ["–", 0],
  ["1+", 1],
  ["100+", 100],
  ["10,000+", 10_000],
];
/** A count this many times beyond a limit may still have the magnitude it had before. */
const slack = 3;

/** The magnitude of a count. One that comes close to `before` keeps it, so that chance changes nothing. */
export function magnitudeOf(count: number, before?: Magnitude): Magnitude {
  const kept = scale.findIndex(([magnitude]) => magnitude === before);
  const [least, limit] = [scale[kept]?.[1] ?? 0, scale[kept + 1]?.[1] ?? Infinity];
  if (before !== undefined && least > 0 && count >= Math.max(1, least / slack) && count < limit * slack)
    return before;
  return scale.findLast((step) => count >= step[1])![0];
}

/** Whether a text is a magnitude. */
export function isMagnitude(text: string): text is Magnitude {
  return scale.some(([magnitude]) => magnitude === text);
}
