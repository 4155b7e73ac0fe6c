import {
  type DurationDistribution,
  type DurationQuantiles,
  HISTOGRAM_SECONDS,
} from './durations-distribution.ts';
import { formatDay } from './instants.ts';
import type { EffectiveRange } from './range.ts';
import type { Series } from './series.ts';
import { firstDayOfPeriod, type SeriesInterval } from './series.ts';
import type { Tally } from './tally.ts';
import type { ZoneSeries } from './zone-series.ts';

/** What the stores answer for a dashboard. The last three are numbers of calls. */
export interface DashboardTallies {
  range: Tally;
  today: number;
  thisWeek: number;
  thisMonth: number;
}

/** The range of an answer. */
export interface RangeData {
  date_range: { start_date: string; end_date: string };
  /** Only if it was asked for. */
  time_zone?: string;
}

interface TotalsData {
  total_calls: number;
  total_duration_minutes: number;
  total_duration_hours: number;
  avg_duration_minutes: number;
}

/** `data` of the dashboard response. */
export interface DashboardData extends TotalsData, RangeData {
  calls_today: number;
  calls_this_week: number;
  calls_this_month: number;
  /** Only if it is asked for. */
  previous?: PreviousDashboardData;
}

/** `data.previous` of the dashboard response: what is of a range, and not of the current day, week or month. */
export type PreviousDashboardData = TotalsData & RangeData;

/** The figures of one tally. They include the sum in ms, because rounded minutes do not add up. */
export interface TallyData {
  calls: number;
  duration_ms: number;
  duration_minutes: number;
  avg_duration_minutes: number;
}

/**
 * A bucket of the time series response. `start` is the first date of its period, or the start of its hour, even if the
 * range starts later.
 */
export interface SeriesBucketData extends TallyData {
  start: string;
}

/** `data` of the time series response. */
export interface SeriesData extends PreviousSeriesData {
  interval: SeriesInterval;
  /** Only if it is asked for. */
  previous?: PreviousSeriesData;
}

/** `data.previous` of the time series response. */
export interface PreviousSeriesData extends RangeData {
  buckets: SeriesBucketData[];
}

/** An interval of the histogram, half-open. */
export interface HistogramIntervalData {
  from_seconds: number;
  /** Null for the last, which has no end. */
  to_seconds: number | null;
  calls: number;
}

/** `data` of the durations response. Seconds are null without calls. */
export interface DurationsData extends RangeData {
  calls: number;
  duration_ms: number;
  percentiles: Record<'p50' | 'p90' | 'p95' | 'p99', number | null>;
  min_seconds: number | null;
  max_seconds: number | null;
  histogram: HistogramIntervalData[];
}

const HUNDREDTH_MINUTE_MS = 600;
const HUNDREDTH_HOUR_MS = 36_000;

/**
 * Converts tallies to figures. No other code does, so that all answers agree. Rounds half up on integers; exact for every
 * sum up to 2^53 - 1 ms. The average is of the rounded minutes, so that it equals the quotient of the two figures shown.
 */
export function dashboardData(t: DashboardTallies, range: EffectiveRange): DashboardData {
  // Filled in field by field: spreading two objects takes several times as long, and every dashboard pays.
  const data = totalsOf(t.range) as DashboardData;
  data.calls_today = t.today;
  data.calls_this_week = t.thisWeek;
  data.calls_this_month = t.thisMonth;
  data.date_range = { start_date: range.startDate, end_date: range.endDate };
  if (range.timeZone !== undefined) data.time_zone = range.timeZone;
  return data;
}

/** As `dashboardData`, for the range that another is compared with. */
export function previousDashboardData(tally: Tally, range: EffectiveRange): PreviousDashboardData {
  return { ...totalsOf(tally), ...rangeData(range) };
}

function totalsOf({ calls, durationMs }: Tally): TotalsData {
  const minutes = divideHalfUp(durationMs, HUNDREDTH_MINUTE_MS);
  return {
    total_calls: calls,
    total_duration_minutes: minutes / 100,
    total_duration_hours: divideHalfUp(durationMs, HUNDREDTH_HOUR_MS) / 100,
    avg_duration_minutes: average(minutes, calls),
  };
}

/**
 * As `dashboardData`, for a time series.
 * @param tallies of the series' buckets, in order
 */
export function seriesData(
  series: Series | ZoneSeries,
  tallies: readonly Tally[],
  range: EffectiveRange,
): SeriesData {
  return { interval: series.interval, ...previousSeriesData(series, tallies, range) };
}

/** As `seriesData`, for the range that another is compared with. */
export function previousSeriesData(
  series: Series | ZoneSeries,
  tallies: readonly Tally[],
  range: EffectiveRange,
): PreviousSeriesData {
  const startOf = (i: number) =>
    'timeZone' in series
      ? series.buckets[i]!.start
      : formatDay(firstDayOfPeriod(series.interval, series.first + i));
  return {
    buckets: tallies.map((tally, i) => ({ start: startOf(i), ...tallyData(tally) })),
    ...rangeData(range),
  };
}

/** The range that an answer used. */
export function rangeData({ startDate, endDate, timeZone }: EffectiveRange): RangeData {
  return {
    date_range: { start_date: startDate, end_date: endDate },
    ...(timeZone !== undefined && { time_zone: timeZone }),
  };
}

/** As `dashboardData`, for one tally among others. */
export function tallyData({ calls, durationMs }: Tally): TallyData {
  const minutes = divideHalfUp(durationMs, HUNDREDTH_MINUTE_MS);
  return {
    calls,
    duration_ms: durationMs,
    duration_minutes: minutes / 100,
    avg_duration_minutes: average(minutes, calls),
  };
}

/** Durations in seconds, exact to the millisecond: what is shown of a quotient by 1000 has at most three decimals. */
export function durationsData(
  { calls, durationMs, quantiles, histogram }: DurationDistribution,
  range: EffectiveRange,
): DurationsData {
  const seconds = (quantile: keyof DurationQuantiles) =>
    quantiles === undefined ? null : quantiles[quantile] / 1_000;
  return {
    calls,
    duration_ms: durationMs,
    percentiles: { p50: seconds('p50'), p90: seconds('p90'), p95: seconds('p95'), p99: seconds('p99') },
    min_seconds: seconds('min'),
    max_seconds: seconds('max'),
    histogram: HISTOGRAM_SECONDS.map((from, i) => ({
      from_seconds: from,
      to_seconds: HISTOGRAM_SECONDS[i + 1] ?? null,
      calls: histogram[i]!,
    })),
    ...rangeData(range),
  };
}

/** @param minutes in hundredths, rounded */
function average(minutes: number, calls: number): number {
  return calls === 0 ? 0 : divideHalfUp(minutes, calls) / 100;
}

/** Uses the remainder, because adding half the divisor could exceed the integers that a double can hold. */
function divideHalfUp(dividend: number, divisor: number): number {
  const rest = dividend % divisor;
  return (dividend - rest) / divisor + (rest >= divisor - rest ? 1 : 0);
}
