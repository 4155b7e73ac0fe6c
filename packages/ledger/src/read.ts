import { readBuckets, readWindowSums, type WindowReading } from '@calltally/counters';
import {
  addTallies,
  type DashboardTallies,
  dashboardWindows,
  dayOf,
  defaultWindowDays,
  planRange,
  type Range,
  startOfDay,
  subtractTallies,
  type Tally,
} from '@calltally/domain';
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

export interface DashboardReading extends DashboardTallies, AnswerMeta {}

interface DashboardParts extends Omit<AnswerParts, 'fallbacks'> {
  /** The rows, as far as a dashboard asks them. */
  store: { readonly tallies: Pick<Tallies, 'sumByRange'> };
  rowsAsOf: RowsAsOf;
  /** Shared where several readers ask the same Mongo. */
  fallbacks?: ConcurrencyLimit;
}

/** Answers dashboards from counters, from rows, or from both at one cut. */
export class DashboardReader {
  readonly #parts: DashboardParts & AnswerParts;

  constructor(parts: DashboardParts) {
    this.#parts = { fallbacks: fallbackLimit(), ...parts };
  }

  /**
   * A user's tally of a range, and of the UTC day, ISO week and month that hold `nowMs`.
   * @throws LedgerError as `readWithFallback`
   */
  read(userId: string, range: Range, nowMs: number): Promise<DashboardReading> {
    return readWithFallback(
      this.#parts,
      userId,
      (live) => this.#fromCounters(live, userId, range, nowMs),
      () => this.#fromRows(userId, range, nowMs),
    );
  }

  async #fromCounters(
    live: LiveCounters,
    userId: string,
    range: Range,
    nowMs: number,
  ): Promise<DashboardReading | undefined> {
    if (isDefaultWindow(range, nowMs)) {
      const ready = await readWindowSums(live.session, live.generations, userId, nowMs);
      if (ready !== undefined && !startsBeyond(ready, range, nowMs)) return windowOf(ready, live.asOfMs);
    }
    return this.#planned(live, userId, range, nowMs);
  }

  /** Buckets and edges of a plan, at one cut. */
  async #planned(
    live: LiveCounters,
    userId: string,
    range: Range,
    nowMs: number,
  ): Promise<DashboardReading | undefined> {
    const read = await readPlanned(
      live,
      userId,
      nowMs,
      (available) => planRange(range, available),
      ({ buckets }) => readBuckets(live.session, live.generations, userId, nowMs, buckets),
    );
    if (read === undefined) return undefined;
    const { plan, counters } = read;
    // Queued already, unless whoever opened them was killed.
    if (counters.isFilling) this.#parts.filler.add(userId);
    const edges = await withinLimit(this.#parts.fallbacks, counters, () =>
      this.#parts.store.tallies.sumByRange(userId, plan.edges, counters.applied),
    );
    const total = plan.edges.reduce(
      (sum: Tally, edge, i) => (edge.sign === 1 ? addTallies : subtractTallies)(sum, edges[i]!),
      counters.range,
    );
    return {
      range: total,
      today: counters.today,
      thisWeek: counters.thisWeek,
      thisMonth: counters.thisMonth,
      source: plan.edges.length === 0 ? 'counters' : 'counters+mongo',
      asOfMs: live.asOfMs,
    };
  }

  async #fromRows(userId: string, range: Range, nowMs: number): Promise<DashboardReading> {
    const { today, thisWeek, thisMonth } = dashboardWindows(nowMs);
    // As-of is read first: rows only become more.
    const asOfMs = this.#parts.rowsAsOf.current;
    const tallies = await this.#parts.store.tallies.sumByRange(userId, [range, today, thisWeek, thisMonth]);
    return {
      range: tallies[0]!,
      today: tallies[1]!.calls,
      thisWeek: tallies[2]!.calls,
      thisMonth: tallies[3]!.calls,
      source: 'mongo',
      asOfMs,
    };
  }
}

function isDefaultWindow(range: Range, nowMs: number): boolean {
  const today = dayOf(nowMs);
  return range.from === startOfDay(today - defaultWindowDays + 1) && dayOf(range.until - 1) === today;
}

/** A call that starts after the end of the range, by a clock ahead of ours, is in the sum of today. */
function startsBeyond({ lastStartedAt }: WindowReading, { until }: Range, nowMs: number): boolean {
  return lastStartedAt >= until && until < startOfDay(dayOf(nowMs) + 1);
}

/** The default window from the sums kept ready: for most requests all there is to do. */
function windowOf(ready: WindowReading, asOfMs: number | undefined): DashboardReading {
  return {
    range: ready.window,
    today: ready.today,
    thisWeek: ready.thisWeek,
    thisMonth: ready.thisMonth,
    source: 'counters',
    asOfMs,
  };
}
