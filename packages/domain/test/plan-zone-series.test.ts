import {
  type Availability,
  addUpZoneSeries,
  DAY_MS,
  dayOf,
  daysByMonth,
  firstDayOfMonth,
  monthOf,
  needsRowsAlone,
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
import { offsetAt } from './zone-oracle.ts';

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

/** What counters answer: a sum for each UTC day and each half-hour. */
function valuesOf({ units, halfHours }: SeriesPlan, calls: readonly Call[]): Tally[][] {
  const sums = (first: number, last: number, width: number) =>
    Array.from({ length: last - first + 1 }, (_, i) => {
      const from = (first + i) * width;
      return tallyOf(calls, { from, until: from + width });
    });
  return [
    ...units.map((unit) => {
      if (unit.kind !== 'days') throw new Error(`a plan of a time zone has no ${unit.kind}`);
      const before = firstDayOfMonth(unit.month) - 1;
      return sums(before + unit.first, before + unit.last, DAY_MS);
    }),
    ...halfHours.map(({ first, last }) => sums(first, last, HOUR_MS / 2)),
  ];
}

/** Whether counters have all that a plan reads of them, and whether it adds all of it. */
function isKept(
  { units, halfHours, edges }: SeriesPlan,
  { fromDay, daysFrom = fromDay, halfHoursFrom = Infinity }: Availability,
): boolean {
  return (
    units.every(
      (unit) =>
        unit.kind === 'days' && firstDayOfMonth(unit.month) + unit.first - 1 >= Math.max(fromDay, daysFrom),
    ) &&
    halfHours.every(
      ({ month, first, last }) =>
        Math.floor(first / 48) >= Math.max(fromDay, halfHoursFrom) &&
        [first, last].every((one) => monthOf(Math.floor(one / 48)) === month),
    ) &&
    [...halfHours, ...edges].every(({ sign }) => sign === 1)
  );
}

/** Calls at some instants and 1 ms around them. No sums of some of them are likely to be those of others. */
function callsAround(instants: readonly number[]): Call[] {
  const starts = new Set(instants.flatMap((ms) => [ms - 1, ms, ms + 1]));
  return [...starts].map((startedAt, i) => ({ startedAt, durationMs: ((i + 1) * 2_654_435_761) % 2 ** 32 }));
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
    halfHoursFrom: fc.option(moments.map(dayOf), { nil: undefined }),
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
    fc.property(cases, ({ zone, interval, range, calls, fromDay, lastStartedAt, ...given }) => {
      const series = zoneSeriesOf(range, interval, zone);
      const { daysFrom, halfHoursFrom } = given;
      const available = {
        fromDay,
        lastStartedAt,
        ...(daysFrom !== undefined && { daysFrom }),
        ...(halfHoursFrom !== undefined && { halfHoursFrom }),
      };
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
      const isSame = JSON.stringify(sums) === JSON.stringify(right);
      const isWhole = JSON.stringify(sumTallies(sums)) === JSON.stringify(tallyOf(calls, range));
      return isSame && isWhole && isKept(plan, available);
    }),
    { numRuns: 400 },
  );
});

/** Any zone and time, and half-hours that counters have from before the range, from amid it, or not of it. */
const anywhere = fc
  .record({
    zone: fc.constantFrom(...Intl.supportedValuesOf('timeZone')),
    interval: fc.constantFrom(...SERIES_INTERVALS),
    start: fc.integer({ min: at('2000-01-01'), max: at('2040-01-01') }),
    length: fc.oneof(fc.integer({ min: 1, max: HOUR_MS }), fc.integer({ min: 1, max: 70 * DAY_MS })),
    isOfWholeBuckets: fc.boolean(),
    back: fc.record({
      fromDay: fc.integer({ min: -70, max: 90 }),
      halfHoursFrom: fc.integer({ min: -70, max: 90 }),
      lastStartedAt: fc.oneof(fc.integer({ min: -2 * DAY_MS, max: 70 * DAY_MS }), fc.constant(-Infinity)),
    }),
  })
  .map(({ zone, interval, start, length, isOfWholeBuckets, back }) => {
    const longest = interval === 'hour' ? 4 * DAY_MS : Infinity;
    const asked = { from: start, until: start + Math.min(length, longest) };
    const { buckets } = zoneSeriesOf(asked, interval, zone);
    const range = isOfWholeBuckets ? { from: buckets[0]!.from, until: buckets.at(-1)!.until } : asked;
    const { from, until } = range;
    const available = {
      fromDay: dayOf(until) - back.fromDay,
      halfHoursFrom: dayOf(until) - back.halfHoursFrom,
      lastStartedAt: back.lastStartedAt === -Infinity ? Infinity : until - back.lastStartedAt,
    };
    return { zone, range: { from, until }, series: zoneSeriesOf(range, interval, zone), available };
  });

