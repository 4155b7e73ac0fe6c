import { DAY_MS, dayOf, startOfDay } from './periods.ts';
import { type Availability, daysByMonth, type Edge } from './plan.ts';
import { firstDayOfValue, type SeriesPlan } from './plan-series.ts';
import type { Range } from './range.ts';
import { addTally, type Slots, type SlotTally, type Tally } from './tally.ts';
import { bucketAt, type ZoneSeries } from './zone-series.ts';

/**
 * Plans how to read a series of a time zone: the UTC days that lie within one bucket from counters, all else from rows. Edges
 * are only added, and lie in the range. Where days have no sums, rows are read.
 */
export function planZoneSeries(range: Range, series: ZoneSeries, available: Availability): SeriesPlan {
  const { fromDay, daysFrom = fromDay, lastStartedAt } = available;
  const firstKept = Math.max(fromDay, daysFrom);
  const plan: SeriesPlan = { units: [], edges: [], trustsLastStartedAt: false };
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
      addEdge(plan.edges, from, until);
      continue;
    }
    addEdge(plan.edges, from, startOfDay(first));
    plan.units.push(...daysByMonth(first, last));
    if (!isLast) addEdge(plan.edges, startOfDay(last + 1), until);
  }
  return plan;
}

/**
 * The tally of each bucket of a series of a time zone; zero without calls.
 *
 * @param values for each unit of the plan, one tally per day
 * @param found the sums of the edges' rows by slots, as `slotsOfZoneSeries` gives them
 */
export function addUpZoneSeries(
  series: ZoneSeries,
  { units }: SeriesPlan,
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
  for (const tally of found) add(origin + tally.slot * width, tally);
  return sums;
}

function addEdge(edges: Edge[], from: number, until: number): void {
  if (from >= until) return;
  const before = edges.at(-1);
  if (before?.until === from) before.until = until;
  else edges.push({ from, until, sign: 1 });
}
