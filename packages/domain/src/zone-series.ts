import { DAY_MS } from './periods.ts';
import type { Range } from './range.ts';
import { INTERVALS, periodOf, type SeriesInterval, seriesBucketsMax, TooManyBucketsError } from './series.ts';
import type { Slots } from './tally.ts';
import { type ZoneBucket, zoneCalendar } from './zone-calendar.ts';

/** A time series whose buckets need not be UTC days, weeks or months: hours, or those of a time zone. */
export interface ZoneSeries {
  interval: SeriesInterval;
  timeZone: string;
  /** Those that the range touches, in order, without gaps; the outer two in full. */
  buckets: readonly ZoneBucket[];
}

const HOUR_MS = 3_600_000;
/** So many dates of one range were skipped at most: counting by dates, a few buckets too many may be found. */
const SKIPPED_MAX = 2;

/**
 * The buckets of a range of at least one millisecond, counted before they are made, because the range may be refused.
 *
 * @param timeZone as `timeZoneNamed` gives it
 * @throws TooManyBucketsError above `seriesBucketsMax`, naming the interval that fits
 */
export function zoneSeriesOf(range: Range, interval: SeriesInterval, timeZone: string): ZoneSeries {
  const calendar = zoneCalendar(timeZone);
  const [first, last] = [calendar.dayAt(range.from), calendar.dayAt(range.until - 1)];
  const count = (of: SeriesInterval) =>
    of === 'hour'
      ? Math.ceil((range.until - range.from) / HOUR_MS)
      : periodOf(of, last) - periodOf(of, first) + 1;
  const counted = count(interval);
  const buckets = counted <= seriesBucketsMax + SKIPPED_MAX ? calendar.buckets(range, interval) : undefined;
  if (buckets === undefined || buckets.length > seriesBucketsMax) {
    const coarser = INTERVALS.filter((other) => other !== interval);
    const fitting = coarser.find((other) => count(other) <= seriesBucketsMax);
    throw new TooManyBucketsError(interval, buckets?.length ?? counted, fitting);
  }
  return { interval, timeZone, buckets };
}

/** The longest slots of which each lies in one bucket of a series, as far as it lies in the series. */
export function slotsOfZoneSeries(...series: readonly ZoneSeries[]): Slots {
  let origin: number | undefined;
  let width = 0;
  for (const { buckets } of series) {
    for (let i = 1; i < buckets.length; i++) {
      const { from } = buckets[i]!;
      if (origin === undefined) origin = from;
      else if (width === 0 || (from - origin) % width !== 0)
        width = greatestDivisor(Math.abs(from - origin), width);
    }
  }
  return { origin: origin ?? 0, width: width || DAY_MS };
}

/** The index of the bucket that a time of the series lies in. A slot that begins before the series is in its first. */
export function bucketAt({ buckets }: ZoneSeries, ms: number): number {
  let [low, high] = [0, buckets.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (buckets[middle]!.from <= ms) low = middle;
    else high = middle - 1;
  }
  return low;
}

function greatestDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestDivisor(b, a % b);
}
