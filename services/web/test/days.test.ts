import fc from 'fast-check';
import { test } from 'tap';
import {
  dateOfDay,
  dayOfDate,
  longDay,
  minuteOfDay,
  monthOfDay,
  secondOfDay,
  shortDay,
} from '../src/days.ts';

const day = fc.integer({ min: -10_000, max: 100_000 });

test('a date and its day convert to each other', async () => {
  fc.assert(fc.property(day, (day) => dayOfDate(dateOfDay(day)) === day));
  fc.assert(
    fc.property(fc.string(), (text) => {
      const named = dayOfDate(text);
      return named === undefined || dateOfDay(named) === text;
    }),
  );
});

test('an invalid date gives no day', async (t) => {
  for (const text of ['', '2026-02-30', '2026-13-01', '2026-2-3', '2026-03-01T00:00:00Z', 'today']) {
    t.equal(dayOfDate(text), undefined, text);
  }
});

test('days and times are written as in UTC', async (t) => {
  const ms = Date.parse('2026-11-12T12:03:04.900Z');
  const day = Math.floor(ms / 86_400_000);
  t.equal(longDay(day), 'Thu 12 Nov 2026');
  t.equal(shortDay(day), '12 Nov');
  t.equal(monthOfDay(day), 'Nov 2026');
  t.equal(minuteOfDay(ms), '12:03');
  t.equal(secondOfDay(ms), '12:03:04');
});
