import { readSegments } from '@calltally/counters';
import { addUpSeries, planOfRows, planSeries, type Range, type Series, type Tally } from '@calltally/domain';
import type { Tallies } from '@calltally/store';
import { readByPlan } from './read-by-plan.ts';
import { type AnswerMeta, type AnswerParts, readWithFallback } from './read-with-fallback.ts';

export interface SeriesReading extends AnswerMeta {
  /** One for each bucket of the series, in order. */
  tallies: Tally[];
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
   * @throws LedgerError as `readWithFallback`
   */
  read(userId: string, range: Range, series: Series, nowMs: number): Promise<SeriesReading> {
    const { tallies } = this.#parts.store;
    return readWithFallback<SeriesReading>(this.#parts, userId, {
      fromCounters: async (live) => {
        const found = await readByPlan(this.#parts, live, userId, nowMs, {
          planFor: (available) => planSeries(range, series.interval, available),
          readCounters: ({ units }) => readSegments(live.session, live.generations, userId, nowMs, units),
          readEdges: ({ edges }, cut) => tallies.sumByDay(userId, edges, cut),
        });
        if (found === undefined) return undefined;
        const { plan, counters, edges, source, asOfMs } = found;
        return { tallies: addUpSeries(series, plan, counters.values, edges), source, asOfMs };
      },
      fromRows: async () => {
        // As-of is read first: rows are only added.
        const { rowsAsOf } = this.#parts;
        const { asOfMs } = await rowsAsOf.state();
        const plan = planOfRows(range);
        const days = await tallies.sumByDay(userId, plan.edges, () => rowsAsOf.cut());
        return { tallies: addUpSeries(series, plan, [], days), source: 'mongo', asOfMs };
      },
    });
  }
}
