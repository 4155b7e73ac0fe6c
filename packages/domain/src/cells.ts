import { addTally, type DayTally, type Tally } from './tally.ts';

/** What calls can be told apart by, as the API names it. */
export const DIMENSIONS = ['agent', 'direction', 'status'] as const;
export type Dimension = (typeof DIMENSIONS)[number];

/**
 * A combination of labels that calls of a user had. A label that was not given is absent: an empty one counts as not given.
 */
export interface Cell {
  agentId?: string;
  direction?: string;
  status?: string;
}

/** Where a cell keeps the label of a dimension. */
export const LABEL_OF = {
  agent: 'agentId',
  direction: 'direction',
  status: 'status',
} as const satisfies Record<Dimension, keyof Cell>;

export interface CellTally extends Tally {
  cell: Cell;
}

/** The calls of one cell that start on one UTC day. */
export interface CellDayTally extends DayTally {
  cell: Cell;
}

/** By dimension, the values that count, at least one; '' stands for calls without one. An absent dimension filters nothing. */
export type CellFilter = Readonly<Partial<Record<Dimension, readonly string[]>>>;

/** The cell of a call, or of a row. */
export function cellOf({ agentId, direction, status }: Cell): Cell {
  const cell: Cell = {};
  if (agentId) cell.agentId = agentId;
  if (direction) cell.direction = direction;
  if (status) cell.status = status;
  return cell;
}

/** In no label, and no id. */
const SEPARATOR = '\u001f';

/** Cells are the same if their keys are. */
export function cellKey({ agentId = '', direction = '', status = '' }: Cell): string {
  return agentId + SEPARATOR + direction + SEPARATOR + status;
}

export function isFiltered(filter: CellFilter): boolean {
  return DIMENSIONS.some((dimension) => filter[dimension] !== undefined);
}

export function matchesFilter(cell: Cell, filter: CellFilter): boolean {
  return DIMENSIONS.every((dimension) => {
    const values = filter[dimension];
    return values === undefined || values.includes(cell[LABEL_OF[dimension]] ?? '');
  });
}

/** A cell without the labels of other dimensions. */
export function projectCell(cell: Cell, by: readonly Dimension[]): Cell {
  const projected: Cell = {};
  for (const dimension of by) {
    const label = cell[LABEL_OF[dimension]];
    if (label !== undefined) projected[LABEL_OF[dimension]] = label;
  }
  return projected;
}

/** Adds up tallies by cell. Cells whose calls were all taken away are left out of the result. */
export class CellSums {
  readonly #sums = new Map<string, CellTally>();

  add(cell: Cell, tally: Tally, sign: 1 | -1 = 1): void {
    const key = cellKey(cell);
    let sum = this.#sums.get(key);
    if (sum === undefined) {
      sum = { cell, calls: 0, durationMs: 0 };
      this.#sums.set(key, sum);
    }
    addTally(sum, tally, sign);
  }

  /** In no order. */
  tallies(): CellTally[] {
    return [...this.#sums.values()].filter(({ calls, durationMs }) => calls !== 0 || durationMs !== 0);
  }
}
