import {
  binsOfQuantiles,
  type CellFilter,
  type DurationDistribution,
  durationDistribution,
  type Range,
  TooManyCallsError,
} from '@calltally/domain';
import { type Cut, StoreError, type Tallies } from '@calltally/store';
import type { ConcurrencyLimit } from './concurrency-limit.ts';
import type { DashboardReader } from './dashboard-reader.ts';
import { LedgerError } from './errors.ts';
import type { AnswerMeta } from './read-with-fallback.ts';
import type { RowsAsOf } from './rows-as-of.ts';

export interface DurationsReading extends DurationDistribution, AnswerMeta {}

interface DurationsParts {
  store: { readonly tallies: Pick<Tallies, 'durationBins' | 'durationsOfBins'> };
  /** Tells how many calls a range has. */
  dashboards: Pick<DashboardReader, 'read'>;
  rowsAsOf: RowsAsOf;
  /** As of `AnswerParts`. */
  fallbacks: ConcurrencyLimit;
}

/** As many as Mongo reads within the time limit of the API, with a filter and on a small machine. */
const CALLS_MAX = 500_000;
const ATTEMPTS_MAX = 3;

/** Answers how long calls took, from rows: counters hold only sums of durations. */
export class DurationsReader {
  readonly #parts: DurationsParts;
  readonly #callsMax: number;

  /** @param callsMax in a range */
  constructor(parts: DurationsParts, callsMax = CALLS_MAX) {
    this.#parts = parts;
    this.#callsMax = callsMax;
  }

  /**
   * How long a user's calls took that start in a range and that a filter lets through.
   * @throws TooManyCallsError if the range has too many calls, with a filter too: Mongo must look at all of them
   * @throws LedgerError as `readWithFallback`
   */
  async read(userId: string, range: Range, filter: CellFilter, nowMs: number): Promise<DurationsReading> {
    const { dashboards, fallbacks } = this.#parts;
    // Nearly always from counters, so that nobody waits for Mongo in vain.
    const { calls } = (await dashboards.read(userId, range, nowMs)).range;
    if (calls > this.#callsMax) throw new TooManyCallsError(calls, this.#callsMax);
    try {
      return await fallbacks.run(() => this.#fromRows(userId, range, filter));
    } catch (thrown) {
      if (!(thrown instanceof StoreError)) throw thrown;
      throw new LedgerError('LEDGER_UNAVAILABLE', 'Mongo cannot answer at present', thrown);
    }
  }

  /** All rows are asked, which an index answers. Only if new ones spoil that, those that are stored at one moment are. */
  async #fromRows(userId: string, range: Range, filter: CellFilter): Promise<DurationsReading> {
    const { rowsAsOf } = this.#parts;
    // As-of is read first: rows are only added.
    const { asOfMs } = await rowsAsOf.state();
    for (let attempt = 1; attempt <= ATTEMPTS_MAX; attempt++) {
      const cut = await (attempt < ATTEMPTS_MAX ? rowsAsOf.cut() : rowsAsOf.storedCut());
      const distribution = await this.#distribution(userId, range, filter, cut);
      if (distribution !== undefined) return { ...distribution, source: 'mongo', asOfMs };
    }
    // Even those change while the user is erased.
    throw new LedgerError('LEDGER_UNAVAILABLE', 'rows change while they are read');
  }

  /** First the calls by bin, then by duration in the bins that hold a quantile. @returns undefined if these changed */
  async #distribution(
    userId: string,
    range: Range,
    filter: CellFilter,
    cut: Cut,
  ): Promise<DurationDistribution | undefined> {
    const { tallies } = this.#parts.store;
    const bins = await tallies.durationBins(userId, range, cut, filter);
    const wanted = binsOfQuantiles(bins);
    if (wanted.length === 0) return durationDistribution(bins, []);
    const values = await tallies.durationsOfBins(userId, range, wanted, cut, filter);
    const before = bins.filter(({ bin }) => wanted.includes(bin));
    return eventsOf(before) === eventsOf(values) ? durationDistribution(bins, values) : undefined;
  }
}

function eventsOf(tallies: readonly { events: number }[]): number {
  return tallies.reduce((sum, { events }) => sum + events, 0);
}
