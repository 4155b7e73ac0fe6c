import type { Sample } from '../../figure.ts';
import { percentile } from '../../statistics.ts';

/**
 * How something stood in the last third of the time against the middle one. What it did in the first, caches filling
 * and code being compiled, is left out.
 * @param values at even distances of time
 * @param share which of the sorted values stands for a third: the median at 0.5
 */
export function lastThird(values: readonly number[], share: number): Sample {
  const third = Math.floor(values.length / 3);
  const last = values.slice(-third);
  const middle = values.slice(-2 * third, -third);
  return { ours: percentile(last, share), other: percentile(middle, share), most: Math.max(...values) };
}
