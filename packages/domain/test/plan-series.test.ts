import {
  type Availability,
  addUpSeries,
  DAY_MS,
  type DayTally,
  dayOf,
  INTERVALS,
  type Interval,
  planOfRows,
  planRange,
  planSeries,
  type Range,
  type SeriesPlan,
  type SeriesSegment,
  seriesOf,
  type Tally,
} from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';

const at = (text: string) => Date.parse(text);
const month = (text: string) => (Number(text.slice(0, 4)) - 1970) * 12 + Number(text.slice(5)) - 1;
const range = (from: string, until: string): Range => ({ from: at(from), until: at(until) });
const kept = (fromDay: string): Availability => ({
  fromDay: dayOf(at(fromDay)),
  lastStartedAt: at('2027-01-01'),
});

interface Call {
  startedAt: number;
  durationMs: number;
}

function tallyOf(calls: readonly Call[]): Tally {
  return { calls: calls.length, durationMs: calls.reduce((sum, { durationMs }) => sum + durationMs, 0) };
}

/** Each value's own range, by Date and not by the arithmetic under test. */
function rangesOf(unit: SeriesSegment): Range[] {
  const count = unit.kind === 'month' ? 1 : unit.last - unit.first + 1;
  return Array.from({ length: count }, (_, i) => {
    if (unit.kind === 'weeks') {
      const monday = at('1969-12-29T00:00:00Z') + (unit.first + i) * 7 * DAY_MS;
      return { from: monday, until: monday + 7 * DAY_MS };
    }
    if (unit.kind === 'month') {
      return { from: Date.UTC(1970, unit.month), until: Date.UTC(1970, unit.month + 1) };
    }
    const day = Date.UTC(1970, unit.month, unit.first + i);
    return { from: day, until: day + DAY_MS };
  });
}

/** What counters hold: calls before the first kept day are in no bucket of theirs, nor in the week or month it lies in. */
function valuesOf(plan: SeriesPlan, calls: readonly Call[], { fromDay }: Availability): Tally[][] {
  const counted = calls.filter(({ startedAt }) => startedAt >= fromDay * DAY_MS);
  return plan.units.map((unit) =>
    rangesOf(unit).map(({ from, until }) =>
      tallyOf(counted.filter(({ startedAt }) => startedAt >= from && startedAt < until)),
    ),
  );
}

/** What rows hold: sums by UTC day of what lies in each edge. */
function daysOf(plan: SeriesPlan, calls: readonly Call[]): DayTally[][] {
  return plan.edges.map(({ from, until }) => {
    const days = new Map<number, Call[]>();
    for (const call of calls) {
      if (call.startedAt < from || call.startedAt >= until) continue;
      const day = Math.floor(call.startedAt / DAY_MS);
      days.set(day, [...(days.get(day) ?? []), call]);
    }
    return [...days].map(([day, some]) => ({ day, ...tallyOf(some) }));
  });
}

/** The first day of the bucket that holds an instant, by Date. */
function startOf(ms: number, interval: Interval): number {
  const date = new Date(Math.floor(ms / DAY_MS) * DAY_MS);
  if (interval === 'month') date.setUTCDate(1);
  if (interval === 'week') date.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7));
  return date.getTime();
}

/** The tally of each bucket, by looking at each call for each day of the range. */
function seriesOracle(calls: readonly Call[], { from, until }: Range, interval: Interval): Tally[] {
  const starts = new Set<number>();
  for (let ms = Math.floor(from / DAY_MS) * DAY_MS; ms < until; ms += DAY_MS)
    starts.add(startOf(ms, interval));
  const inside = calls.filter(({ startedAt }) => startedAt >= from && startedAt < until);
  return [...starts].map((start) =>
    tallyOf(inside.filter(({ startedAt }) => startOf(startedAt, interval) === start)),
  );
}

/** Moments that lie close together, at day, month, week and year borders or anywhere, so that cuts of all kinds occur. */
const moments = fc.oneof(
  fc.integer({ min: at('2025-12-25'), max: at('2026-01-08') }),
  fc.integer({ min: at('2024-11-01'), max: at('2026-04-01') }),
  fc.integer({ min: dayOf(at('2024-11-01')), max: dayOf(at('2026-04-01')) }).map((day) => day * DAY_MS),
  fc.integer({ min: 2_860, max: 2_935 }).map((week) => at('1969-12-29T00:00:00Z') + week * 7 * DAY_MS),
  fc.integer({ min: month('2024-11'), max: month('2026-03') }).map((n) => Date.UTC(1970, n, 1)),
);
const cases = fc.record({
  a: moments,
  length: fc.option(fc.oneof(fc.constant(1), fc.integer({ min: 1, max: DAY_MS }))),
  b: moments,
  fromDay: moments.map(dayOf),
  lastStartedAt: fc.oneof(
    moments,
    fc.constant(Number.NEGATIVE_INFINITY),
    fc.constant(Number.POSITIVE_INFINITY),
  ),
  interval: fc.constantFrom(...INTERVALS),
});
type Case = typeof cases extends fc.Arbitrary<infer T> ? T : never;

