/** The middle one, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** The value that a share of the values does not exceed, between two of them by proportion. */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new Error('nothing was measured');
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const below = Math.floor(place);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (high - low) * (place - below);
}

/** The least and the greatest. */
export function spread(values: readonly number[]): { min: number; max: number } {
  if (values.length === 0) throw new Error('nothing was measured');
  return { min: Math.min(...values), max: Math.max(...values) };
}
