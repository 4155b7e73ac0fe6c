import type { CountersReading } from '@calltally/counters';
import {
  type CellFilter,
  CellSums,
  type CellTally,
  cellKey,
  type DashboardWindows,
  type Dimension,
  dayOf,
  defaultWindowDays,
  matchesFilter,
  monthOf,
  projectCell,
  type Range,
  type Tally,
  weekOf,
} from '@calltally/domain';
import { type CallContent, type Cut, cellOfContent, type OffsetVector, type Source } from '@calltally/store';
import type { DashboardReading } from '../../src/index.ts';
import { chainsOf, countedOf, type Link } from './chains.ts';
import type { World } from './world.ts';

/** A reading of counters must equal what counts at or below its `appliedThrough`. */
export function wrongReading(world: World, userId: string, reading: CountersReading): string | undefined {
  const isWithin = isUpTo(reading.appliedThrough);
  const counted = contentsOf(world, userId, ({ source }) => isWithin(source));
  const today = dayOf(world.nowMs);
  const isIn = ({ day }: CallContent) => day <= today && day > today - defaultWindowDays;
  return unequal(userId, reading, { ...currentOf(world, counted), window: sumOf(counted.filter(isIn)) });
}

/** A dashboard, of UTC or a time zone, from counters and edges or from Mongo alone, must equal what counts at the cut that it was read at. */
export function wrongDashboard(
  world: World,
  userId: string,
  {
    reading,
    windows: { today, thisWeek, thisMonth },
    range,
    cut,
  }: { reading: DashboardReading; windows: DashboardWindows; range: Range; cut: Cut },
): string | undefined {
  const counted = contentsAt(world, userId, cut);
  const count = (window: Range) => counted.filter(startsIn(window)).length;
  return unequal(userId, reading, {
    today: count(today),
    thisWeek: count(thisWeek),
    thisMonth: count(thisMonth),
    range: sumOf(counted.filter(startsIn(range))),
  });
}

/** The same for the buckets of a series, as far as they lie in the range. */
export function wrongSeries(
  world: World,
  userId: string,
  { tallies, buckets, range, cut }: { tallies: Tally[]; buckets: readonly Range[]; range: Range; cut: Cut },
): string | undefined {
  const counted = contentsAt(world, userId, cut).filter(startsIn(range));
  return unequal(
    userId,
    { tallies },
    { tallies: buckets.map((one) => sumOf(counted.filter(startsIn(one)))) },
  );
}

/** The same for a breakdown. */
export function wrongBreakdown(
  world: World,
  userId: string,
  given: {
    groups: readonly CellTally[];
    by: readonly Dimension[];
    filter: CellFilter;
    range: Range;
    cut: Cut;
  },
): string | undefined {
  const sums = new CellSums();
  for (const content of contentsAt(world, userId, given.cut).filter(startsIn(given.range))) {
    const cell = cellOfContent(content);
    if (matchesFilter(cell, given.filter)) sums.add(projectCell(cell, given.by), sumOf([content]));
  }
  const plain = (groups: readonly CellTally[]) =>
    groups.map(({ cell, calls, durationMs }) => `${cellKey(cell)}: ${calls}, ${durationMs}`).sort();
  return unequal(userId, { groups: plain(given.groups) }, { groups: plain(sums.tallies()) });
}

function startsIn({ from, until }: Range) {
  return ({ started_at }: CallContent) => +started_at >= from && +started_at < until;
}

/** What counts at a cut of rows and corrections. */
function contentsAt(world: World, userId: string, cut: Cut): CallContent[] {
  const isCorrected = isUpTo(cut.corrections ?? new Map());
  const isRow = cut.rows && isUpTo(cut.rows);
  return contentsOf(world, userId, ({ source, needs }, n) =>
    n === 0 ? (isRow?.(source) ?? true) : isCorrected(source) && needs.every(isCorrected),
  );
}

function contentsOf(
  world: World,
  userId: string,
  isWithin: (link: Link, n: number) => boolean,
): CallContent[] {
  return [...chainsOf(world, userId).values()].flatMap(
    (chain) => countedOf(chain, isWithin).at(-1)?.content ?? [],
  );
}

function isUpTo(through: OffsetVector) {
  return ({ partition, offset }: Source) => offset <= (through.get(`0:${partition}`) ?? -1);
}

function currentOf({ nowMs }: World, counted: readonly CallContent[]) {
  const today = dayOf(nowMs);
  const count = (isIn: (day: number) => boolean) => counted.filter(({ day }) => isIn(day)).length;
  return {
    today: count((day) => day === today),
    thisWeek: count((day) => weekOf(day) === weekOf(today)),
    thisMonth: count((day) => monthOf(day) === monthOf(today)),
  };
}

function sumOf(counted: readonly CallContent[]): Tally {
  return {
    calls: counted.length,
    durationMs: counted.reduce((sum, { duration_ms }) => sum + duration_ms, 0),
  };
}

function unequal<T extends object>(userId: string, reading: T, should: Partial<T>): string | undefined {
  const isRight = Object.entries(should).every(
    ([name, value]) => JSON.stringify(reading[name as keyof T]) === JSON.stringify(value),
  );
  return isRight
    ? undefined
    : `a reader of ${userId} is told ${JSON.stringify(reading)} and not ${JSON.stringify(should)}`;
}
