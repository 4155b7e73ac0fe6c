import {
  firstDayWithHalfHours,
  nextTurn,
  readBuckets,
  readSegments,
  readWindowSums,
  recallWindowSums,
  type WindowReading,
} from '@calltally/counters';
import {
  addTally,
  type DashboardTallies,
  type DashboardWindows,
  dashboardWindows,
  dayOf,
  defaultWindowDays,
  type HalfHours,
  type Plan,
  planByHalfHours,
  planRange,
  type Range,
  type Segment,
  startOfDay,
  sumTallies,
  type Tally,
} from '@calltally/domain';
import type { Tallies } from '@calltally/store';
import { asOfOf, type LiveCounters } from './counters-link.ts';
import { forEachPlan, joinPlans, withPrevious } from './join-plans.ts';
import { KnownPlans } from './known-plans.ts';
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
  readonly #plans = new KnownPlans();

  constructor(parts: DashboardParts) {
    this.#parts = parts;
  }

  /**
   * A user's tally of a range, and of the day, ISO week and month that contain `nowMs`.
   * @param previous another range to read at the same moment
   * @param windows the current day, week and month; of UTC by default
   * @throws LedgerError as `readWithFallback`
   */
  async read(
    userId: string,
    range: Range,
    nowMs: number,
    previous?: Range,
    windows?: DashboardWindows,
  ): Promise<DashboardReading> {
    const isPlain = previous === undefined && (windows === undefined || areOfUtc(windows, nowMs));
    // For most requests, the window sums are all there is to read.
    const isDefault = isPlain && isDefaultWindow(range, nowMs);
    const known = isDefault ? this.#recall(userId, range, nowMs) : undefined;
    if (known !== undefined) {
      await nextTurn();
      return known;
    }
    const ranges = () => [
      ...windowsInOrder(windows ?? dashboardWindows(nowMs)),
      ...withPrevious(range, previous),
    ];
    return readWithFallback(this.#parts, userId, {
      fromCounters: async (live) => {
        if (!isPlain) return this.#fromPlans(live, userId, ranges(), nowMs);
        if (isDefault) {
          const sums = await readWindowSums(live.session, live.generations, userId, nowMs);
          if (sums !== undefined && !startsBeyond(sums, range, nowMs))
            return readingOf(sums, asOfOf(live, userId));
        }
        return this.#fromPlan(live, userId, range, nowMs);
      },
      fromRows: () => this.#fromRows(userId, ranges()),
    });
  }

  /** The default window as it is remembered, if it is. */
  #recall(userId: string, range: Range, nowMs: number): DashboardReading | undefined {
    const live = this.#parts.link.current;
    if (!live?.session.reaches(userId)) return undefined;
    const sums = recallWindowSums(live.session, live.generations, userId, nowMs);
    if (sums === undefined || startsBeyond(sums, range, nowMs)) return undefined;
    return readingOf(sums, asOfOf(live, userId));
  }

  async #fromPlan(
    live: LiveCounters,
    userId: string,
    range: Range,
    nowMs: number,
  ): Promise<DashboardReading | undefined> {
    const { tallies } = this.#parts.store;
    const found = await readByPlan(this.#parts, live, userId, nowMs, {
      planFor: (available) => this.#plans.planFor(range, available),
      readCounters: ({ buckets }) => readBuckets(live.session, live.generations, userId, nowMs, buckets),
      readEdges: ({ edges }, cut) => tallies.sumByRange(userId, edges, cut),
    });
    if (found === undefined) return undefined;
    const { plan, counters, edges, source, asOfMs } = found;
    const { today, thisWeek, thisMonth } = counters;
    return {
      range: addUp([counters.range], edges, plan.edges),
      today,
      thisWeek,
      thisMonth,
      source,
      asOfMs,
    };
  }

  /** Each range by itself: window sums are of UTC days, and of another moment. */
  async #fromPlans(
    live: LiveCounters,
    userId: string,
    ranges: readonly Range[],
    nowMs: number,
  ): Promise<DashboardReading | undefined> {
    const { tallies } = this.#parts.store;
    const { session, generations } = live;
    const halfHoursFrom = firstDayWithHalfHours(session, generations, userId, nowMs);
    const found = await readByPlan(this.#parts, live, userId, nowMs, {
      planFor: (availableDays) => {
        const available = { ...availableDays, halfHoursFrom };
        return joinPlans(ranges.map((range) => planByHalfHours(planRange(range, available), available)));
      },
      readCounters: ({ plans }) => readSegments(session, generations, userId, nowMs, plans.flatMap(partsOf)),
      readEdges: ({ edges }, cut) => tallies.sumByRange(userId, edges, cut),
    });
    if (found === undefined) return undefined;
    const { plan, counters, edges, source, asOfMs } = found;
    return { ...dashboardOf(totalsOf(plan.plans, counters.values, edges)), source, asOfMs };
  }

  async #fromRows(userId: string, ranges: readonly Range[]): Promise<DashboardReading> {
    // As-of is read first: rows are only added.
    const { rowsAsOf, store } = this.#parts;
    const { asOfMs } = await rowsAsOf.state();
    const tallies = await store.tallies.sumByRange(userId, ranges, () => rowsAsOf.cut());
    return { ...dashboardOf(tallies), source: 'mongo', asOfMs };
  }
}

/** In the order of `dashboardOf`. */
export function windowsInOrder({ today, thisWeek, thisMonth }: DashboardWindows): Range[] {
  return [today, thisWeek, thisMonth];
}

export function dashboardOf([today, thisWeek, thisMonth, range, previous]: readonly Tally[]) {
  return {
    range: range!,
    today: today!.calls,
    thisWeek: thisWeek!.calls,
    thisMonth: thisMonth!.calls,
    ...(previous !== undefined && { previous }),
  };
}

interface RangePlan extends Plan {
  halfHours?: readonly HalfHours[];
}

/** What a plan reads of counters. */
function partsOf({ buckets, halfHours = [] }: RangePlan): (Segment | HalfHours)[] {
  return [...buckets, ...halfHours];
}

/**
 * The tally of each plan's range.
 * @param values of the buckets and half-hours of each plan, in order
 * @param ofEdges of the edges of all plans, in order
 */
export function totalsOf(
  plans: readonly RangePlan[],
  values: readonly (readonly Tally[])[],
  ofEdges: readonly Tally[],
): Tally[] {
  const valuesOf = forEachPlan(plans, partsOf, values);
  const edgesOf = forEachPlan(plans, ({ edges }) => edges, ofEdges);
  return plans.map(({ buckets, halfHours = [], edges }, i) => {
    const sums = valuesOf[i]!.map(sumTallies);
    const signed = [...halfHours, ...edges];
    const ofSigned = [...sums.slice(buckets.length), ...edgesOf[i]!];
    return addUp(sums.slice(0, buckets.length), ofSigned, signed);
  });
}

function areOfUtc(windows: DashboardWindows, nowMs: number): boolean {
  const ofUtc = windowsInOrder(dashboardWindows(nowMs));
  return windowsInOrder(windows).every(
    ({ from, until }, i) => from === ofUtc[i]!.from && until === ofUtc[i]!.until,
  );
}

/** @param ofSigned to be added or taken away, as `signed` says */
function addUp(
  added: readonly Tally[],
  ofSigned: readonly Tally[],
  signed: readonly { sign: 1 | -1 }[],
): Tally {
  const total = sumTallies(added);
  for (const [i, { sign }] of signed.entries()) addTally(total, ofSigned[i]!, sign);
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
