import type { Tally } from './tally.ts';

/** Calls whose durations lie in one bin. */
export interface DurationBin extends Tally {
  /** The bin, see `durationBinOf`. */
  bin: number;
}

/** Calls of one duration. */
export interface DurationCount {
  durationMs: number;
  calls: number;
}

/** Nearest-rank percentiles, and the extremes, of durations in whole milliseconds. */
export interface DurationQuantiles {
  min: number;
  p50: number;
  p90: number;
  p95: number;
  p99: number;
  max: number;
}

/** How long the calls of a range took, exactly. */
export interface DurationDistribution extends Tally {
  /** Undefined without calls. */
  quantiles: DurationQuantiles | undefined;
  /** Calls from each of `HISTOGRAM_SECONDS` until the next. */
  histogram: number[];
}

/** Where the intervals of the histogram begin. The last has no end. */
export const HISTOGRAM_SECONDS = [0, 10, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600] as const;

/** Bins are narrow below this and wide above it, so that there are less than 70 000 of 10 000 values at most. */
export const WIDE_BINS_FROM_MS = 3_600_000;
export const NARROW_BIN_MS = 1_000;
export const WIDE_BIN_MS = 10_000;

/**
 * The bin of a duration: the least duration in it, ms. No bin lies in two intervals of the histogram.
 */
export function durationBinOf(durationMs: number): number {
  return durationMs - (durationMs % (durationMs < WIDE_BINS_FROM_MS ? NARROW_BIN_MS : WIDE_BIN_MS));
}

/** More calls than the distribution of durations is read of. */
export class TooManyCallsError extends Error {
  override readonly name = 'TooManyCallsError';

  constructor(
    readonly calls: number,
    max: number,
  ) {
    super(`The range has ${calls} calls; at most ${max} are read for durations. Shorten the range.`);
  }
}

/**
 * The bins that hold a quantile.
 * @param bins in any order; those of one bin are added up, and may be negative alone
 */
export function binsOfQuantiles(bins: readonly DurationBin[]): number[] {
  const counts = countsOf(bins, ({ bin }) => bin);
  return [...new Set(Object.values(quantilesOf(counts) ?? {}))];
}

/**
 * @param bins of all calls, as for `binsOfQuantiles`
 * @param values of the calls in `binsOfQuantiles(bins)`, in any order, added up as bins are
 */
export function durationDistribution(
  bins: readonly DurationBin[],
  values: readonly DurationCount[],
): DurationDistribution {
  const distribution: DurationDistribution = {
    calls: 0,
    durationMs: 0,
    quantiles: undefined,
    histogram: HISTOGRAM_SECONDS.map(() => 0),
  };
  for (const { bin, calls, durationMs } of bins) {
    distribution.calls += calls;
    distribution.durationMs += durationMs;
    const interval = HISTOGRAM_SECONDS.findLastIndex((seconds) => seconds * 1_000 <= bin);
    distribution.histogram[interval]! += calls;
  }
  // What is known only by bin stands at the bin's beginning: that keeps the order, and no quantile is there.
  const counts = countsOf(bins, ({ bin }) => bin);
  for (const bin of binsOfQuantiles(bins)) counts.delete(bin);
  for (const [duration, calls] of countsOf(values, ({ durationMs }) => durationMs))
    counts.set(duration, calls);
  distribution.quantiles = quantilesOf(counts);
  return distribution;
}

function countsOf<T extends { calls: number }>(
  counted: readonly T[],
  keyOf: (one: T) => number,
): Map<number, number> {
  const counts = new Map<number, number>();
  for (const one of counted) {
    const key = keyOf(one);
    counts.set(key, (counts.get(key) ?? 0) + one.calls);
  }
  return counts;
}

/** @param counts of calls by duration, or by bin */
function quantilesOf(counts: ReadonlyMap<number, number>): DurationQuantiles | undefined {
  const found = [...counts].filter(([, calls]) => calls > 0).sort(([a], [b]) => a - b);
  const total = found.reduce((sum, [, calls]) => sum + calls, 0);
  if (total === 0) return undefined;
  const atRank = (rank: number) => {
    let passed = 0;
    return found.find(([, calls]) => {
      passed += calls;
      return passed >= rank;
    })![0];
  };
  const percentile = (percent: number) => atRank(Math.ceil((percent * total) / 100));
  return {
    min: atRank(1),
    p50: percentile(50),
    p90: percentile(90),
    p95: percentile(95),
    p99: percentile(99),
    max: atRank(total),
  };
}
