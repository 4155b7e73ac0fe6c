import { readSegments } from '@calltally/counters';
import {
  addUpSeries,
  type DayTally,
  planOfRows,
  planSeries,
  type Range,
  type Series,
  type SeriesPlan,
  type Tally,
} from '@calltally/domain';
import type { Tallies } from '@calltally/store';
import { forEachPlan, joinPlans } from './join-plans.ts';
import { readByPlan } from './read-by-plan.ts';
import { type AnswerMeta, type AnswerParts, readWithFallback } from './read-with-fallback.ts';

export interface SeriesReading extends AnswerMeta {
  /** One for each bucket of the series, in order. */
  tallies: Tally[];
  /** Of the series that this one is compared with, at the same moment; only if it is asked for. */
  previous?: Tally[];
}

/** A range and exactly its buckets. */
export interface SeriesOfRange {
  range: Range;
  series: Series;
}

interface SeriesParts extends AnswerParts {
  store: { readonly tallies: Pick<Tallies, 'sumByDay'> };
}

/** Answers time series as `DashboardReader` answers dashboards: the buckets of a range add up to its tally. */
export class SeriesReader {
  readonly #parts: SeriesParts;

  constructor(parts: SeriesParts) {
    this.#parts = parts;
  }

  /**
   * A user's tally of each bucket, as far as the bucket lies in the range.
   * @param series the buckets of exactly this range
   * @param previous another series to read at the same moment
   * @throws LedgerError as `readWithFallback`
   */
  read(
    userId: string,
    range: Range,
    series: Series,
    nowMs: number,
    previous?: SeriesOfRange,
  ): Promise<SeriesReading> {
    const { tallies } = this.#parts.store;
    const asked = withPrevious({ range, series }, previous);
    return readWithFallback<SeriesReading>(this.#parts, userId, {
      fromCounters: async (live) => {
        const found = await readByPlan(this.#parts, live, userId, nowMs, {
          planFor: (available) =>
            joinPlans(asked.map(({ range, series }) => planSeries(range, series.interval, available))),
          readCounters: ({ plans }) => {
            const units = plans.flatMap((plan) => plan.units);
            return readSegments(live.session, live.generations, userId, nowMs, units);
          },
          readEdges: ({ edges }, cut) => tallies.sumByDay(userId, edges, cut),
        });
        if (found === undefined) return undefined;
        const { plan, counters, edges, source, asOfMs } = found;
        return { ...seriesReadingOf(asked, plan.plans, counters.values, edges), source, asOfMs };
      },
      fromRows: async () => {
        // As-of is read first: rows are only added.
        const { rowsAsOf } = this.#parts;
        const { asOfMs } = await rowsAsOf.state();
        const plan = joinPlans(asked.map(({ range }) => planOfRows(range)));
        const days = await tallies.sumByDay(userId, plan.edges, () => rowsAsOf.cut());
        return { ...seriesReadingOf(asked, plan.plans, [], days), source: 'mongo', asOfMs };
      },
    });
  }
}

export function withPrevious<T>(one: T, previous: T | undefined): T[] {
  return previous === undefined ? [one] : [one, previous];
}

/**
 * The tallies of one series, or of two.
 * @param values of the units of all plans, in order
 * @param days of the edges of all plans, in order
 */
export function seriesReadingOf(
  asked: readonly SeriesOfRange[],
  plans: readonly SeriesPlan[],
  values: readonly (readonly Tally[])[],
  days: readonly (readonly DayTally[])[],
): Pick<SeriesReading, 'tallies' | 'previous'> {
  const valuesOf = forEachPlan(plans, ({ units }) => units, values);
  const daysOf = forEachPlan(plans, ({ edges }) => edges, days);
  const [tallies, previous] = plans.map((plan, i) =>
    addUpSeries(asked[i]!.series, plan, valuesOf[i]!, daysOf[i]!),
  );
  return { tallies: tallies!, ...(previous !== undefined && { previous }) };
}
