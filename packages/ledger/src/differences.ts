import {
  firstDayWithDetail,
  firstKeptDay,
  requireDetail,
  type UserDaySums,
  type UserSnapshot,
} from '@calltally/counters';
import {
  addTallies,
  type Cell,
  type CellDayTally,
  type CellTally,
  cellKey,
  DAY_MS,
  dayOf,
  dayOfHalfHour,
  dayOfMonth,
  defaultWindowDays,
  firstDayOfMonth,
  formatDay,
  formatInstant,
  isoWeekYear,
  monthOf,
  startOfHalfHour,
  type Tally,
  weekOf,
  ZERO_TALLY,
} from '@calltally/domain';
import type { PartitionDayTally } from '@calltally/store';
import { bucketOfSnapshot, cellName, monthName, weekName } from './bucket-names.ts';
import { userDaySumsOf } from './user-day-sums.ts';

/** What a bucket holds, or should: `calls` and `durationMs`, or the figure that its name speaks of. */
export type BucketValues = Readonly<Record<string, number>>;

export interface Difference {
  userId: string;
  /**
   * `day 2026-03-01`, `week 2026-W09` or `month 2026-03`; the same behind `ready`, for window sums;
   * `cell agent_id="ada", direction=null, status="failed" of day 2026-03-01`, or `of month 2026-03`; `cells of month 2026-03` (`cells`)
   * if there are more than counters may hold, and they hold some;
   * `half-hour 2026-03-01T09:30:00Z`;
   * `latest start` (`startedAtMs`); `applied 0:3` (`offset`: at most what it should be), by partition id;
   * `topic` if the topic should hold calls of the user but has none.
   */
  bucket: string;
  has: BucketValues;
  shouldHave: BucketValues;
}

/**
 * All differences between a user's counters and the rows. Compares only buckets that readers may use.
 * @param tallies of the rows that the snapshot is applied through; while the user is being filled, from `sinceMs` on. With
 * detail, unless `cellsMax` is 0
 * @throws Error if they are not
 */
export function differencesOf(
  userId: string,
  snapshot: UserSnapshot,
  tallies: readonly PartitionDayTally[],
  at: { nowMs: number; retentionMonths: number; cellsMax: number },
): Difference[] {
  const [sums] = userDaySumsOf([userId], tallies) as [UserDaySums];
  const { days, lastStartedAt } = sums;
  const { sinceMs, windowSums } = snapshot;
  const from = Math.max(
    snapshot.fromDay,
    firstKeptDay(dayOf(at.nowMs), at.retentionMonths),
    sinceMs === undefined ? 0 : Math.ceil(sinceMs / DAY_MS),
  );
  const differences: Difference[] = [];
  const compare: Compare = (bucket, has, shouldHave) => {
    const same = Object.entries(shouldHave).every(([figure, value]) => has[figure] === value);
    if (!same) differences.push({ userId, bucket, has, shouldHave });
  };

  const shouldHave = bucketsOf(days);
  for (const key of new Set([...snapshot.buckets.keys(), ...shouldHave.keys()])) {
    const has = snapshot.buckets.get(key) ?? ZERO_TALLY;
    const should = shouldHave.get(key) ?? ZERO_TALLY;
    if (has.calls === should.calls && has.durationMs === should.durationMs) continue;
    const { name, firstDay } = bucketOfSnapshot(key);
    // A bucket that begins before the first complete day lacks some of its days, and no reader asks for it.
    if (firstDay >= from) compare(name, { ...has }, { ...should });
  }
  if (at.cellsMax > 0) {
    const { cells, halfHours } = requireDetail(sums);
    const daysFrom = Math.max(from, firstDayWithDetail(dayOf(at.nowMs)));
    compareCells(snapshot, cells, { from, daysFrom, cellsMax: at.cellsMax }, compare);
    compareHalfHours(snapshot.halfHours, new Map(halfHours), daysFrom, compare);
  }
  // While a user is being filled, older calls may be applied that are not added up here.
  if (sinceMs === undefined)
    compare('latest start', { startedAtMs: snapshot.lastStartedAt }, { startedAtMs: lastStartedAt });

  if (windowSums === undefined) return differences;
  const { day: today, week, month } = windowSums;
  const first = today - defaultWindowDays + 1;
  const sum = (within: (day: number) => boolean): Tally =>
    addTallies(...[...days].filter(([day]) => within(day)).map(([, tally]) => tally));
  const compareCalls = (name: string, calls: number, within: (day: number) => boolean) =>
    compare(`ready ${name}`, { calls }, { calls: sum(within).calls });
  compareCalls(`day ${formatDay(today)}`, windowSums.today, (day) => day === today);
  compareCalls(`week ${weekName(week)}`, windowSums.thisWeek, (day) => weekOf(day) === week);
  compareCalls(`month ${monthName(month)}`, windowSums.thisMonth, (day) => monthOf(day) === month);
  compare(
    `ready days ${formatDay(first)} to ${formatDay(today)}`,
    { ...windowSums.window },
    { ...sum((day) => day >= first && day <= today) },
  );
  return differences;
}

