import type { SeriesBucket } from '@calltally/client';
import { firstDayOfPeriod, type Interval, periodOf } from '@calltally/domain';
import type { Days } from './choice.ts';
import { dayOfDate, dayWithYear, longDay, monthOfDay } from './days.ts';
import { calls, minutes } from './numbers.ts';

/** A bar of the chart, and a row of its table. */
export interface Bar {
  /** `Thu 12 Nov 2026, 13:00`, `Thu 12 Nov 2026`, `Week of 9 Nov 2026`, `Nov 2026` */
  name: string;
  /** The day that it begins with, or that it is an hour of. */
  day: number;
  /** Of an hour: `13:00` */
  time?: string;
  /** Set if its period still runs, is cut by the range, or lies before the range. */
  note: 'so far' | 'in part' | 'before' | undefined;
  calls: number;
  minutes: number;
  average: number;
}

/** @param days the range; bars may begin before it. @param today the server's day */
export function barsOf(
  buckets: readonly SeriesBucket[],
  interval: Interval,
  days: Days,
  today: number,
): Bar[] {
  return buckets.map((bucket) => {
    const first = dayOfDate(bucket.start) ?? 0;
    const last = firstDayOfPeriod(interval, periodOf(interval, first) + 1) - 1;
    return {
      name: nameOf(first, interval),
      day: first,
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

/** The first one with the most calls. @param bars one at least */
export function busiestOf(bars: readonly Bar[]): Bar {
  return bars.reduce((most, bar) => (bar.calls > most.calls ? bar : most));
}

function nameOf(first: number, interval: Interval): string {
  if (interval === 'day') return longDay(first);
  return interval === 'week' ? `Week of ${dayWithYear(first)}` : monthOfDay(first);
}

function noteOf(first: number, last: number, days: Days, today: number): Bar['note'] {
  if (last < days.first) return 'before';
  if (first < days.first || (last > days.last && days.last < today)) return 'in part';
  return last >= today ? 'so far' : undefined;
}
