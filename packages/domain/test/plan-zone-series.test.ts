import {
  addUpZoneSeries,
  DAY_MS,
  dayOf,
  daysByMonth,
  firstDayOfMonth,
  planOfRows,
  planZoneSeries,
  type Range,
  SERIES_INTERVALS,
  type SeriesPlan,
  type SlotTally,
  slotsOfZoneSeries,
  sumTallies,
  type Tally,
  TooManyBucketsError,
  type ZoneSeries,
  zoneSeriesOf,
} from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';

const at = (text: string) => Date.parse(text);
const HOUR_MS = 3_600_000;

interface Call {
  startedAt: number;
  durationMs: number;
}

function tallyOf(calls: readonly Call[], { from, until }: Range): Tally {
  const inside = calls.filter(({ startedAt }) => startedAt >= from && startedAt < until);
  return sumTallies(inside.map(({ durationMs }) => ({ calls: 1, durationMs })));
}

/** What counters answer: a sum for each UTC day. */
function valuesOf({ units }: SeriesPlan, calls: readonly Call[]): Tally[][] {
  return units.map((unit) => {
    if (unit.kind !== 'days') throw new Error(`a plan of a time zone has no ${unit.kind}`);
    return Array.from({ length: unit.last - unit.first + 1 }, (_, i) => {
      const from = (firstDayOfMonth(unit.month) + unit.first - 1 + i) * DAY_MS;
      return tallyOf(calls, { from, until: from + DAY_MS });
    });
  });
}

/** What Mongo answers: a sum for each slot, of the rows in the edges. */
function slotTalliesOf({ edges }: SeriesPlan, series: ZoneSeries, calls: readonly Call[]): SlotTally[] {
  const { origin, width } = slotsOfZoneSeries(series);
  return calls
    .filter(({ startedAt }) => edges.some(({ from, until }) => startedAt >= from && startedAt < until))
    .map(({ startedAt, durationMs }) => ({
      slot: Math.floor((startedAt - origin) / width),
      calls: 1,
      durationMs,
    }));
}

const zones = fc.constantFrom(
  ...['Europe/London', 'Europe/Berlin', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'America/St_Johns', 'UTC'],
);
const moments = fc.oneof(
  fc.integer({ min: at('2025-09-01'), max: at('2026-05-01') }),
  fc.integer({ min: dayOf(at('2025-09-01')), max: dayOf(at('2026-05-01')) }).map((day) => day * DAY_MS),
  fc.integer({ min: at('2026-03-28'), max: at('2026-03-31') }),
);
const lengths = { hour: 900 * HOUR_MS, day: 900 * DAY_MS, week: 900 * DAY_MS, month: 900 * DAY_MS };
const cases = fc
  .record({
    zone: zones,
    interval: fc.constantFrom(...SERIES_INTERVALS),
    a: moments,
    b: moments,
    fromDay: moments.map(dayOf),
    daysFrom: fc.option(moments.map(dayOf), { nil: undefined }),
    lastStartedAt: fc.oneof(moments, fc.constantFrom(-Infinity, Infinity)),
    calls: fc.array(fc.record({ startedAt: moments, durationMs: fc.nat(1_000) }), { maxLength: 40 }),
  })
  .map(({ a, b, ...given }) => {
    const from = Math.min(a, b);
    const until = Math.min(Math.max(a, b) + 1, from + lengths[given.interval]);
    return {
      ...given,
      range: { from, until },
      calls: given.calls.filter((call) => call.startedAt <= given.lastStartedAt),
    };
  });

test('counters and rows together give each bucket its calls, and no call to two', async () => {
  fc.assert(
    fc.property(cases, ({ zone, interval, range, calls, fromDay, daysFrom, lastStartedAt }) => {
      const series = zoneSeriesOf(range, interval, zone);
      const available = { fromDay, lastStartedAt, ...(daysFrom !== undefined && { daysFrom }) };
      const plan = planZoneSeries(range, series, available);
      const sums = addUpZoneSeries(
        series,
        plan,
        valuesOf(plan, calls),
        slotsOfZoneSeries(series),
        slotTalliesOf(plan, series, calls),
      );
      const right = series.buckets.map(({ from, until }) =>
        tallyOf(calls, { from: Math.max(from, range.from), until: Math.min(until, range.until) }),
      );
      const daysKept = plan.units.every(
        (unit) =>
          unit.kind === 'days' &&
          firstDayOfMonth(unit.month) + unit.first - 1 >= Math.max(fromDay, daysFrom ?? fromDay),
      );
      const isSame = JSON.stringify(sums) === JSON.stringify(right);
      const isWhole = JSON.stringify(sumTallies(sums)) === JSON.stringify(tallyOf(calls, range));
      return isSame && isWhole && daysKept;
    }),
    { numRuns: 400 },
  );
});

