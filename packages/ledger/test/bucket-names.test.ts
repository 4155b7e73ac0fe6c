import { dayOf, isoWeekYear, monthOf, weekOf } from '@calltally/domain';
import { test } from 'tap';
import { bucketOfSnapshot, dayBucket, monthBucket, weekBucket } from '../src/bucket-names.ts';

const day = (text: string) => dayOf(Date.parse(text));

test('days, ISO weeks and months have the names that calendars give them', (t) => {
  for (const [date, week] of [
    ['2026-03-01', '2026-W09'],
    ['2026-01-01', '2026-W01'],
    ['2027-01-03', '2026-W53'],
    ['2024-12-30', '2025-W01'],
    ['2021-01-01', '2020-W53'],
    ['2018-12-31', '2019-W01'],
  ] as const) {
    t.equal(dayBucket(day(date)).name, `day ${date}`);
    t.equal(weekBucket(day(date)).name, `week ${week}`);
    t.equal(monthBucket(day(date)).name, `month ${date.slice(0, 7)}`);
  }
  t.end();
});

test('a bucket of a snapshot has the name of the bucket that its days belong to', (t) => {
  const first = day('2019-12-20');
  for (let at = first; at < first + 800; at++) {
    const month = monthOf(at);
    const dayOfTheMonth = new Date(at * 86_400_000).getUTCDate();
    t.strictSame(bucketOfSnapshot(`m:${month}`), monthBucket(at));
    t.strictSame(bucketOfSnapshot(`m:${month}:${dayOfTheMonth}`), dayBucket(at));
    t.strictSame(bucketOfSnapshot(`w:${isoWeekYear(weekOf(at))}:${weekOf(at)}`), weekBucket(at));
  }
  t.end();
});
