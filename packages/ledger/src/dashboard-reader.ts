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
import { asOfOf, type LiveCounters } from './counters-link.ts';
import { readByPlan } from './read-by-plan.ts';
import { type AnswerMeta, type AnswerParts, readWithFallback } from './read-with-fallback.ts';

export interface DashboardReading extends DashboardTallies, AnswerMeta {}

interface DashboardParts extends AnswerParts {
  store: { readonly tallies: Pick<Tallies, 'sumByRange'> };
}

/** Answers dashboards from counters, from rows, or from both at one cut. */
export class DashboardReader {
  readonly #parts: DashboardParts;

  constructor(parts: DashboardParts) {
    this.#parts = parts;
  }

  /**
   * A user's tally of a range, and of the UTC day, ISO week and month that contain `nowMs`.
   * @throws LedgerError as `readWithFallback`
   */
  read(userId: string, range: Range, nowMs: number): Promise<DashboardReading> {
    return readWithFallback(this.#parts, userId, {
      fromCounters: async (live) => {
        // For most requests, the window sums are all there is to read.
        if (isDefaultWindow(range, nowMs)) {
          const sums = await readWindowSums(live.session, live.generations, userId, nowMs);
          if (sums !== undefined && !startsBeyond(sums, range, nowMs))
            return readingOf(sums, asOfOf(live, userId));
        }
        return this.#fromPlan(live, userId, range, nowMs);
      },
      fromRows: () => this.#fromRows(userId, range, nowMs),
    });
  }

  async #fromPlan(
    live: LiveCounters,
    userId: string,
    range: Range,
    nowMs: number,
  ): Promise<DashboardReading | undefined> {
    const { tallies } = this.#parts.store;
    const found = await readByPlan(this.#parts, live, userId, nowMs, {
      planFor: (available) => planRange(range, available),
      readCounters: ({ buckets }) => readBuckets(live.session, live.generations, userId, nowMs, buckets),
      readEdges: ({ edges }, cut) => tallies.sumByRange(userId, edges, cut),
    });
    if (found === undefined) return undefined;
    const { plan, counters, edges, source, asOfMs } = found;
    const { today, thisWeek, thisMonth } = counters;
    const total = plan.edges.reduce(
      (sum: Tally, edge, i) => (edge.sign === 1 ? addTallies : subtractTallies)(sum, edges[i]!),
      counters.range,
    );
    return { range: total, today, thisWeek, thisMonth, source, asOfMs };
  }

  async #fromRows(userId: string, range: Range, nowMs: number): Promise<DashboardReading> {
    const { today, thisWeek, thisMonth } = dashboardWindows(nowMs);
    // As-of is read first: rows are only added.
    const { rowsAsOf, store } = this.#parts;
    const { asOfMs } = await rowsAsOf.state();
    const ranges = [range, today, thisWeek, thisMonth];
    const tallies = await store.tallies.sumByRange(userId, ranges, () => rowsAsOf.cut());
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

/** Whether the sum of today may contain calls after the end of the range, from a clock ahead of ours. */
function startsBeyond({ lastStartedAt }: WindowReading, { until }: Range, nowMs: number): boolean {
  return lastStartedAt >= until && until < startOfDay(dayOf(nowMs) + 1);
}

function readingOf(
  { window, today, thisWeek, thisMonth }: WindowReading,
  asOfMs: number | undefined,
): DashboardReading {
  return { range: window, today, thisWeek, thisMonth, source: 'counters', asOfMs };
}