test('rows alone give the same', async () => {
  fc.assert(
    fc.property(cases, ({ zone, interval, range, calls }) => {
      const series = zoneSeriesOf(range, interval, zone);
      const plan = planOfRows(range);
      const sums = addUpZoneSeries(
        series,
        plan,
        [],
        slotsOfZoneSeries(series),
        slotTalliesOf(plan, series, calls),
      );
      const right = series.buckets.map(({ from, until }) =>
        tallyOf(calls, { from: Math.max(from, range.from), until: Math.min(until, range.until) }),
      );
      return JSON.stringify(sums) === JSON.stringify(right);
    }),
    { numRuns: 150 },
  );
});

test('whole UTC days of a month come from counters, the days around its turns from rows', async (t) => {
  const range = { from: at('2026-02-28T23:00Z'), until: at('2026-04-30T22:00Z') };
  const plan = planZoneSeries(range, zoneSeriesOf(range, 'month', 'Europe/Berlin'), {
    fromDay: 0,
    lastStartedAt: Infinity,
  });
  t.strictSame(plan.units, [
    ...daysByMonth(dayOf(at('2026-03-01')), dayOf(at('2026-03-30'))),
    ...daysByMonth(dayOf(at('2026-04-01')), dayOf(at('2026-04-29'))),
  ]);
  t.strictSame(plan.edges, [
    { from: range.from, until: at('2026-03-01'), sign: 1 },
    { from: at('2026-03-31'), until: at('2026-04-01'), sign: 1 },
    { from: at('2026-04-30'), until: range.until, sign: 1 },
  ]);
});

test('slots are as long as the bounds of the buckets allow', async (t) => {
  const width = (zone: string, from: string, until: string, interval: 'hour' | 'day') =>
    slotsOfZoneSeries(zoneSeriesOf({ from: at(from), until: at(until) }, interval, zone)).width / HOUR_MS;
  t.equal(width('Asia/Kolkata', '2026-03-01', '2026-04-01', 'day'), 24);
  t.equal(width('Europe/Berlin', '2026-03-01', '2026-04-10', 'day'), 1);
  t.equal(width('Asia/Kathmandu', '2026-03-01', '2026-03-03', 'hour'), 1);
  t.equal(width('Australia/Lord_Howe', '2026-03-30', '2026-04-10', 'hour'), 0.5);
});

test('a thousand buckets are allowed, hours too; one more is refused with the interval that fits', async (t) => {
  const from = at('2026-01-01');
  const hours = (count: number) => ({ from, until: from + count * HOUR_MS });
  t.equal(zoneSeriesOf(hours(1_000), 'hour', 'UTC').buckets.length, 1_000);
  t.equal(zoneSeriesOf(hours(999), 'hour', 'Asia/Kathmandu').buckets.length, 1_000, 'the outer ones in part');
  const refused = (range: Range, interval: 'hour' | 'day' | 'month', zone: string) => {
    try {
      zoneSeriesOf(range, interval, zone);
      return undefined;
    } catch (thrown) {
      if (thrown instanceof TooManyBucketsError) return thrown;
      throw thrown;
    }
  };
  t.match(refused(hours(1_001), 'hour', 'UTC'), {
    buckets: 1_001,
    fitting: 'day',
    message: /interval=hour .*interval=day/,
  });
  t.match(refused({ from, until: from + 1_001 * DAY_MS }, 'hour', 'Europe/Berlin'), { fitting: 'week' });
  t.match(refused({ from, until: from + 1_001 * DAY_MS }, 'day', 'Europe/Berlin'), { fitting: 'week' });
  const all = { from: at('0001-01-02T00:00:00Z'), until: at('9999-12-30T00:00:00Z') };
  t.equal(refused(all, 'hour', 'Europe/Berlin')?.fitting, undefined);
  t.equal(refused(all, 'month', 'Europe/Berlin')?.fitting, undefined);
});
