import { firstDayWithHalfHours, readSegments } from '@calltally/counters';
import {
  addUpSeriesOf,
  type HalfHours,
  needsRowsAlone,
  planOfRows,
  planSeriesOf,
  type Range,
  type SeriesOfRange,
  type SeriesPlan,
  type SeriesSegment,
  type Slots,
  type SlotTally,
  slotsOf,
  type Tally,
} from '@calltally/domain';
import type { CutOrAsk, Tallies } from '@calltally/store';
import { forEachPlan, joinPlans, withPrevious } from './join-plans.ts';
import { readByPlan } from './read-by-plan.ts';
import { type AnswerMeta, type AnswerParts, readWithFallback } from './read-with-fallback.ts';

export interface SeriesReading extends AnswerMeta {
  /** One for each bucket of the series, in order. */
  tallies: Tally[];
  /** Of the series that this one is compared with, at the same moment; only if it is asked for. */
  previous?: Tally[];
}

interface SeriesParts extends AnswerParts {
  store: { readonly tallies: Pick<Tallies, 'sumBySlot'> };
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
    series: SeriesOfRange['series'],
    nowMs: number,
    previous?: SeriesOfRange,
  ): Promise<SeriesReading> {
    const { store, rowsAsOf, fallbacks } = this.#parts;
    const asked = withPrevious({ range, series }, previous);
    const slots = slotsOf(asked);
    const sum = (edges: readonly Range[], cut: CutOrAsk) =>
      store.tallies.sumBySlot(userId, edges, slots, cut);
    const fromRows = async (): Promise<SeriesReading> => {
      // As-of is read first: rows are only added.
      const { asOfMs } = await rowsAsOf.state();
      const { plans, edges } = joinPlans(asked.map((one) => planOfRows(one.range)));
      const found = await sum(edges, () => rowsAsOf.cut());
      return { ...seriesReadingOf(asked, plans, [], slots, found), source: 'mongo', asOfMs };
    };
    return readWithFallback<SeriesReading>(this.#parts, userId, {
      fromRows,
      fromCounters: async (live) => {
        const { session, generations } = live;
        const halfHoursFrom = firstDayWithHalfHours(session, generations, userId, nowMs);
        // Nobody need be filled for what counters do not hold.
        if (asked.some((one) => needsRowsAlone(one, halfHoursFrom))) return fallbacks.run(fromRows);
        const found = await readByPlan(this.#parts, live, userId, nowMs, {
          planFor: (available) =>
            joinPlans(asked.map((one) => planSeriesOf(one, { ...available, halfHoursFrom }))),
          readCounters: ({ plans }) =>
            readSegments(session, generations, userId, nowMs, plans.flatMap(partsOf)),
          readEdges: ({ edges }, cut) => sum(edges, cut),
        });
        if (found === undefined) return undefined;
        const { plan, counters, edges, source, asOfMs } = found;
        return { ...seriesReadingOf(asked, plan.plans, counters.values, slots, edges), source, asOfMs };
      },
    });
  }
}

/** What a plan reads of counters. */
function partsOf({ units, halfHours }: SeriesPlan): (SeriesSegment | HalfHours)[] {
  return [...units, ...halfHours];
}

/**
 * The tallies of one series, or of two.
 * @param values of the units and half-hours of each plan, in order
 * @param found of the edges of all plans, in order
 */
export function seriesReadingOf(
  asked: readonly SeriesOfRange[],
  plans: readonly SeriesPlan[],
  values: readonly (readonly Tally[])[],
  slots: Slots,
  found: readonly (readonly SlotTally[])[],
): Pick<SeriesReading, 'tallies' | 'previous'> {
  const valuesOf = forEachPlan(plans, partsOf, values);
  const foundOf = forEachPlan(plans, ({ edges }) => edges, found);
  const [tallies, previous] = plans.map((plan, i) =>
    addUpSeriesOf(asked[i]!, plan, valuesOf[i]!, slots, foundOf[i]!),
  );
  return { tallies: tallies!, ...(previous !== undefined && { previous }) };
}
