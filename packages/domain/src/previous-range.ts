import { DateRangeError, type DateRangeInput, effectiveRangeOf } from './date-range.ts';
import { rangeBefore, rangeBeforePeriod } from './named-periods.ts';
import type { EffectiveRange, Range } from './range.ts';
import { readTimeZone } from './time-zones.ts';
import { FIRST_INSTANT } from './timestamp.ts';
import { clockOf } from './zone-clock.ts';

/**
 * The range that another is compared with: the period before a period (`rangeBeforePeriod`), else the range of equal length
 * just before. It ends where the other begins, or earlier.
 *
 * @param input what gave the range, at the same `nowMs`
 * @throws DateRangeError if it would begin before the year 1
 */
export function previousRange(
  { period, time_zone }: DateRangeInput,
  range: Range,
  nowMs: number,
): EffectiveRange {
  const clock = clockOf(readTimeZone(time_zone) ?? 'UTC');
  const previous = period === undefined ? rangeBefore(range) : rangeBeforePeriod(period, nowMs, clock);
  if (previous.from < FIRST_INSTANT) {
    throw new DateRangeError(
      'INVALID_PARAMETER',
      'compare',
      'compare=previous has no range before this one: it would begin before the year 0001. Give a later start_date, or leave compare out.',
    );
  }
  return effectiveRangeOf(previous, clock);
}
