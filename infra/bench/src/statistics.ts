/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** The quantile of a share, with linear interpolation. */
export function percentile(values: readonly number[], share: number): number {
  if (values.length === 0) throw new Error('nothing was measured');
  const sorted = [...values].sort((a, b) => a - b);
  const place = (sorted.length - 1) * share;
  const below = Math.floor(place);
  const low = sorted[below]!;
  const high = sorted[Math.min(below + 1, sorted.length - 1)]!;
  return low + (high - low) * (place - below);
}

/** The minimum and the maximum. */
export function spread(values: readonly number[]): { min: number; max: number } {
  if (values.length === 0) throw new Error('nothing was measured');
  return { min: Math.min(...values), max: Math.max(...values) };
}

/** A copy in random order. */
export function shuffled<T>(list: readonly T[]): T[] {
  const all = [...list];
  for (let i = all.length - 1; i > 0; i--) {
    const j = Math.floor(Math.random() * (i + 1));
    [all[i], all[j]] = [all[j]!, all[i]!];
  }
  return all;
}

/**
 * Runs both, one after the other. The first one alternates with each round, so that drift (caches, heat, other work of
 * the machine) affects both alike.
 */
export async function takeTurns<Ours, Other>(
  round: number,
  ours: () => Promise<Ours>,
  other: () => Promise<Other>,
): Promise<{ ours: Ours; other: Other }> {
  if (round % 2 === 1) {
    const first = await ours();
    return { ours: first, other: await other() };
  }
  const first = await other();
  return { ours: await ours(), other: first };
}

/** A number with three significant digits. */
export function shown(value: number): string {
  if (Math.abs(value) >= 100) return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ' ');
  return String(Number(value.toPrecision(3)));
}
