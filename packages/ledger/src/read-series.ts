import { readSegments } from '@calltally/counters';
import { addUpSeries, planOfRows, planSeries, type Range, type Series, type Tally } from '@calltally/domain';
import type { Tallies } from '@calltally/store';
import type { ConcurrencyLimit } from './concurrency-limit.ts';
import type { LiveCounters } from './counters-link.ts';
import { readPlanned } from './planned.ts';
import {
  type AnswerMeta,
  type AnswerParts,
  fallbackLimit,
  readWithFallback,
  withinLimit,
} from './read-with-fallback.ts';
import type { RowsAsOf } from './rows-as-of.ts';

export interface SeriesReading extends AnswerMeta {
  /** Of each bucket of the series, in order. */
  tallies: Tally[];
}

interface SeriesParts extends Omit<AnswerParts, 'fallbacks'> {
  /** The rows, as far as a series asks them. */
  store: { readonly tallies: Pick<Tallies, 'sumByDay'> };
  rowsAsOf: RowsAsOf;
  /** Shared where several readers ask the same Mongo. */
  fallbacks?: ConcurrencyLimit;
}

/** Answers time series as `DashboardReader` answers dashboards: the buckets of a range add up to its tally. */
export class SeriesReader {
  readonly #parts: SeriesParts & AnswerParts;

  constructor(parts: SeriesParts) {
    this.#parts = { fallbacks: fallbackLimit(), ...parts };
  }

  /**
   * A user's tally of each bucket, as far as the bucket lies in the range.
   * @param series the buckets of that very range
   * @throws LedgerError as `readWithFallback`
   */
  read(userId: string, range: Range, series: Series, nowMs: number): Promise<SeriesReading> {
    return readWithFallback(
      this.#parts,
      userId,
      (live) => this.#fromCounters(live, userId, range, series, nowMs),
      () => this.#fromRows(userId, range, series),
    );
  }

  async #fromCounters(
    live: LiveCounters,
    userId: string,
    range: Range,
    series: Series,
    nowMs: number,
  ): Promise<SeriesReading | undefined> {
    const read = await readPlanned(
      live,
      userId,
      nowMs,
      (available) => planSeries(range, series.interval, available),
      ({ units }) => readSegments(live.session, live.generations, userId, nowMs, units),
    );
    if (read === undefined) return undefined;
    const { plan, counters } = read;
    // Queued already, unless whoever opened them was killed.
    if (counters.isFilling) this.#parts.filler.add(userId);
    const days = await withinLimit(this.#parts.fallbacks, counters, () =>
      this.#parts.store.tallies.sumByDay(userId, plan.edges, counters.applied),
    );
    return {
      tallies: addUpSeries(series, plan, counters.values, days),
      source: plan.edges.length === 0 ? 'counters' : 'counters+mongo',
      asOfMs: live.asOfMs,
    };
  }

  async #fromRows(userId: string, range: Range, series: Series): Promise<SeriesReading> {
    // As-of is read first: rows only become more.
    const asOfMs = this.#parts.rowsAsOf.current;
    const plan = planOfRows(range);
    const days = await this.#parts.store.tallies.sumByDay(userId, plan.edges);
    return { tallies: addUpSeries(series, plan, [], days), source: 'mongo', asOfMs };
  }
}
