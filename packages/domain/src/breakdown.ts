import { type Cell, type CellTally, type Dimension, LABEL_OF } from './cells.ts';
import { type RangeData, rangeData, type TallyData, tallyData } from './figures.ts';
import { compareIds } from './id.ts';
import type { EffectiveRange } from './range.ts';
import { sumTallies, type Tally } from './tally.ts';

/** What events and answers call the label of a dimension. */
export const FIELD_OF = {
  agent: 'agent_id',
  direction: 'direction',
  status: 'status',
} as const satisfies Record<Dimension, string>;

/** What groups can be ordered by: the most first, or the name first. */
export const BREAKDOWN_ORDERS = ['calls', 'duration', 'average', 'name'] as const;
export type BreakdownOrder = (typeof BREAKDOWN_ORDERS)[number];

/** Groups in one answer. */
export const breakdownGroupsMax = 1_000;

interface ShareData extends TallyData {
  /** Of the calls of all groups, 0 to 1; 4 decimals, half up. */
  share_of_calls: number;
}

/** A group of the breakdown response: the labels asked for, null where none was given. */
export type BreakdownGroupData = ShareData & Partial<Record<(typeof FIELD_OF)[Dimension], string | null>>;

/** `data` of the breakdown response. */
export interface BreakdownData extends RangeData {
  by: Dimension[];
  groups: BreakdownGroupData[];
  /** The sum of the groups that the limit left out; null if there are none. */
  rest: (ShareData & { groups: number }) | null;
}

/**
 * Converts the tallies of groups to figures, as `dashboardData` does. All groups and the rest add up to the dashboard.
 * @param tallies one for each group, in any order
 * @param options.limit at least 1, at most `breakdownGroupsMax`
 */
export function breakdownData(
  by: readonly Dimension[],
  tallies: readonly CellTally[],
  range: EffectiveRange,
  { order = 'calls', limit = breakdownGroupsMax }: { order?: BreakdownOrder; limit?: number } = {},
): BreakdownData {
  const sorted = tallies.toSorted((a, b) => COMPARE[order](a, b) || compareNames(by, a.cell, b.cell));
  const rest = sorted.slice(limit);
  const total = sumTallies(sorted).calls;
  const figures = (tally: Tally) => ({ ...tallyData(tally), share_of_calls: shareOf(tally.calls, total) });
  return {
    by: [...by],
    groups: sorted.slice(0, limit).map((tally) => ({ ...labelsOf(by, tally.cell), ...figures(tally) })),
    rest: rest.length === 0 ? null : { groups: rest.length, ...figures(sumTallies(rest)) },
    ...rangeData(range),
  };
}

/** The average is compared as it is shown, so that nobody sees it out of order. */
const COMPARE: Record<BreakdownOrder, (a: Tally, b: Tally) => number> = {
  calls: (a, b) => b.calls - a.calls,
  duration: (a, b) => b.durationMs - a.durationMs,
  average: (a, b) => tallyData(b).avg_duration_minutes - tallyData(a).avg_duration_minutes,
  name: () => 0,
};

/** By the first label that differs. No label comes after all others. */
function compareNames(by: readonly Dimension[], a: Cell, b: Cell): number {
  for (const dimension of by) {
    const [one, other] = [a[LABEL_OF[dimension]], b[LABEL_OF[dimension]]];
    if (one === other) continue;
    if (one === undefined) return 1;
    return other === undefined ? -1 : compareIds(one, other);
  }
  return 0;
}

function labelsOf(by: readonly Dimension[], cell: Cell) {
  return Object.fromEntries(
    by.map((dimension) => [FIELD_OF[dimension], cell[LABEL_OF[dimension]] ?? null]),
  ) as Partial<Record<(typeof FIELD_OF)[Dimension], string | null>>;
}

/** On unlimited integers, because ten thousand times the calls may exceed those that a double can hold. */
function shareOf(calls: number, total: number): number {
  if (total === 0) return 0;
  const [part, whole] = [BigInt(calls), BigInt(total)];
  return Number((20_000n * part + whole) / (2n * whole)) / 10_000;
}
