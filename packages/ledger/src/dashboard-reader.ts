import { readBuckets, readSegments, readWindowSums, type WindowReading } from '@calltally/counters';
import {
  addTally,
  type DashboardTallies,
  dashboardWindows,
  dayOf,
  daysOf,
  defaultWindowDays,
  type Edge,
  planRange,
  type Range,
  startOfDay,
  sumTallies,
  type Tally,
} from '@calltally/domain';
import type { Tallies } from '@calltally/store';
import { asOfOf, type LiveCounters } from './counters-link.ts';
import { forEachPlan, joinPlans } from './join-plans.ts';
import { readByPlan } from './read-by-plan.ts';
import { type AnswerMeta, type AnswerParts, readWithFallback } from './read-with-fallback.ts';

export interface DashboardReading extends DashboardTallies, AnswerMeta {
  /** Of the range that this one is compared with, at the same moment; only if it is asked for. */
  previous?: Tally;
}

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
   * @param previous another range to read at the same moment
   * @throws LedgerError as `readWithFallback`
   */
  read(userId: string, range: Range, nowMs: number, previous?: Range): Promise<DashboardReading> {
    return readWithFallback(this.#parts, userId, {
      fromCounters: async (live) => {
        if (previous !== undefined) return this.#fromPlans(live, userId, [range, previous], nowMs);
        // For most requests, the window sums are all there is to read.
        if (isDefaultWindow(range, nowMs)) {
          const sums = await readWindowSums(live.session, live.generations, userId, nowMs);
          if (sums !== undefined && !startsBeyond(sums, range, nowMs))
            return readingOf(sums, asOfOf(live, userId));
        }
        return this.#fromPlan(live, userId, range, nowMs);
      },
      fromRows: () => this.#fromRows(userId, range, nowMs, previous),
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
    return {
      range: totalOf([counters.range], plan.edges, edges),
      today,
      thisWeek,
      thisMonth,
      source,
      asOfMs,
    };
  }

  /** Each sum by itself, since the window sums are of another moment. */
  async #fromPlans(
    live: LiveCounters,
    userId: string,
    ranges: readonly Range[],
    nowMs: number,
  ): Promise<DashboardReading | undefined> {
    const { tallies } = this.#parts.store;
    const current = Object.values(dashboardWindows(nowMs)).map(daysOf);
    const found = await readByPlan(this.#parts, live, userId, nowMs, {
      planFor: (available) => joinPlans(ranges.map((range) => planRange(range, available))),
      readCounters: ({ plans }) => {
        const segments = [...plans.flatMap(({ buckets }) => buckets), ...current.flat()];
        return readSegments(live.session, live.generations, userId, nowMs, segments);
      },
      readEdges: ({ edges }, cut) => tallies.sumByRange(userId, edges, cut),
    });
    if (found === undefined) return undefined;
    const { plan, counters, edges, source, asOfMs } = found;
    const edgesOf = forEachPlan(plan.plans, (one) => one.edges, edges);
    const valuesOf = forEachPlan(
      [...plan.plans.map(({ buckets }) => buckets), ...current],
      (one) => one,
      counters.values,
    );
    const [range, previous] = plan.plans.map((one, i) =>
      totalOf(valuesOf[i]!.flat(), one.edges, edgesOf[i]!),
    );
    const [today, thisWeek, thisMonth] = valuesOf
      .slice(ranges.length)
      .map((values) => sumTallies(values.flat()).calls);
    return {
      range: range!,
      today: today!,
      thisWeek: thisWeek!,
      thisMonth: thisMonth!,
      previous: previous!,
      source,
      asOfMs,
    };
  }

  async #fromRows(userId: string, range: Range, nowMs: number, previous?: Range): Promise<DashboardReading> {
    const { today, thisWeek, thisMonth } = dashboardWindows(nowMs);
    // As-of is read first: rows are only added.
    const { rowsAsOf, store } = this.#parts;
    const { asOfMs } = await rowsAsOf.state();
    const ranges = [range, today, thisWeek, thisMonth, ...(previous === undefined ? [] : [previous])];
    const tallies = await store.tallies.sumByRange(userId, ranges, () => rowsAsOf.cut());
    return {
      range: tallies[0]!,
      today: tallies[1]!.calls,
      thisWeek: tallies[2]!.calls,
      thisMonth: tallies[3]!.calls,
      ...(previous !== undefined && { previous: tallies[4]! }),
      source: 'mongo',
      asOfMs,
    };
  }
}

/** What a plan's buckets and its edges add up to. */
function totalOf(buckets: readonly Tally[], edges: readonly Edge[], ofEdges: readonly Tally[]): Tally {
  const total = sumTallies(buckets);
  for (const [i, { sign }] of edges.entries()) addTally(total, ofEdges[i]!, sign);
  return total;
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