type Compare = (bucket: string, has: BucketValues, shouldHave: BucketValues) => void;

/** Of months that had more cells than are kept, there is nothing to compare. */
function compareCells(
  snapshot: UserSnapshot,
  cells: Iterable<CellDayTally>,
  { from, daysFrom, cellsMax }: { from: number; daysFrom: number; cellsMax: number },
  compare: Compare,
): void {
  const sums = new Map<string, { cell: Cell; bucket: string; has: Tally; shouldHave: Tally }>();
  const add = (whose: 'has' | 'shouldHave', of: string, { cell, calls, durationMs }: CellTally) => {
    const key = `${of} ${cellKey(cell)}`;
    let both = sums.get(key);
    if (both === undefined) {
      both = { cell, bucket: of, has: { ...ZERO_TALLY }, shouldHave: { ...ZERO_TALLY } };
      sums.set(key, both);
    }
    both[whose].calls += calls;
    both[whose].durationMs += durationMs;
  };
  const live = new Map<number, Set<string>>();
  for (const tally of cells) {
    const month = monthOf(tally.day);
    if (snapshot.cells.get(month)?.isBeyond) continue;
    if (tally.calls !== 0) live.set(month, (live.get(month) ?? new Set()).add(cellKey(tally.cell)));
    if (firstDayOfMonth(month) >= from) add('shouldHave', `month ${monthName(month)}`, tally);
    if (tally.day >= daysFrom) add('shouldHave', `day ${formatDay(tally.day)}`, tally);
  }
  for (const [month, { sums: ofMonth, days }] of snapshot.cells) {
    const first = firstDayOfMonth(month);
    if (first >= from) for (const tally of ofMonth) add('has', `month ${monthName(month)}`, tally);
    for (const [day, tallies] of days) {
      if (first + day - 1 < daysFrom) continue;
      for (const tally of tallies) add('has', `day ${formatDay(first + day - 1)}`, tally);
    }
  }
  for (const [month, { size }] of live) {
    const tooMany = `cells of month ${monthName(month)}`;
    if (size > cellsMax && firstDayOfMonth(month) >= from)
      compare(tooMany, { cells: size }, { cells: cellsMax });
  }
  for (const { cell, bucket, has, shouldHave } of sums.values()) {
    compare(`${cellName(cell)} of ${bucket}`, { ...has }, { ...shouldHave });
  }
}

function compareHalfHours(
  found: ReadonlyMap<number, Tally>,
  sums: ReadonlyMap<number, Tally>,
  daysFrom: number,
  compare: Compare,
): void {
  for (const halfHour of new Set([...found.keys(), ...sums.keys()])) {
    if (dayOfHalfHour(halfHour) < daysFrom) continue;
    const [has, shouldHave] = [found, sums].map((of) => of.get(halfHour) ?? ZERO_TALLY) as [Tally, Tally];
    compare(`half-hour ${formatInstant(startOfHalfHour(halfHour))}`, { ...has }, { ...shouldHave });
  }
}

/** Buckets by their keys in a snapshot. */
function bucketsOf(days: ReadonlyMap<number, Tally>): Map<string, Tally> {
  const buckets = new Map<string, Tally>();
  const add = (key: string, tally: Tally) => {
    buckets.set(key, addTallies(buckets.get(key) ?? ZERO_TALLY, tally));
  };
  for (const [day, tally] of days) {
    const month = monthOf(day);
    const week = weekOf(day);
    add(`m:${month}`, tally);
    add(`m:${month}:${dayOfMonth(day)}`, tally);
    add(`w:${isoWeekYear(week)}:${week}`, tally);
  }
  return buckets;
}
