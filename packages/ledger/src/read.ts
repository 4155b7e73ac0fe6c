import { CountersError, firstKeptDay, type ReadyReading, readBuckets, readReady } from '@calltally/counters';
import {
  type Availability,
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
import { StoreError, type Tallies } from '@calltally/store';
import type { CountersLink, LiveCounters } from './counters-link.ts';
import { LedgerError } from './errors.ts';
import type { RecountQueue } from './recount-queue.ts';
import type { RowsAsOf } from './rows-as-of.ts';

export type Source = 'counters' | 'counters+mongo' | 'mongo';

export interface Reading extends DashboardTallies {
  source: Source;
  /** Epoch ms: everything producers had been told is safe by then is counted here. */
  asOfMs: number | undefined;
}

/** The rows, as far as a reader asks them. */
interface RangeSums {
  readonly tallies: Pick<Tallies, 'ofRanges'>;
}

/** Plans that a newly counted call may spoil before rows are asked instead. */
const PLANS = 3;

/** Answers dashboards from counters, from rows, or from both at one cut. */
export class DashboardReader {
  readonly #store: RangeSums;
  readonly #link: CountersLink;
  readonly #recounts: RecountQueue;
  readonly #rowsAsOf: RowsAsOf;

  constructor(parts: {
    store: RangeSums;
    link: CountersLink;
    recounts: RecountQueue;
    rowsAsOf: RowsAsOf;
  }) {
    this.#store = parts.store;
    this.#link = parts.link;
    this.#recounts = parts.recounts;
    this.#rowsAsOf = parts.rowsAsOf;
  }

  /**
   * A user's tally of a range, and of the UTC day, ISO week and month that hold `nowMs`.
   * @throws LedgerError LEDGER_UNAVAILABLE when neither store can answer within its time limit
   */
  async read(userId: string, range: Range, nowMs: number): Promise<Reading> {
    const live = this.#link.current;
    try {
      const reading = live && (await this.#fromCounters(live, userId, range, nowMs));
      if (reading !== undefined) return reading;
      if (live !== undefined) this.#recounts.add(userId);
      return await this.#fromRows(userId, range, nowMs);
    } catch (thrown) {
      if (thrown instanceof StoreError) {
        throw new LedgerError('LEDGER_UNAVAILABLE', 'the stores cannot answer at present', thrown);
      }
      throw thrown;
    }
  }

  /** @returns undefined when the counters cannot answer: the user is cold, or Redis does not answer in time */
  async #fromCounters(
    live: LiveCounters,
    userId: string,
    range: Range,
    nowMs: number,
  ): Promise<Reading | undefined> {
    try {
      if (isDefaultWindow(range, nowMs)) {
        const ready = await readReady(live.session, live.generations, userId, nowMs);
        if (ready !== undefined && !startsBeyond(ready, range, nowMs)) return windowOf(ready, live.asOfMs);
      }
      return await this.#planned(live, userId, range, nowMs);
    } catch (thrown) {
      if (thrown instanceof CountersError) return undefined;
      throw thrown;
    }
  }

  /**
   * Buckets and edges of a plan, at one cut: the edges are rows at or below the offsets that the buckets count
   * through, so that what arrives between the two reads is in neither.
   */
  async #planned(
    live: LiveCounters,
    userId: string,
    range: Range,
    nowMs: number,
  ): Promise<Reading | undefined> {
    const retentionMonths = live.generations.get(live.session.master(userId))?.retentionMonths;
    if (retentionMonths === undefined) return undefined;
    // Planned before anything is known of the user, so that most ranges take one round trip.
    let available: Availability = {
      fromDay: firstKeptDay(dayOf(nowMs), retentionMonths),
      lastStartedAt: nowMs,
    };
    for (let attempt = 1; attempt <= PLANS; attempt++) {
      const plan = planRange(range, available);
      const counters = await readBuckets(live.session, live.generations, userId, nowMs, plan.buckets);
      if (counters === undefined) return undefined;
      const found = counters.available;
      const spoiled = plan.trustsLastStartedAt && found.lastStartedAt > available.lastStartedAt;
      if (spoiled || found.fromDay > available.fromDay) {
        available = found;
        continue;
      }
      const edges = await this.#store.tallies.ofRanges(userId, plan.edges, counters.applied);
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
    return undefined;
  }

  async #fromRows(userId: string, range: Range, nowMs: number): Promise<Reading> {
    const { today, thisWeek, thisMonth } = dashboardWindows(nowMs);
    // As-of is read first: rows only become more.
    const asOfMs = this.#rowsAsOf.current;
    const tallies = await this.#store.tallies.ofRanges(userId, [range, today, thisWeek, thisMonth]);
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
function startsBeyond({ lastStartedAt }: ReadyReading, { until }: Range, nowMs: number): boolean {
  return lastStartedAt >= until && until < startOfDay(dayOf(nowMs) + 1);
}

/** The default window from the sums kept ready: for most requests all there is to do. */
function windowOf(ready: ReadyReading, asOfMs: number | undefined): Reading {
  return {
    range: ready.window,
    today: ready.today,
    thisWeek: ready.thisWeek,
    thisMonth: ready.thisMonth,
    source: 'counters',
    asOfMs,
  };
}
