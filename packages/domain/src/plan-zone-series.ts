import { addByHalfHours, startOfHalfHour } from './half-hours.ts';
import { DAY_MS, dayOf, startOfDay } from './periods.ts';
import { type Availability, daysByMonth } from './plan.ts';
import { firstDayOfValue, type SeriesPlan } from './plan-series.ts';
import type { Range } from './range.ts';
import { addTally, type Slots, type SlotTally, type Tally, ZERO_TALLY } from './tally.ts';
import { bucketAt, type ZoneSeries } from './zone-series.ts';

/**
 * Plans how to read a series of a time zone: UTC days and half-hours that lie within one bucket from counters, as far as they
 * have them, all else from rows. Edges and half-hours are only added, and lie in the range.
 */
export function planZoneSeries(range: Range, series: ZoneSeries, available: Availability): SeriesPlan {
  const { fromDay, daysFrom = fromDay, lastStartedAt } = available;
  const firstKept = Math.max(fromDay, daysFrom);
  const plan: SeriesPlan = { units: [], edges: [], halfHours: [], trustsLastStartedAt: false };
  const add = (from: number, until: number) => {
    if (from < until) addByHalfHours(plan, { from, until, sign: 1 }, available);
  };
  for (const bucket of series.buckets) {
    const from = Math.max(bucket.from, range.from);
    const until = Math.min(bucket.until, range.until);
    const isLast = until > lastStartedAt;
    if (isLast) plan.trustsLastStartedAt = true;
    if (from > lastStartedAt) break;
    const first = Math.max(Math.ceil(from / DAY_MS), firstKept);
    // No call starts after the last one, so its day is as good as whole.
    const last = isLast ? dayOf(lastStartedAt) : dayOf(until) - 1;
    if (first > last) {
      add(from, until);
      continue;
    }
    add(from, startOfDay(first));
    plan.units.push(...daysByMonth(first, last));
    if (!isLast) add(startOfDay(last + 1), until);
  }
  return plan;
}

/**
 * The tally of each bucket of a series of a time zone; zero without calls.
 *
 * @param values for each unit of the plan, one tally per day; then for its half-hours, one tally each
 * @param found the sums of the edges' rows by slots, as `slotsOfZoneSeries` gives them
 */
export function addUpZoneSeries(
  series: ZoneSeries,
  { units, halfHours }: SeriesPlan,
  values: readonly (readonly Tally[])[],
  { origin, width }: Slots,
  found: readonly SlotTally[],
): Tally[] {
  const sums = series.buckets.map((): Tally => ({ calls: 0, durationMs: 0 }));
  const add = (ms: number, tally: Tally) => addTally(sums[bucketAt(series, ms)]!, tally);
  units.forEach((unit, at) => {
    values[at]!.forEach((tally, i) => {
      add(startOfDay(firstDayOfValue(unit, i)), tally);
    });
  });
  halfHours.forEach(({ first }, at) => {
    values[units.length + at]!.forEach((tally, i) => {
      // Most half-hours of a month have no calls.
      if (tally !== ZERO_TALLY) add(startOfHalfHour(first + i), tally);
    });
  });
  for (const tally of found) add(origin + tally.slot * width, tally);
  return sums;
}
