import { dayOf } from '@calltally/domain';
import { test } from 'tap';
import { hourBarsOf } from '../src/hour-bars.ts';
import { ticksOf } from '../src/ticks.ts';

const HOUR_MS = 3_600_000;

/** The buckets of so many hours of Berlin. */
function berlin(from: string, hours: number) {
  return Array.from({ length: hours }, (_, i) => {
    const ms = Date.parse(from) + i * HOUR_MS;
    const offset = ms >= Date.parse('2026-03-29T01:00Z') && ms < Date.parse('2026-10-25T01:00Z') ? 2 : 1;
    const local = new Date(ms + offset * HOUR_MS).toISOString().slice(0, 19);
    return {
      start: `${local}+0${offset}:00`,
      calls: i,
      duration_ms: 0,
      duration_minutes: 0,
      avg_duration_minutes: 0,
    };
  });
}

test('an hour has its date and time, and its offset where clocks show it twice', async (t) => {
  const bars = hourBarsOf(berlin('2026-10-24T23:00Z', 4), Date.parse('2026-10-25T02:30Z'));
  t.same(
    bars.map(({ name, note, calls }) => [name, note, calls]),
    [
      ['Sun 25 Oct 2026, 01:00', undefined, 0],
      ['Sun 25 Oct 2026, 02:00 UTC+2', undefined, 1],
      ['Sun 25 Oct 2026, 02:00 UTC+1', undefined, 2],
      ['Sun 25 Oct 2026, 03:00', 'so far', 3],
    ],
  );
  t.equal(bars[0]!.day, dayOf(Date.parse('2026-10-25')), 'it is of its local day');
});

test('labels keep to the clock on days of 23, 24 and 25 hours', async (t) => {
  const labels = (from: string, hours: number, step: number) => {
    const bars = hourBarsOf(berlin(from, hours), 0);
    return ticksOf(bars, 'hour', step).map(({ index, text }) => `${index} ${text}`);
  };
  t.same(labels('2026-10-24T22:00Z', 25, 30), [
    ...['0 25 Oct', '4 03:00', '7 06:00', '10 09:00', '13 12:00', '16 15:00', '19 18:00', '22 21:00'],
  ]);
  t.same(labels('2026-03-28T23:00Z', 23, 12), ['0 29 Mar', '5 06:00', '11 12:00', '17 18:00']);
  t.same(labels('2026-10-23T22:00Z', 73, 3), ['0 24 Oct', '24 25 Oct', '49 26 Oct']);
  t.same(labels('2026-10-23T22:00Z', 73, 2), ['0 24 Oct', '49 26 Oct'], 'every other day, up to the last');
  t.same(labels('2026-10-24T22:00Z', 4, 200), ['0 25 Oct', '1 01:00', '2 02:00'], 'not twice');
});

test('days, weeks and months have labels as before', async (t) => {
  const day = dayOf(Date.parse('2026-11-01'));
  const bars = [0, 1, 2].map((i) => ({
    name: '',
    day: day + i,
    note: undefined,
    calls: 0,
    minutes: 0,
    average: 0,
  }));
  t.same(ticksOf(bars, 'day', 40), [
    { index: 0, text: '1 Nov' },
    { index: 2, text: '3 Nov' },
  ]);
  t.same(ticksOf(bars.slice(0, 1), 'month', 100), [{ index: 0, text: 'Nov 2026' }]);
});
