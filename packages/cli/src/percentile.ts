/** The smallest of the sorted values that at least `share` of them do not exceed; 0 if there are none. */
export function percentile(sorted: readonly number[], share: number): number {
  const rank = Math.max(1, Math.ceil(sorted.length * share));
  return sorted[rank - 1] ?? 0;
}
