import { INTERVALS, type Interval, periodOf } from './intervals.ts';
import { dayOf } from './periods.ts';
import type { Range } from './range.ts';

/** Buckets of a time series, one for each period that a range touches; the first and the last may be cut by it. */
export interface Series {
  interval: Interval;
  /** The first bucket's period; the others follow it one by one. */
  first: number;
  buckets: number;
}

/** Most buckets of a series: nearly three years by day, 19 by week, 83 by month. */
export const seriesBucketsMax = 1_000;

export class TooManyBucketsError extends Error {
  override readonly name = 'TooManyBucketsError';

  constructor(
    readonly interval: Interval,
    readonly buckets: number,
    /** The finest interval that would do; undefined where none does. */
    readonly fitting: Interval | undefined,
  ) {
    const remedy =
      fitting === undefined ? 'Shorten the range.' : `Take interval=${fitting}, or shorten the range.`;
    super(
      `interval=${interval} would give ${buckets} buckets, and ${seriesBucketsMax} are the most. ${remedy}`,
    );
  }
}

/**
 * The buckets of a range that holds a millisecond at least. Counted and not walked, so that nothing is laid out for a
 * range that is refused.
 *
 * @throws TooManyBucketsError where there would be more than `seriesBucketsMax`, naming the interval that fits.
 */
export function seriesOf(range: Range, interval: Interval): Series {
  const series = bucketsOf(range, interval);
  if (series.buckets > seriesBucketsMax) {
    const fitting = INTERVALS.find((other) => bucketsOf(range, other).buckets <= seriesBucketsMax);
    throw new TooManyBucketsError(interval, series.buckets, fitting);
  }
  return series;
}

function bucketsOf(range: Range, interval: Interval): Series {
  const first = periodOf(interval, dayOf(range.from));
  return { interval, first, buckets: periodOf(interval, dayOf(range.until - 1)) - first + 1 };
}
