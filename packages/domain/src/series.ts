import { dayOf, firstDayOfMonth, firstDayOfWeek, monthOf, weekOf } from './periods.ts';
import type { Range } from './range.ts';

/** What has sums in counters: UTC days, ISO weeks and calendar months; finest first. */
export const INTERVALS = ['day', 'week', 'month'] as const;
export type Interval = (typeof INTERVALS)[number];

/** What a time series is divided into, finest first. */
export const SERIES_INTERVALS = ['hour', ...INTERVALS] as const;
export type SeriesInterval = (typeof SERIES_INTERVALS)[number];

/** The number of the period that holds a UTC day, as periods.ts counts days, weeks and months. */
export function periodOf(interval: Interval, day: number): number {
  if (interval === 'day') return day;
  return interval === 'week' ? weekOf(day) : monthOf(day);
}

/** The first UTC day of a period. */
export function firstDayOfPeriod(interval: Interval, period: number): number {
  if (interval === 'day') return period;
  return interval === 'week' ? firstDayOfWeek(period) : firstDayOfMonth(period);
}

/** The buckets of a time series by UTC periods: one per period that the range touches. The first and the last may be partial. */
export interface Series {
  interval: Interval;
  /** Period of the first bucket; the others follow consecutively. */
  first: number;
  buckets: number;
}

/** 41 days by hour, nearly 3 years by day, 19 by week, 83 by month. */
export const seriesBucketsMax = 1_000;

export class TooManyBucketsError extends Error {
  override readonly name = 'TooManyBucketsError';

  constructor(
    readonly interval: SeriesInterval,
    /** Of hours in a time zone nearly, as clocks may have been changed. */
    readonly buckets: number,
    /** The finest interval that fits; undefined if none does. */
    readonly fitting: SeriesInterval | undefined,
  ) {
    const remedy =
      fitting === undefined ? 'Shorten the range.' : `Use interval=${fitting}, or shorten the range.`;
    super(
      `interval=${interval} would give ${buckets} buckets; at most ${seriesBucketsMax} are allowed. ${remedy}`,
    );
  }
}

/**
 * The buckets of a range of at least one millisecond. They are counted without allocating anything, because the range may
 * be refused.
 *
 * @throws TooManyBucketsError above `seriesBucketsMax`, naming the interval that fits.
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
