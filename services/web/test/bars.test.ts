import { dayOf, type Interval } from '@calltally/domain';
import { test } from 'tap';
import { barsOf, busiestOf, readout } from '../src/bars.ts';
import { shortDay } from '../src/days.ts';

const day = (date: string) => dayOf(Date.parse(date));
const today = day('2026-11-24');
const bucket = (start: string, calls = 0, minutes = 0) => ({
  start,
  calls,
  duration_ms: minutes * 60_000,
  duration_minutes: minutes,
  avg_duration_minutes: 0,
});
const named = (starts: string[], interval: Interval, first: string, last: string) =>
  barsOf(
    starts.map((start) => bucket(start)),
    interval,
    { first: day(first), last: day(last) },
    today,
  ).map(({ name, day, note }) => [name, shortDay(day), note]);

test('a bar is named by its period, and marked while that runs', async (t) => {
  t.same(named(['2026-11-23', '2026-11-24'], 'day', '2026-11-23', '2026-11-24'), [
    ['Mon 23 Nov 2026', '23 Nov', undefined],
    ['Tue 24 Nov 2026', '24 Nov', 'so far'],
  ]);
});

test('a bar cut by the range is marked', async (t) => {
  t.same(named(['2026-08-31', '2026-09-07', '2026-11-16'], 'week', '2026-09-02', '2026-11-20'), [
    ['Week of 31 Aug 2026', '31 Aug', 'in part'],
    ['Week of 7 Sep 2026', '7 Sep', undefined],
    ['Week of 16 Nov 2026', '16 Nov', 'in part'],
  ]);
  t.same(named(['2026-02-01', '2026-10-01', '2026-11-01'], 'month', '2026-02-01', '2026-11-24'), [
    ['Feb 2026', '1 Feb', undefined],
    ['Oct 2026', '1 Oct', undefined],
    ['Nov 2026', '1 Nov', 'so far'],
  ]);
});

test('a bar before the range is marked', async (t) => {
  t.same(named(['2026-11-23', '2026-11-24'], 'day', '2026-11-24', '2026-11-24'), [
    ['Mon 23 Nov 2026', '23 Nov', 'before'],
    ['Tue 24 Nov 2026', '24 Nov', 'so far'],
  ]);
});

test('its readout has its figures', async (t) => {
  const days = { first: today - 1, last: today };
  const bars = barsOf([bucket('2026-11-23', 1, 1), bucket('2026-11-24', 1047, 80.5)], 'day', days, today);
  t.equal(readout(bars[0]!), 'Mon 23 Nov 2026: 1 call, 1 minute');
  t.equal(readout(bars[1]!), 'Tue 24 Nov 2026 (so far): 1,047 calls, 80.5 minutes');
  t.equal(busiestOf(bars), bars[1]);
});
