import {
  DAY_MS,
  firstDayOfPeriod,
  formatDay,
  INTERVALS,
  type Interval,
  parseDateRange,
  type Range,
  seriesBucketsMax,
  seriesData,
  seriesOf,
  TooManyBucketsError,
} from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';

const at = (text: string) => Date.parse(text);
const range = (from: string, until: string): Range => ({ from: at(from), until: at(until) });

/** First days of the buckets, by walking over the days of the range with Date. */
function walked({ from, until }: Range, interval: Interval): string[] {
  const starts = new Set<string>();
  for (let ms = Math.floor(from / DAY_MS) * DAY_MS; ms < until; ms += DAY_MS) {
    const date = new Date(ms);
    if (interval === 'month') date.setUTCDate(1);
    if (interval === 'week') date.setUTCDate(date.getUTCDate() - ((date.getUTCDay() + 6) % 7));
    starts.add(date.toISOString().slice(0, 10));
  }
  return [...starts];
}

function startsOf(asked: Range, interval: Interval): string[] {
  const { first, buckets } = seriesOf(asked, interval);
  return Array.from({ length: buckets }, (_, i) => formatDay(firstDayOfPeriod(interval, first + i)));
}

function refusalOf(asked: Range, interval: Interval): TooManyBucketsError | undefined {
  try {
    seriesOf(asked, interval);
    return undefined;
  } catch (thrown) {
    if (thrown instanceof TooManyBucketsError) return thrown;
    throw thrown;
  }
}

test('the buckets of a range are exactly those of its days', async () => {
  const instants = fc.oneof(
    fc.integer({ min: at('2024-12-20'), max: at('2026-01-20') }),
    fc.integer({ min: -800, max: 800 }).map((day) => day * DAY_MS),
    // The turns of some ISO years, and both ends of what can be asked for.
    fc
      .tuple(fc.integer({ min: 1999, max: 2032 }), fc.integer({ min: -5 * DAY_MS, max: 5 * DAY_MS }))
      .map(([year, off]) => Date.UTC(year, 0) + off),
    fc.nat(40 * DAY_MS).map((off) => at('0001-01-01T00:00:00Z') + off),
    fc.nat(40 * DAY_MS).map((off) => at('9999-12-31T23:59:59.999Z') - off),
  );
  const lengths = fc.oneof(
    fc.constant(1),
    fc.integer({ min: 1, max: DAY_MS }),
    fc.integer({ min: 1, max: 900 * DAY_MS }),
  );
  fc.assert(
    fc.property(instants, lengths, fc.constantFrom(...INTERVALS), (from, length, interval) => {
      const until = Math.min(from + length, at('9999-12-31T23:59:59.999Z') + 1);
      const asked = { from, until };
      return JSON.stringify(startsOf(asked, interval)) === JSON.stringify(walked(asked, interval));
    }),
    { numRuns: 2000 },
  );
});

test('a week starts on Monday and a month on the 1st, even if the range starts later', async (t) => {
  t.strictSame(startsOf(range('2026-03-28T10:00Z', '2026-03-28T10:01Z'), 'day'), ['2026-03-28']);
  t.strictSame(startsOf(range('2026-01-01', '2026-01-06'), 'week'), ['2025-12-29', '2026-01-05']);
  t.strictSame(startsOf(range('2026-01-31', '2026-02-02'), 'month'), ['2026-01-01', '2026-02-01']);
  t.strictSame(startsOf(range('0001-01-01T00:00:00Z', '0001-01-01T00:00:00.001Z'), 'week'), ['0001-01-01']);
});

test('a thousand buckets are allowed; one more is refused with the interval that fits', async (t) => {
  const from = at('2020-01-01');
  const days = (count: number) => ({ from, until: from + count * DAY_MS });
  t.equal(seriesOf(days(1_000), 'day').buckets, seriesBucketsMax);
  t.match(refusalOf(days(1_001), 'day'), {
    buckets: 1_001,
    fitting: 'week',
    message: /interval=day .*1001 .*1000 .*interval=week/,
  });
  // 2020-01-01 was a Wednesday, so the first of these weeks has five days.
  t.equal(seriesOf(days(5 + 999 * 7), 'week').buckets, 1_000);
  t.match(refusalOf(days(5 + 999 * 7 + 1), 'week'), { buckets: 1_001, fitting: 'month' });
  t.match(refusalOf(days(5 + 999 * 7 + 1), 'day'), { fitting: 'month' });
  const months = (count: number) => ({ from, until: Date.UTC(2020, count) });
  t.equal(seriesOf(months(1_000), 'month').buckets, 1_000);
  for (const interval of INTERVALS) {
    const refusal = refusalOf(months(1_001), interval);
    t.equal(refusal?.fitting, undefined);
    t.match(refusal?.message, /Shorten the range\.$/);
    t.notMatch(refusal?.message, 'Use interval');
  }
});

test('refusing a range of all years is cheap', async (t) => {
  const all = { from: at('0001-01-01T00:00:00Z'), until: at('9999-12-31T23:59:59.999Z') + 1 };
  t.strictSame(
    INTERVALS.map((interval) => refusalOf(all, interval)?.buckets),
    [3_652_059, 521_723, 9_999 * 12],
  );
});

test('a bucket’s figures are computed as the dashboard’s, and its sum in ms is not rounded', async (t) => {
  const asked = parseDateRange({ start_date: '2026-03-27', end_date: '2026-03-28' }, 0);
  const tallies = [
    { calls: 342, durationMs: 91_245_000 },
    { calls: 0, durationMs: 0 },
  ];
  t.strictSame(seriesData(seriesOf(asked, 'day'), tallies, asked), {
    interval: 'day',
    buckets: [
      {
        start: '2026-03-27',
        calls: 342,
        duration_ms: 91_245_000,
        duration_minutes: 1520.75,
        avg_duration_minutes: 4.45,
      },
      { start: '2026-03-28', calls: 0, duration_ms: 0, duration_minutes: 0, avg_duration_minutes: 0 },
    ],
    date_range: { start_date: '2026-03-27T00:00:00Z', end_date: '2026-03-28T23:59:59Z' },
  });
});
