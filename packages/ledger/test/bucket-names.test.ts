import { dayOf, dayOfMonth, isoWeekYear, monthOf, weekOf } from '@calltally/domain';
import { test } from 'tap';
import { bucketOfSnapshot } from '../src/bucket-names.ts';

test('buckets of a snapshot get their calendar names and their first days', (t) => {
  for (const [date, isoWeek, monday] of [
    ['2026-03-01', '2026-W09', '2026-02-23'],
    ['2026-01-01', '2026-W01', '2025-12-29'],
    ['2027-01-03', '2026-W53', '2026-12-28'],
    ['2024-12-30', '2025-W01', '2024-12-30'],
    ['2021-01-01', '2020-W53', '2020-12-28'],
    ['2024-02-29', '2024-W09', '2024-02-26'],
  ] as const) {
    const day = dayOf(Date.parse(date));
    const month = monthOf(day);
    const week = weekOf(day);
    const [yearAndMonth] = date.split(/-\d\d$/);
    t.strictSame(bucketOfSnapshot(`m:${month}:${dayOfMonth(day)}`), { name: `day ${date}`, firstDay: day });
    t.strictSame(bucketOfSnapshot(`m:${month}`), {
      name: `month ${yearAndMonth}`,
      firstDay: dayOf(Date.parse(`${yearAndMonth}-01`)),
    });
    t.strictSame(bucketOfSnapshot(`w:${isoWeekYear(week)}:${week}`), {
      name: `week ${isoWeek}`,
      firstDay: dayOf(Date.parse(monday)),
    });
  }
  t.end();
});
