import {
  type Cell,
  type CellFilter,
  DIMENSIONS,
  type Dimension,
  LABEL_OF,
  NARROW_BIN_MS,
  type Range,
  type Slots,
  WIDE_BIN_MS,
  WIDE_BINS_FROM_MS,
} from '@calltally/domain';
import type { Document } from 'mongodb';

/* What the aggregations of `Tallies` are made of: conditions and groups, of rows or of one side of corrections. */

/** What is summed: rows, and what corrections add and take away. */
export interface Addend {
  /** Of the names of fields. */
  prefix: '' | 'plus.' | 'minus.';
  sign: 1 | -1;
}

export const ROWS: Addend = { prefix: '', sign: 1 };
export const CORRECTED: readonly Addend[] = [
  { prefix: 'plus.', sign: 1 },
  { prefix: 'minus.', sign: -1 },
];

const FIRST_DATE = new Date(-8.64e15);

export function startOf({ prefix }: Addend): string {
  return `$${prefix}started_at`;
}

/** By the start and not by `day`, which is not in the index. */
export function slotOfStart(addend: Addend, { origin, width }: Slots): Document {
  return { $floor: { $divide: [{ $subtract: [startOf(addend), new Date(origin)] }, width] } };
}

export function durationOf({ prefix }: Addend): string {
  return `$${prefix}duration_ms`;
}

/** As `durationBinOf`, on integers alone: logarithmic bins take five times as long. */
export function durationBin(addend: Addend): Document {
  const duration = durationOf(addend);
  const width = { $cond: [{ $lt: [duration, WIDE_BINS_FROM_MS] }, NARROW_BIN_MS, WIDE_BIN_MS] };
  return { $subtract: [duration, { $mod: [duration, width] }] };
}

export function sumsOf(addend: Addend): Document {
  const { sign } = addend;
  const duration = durationOf(addend);
  return {
    calls: { $sum: sign },
    duration: { $sum: sign === 1 ? duration : { $multiply: [sign, duration] } },
  };
}

/**
 * All ends of some ranges, in order. Together they cut time into pieces, and each row belongs to one of them. To compare it
 * with every range costs twice as much, and more with each range.
 */
export function endsOf(ranges: readonly Range[]): number[] {
  return [...new Set(ranges.flatMap(({ from, until }) => [from, until]))].sort((a, b) => a - b);
}

/** Whether a range whose ends are among these holds the piece that `pieceOf` tells. */
export function holdsPiece({ from, until }: Range, ends: readonly number[], piece: unknown): boolean {
  const at = Number(piece ?? 0);
  return from <= ends[at]! && ends[at + 1]! <= until;
}

/** Between which two of some ends, in order, a call starts: an index, or null if there are only two. */
export function pieceOf(ends: readonly number[], addend: Addend): Document | null {
  const branches = ends.slice(1, -1).map((end, piece) => ({
    case: { $lt: [startOf(addend), new Date(end)] },
    // biome-ignore lint/suspicious/noThenProperty: Mongo’s name for it
    then: piece,
  }));
  return branches.length === 0 ? null : { $switch: { branches, default: branches.length } };
}

/** Fields of rows, and names in a group. */
const LABELS = {
  agent: { field: 'agent_id', group: 'a' },
  direction: { field: 'direction', group: 'l' },
  status: { field: 'status', group: 't' },
} as const satisfies Record<Dimension, { field: string; group: string }>;

/** Names of a group that tell the cell. A label that was not given is ''. */
export function cellGroup(by: readonly Dimension[], { prefix }: Addend): Document {
  return Object.fromEntries(
    by.map((dimension) => {
      const { field, group } = LABELS[dimension];
      return [group, { $ifNull: [`$${prefix}${field}`, ''] }];
    }),
  );
}

export function cellOfGroup(group: Document): Cell {
  const cell: Cell = {};
  for (const dimension of DIMENSIONS) {
    const label = group[LABELS[dimension].group];
    if (label) cell[LABEL_OF[dimension]] = label;
  }
  return cell;
}

/** The labels themselves, by the names that they have in a group. */
export function labelsOf({ prefix }: Addend): Document {
  return Object.fromEntries(Object.values(LABELS).map(({ field, group }) => [group, `$${prefix}${field}`]));
}

export function startsWithin(
  userId: string,
  ranges: readonly Range[],
  addend: Addend,
  filter: CellFilter,
): Document {
  const clauses: Document = { user_id: userId, ...anyOf(ranges.map((range) => startsIn(range, addend))) };
  for (const dimension of DIMENSIONS) {
    // Null also matches where there is no such field.
    const values = filter[dimension]?.flatMap((value) => (value === '' ? ['', null] : value));
    if (values !== undefined) clauses[addend.prefix + LABELS[dimension].field] = { $in: values };
  }
  return clauses;
}

/** The same time as ranges that do not overlap. */
export function unionOf(ranges: readonly Range[]): Range[] {
  const union: Range[] = [];
  for (const { from, until } of ranges.toSorted((a, b) => a.from - b.from)) {
    const last = union.at(-1);
    if (last === undefined || from > last.until) union.push({ from, until });
    else last.until = Math.max(last.until, until);
  }
  return union;
}

/** Also leaves out what has no start: the rows of calls that were deleted first, and corrections without that side. */
export function startsIn({ from, until }: Range, { prefix }: Addend): Document {
  const start: Document = {};
  if (from !== -Infinity) start.$gte = new Date(from);
  if (until !== Infinity) start.$lt = new Date(until);
  if (from === -Infinity && until === Infinity) start.$gte = FIRST_DATE;
  return { [`${prefix}started_at`]: start };
}

export function anyOf(clauses: Document[]): Document {
  // No clause matches nothing, and $or refuses an empty list.
  if (clauses.length === 0) return { _id: { $in: [] } };
  return clauses.length === 1 ? clauses[0]! : { $or: clauses };
}
