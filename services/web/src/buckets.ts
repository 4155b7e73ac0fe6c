import { DAY_MS } from '@calltally/domain';
import type { Bucket } from './api.ts';
import { dayOfDate, dayWithYear, longDay, monthOfDay, shortDay } from './days.ts';
import { calls, minutes } from './numbers.ts';
import type { Days, Interval } from './ranges.ts';

/** A bar of the chart and a line of its table. */
export interface Bar {
  /** `Thu 12 Nov 2026`, `Week of 9 Nov 2026`, `Nov 2026` */
  name: string;
  /** For an axis: `12 Nov`, `Nov 2026` */
  tick: string;
  /** What is to be known of it: its period still runs, or is cut by the range. */
  note: 'so far' | 'in part' | undefined;
  calls: number;
  minutes: number;
  average: number;
}

/** @param days the range; @param today the server's UTC day */
export function barsOf(buckets: readonly Bucket[], interval: Interval, days: Days, today: number): Bar[] {
  return buckets.map((bucket) => {
    const first = dayOfDate(bucket.start) ?? 0;
    const last = lastDayOf(first, interval);
    return {
      name: nameOf(first, interval),
      tick: interval === 'month' ? monthOfDay(first) : shortDay(first),
      note: noteOf(first, last, days, today),
      calls: bucket.calls,
      minutes: bucket.duration_minutes,
      average: bucket.avg_duration_minutes,
    };
  });
}

/** `Thu 12 Nov 2026: 23 calls, 80.5 minutes` */
export function readout({ name, note, calls: count, minutes: length }: Bar): string {
  return `${name}${note === undefined ? '' : ` (${note})`}: ${calls(count)}, ${minutes(length)}`;
}

function nameOf(first: number, interval: Interval): string {
  if (interval === 'day') return longDay(first);
  return interval === 'week' ? `Week of ${dayWithYear(first)}` : monthOfDay(first);
}

function lastDayOf(first: number, interval: Interval): number {
  if (interval === 'day') return first;
  if (interval === 'week') return first + 6;
  const date = new Date(first * DAY_MS);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0) / DAY_MS;
}

function noteOf(first: number, last: number, days: Days, today: number): Bar['note'] {
  if (first < days.first || (last > days.last && days.last < today)) return 'in part';
  return last >= today ? 'so far' : undefined;
}
