import { type CellDayTally, CellSums, dayOfMonth, firstDayOfMonth, monthOf } from '@calltally/domain';
import { labelsText } from './cells-codec.ts';
import type { Generation } from './generation.ts';
import { cellDaysExpirySeconds, cellDaysKey, cellsKey, keepsCellDays, monthExpirySeconds } from './keys.ts';

/**
 * Appends what lua/add-cells.lua takes: sums of one user by UTC day and cell, at most one for each.
 * @param keys of the script; those of the cells are appended
 */
export function addCellArguments(
  args: (string | number)[],
  keys: string[],
  userId: string,
  tallies: Iterable<CellDayTally>,
  { retentionMonths, cellsMax }: Pick<Generation, 'retentionMonths' | 'cellsMax'>,
): void {
  args.push(cellsMax);
  if (cellsMax === 0) return;
  const months = new Map<number, CellDayTally[]>();
  for (const tally of tallies) {
    const month = monthOf(tally.day);
    const ofMonth = months.get(month);
    if (ofMonth === undefined) months.set(month, [tally]);
    else ofMonth.push(tally);
  }
  const nowMs = Date.now();
  for (const [month, ofMonth] of months) {
    const hasDays = keepsCellDays(month, nowMs);
    args.push(firstDayOfMonth(month));
    args.push(keys.push(cellsKey(userId, month)), monthExpirySeconds(month, retentionMonths));
    args.push(hasDays ? keys.push(cellDaysKey(userId, month)) : 0, cellDaysExpirySeconds(month));
    if (ofMonth.length > cellsMax && byCell(ofMonth).length > cellsMax) {
      args.push(-1);
      continue;
    }
    const named = nameCells(hasDays ? ofMonth : byCell(ofMonth), hasDays);
    args.push(named.length, ...named);
  }
}

/** The cells, agent by agent, and then their sums as one text. */
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
  let sums = '';
  let number = 0;
  for (const [agentId, cells] of agents) {
    named.push(agentId, cells.size);
    for (const [labels, ofCell] of cells) {
      named.push(labels);
      number++;
      for (const { day, calls, durationMs } of ofCell) {
        sums += `${number} ${hasDays ? dayOfMonth(day) : 0} ${calls} ${durationMs} `;
      }
    }
  }
  named.push(sums);
  return named;
}

/** One tally for each cell; its day means nothing. */
function byCell(tallies: readonly CellDayTally[]): CellDayTally[] {
  const sums = new CellSums();
  for (const tally of tallies) sums.add(tally.cell, tally);
  return sums.tallies().map((tally) => ({ ...tally, day: 0 }));
}
