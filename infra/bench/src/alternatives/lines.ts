import type { Line } from '../results.ts';

/** The alternatives to this service, in the order of the columns. */
export const ALTERNATIVES = [
  { name: 'mongo', title: 'Mongo, rows' },
  { name: 'postgres', title: 'PostgreSQL, rows' },
  { name: 'postgres-rollup', title: 'PostgreSQL, rollup' },
] as const;

export type AlternativeName = (typeof ALTERNATIVES)[number]['name'];

/** Users of `usersBySize`, by index. */
export const SIZES = ['10', '1000', '100000', '1000000'] as const;

const RANGES = [
  { name: 'window', title: 'default window' },
  { name: 'two-years', title: 'two years' },
] as const;

export type RangeName = (typeof RANGES)[number]['name'];

/** One user's dashboard of one range. */
interface Cell {
  size: (typeof SIZES)[number];
  range: RangeName;
}

export const CELLS: readonly Cell[] = SIZES.flatMap((size) =>
  RANGES.map(({ name }) => ({ size, range: name })),
);

export function readLine({ size, range }: Cell, alternative: AlternativeName): string {
  return `alternatives-${alternative}-${size}-${range}`;
}

export function writeLine(alternative: AlternativeName): string {
  return `alternatives-write-${alternative}`;
}

export const LINES: readonly Line[] = [
  ...CELLS.flatMap((cell) =>
    ALTERNATIVES.map(({ name }) => ({
      name: readLine(cell, name),
      unit: 'ms',
    })),
  ),
  ...ALTERNATIVES.map(({ name }) => ({
    name: writeLine(name),
    unit: 'calls/s',
  })),
];

export function titleOf(range: RangeName): string {
  return RANGES.find(({ name }) => name === range)!.title;
}
