import { type CellsReading, findGeneration, firstDayWithDetail, readCells } from '@calltally/counters';
import {
  type Availability,
  addTally,
  type Cell,
  type CellDayTally,
  type CellFilter,
  CellSums,
  type CellTally,
  type Dimension,
  dashboardWindows,
  dayOf,
  dayOfMonth,
  isFiltered,
  matchesFilter,
  needsRowsAlone,
  planCellSeriesOf,
  planOfRows,
  planRangeByMonths,
  projectCell,
  type Range,
  type Segment,
  type SeriesOfRange,
  type SeriesPlan,
  slotsOf,
  sumTallies,
  type Tally,
  ZERO_TALLY,
} from '@calltally/domain';
import type { Cut, CutOrAsk, Tallies } from '@calltally/store';
import type { LiveCounters } from './counters-link.ts';
import { type DashboardReading, dashboardOf, totalsOf, windowsInOrder } from './dashboard-reader.ts';
import { joinPlans, withPrevious } from './join-plans.ts';
import { type PlanOfRange, readByPlan } from './read-by-plan.ts';
import { type AnswerMeta, type AnswerParts, readWithFallback } from './read-with-fallback.ts';
import { type SeriesReading, seriesReadingOf } from './series-reader.ts';

export interface BreakdownReading extends AnswerMeta {
  /** One for each combination of the labels asked for that has calls, in no order. */
  groups: CellTally[];
}

interface CellsParts extends AnswerParts {
  store: { readonly tallies: Pick<Tallies, 'sumByRange' | 'sumBySlot' | 'sumByCell'> };
}

/** How to answer from sums by cell: P is the plan, E what is read of its edges, T the answer. */
interface CellsRead<P extends PlanOfRange, E, T> {
  /** Whether counters need not be asked. Default: no. */
  needsRowsAlone?: boolean;
  planFor(available: Availability): P;
  /** What is read from counters. */
  segmentsOf(plan: P): readonly Segment[];
  readEdges(plan: P, cut: Cut): Promise<E>;
  answer(plan: P, cells: CellsReading, edges: E): T;
  fromRows(cut: CutOrAsk): Promise<T>;
}

/**
 * Answers what needs sums by cell: breakdowns, and dashboards and time series of calls with certain labels. As the other
 * readers do, from counters, from rows, or from both at one offset vector, so that all of them agree.
 */
export class CellsReader {
  readonly #parts: CellsParts;

  constructor(parts: CellsParts) {
    this.#parts = parts;
  }

