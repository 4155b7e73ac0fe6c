import type { HalfHours } from './half-hours.ts';
import { firstDayOfMonth, firstDayOfWeek, isoWeekYear, weekOf } from './periods.ts';
import { type Availability, daysByMonth, type Edge, planRange, type Segment } from './plan.ts';
import type { Range } from './range.ts';
import type { Series } from './series.ts';
import { firstDayOfPeriod, type Interval, periodOf } from './series.ts';
import type { DayTally, Tally } from './tally.ts';

/** What is read from counters: the sum of a month, or one sum each of some days of a month or some weeks of an ISO year. */
export type SeriesSegment = Segment | { kind: 'weeks'; isoYear: number; first: number; last: number };

/** As `Plan`, with each sum within one bucket of the series. */
export interface SeriesPlan {
  units: SeriesSegment[];
  /** Those of `planRange`. */
  edges: Edge[];
  /** Read in place of rows. */
  halfHours: HalfHours[];
  trustsLastStartedAt: boolean;
}

/**
 * Plans how to read a series: edges as in `planRange`, buckets by the coarsest sums that lie within the range. A week or
 * month that the range cuts, or that starts before the first kept day, is read by days, because its own sum covers more.
 */
export function planSeries(range: Range, interval: Interval, available: Availability): SeriesPlan {
  const { buckets, edges, trustsLastStartedAt } = planRange(range, available);
  return { units: unitsOf(buckets, interval), edges, halfHours: [], trustsLastStartedAt };
}

/**
 * As `planSeries`, from sums by cell, which weeks have none of. Days without sums of their own are read from rows, unless the
 * series is by month.
 */
export function planCellSeries(range: Range, interval: Interval, available: Availability): SeriesPlan {
  const { fromDay, daysFrom = fromDay, lastStartedAt } = available;
  const isByMonth = interval === 'month';
  const { buckets, edges, trustsLastStartedAt } = planRange(
    range,
    isByMonth ? available : { fromDay: Math.max(fromDay, daysFrom), lastStartedAt },
  );
  return { units: unitsOf(buckets, isByMonth ? 'month' : 'day'), edges, halfHours: [], trustsLastStartedAt };
}

/** The plan to read a series from rows alone. */
export function planOfRows(range: Range): SeriesPlan {
  return {
    units: [],
    halfHours: [],
    edges: [{ from: range.from, until: range.until, sign: 1 }],
    trustsLastStartedAt: false,
  };
}

/**
 * The tally of each bucket of a series; zero without calls.
 *
 * @param values for each unit of the plan, one tally per day or week, or one for a month
 * @param days for each edge of the plan, the sums of its rows by UTC day
 */
export function addUpSeries(
  series: Series,
  plan: SeriesPlan,
  values: readonly (readonly Tally[])[],
  days: readonly (readonly DayTally[])[],
): Tally[] {
  const sums = Array.from({ length: series.buckets }, (): Tally => ({ calls: 0, durationMs: 0 }));
  const add = (day: number, { calls, durationMs }: Tally, sign: 1 | -1) => {
    const sum = sums[periodOf(series.interval, day) - series.first]!;
    sum.calls += sign * calls;
    sum.durationMs += sign * durationMs;
  };
  plan.units.forEach((unit, at) => {
    values[at]!.forEach((tally, i) => {
      add(firstDayOfValue(unit, i), tally, 1);
    });
  });
  plan.edges.forEach(({ sign }, at) => {
    for (const tally of days[at]!) add(tally.day, tally, sign);
  });
  return sums;
}

function unitsOf(buckets: readonly Segment[], interval: Interval): SeriesSegment[] {
  const [head, tail] = [buckets[0], buckets.at(-1)];
  if (head === undefined || tail === undefined) return [];
  if (interval === 'month') return [...buckets];
  // The buckets of a plan have no gaps.
  const first = firstDayOfMonth(head.month) + (head.kind === 'days' ? head.first - 1 : 0);
  const last =
    tail.kind === 'days' ? firstDayOfMonth(tail.month) + tail.last - 1 : firstDayOfMonth(tail.month + 1) - 1;
  if (interval === 'day') return daysByMonth(first, last);
  const firstWhole = weekOf(first + 6);
  const lastWhole = weekOf(last + 1) - 1;
  if (firstWhole > lastWhole) return daysByMonth(first, last);
  return [
    ...daysByMonth(first, firstDayOfWeek(firstWhole) - 1),
    ...weeksByYear(firstWhole, lastWhole),
    ...daysByMonth(firstDayOfWeek(lastWhole + 1), last),
  ];
}

function weeksByYear(first: number, last: number): SeriesSegment[] {
  const units: (SeriesSegment & { kind: 'weeks' })[] = [];
  for (let week = first; week <= last; week++) {
    const isoYear = isoWeekYear(week);
    const unit = units.at(-1);
    if (unit?.isoYear === isoYear) unit.last = week;
    else units.push({ kind: 'weeks', isoYear, first: week, last: week });
  }
  return units;
}

/** The first UTC day of the value at index `i` of a unit. */
export function firstDayOfValue(unit: SeriesSegment, i: number): number {
  if (unit.kind === 'weeks') return firstDayOfPeriod('week', unit.first + i);
  return firstDayOfMonth(unit.month) + (unit.kind === 'days' ? unit.first - 1 + i : 0);
}