function askedBy({ a, b, length }: Case): Range {
  return { from: Math.min(a, b), until: length === null ? Math.max(a, b) + 1 : Math.min(a, b) + length };
}

const someCalls = fc.array(fc.record({ startedAt: moments, durationMs: fc.nat(1_000) }), { maxLength: 40 });

test('the series of a plan equals that of the single calls, for any range and retention', async () => {
  fc.assert(
    fc.property(cases, someCalls, (given, calls) => {
      const { fromDay, lastStartedAt, interval } = given;
      const asked = askedBy(given);
      const counted = calls.filter(({ startedAt }) => startedAt <= lastStartedAt);
      const available = { fromDay, lastStartedAt };
      const plan = planSeries(asked, interval, available);
      const values = valuesOf(plan, counted, available);
      const sums = addUpSeries(seriesOf(asked, interval), plan, values, daysOf(plan, counted));
      return JSON.stringify(sums) === JSON.stringify(seriesOracle(counted, asked, interval));
    }),
    { numRuns: 4000 },
  );
});

test('a series from rows alone is the same', async () => {
  fc.assert(
    fc.property(cases, someCalls, (given, calls) => {
      const asked = askedBy(given);
      const plan = planOfRows(asked);
      const sums = addUpSeries(seriesOf(asked, given.interval), plan, [], daysOf(plan, calls));
      return JSON.stringify(sums) === JSON.stringify(seriesOracle(calls, asked, given.interval));
    }),
    { numRuns: 1000 },
  );
});

test('edges and trust equal those of the dashboard of the same range, so that both agree', async () => {
  fc.assert(
    fc.property(cases, (given) => {
      const { edges, trustsLastStartedAt } = planRange(askedBy(given), given);
      const plan = planSeries(askedBy(given), given.interval, given);
      return (
        JSON.stringify([plan.edges, plan.trustsLastStartedAt]) ===
        JSON.stringify([edges, trustsLastStartedAt])
      );
    }),
    { numRuns: 1000 },
  );
});

test('days are read one by one, months and weeks by their own sums, cut ones by days', async (t) => {
  const asked = range('2025-12-27', '2026-02-03');
  t.strictSame(planSeries(asked, 'day', kept('2024-01-01')).units, [
    { kind: 'days', month: month('2025-12'), first: 27, last: 31 },
    { kind: 'days', month: month('2026-01'), first: 1, last: 31 },
    { kind: 'days', month: month('2026-02'), first: 1, last: 2 },
  ]);
  t.strictSame(planSeries(asked, 'month', kept('2024-01-01')).units, [
    { kind: 'days', month: month('2025-12'), first: 27, last: 31 },
    { kind: 'month', month: month('2026-01') },
    { kind: 'days', month: month('2026-02'), first: 1, last: 2 },
  ]);
  // Mondays: 2025-12-29, of the ISO year 2026, to 2026-02-02.
  const first = (at('2025-12-29') - at('1969-12-29')) / (7 * DAY_MS);
  t.strictSame(planSeries(asked, 'week', kept('2024-01-01')).units, [
    { kind: 'days', month: month('2025-12'), first: 27, last: 28 },
    { kind: 'weeks', isoYear: 2026, first, last: first + 4 },
    { kind: 'days', month: month('2026-02'), first: 2, last: 2 },
  ]);
  t.strictSame(planSeries(range('2025-12-22', '2026-01-05'), 'week', kept('2024-01-01')).units, [
    { kind: 'weeks', isoYear: 2025, first: first - 1, last: first - 1 },
    { kind: 'weeks', isoYear: 2026, first, last: first },
  ]);
});

test('a week that starts before the first kept day is read by days, and from rows before it', async (t) => {
  const plan = planSeries(range('2026-03-23', '2026-04-13'), 'week', kept('2026-04-01'));
  const second = (at('2026-04-06') - at('1969-12-29')) / (7 * DAY_MS);
  t.strictSame(plan.units, [
    { kind: 'days', month: month('2026-04'), first: 1, last: 5 },
    { kind: 'weeks', isoYear: 2026, first: second, last: second },
  ]);
  t.strictSame(plan.edges, [{ ...range('2026-03-23', '2026-04-01'), sign: 1 }]);
});

test('a plan is bounded by what is kept, or by the allowed buckets', async (t) => {
  const all = { from: at('0001-01-01T00:00:00Z'), until: at('9999-12-31T23:59:59.999Z') + 1 };
  const values = (interval: Interval) =>
    planSeries(all, interval, kept('2024-01-01')).units.reduce((sum, unit) => sum + rangesOf(unit).length, 0);
  t.equal(values('month'), 37);
  t.ok(values('week') <= 3 * 53 + 2 * 31, `${values('week')} weeks and days`);
  t.equal(values('day'), 366 + 365 + 365 + 31);
});
