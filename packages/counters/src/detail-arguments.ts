import {
  type CellDayTally,
  CellSums,
  dayOfHalfHour,
  dayOfMonth,
  firstDayOfMonth,
  firstHalfHourOfMonth,
  monthOf,
  type Tally,
} from '@calltally/domain';
import { labelsText } from './cells-codec.ts';
import type { Generation } from './generation.ts';
import {
  cellDaysKey,
  cellsKey,
  detailExpirySeconds,
  halfHoursKey,
  keepsDetail,
  monthExpirySeconds,
} from './keys.ts';

/** What counters keep of some calls of a user beside sums of days, weeks and months. */
export interface Detail {
  /** By UTC day and cell, at most one for each. */
  cells: Iterable<CellDayTally>;
  /** By half-hour. Those that are no longer kept are not written. */
  halfHours: Iterable<readonly [number, Tally]>;
}

/**
 * Appends what lua/add-detail.lua takes.
 * @param keys of the script; those of the detail are appended
 * @param detail undefined where the generation keeps none
 */
export function addDetailArguments(
  args: (string | number)[],
  keys: string[],
  userId: string,
  detail: Detail | undefined,
  { retentionMonths, cellsMax }: Pick<Generation, 'retentionMonths' | 'cellsMax'>,
): void {
  args.push(cellsMax);
  if (detail === undefined) return;
  const months = new Map<number, CellDayTally[]>();
  for (const tally of detail.cells) {
    const month = monthOf(tally.day);
    const ofMonth = months.get(month);
    if (ofMonth === undefined) months.set(month, [tally]);
    else ofMonth.push(tally);
  }
  const halfHours = halfHoursByMonth(detail.halfHours);
  const nowMs = Date.now();
  for (const [month, ofMonth] of months) {
    const hasDays = keepsDetail(month, nowMs);
    args.push(firstDayOfMonth(month));
    args.push(keys.push(cellsKey(userId, month)), monthExpirySeconds(month, retentionMonths));
    if (hasDays) args.push(keys.push(cellDaysKey(userId, month)), keys.push(halfHoursKey(userId, month)));
    else args.push(0, 0);
    args.push(detailExpirySeconds(month), JSON.stringify((hasDays && halfHours.get(month)) || []));
    if (ofMonth.length > cellsMax && byCell(ofMonth).length > cellsMax) {
      args.push(-1);
      continue;
    }
    const named = nameCells(hasDays ? ofMonth : byCell(ofMonth), hasDays);
    args.push(named.length, ...named);
  }
}

/** By month, in order, for each half-hour its number in the month, calls and ms. */
function halfHoursByMonth(halfHours: Detail['halfHours']): Map<number, number[]> {
  const months = new Map<number, number[]>();
  let [month, first, end] = [0, 0, 0];
  for (const [halfHour, { calls, durationMs }] of [...halfHours].sort(([a], [b]) => a - b)) {
    if (halfHour < first || halfHour >= end) {
      month = monthOf(dayOfHalfHour(halfHour));
      [first, end] = [firstHalfHourOfMonth(month), firstHalfHourOfMonth(month + 1)];
      months.set(month, []);
    }
    months.get(month)!.push(halfHour - first, calls, durationMs);
  }
  return months;
}

/** The cells, agent by agent, and then their sums. */
function nameCells(tallies: readonly CellDayTally[], hasDays: boolean): (string | number)[] {
  const agents = new Map<string, Map<string, CellDayTally[]>>();
  for (const tally of tallies) {
    const { agentId = '' } = tally.cell;
    const labels = labelsText(tally.cell);
    const cells = agents.get(agentId) ?? new Map<string, CellDayTally[]>();
    agents.set(agentId, cells);
    const ofCell = cells.get(labels);
    if (ofCell === undefined) cells.set(labels, [tally]);
    else ofCell.push(tally);
  }
  const named: (string | number)[] = [];
  const sums: number[] = [];
  let number = 0;
  for (const [agentId, cells] of agents) {
    named.push(agentId, cells.size);
    for (const [labels, ofCell] of cells) {
      named.push(labels);
      number++;
      for (const { day, calls, durationMs } of ofCell) {
        sums.push(number, hasDays ? dayOfMonth(day) : 0, calls, durationMs);
      }
    }
  }
  named.push(JSON.stringify(sums));
  return named;
}

/** One tally for each cell; its day means nothing. */
function byCell(tallies: readonly CellDayTally[]): CellDayTally[] {
  const sums = new CellSums();
  for (const tally of tallies) sums.add(tally.cell, tally);
  return sums.tallies().map((tally) => ({ ...tally, day: 0 }));
}