test('in any zone, at any time, a plan covers its range exactly once', async () => {
  fc.assert(
    fc.property(anywhere, ({ range, series, available }) => {
      const plan = planZoneSeries(range, series, available);
      // At and around every end of anything that is read, so that nothing is read twice or left out between them.
      const calls = callsAround([
        ...[range, ...series.buckets, ...plan.edges].flatMap(({ from, until }) => [from, until]),
        ...plan.halfHours.flatMap(({ first, last }) => [first, last + 1].map((one) => (one * HOUR_MS) / 2)),
        ...plan.units.flatMap((unit) => {
          if (unit.kind !== 'days') throw new Error(`a plan of a time zone has no ${unit.kind}`);
          const before = firstDayOfMonth(unit.month) - 1;
          return [unit.first, unit.last + 1].map((day) => (before + day) * DAY_MS);
        }),
      ]).filter(({ startedAt }) => !plan.trustsLastStartedAt || startedAt <= available.lastStartedAt);
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
      return JSON.stringify(sums) === JSON.stringify(right) && isKept(plan, available);
    }),
    { numRuns: 300 },
  );
});

test('whole local days need no rows where clocks are ahead by half-hours, elsewhere those of a quarter at each end', async (t) => {
  const kept = { fromDay: 0, halfHoursFrom: 0, lastStartedAt: Infinity };
  const offsets = new Set<number>();
  fc.assert(
    fc.property(anywhere, ({ zone, range: { from, until }, series: { interval } }) => {
      const days = zoneSeriesOf({ from, until }, 'day', zone).buckets;
      const range = { from: days[0]!.from, until: days.at(-1)!.until };
      const series = zoneSeriesOf(range, interval, zone);
      const quarters = [range, ...series.buckets].flatMap((one) =>
        [one.from, one.until].filter((end) => offsetAt(zone, end) % (HOUR_MS / 2) !== 0),
      );
      offsets.add(Math.abs(offsetAt(zone, range.from)) % HOUR_MS);
      const { edges } = planZoneSeries(range, series, kept);
      return (edges.length === 0) === (quarters.length === 0);
    }),
    { numRuns: 300 },
  );
  t.ok(offsets.has(0) && offsets.has(HOUR_MS / 2), `offsets of ${[...offsets].sort()} ms behind full hours`);

  const day = (zone: string, start: string) => {
    const range = { from: at(start), until: at(start) + DAY_MS };
    return planZoneSeries(range, zoneSeriesOf(range, 'day', zone), kept);
  };
  const first = at('2026-03-09T18:30Z') / (HOUR_MS / 2);
  t.strictSame(day('Asia/Kolkata', '2026-03-10T00:00+05:30'), {
    units: [],
    edges: [],
    halfHours: [
      { kind: 'half-hours', month: monthOf(dayOf(at('2026-03-10'))), first, last: first + 47, sign: 1 },
    ],
    trustsLastStartedAt: false,
  });
  t.match(day('Asia/Kathmandu', '2026-03-10T00:00+05:45'), {
    edges: [
      { from: at('2026-03-09T18:15Z'), until: at('2026-03-09T18:30Z'), sign: 1 },
      { from: at('2026-03-10T18:00Z'), until: at('2026-03-10T18:15Z'), sign: 1 },
    ],
    halfHours: [{ first, last: first + 46 }],
  });
});

test('days of a time zone in which the half-hours begin are rows until then', async (t) => {
  const range = { from: at('2026-02-27T00:00+01:00'), until: at('2026-03-03T00:00+01:00') };
  const plan = planZoneSeries(range, zoneSeriesOf(range, 'day', 'Europe/Berlin'), {
    fromDay: 0,
    halfHoursFrom: dayOf(at('2026-03-01')),
    lastStartedAt: Infinity,
  });
  t.strictSame(plan.edges, [{ from: range.from, until: at('2026-03-01'), sign: 1 }]);
  t.match(plan.halfHours, [
    { first: at('2026-03-01') / (HOUR_MS / 2), last: range.until / (HOUR_MS / 2) - 1 },
  ]);
  t.strictSame(plan.units, []);
});

test('rows alone are asked where counters hold nothing of a series, or too many pieces of it', async (t) => {
  const needs = (zone: string, interval: 'hour' | 'day', days: number, halfHoursFrom?: number) => {
    const range = { from: at('2026-03-01'), until: at('2026-03-01') + days * DAY_MS };
    return needsRowsAlone({ range, series: zoneSeriesOf(range, interval, zone) }, halfHoursFrom);
  };
  const [before, behind] = [dayOf(at('2026-02-01')), dayOf(at('2026-05-01'))];
  t.equal(needs('Europe/Berlin', 'hour', 2), true, 'no half-hours are kept');
  t.equal(needs('Europe/Berlin', 'hour', 2, before), false);
  t.equal(needs('Europe/Berlin', 'hour', 2, behind), true, 'none are of this range');
  t.equal(needs('Europe/Berlin', 'day', 40, before), false);
  t.equal(needs('Europe/Berlin', 'day', 40, behind), true);
  t.equal(needs('Asia/Kathmandu', 'hour', 2, before), false);
  t.equal(needs('Asia/Kathmandu', 'hour', 3, before), true, 'each hour has rows of its own');
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
