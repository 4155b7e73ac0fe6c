import type { Availability } from './plan.ts';
import { addUpSeries, planCellSeries, planSeries, type SeriesPlan } from './plan-series.ts';
import { addUpZoneSeries, planZoneSeries } from './plan-zone-series.ts';
import type { Range } from './range.ts';
import type { Series } from './series.ts';
import { DAY_SLOTS, type Slots, type SlotTally, type Tally } from './tally.ts';
import { slotsOfZoneSeries, type ZoneSeries } from './zone-series.ts';

/** A range and exactly its buckets. */
export interface SeriesOfRange {
  range: Range;
  series: Series | ZoneSeries;
}

/** Above, asking rows of the whole range takes less than asking those of each edge. */
const EDGES_MAX = 64;

/** Plans how to read a series from sums of days, or from those by cell. */
export function planSeriesOf({ range, series }: SeriesOfRange, available: Availability): SeriesPlan {
  if ('timeZone' in series) return planZoneSeries(range, series, available);
  return planSeries(range, series.interval, available);
}

export function planCellSeriesOf({ range, series }: SeriesOfRange, available: Availability): SeriesPlan {
  if ('timeZone' in series) return planZoneSeries(range, series, available);
  return planCellSeries(range, series.interval, available);
}

/**
 * Whether rows are read of the whole range, whatever counters have.
 * @param halfHoursFrom first UTC day whose half-hours they may have
 */
export function needsRowsAlone({ range, series }: SeriesOfRange, halfHoursFrom = Infinity): boolean {
  if (!('timeZone' in series)) return false;
  const available = { fromDay: -Infinity, halfHoursFrom, lastStartedAt: Infinity };
  const { units, halfHours, edges } = planZoneSeries(range, series, available);
  return units.length + halfHours.length === 0 || edges.length > EDGES_MAX;
}

/** By which rows are summed, for all of some series. */
export function slotsOf(asked: readonly SeriesOfRange[]): Slots {
  const zoned = asked.flatMap(({ series }) => ('timeZone' in series ? [series] : []));
  return zoned.length === 0 ? DAY_SLOTS : slotsOfZoneSeries(...zoned);
}

/**
 * The tally of each bucket of a series; zero without calls.
 *
 * @param values for each unit of the plan, one tally per day or week, or one for a month
 * @param slots as `slotsOf` gives them
 * @param found for each edge of the plan, the sums of its rows by slot
 */
export function addUpSeriesOf(
  { series }: SeriesOfRange,
  plan: SeriesPlan,
  values: readonly (readonly Tally[])[],
  slots: Slots,
  found: readonly (readonly SlotTally[])[],
): Tally[] {
  if ('timeZone' in series) return addUpZoneSeries(series, plan, values, slots, found.flat());
  const days = found.map((edge) => edge.map(({ slot, ...tally }) => ({ day: slot, ...tally })));
  return addUpSeries(series, plan, values, days);
}
