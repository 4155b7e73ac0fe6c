import type { SeriesBucket } from '@calltally/client';
import type { Bar } from './bars.ts';
import { dayOfDate, longDay } from './days.ts';
import { nameOfOffset, readOffset } from './zones.ts';

/** The end of `2026-11-12T13:00` in a start. */
const MINUTE_END = 16;
const HOUR_MS = 3_600_000;

/**
 * The bars of hours. An hour that clocks show twice is named with its offset.
 * @param nowMs the server's time: the hour that holds it still runs
 */
export function hourBarsOf(buckets: readonly SeriesBucket[], nowMs: number): Bar[] {
  return buckets.map(({ start, calls, duration_minutes, avg_duration_minutes }, index) => {
    const shown = start.slice(0, MINUTE_END);
    const isTwice = buckets.some((other) => other.start !== start && other.start.startsWith(shown));
    const from = Date.parse(start);
    const until = Date.parse(buckets[index + 1]?.start ?? '') || from + HOUR_MS;
    const day = dayOfDate(start.slice(0, 10)) ?? 0;
    const time = shown.slice(11);
    return {
      name: `${longDay(day)}, ${time}${isTwice ? ` ${nameOfOffset(readOffset(start))}` : ''}`,
      day,
      time,
      note: from <= nowMs && nowMs < until ? 'so far' : undefined,
      calls,
      minutes: duration_minutes,
      average: avg_duration_minutes,
    };
  });
}
