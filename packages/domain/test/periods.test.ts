import {
  DAY_MS,
  dayOf,
  dayOfMonth,
  firstDayOfMonth,
  firstDayOfWeek,
  isoWeekYear,
  monthOf,
  startOfDay,
  weekOf,
} from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';

const day = (date: string) => dayOf(Date.parse(`${date}T00:00:00Z`));
const FIRST_DAY = day('0001-01-01');
const LAST_DAY = day('9999-12-31');

const days = fc.integer({ min: FIRST_DAY, max: LAST_DAY });
const instants = fc.integer({ min: startOfDay(FIRST_DAY), max: startOfDay(LAST_DAY + 1) - 1 });

/** Week of the ISO year by the definition: week 1 is the one that holds 4 January. */
function isoWeekNumber(date: string): string {
  const week = weekOf(day(date));
  const year = isoWeekYear(week);
  const first = weekOf(day(`${String(year).padStart(4, '0')}-01-04`));
  return `${year}-W${String(week - first + 1).padStart(2, '0')}`;
}

test('counts start at 1970-01-01 and continue below zero', async (t) => {
  t.equal(dayOf(0), 0);
  t.equal(dayOf(-1), -1);
  t.equal(dayOf(DAY_MS - 1), 0);
  t.equal(monthOf(0), 0);
  t.equal(monthOf(-1), -1);
  t.equal(firstDayOfMonth(0), 0);
  t.equal(firstDayOfMonth(-1), -31);
  t.equal(weekOf(0), 0);
  t.equal(firstDayOfWeek(0), day('1969-12-29'));
  t.equal(weekOf(day('1969-12-29')), 0);
  t.equal(weekOf(day('1969-12-28')), -1);
});

test('ISO weeks at year borders belong to the year of their Thursday', async (t) => {
  const known = {
    '2018-12-31': '2019-W01',
    '2019-12-29': '2019-W52',
    '2019-12-30': '2020-W01',
    '2020-12-31': '2020-W53',
    '2021-01-03': '2020-W53',
    '2021-01-04': '2021-W01',
    '2015-12-31': '2015-W53',
    '2016-01-03': '2015-W53',
    '2017-01-01': '2016-W52',
    '2026-01-01': '2026-W01',
    '2025-12-29': '2026-W01',
    '2026-12-31': '2026-W53',
    '0001-01-01': '1-W01',
    '9999-12-31': '9999-W52',
  };
  for (const [date, week] of Object.entries(known)) t.equal(isoWeekNumber(date), week, date);
});

test('leap days follow the Gregorian rule', async (t) => {
  for (const [year, length] of [
    [2024, 29],
    [2026, 28],
    [2000, 29],
    [1900, 28],
    [2100, 28],
    [2400, 29],
    [4, 29],
    [1, 28],
  ] as const) {
    const february = (year - 1970) * 12 + 1;
    t.equal(firstDayOfMonth(february + 1) - firstDayOfMonth(february), length, String(year));
  }
  t.equal(dayOfMonth(day('2024-02-29')), 29);
  t.equal(dayOfMonth(day('2024-03-01')), 1);
});

test('every day of the years 0001 to 9999 has the month and day of month that Date gives', async (t) => {
  let wrong = 0;
  const date = new Date(startOfDay(FIRST_DAY));
  for (let n = FIRST_DAY; n <= LAST_DAY; n += 1) {
    date.setTime(n * DAY_MS);
    const month = (date.getUTCFullYear() - 1970) * 12 + date.getUTCMonth();
    if (monthOf(n) !== month || firstDayOfMonth(month) !== n - date.getUTCDate() + 1) wrong += 1;
  }
  t.equal(wrong, 0);
});

test('day, week and month of any instant agree with Date', async () => {
  fc.assert(
    fc.property(instants, (ms) => {
      const date = new Date(ms);
      const n = dayOf(ms);
      const midnight = new Date(ms).setUTCHours(0, 0, 0, 0);
      const monday = midnight - ((date.getUTCDay() + 6) % 7) * DAY_MS;
      return (
        startOfDay(n) === midnight &&
        dayOfMonth(n) === date.getUTCDate() &&
        startOfDay(firstDayOfWeek(weekOf(n))) === monday &&
        isoWeekYear(weekOf(n)) === new Date(monday + 3 * DAY_MS).getUTCFullYear()
      );
    }),
  );
});

test('first days and counts are inverse, so periods neither overlap nor leave a gap', async () => {
  fc.assert(
    fc.property(days, (n) => {
      const month = monthOf(n);
      const week = weekOf(n);
      return (
        monthOf(firstDayOfMonth(month)) === month &&
        monthOf(firstDayOfMonth(month + 1) - 1) === month &&
        weekOf(firstDayOfWeek(week)) === week &&
        weekOf(firstDayOfWeek(week + 1) - 1) === week
      );
    }),
  );
});