  /**
   * A user's tallies of a range by one or more dimensions; none of labels without calls.
   * @throws LedgerError as `readWithFallback`
   */
  breakdown(
    userId: string,
    range: Range,
    by: readonly Dimension[],
    filter: CellFilter,
    nowMs: number,
  ): Promise<BreakdownReading> {
    const { tallies } = this.#parts.store;
    return this.#read(userId, nowMs, {
      planFor: (available) => planRangeByMonths(range, available),
      segmentsOf: ({ buckets }) => buckets,
      readEdges: ({ edges }, cut) => tallies.sumByCell(userId, edges, cut, by, filter),
      answer: ({ buckets, edges }, cells, found) => {
        const sums = new CellSums();
        for (const segment of buckets) {
          // Each cell once, not for each of its days.
          const byCell = new Map<Cell, Tally>();
          for (const { cell, calls, durationMs } of matching(cells, segment, filter)) {
            const sum = byCell.get(cell);
            if (sum === undefined) byCell.set(cell, { calls, durationMs });
            else {
              sum.calls += calls;
              sum.durationMs += durationMs;
            }
          }
          for (const [cell, tally] of byCell) sums.add(projectCell(cell, by), tally);
        }
        for (const tally of found) sums.add(tally.cell, tally, edges[tally.range]!.sign);
        return { groups: sums.tallies() };
      },
      fromRows: async (cut) => {
        const sums = new CellSums();
        const found = await tallies.sumByCell(userId, [range], cut, by, filter);
        for (const tally of found) sums.add(tally.cell, tally);
        return { groups: sums.tallies() };
      },
    });
  }

  /** As `DashboardReader.read`, of the calls that a filter lets through. */
  dashboard(
    userId: string,
    range: Range,
    filter: CellFilter,
    nowMs: number,
    previous?: Range,
    windows = dashboardWindows(nowMs),
  ): Promise<DashboardReading> {
    const { tallies } = this.#parts.store;
    const ranges = [...windowsInOrder(windows), ...withPrevious(range, previous)];
    return this.#read(userId, nowMs, {
      planFor: (available) => joinPlans(ranges.map((one) => planRangeByMonths(one, available))),
      segmentsOf: ({ plans }) => plans.flatMap(({ buckets }) => buckets),
      readEdges: ({ edges }, cut) => tallies.sumByRange(userId, edges, cut, filter),
      answer: ({ plans }, cells, found) => {
        const segments = plans.flatMap(({ buckets }) => buckets);
        const values = segments.map((segment) => matching(cells, segment, filter));
        return dashboardOf(totalsOf(plans, values, found));
      },
      fromRows: async (cut) => dashboardOf(await tallies.sumByRange(userId, ranges, cut, filter)),
    });
  }

  /** As `SeriesReader.read`, of the calls that a filter lets through. */
  series(
    userId: string,
    range: Range,
    series: SeriesOfRange['series'],
    filter: CellFilter,
    nowMs: number,
    previous?: SeriesOfRange,
  ): Promise<SeriesReading> {
    const { tallies } = this.#parts.store;
    const asked = withPrevious({ range, series }, previous);
    const slots = slotsOf(asked);
    const sum = (edges: readonly Range[], cut: CutOrAsk) =>
      tallies.sumBySlot(userId, edges, slots, cut, filter);
    // Of weeks there are no sums by cell.
    const unitsOf = (plans: readonly SeriesPlan[]) =>
      plans.flatMap(({ units }) => units as readonly Segment[]);
    return this.#read(userId, nowMs, {
      needsRowsAlone: asked.some((one) => needsRowsAlone(one)),
      planFor: (available) => joinPlans(asked.map((one) => planCellSeriesOf(one, available))),
      segmentsOf: ({ plans }) => unitsOf(plans),
      readEdges: ({ edges }, cut) => sum(edges, cut),
      answer: ({ plans }, cells, found) => {
        const values = unitsOf(plans).map((unit) => talliesByDay(cells, unit, filter));
        return seriesReadingOf(asked, plans, values, slots, found);
      },
      fromRows: async (cut) => {
        const { plans, edges } = joinPlans(asked.map(({ range }) => planOfRows(range)));
        return seriesReadingOf(asked, plans, [], slots, await sum(edges, cut));
      },
    });
  }

  #read<P extends PlanOfRange, E, T>(
    userId: string,
    nowMs: number,
    read: CellsRead<P, E, T>,
  ): Promise<T & AnswerMeta> {
    const { rowsAsOf, fallbacks } = this.#parts;
    const fromRows = async (): Promise<T & AnswerMeta> => {
      // As-of is read first: rows are only added.
      const { asOfMs } = await rowsAsOf.state();
      return { ...(await read.fromRows(() => rowsAsOf.cut())), source: 'mongo', asOfMs };
    };
    return readWithFallback<T & AnswerMeta>(this.#parts, userId, {
      fromRows,
      fromCounters: async (live) => {
        const { session, generations } = live;
        // Nobody need be filled for what counters do not hold.
        const hasNoCells = findGeneration(session, generations, userId)?.cellsMax === 0;
        if (hasNoCells || read.needsRowsAlone) return fallbacks.run(fromRows);
        let isBeyondCells = false;
        const answer = await this.#fromCounters(live, userId, nowMs, read, () => {
          isBeyondCells = true;
        });
        return isBeyondCells ? { ...(await fallbacks.run(fromRows)), isBeyondCells } : answer;
      },
    });
  }

  /** @param onBeyond told if a month that is needed had more cells than counters hold */
  async #fromCounters<P extends PlanOfRange, E, T>(
    live: LiveCounters,
    userId: string,
    nowMs: number,
    read: CellsRead<P, E, T>,
    onBeyond: () => void,
  ): Promise<(T & AnswerMeta) | undefined> {
    const daysFrom = firstDayWithDetail(dayOf(nowMs));
    const found = await readByPlan(this.#parts, live, userId, nowMs, {
      planFor: (available) => read.planFor({ ...available, daysFrom }),
      readCounters: async (plan) => {
        const { session, generations } = live;
        const cells = await readCells(session, generations, userId, nowMs, read.segmentsOf(plan));
        if (!cells?.isBeyond) return cells;
        onBeyond();
        return undefined;
      },
      readEdges: read.readEdges,
    });
    if (found === undefined) return undefined;
    const { plan, counters, edges, source, asOfMs } = found;
    return { ...read.answer(plan, counters, edges), source, asOfMs };
  }
}

function matching(cells: CellsReading, segment: Segment, filter: CellFilter): CellDayTally[] {
  const tallies = cells.of(segment);
  if (!isFiltered(filter)) return tallies;
  const matches = new Map<Cell, boolean>();
  return tallies.filter(({ cell }) => {
    const known = matches.get(cell);
    if (known !== undefined) return known;
    const isMatch = matchesFilter(cell, filter);
    matches.set(cell, isMatch);
    return isMatch;
  });
}

/** One tally for a month; for days, one for each. */
function talliesByDay(cells: CellsReading, segment: Segment, filter: CellFilter): Tally[] {
  const tallies = matching(cells, segment, filter);
  if (segment.kind === 'month') return [sumTallies(tallies)];
  const days = Array.from({ length: segment.last - segment.first + 1 }, () => ({ ...ZERO_TALLY }));
  for (const tally of tallies) addTally(days[dayOfMonth(tally.day) - segment.first]!, tally);
  return days;
}
