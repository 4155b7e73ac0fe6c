import { firstKeptDay, type UserSnapshot } from '@calltally/counters';
import {
  addTallies,
  DAY_MS,
  dayOf,
  dayOfMonth,
  defaultWindowDays,
  formatDay,
  isoWeekYear,
  monthOf,
  type Tally,
  weekOf,
  ZERO_TALLY,
} from '@calltally/domain';
import type { PartitionDayTally } from '@calltally/store';
import { bucketOfSnapshot, monthName, weekName } from './bucket-names.ts';
import { userDaySumsOf } from './user-day-sums.ts';

/** What a bucket says, or should: `calls` and `durationMs`, or what else its name speaks of. */
export type BucketValues = Readonly<Record<string, number>>;

export interface Difference {
  userId: string;
  /**
   * `day 2026-03-01`, `week 2026-W09`, `month 2026-03`; one of these behind `ready`, for the sums that are kept ready;
   * `latest start` (`startedAtMs`); `applied 0:3` (`offset`: no higher than it should be), by stream and partition;
   * `topic` where the topic was to hold calls of the user and holds none.
   */
  bucket: string;
  has: BucketValues;
  shouldHave: BucketValues;
}

/**
 * Everything in which a user's counters are not what the rows say. Only buckets that readers may use are compared.
 * @param tallies of the rows at or below the snapshot's `applied`; while the user is being filled, of those from `sinceMs` on
 */
export function differencesOf(
  userId: string,
  snapshot: UserSnapshot,
  tallies: readonly PartitionDayTally[],
  at: { nowMs: number; retentionMonths: number },
): Difference[] {
  const [rows] = userDaySumsOf([userId], tallies);
  const { sinceMs } = snapshot;
  const from = Math.max(
    snapshot.fromDay,
    firstKeptDay(dayOf(at.nowMs), at.retentionMonths),
    sinceMs === undefined ? 0 : Math.ceil(sinceMs / DAY_MS),
  );
  const differences: Difference[] = [];
  const compare = (bucket: string, has: BucketValues, shouldHave: BucketValues) => {
    const same = Object.entries(shouldHave).every(([figure, value]) => has[figure] === value);
    if (!same) differences.push({ userId, bucket, has, shouldHave });
  };

  const shouldHave = bucketsOf(rows!.days);
  for (const key of new Set([...snapshot.buckets.keys(), ...shouldHave.keys()])) {
    const has = snapshot.buckets.get(key) ?? ZERO_TALLY;
    const should = shouldHave.get(key) ?? ZERO_TALLY;
    if (has.calls === should.calls && has.durationMs === should.durationMs) continue;
    const { name, firstDay } = bucketOfSnapshot(key);
    // A bucket that begins before the first complete day holds a part of its days, and no reader asks for it.
    if (firstDay >= from) compare(name, { ...has }, { ...should });
  }
  // While a user is being filled, older calls are applied and not added up here.
  if (sinceMs === undefined)
    compare('latest start', { startedAtMs: snapshot.lastStartedAt }, { startedAtMs: rows!.lastStartedAt });

  const { ready } = snapshot;
  if (ready === undefined) return differences;
  const calls = (within: (day: number) => boolean) => ({ calls: sumOf(rows!.days, within).calls });
  const first = ready.day - defaultWindowDays + 1;
  compare(
    `ready day ${formatDay(ready.day)}`,
    { calls: ready.today },
    calls((day) => day === ready.day),
  );
  compare(
    `ready week ${weekName(ready.week)}`,
    { calls: ready.thisWeek },
    calls((day) => weekOf(day) === ready.week),
  );
  compare(
    `ready month ${monthName(ready.month)}`,
    { calls: ready.thisMonth },
    calls((day) => monthOf(day) === ready.month),
  );
  compare(
    `ready days ${formatDay(first)} to ${formatDay(ready.day)}`,
    { ...ready.window },
    { ...sumOf(rows!.days, (day) => day >= first && day <= ready.day) },
  );
  return differences;
}

/** Buckets by their keys in a snapshot. */
function bucketsOf(days: ReadonlyMap<number, Tally>): Map<string, Tally> {
  const buckets = new Map<string, Tally>();
  const add = (key: string, { calls, durationMs }: Tally) => {
    const bucket = buckets.get(key);
    if (bucket === undefined) {
      buckets.set(key, { calls, durationMs });
      return;
    }
    bucket.calls += calls;
    bucket.durationMs += durationMs;
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

function sumOf(days: ReadonlyMap<number, Tally>, within: (day: number) => boolean): Tally {
  return addTallies(...[...days].filter(([day]) => within(day)).map(([, tally]) => tally));
}
