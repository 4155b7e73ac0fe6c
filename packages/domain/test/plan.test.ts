import {
  type Availability,
  DAY_MS,
  dayOf,
  firstDayOfMonth,
  monthOf,
  type Plan,
  planRange,
  planRangeByMonths,
  type Range,
} from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';

const HOUR_MS = 3_600_000;
const at = (text: string) => Date.parse(text);
const month = (text: string) => (Number(text.slice(0, 4)) - 1970) * 12 + Number(text.slice(5)) - 1;
const range = (from: string, until: string): Range => ({ from: at(from), until: at(until) });
const available = (fromDay: string, lastStartedAt: string): Availability => ({
  fromDay: dayOf(at(fromDay)),
  lastStartedAt: at(lastStartedAt),
});
const LONG = available('2024-01-01', '2027-01-01T00:00:00Z');

/** Milliseconds a bucket stands for, by Date and not by the arithmetic under test. */
function bucketRange(bucket: Plan['buckets'][number]): Range {
  const year = 1970 + Math.floor(bucket.month / 12);
  const first = (months: number, day: number) => {
    const date = new Date(0);
    date.setUTCFullYear(year, (((bucket.month % 12) + 12) % 12) + months, day);
    return date.getTime();
  };
  return bucket.kind === 'month'
    ? { from: first(0, 1), until: first(1, 1) }
    : { from: first(0, bucket.first), until: first(0, bucket.last + 1) };
}

/** Where a plan counts a call another number of times than the range asks for, in order of time. */
function wronglyCounted(plan: Plan, asked: Range): Range[] {
  const signed = [
    ...plan.buckets.map((bucket) => ({ ...bucketRange(bucket), sign: 1 })),
    ...plan.edges,
    { ...asked, sign: -1 },
  ];
  const steps = signed
    .flatMap(({ from, until, sign }) => [
      { ms: from, by: sign },
      { ms: until, by: -sign },
    ])
    .sort((a, b) => a.ms - b.ms);
  const wrong: Range[] = [];
  let surplus = 0;
  steps.forEach(({ ms, by }, index) => {
    surplus += by;
    const until = steps[index + 1]?.ms ?? ms;
    if (surplus !== 0 && ms < until) wrong.push({ from: ms, until });
  });
  return wrong;
}

test('whole months and days need no edge', async (t) => {
  t.strictSame(planRange(range('2026-02-26', '2026-05-03'), LONG), {
    buckets: [
      { kind: 'days', month: month('2026-02'), first: 26, last: 28 },
      { kind: 'month', month: month('2026-03') },
      { kind: 'month', month: month('2026-04') },
      { kind: 'days', month: month('2026-05'), first: 1, last: 2 },
    ],
    edges: [],
    trustsLastStartedAt: false,
  });
  t.strictSame(planRange(range('2024-02-01', '2024-03-01'), LONG).buckets, [
    { kind: 'month', month: month('2024-02') },
  ]);
  t.strictSame(planRange(range('2026-12-31', '2027-01-01'), LONG).buckets, [
    { kind: 'days', month: month('2026-12'), first: 31, last: 31 },
  ]);
});

test('a day cut by the range is read from its smaller side', async (t) => {
  t.strictSame(planRange(range('2026-03-01T18:00Z', '2026-03-04T06:00Z'), LONG), {
    buckets: [{ kind: 'days', month: month('2026-03'), first: 2, last: 3 }],
    edges: [
      { ...range('2026-03-01T18:00Z', '2026-03-02'), sign: 1 },
      { ...range('2026-03-04', '2026-03-04T06:00Z'), sign: 1 },
    ],
    trustsLastStartedAt: false,
  });
  t.strictSame(planRange(range('2026-03-01T06:00Z', '2026-03-31T18:00Z'), LONG), {
    buckets: [{ kind: 'month', month: month('2026-03') }],
    edges: [
      { ...range('2026-03-01', '2026-03-01T06:00Z'), sign: -1 },
      { ...range('2026-03-31T18:00Z', '2026-04-01'), sign: -1 },
    ],
    trustsLastStartedAt: false,
  });
});

test('a range within one day is read from the smaller side', async (t) => {
  const inside = range('2026-03-01T10:00Z', '2026-03-01T14:00Z');
  t.strictSame(planRange(inside, LONG), {
    buckets: [],
    edges: [{ ...inside, sign: 1 }],
    trustsLastStartedAt: false,
  });
  t.strictSame(planRange(range('2026-03-01T01:00Z', '2026-03-01T22:00Z'), LONG), {
    buckets: [{ kind: 'days', month: month('2026-03'), first: 1, last: 1 }],
    edges: [
      { ...range('2026-03-01', '2026-03-01T01:00Z'), sign: -1 },
      { ...range('2026-03-01T22:00Z', '2026-03-02'), sign: -1 },
    ],
    trustsLastStartedAt: false,
  });
});

test('the empty side of a day costs nothing', async (t) => {
  const kept = available('2024-01-01', '2026-03-28T10:00:00Z');
  t.strictSame(planRange(range('2026-03-28', '2026-03-28T08:00Z'), kept), {
    buckets: [{ kind: 'days', month: month('2026-03'), first: 28, last: 28 }],
    edges: [{ ...range('2026-03-28T08:00Z', '2026-03-29'), sign: -1 }],
    trustsLastStartedAt: false,
  });
});

test('two adjacent cut days that are both added are one edge', async (t) => {
  t.strictSame(planRange(range('2026-03-01T20:00Z', '2026-03-02T04:00Z'), LONG), {
    buckets: [],
    edges: [{ ...range('2026-03-01T20:00Z', '2026-03-02T04:00Z'), sign: 1 }],
    trustsLastStartedAt: false,
  });
});

test('a last day cut after the last call is read whole', async (t) => {
  const kept = available('2024-01-01', '2026-03-28T14:00:00Z');
  t.strictSame(planRange(range('2026-03-01', '2026-03-28T14:30Z'), kept), {
    buckets: [{ kind: 'days', month: month('2026-03'), first: 1, last: 28 }],
    edges: [],
    trustsLastStartedAt: true,
  });
  t.strictSame(
    planRange({ from: at('2026-03-28'), until: kept.lastStartedAt }, kept).edges,
    [{ from: kept.lastStartedAt, until: at('2026-03-29'), sign: -1 }],
    'the last call itself is beyond a range that ends at it',
  );
  t.strictSame(planRange({ from: at('2026-03-28'), until: kept.lastStartedAt + 1 }, kept).edges, []);
});

test('months after that of the last call are not read', async (t) => {
  const kept = available('2026-01-01', '2026-03-28T14:00:00Z');
  t.strictSame(planRange(range('2026-02-01', '9999-01-01'), kept), {
    buckets: [
      { kind: 'month', month: month('2026-02') },
      { kind: 'month', month: month('2026-03') },
    ],
    edges: [],
    trustsLastStartedAt: true,
  });
});

test('nothing is read if the range starts after the last call', async (t) => {
  const none = { buckets: [], edges: [], trustsLastStartedAt: true };
  t.strictSame(planRange(range('2026-05-01', '2026-06-01'), available('2024-01-01', '2026-03-28')), none);
  t.strictSame(
    planRange(range('2026-05-01T10:00Z', '2026-06-01'), {
      fromDay: 0,
      lastStartedAt: Number.NEGATIVE_INFINITY,
    }),
    none,
  );
});

test('the time before the buckets is one edge', async (t) => {
  const kept = available('2026-03-15', '2027-01-01');
  t.strictSame(planRange(range('2020-01-01', '2026-05-01'), kept), {
    buckets: [
      { kind: 'days', month: month('2026-03'), first: 15, last: 31 },
      { kind: 'month', month: month('2026-04') },
    ],
    edges: [{ ...range('2020-01-01', '2026-03-15'), sign: 1 }],
    trustsLastStartedAt: false,
  });
  const before = range('2020-01-01T01:00Z', '2020-02-01T02:00Z');
  t.strictSame(planRange(before, kept), {
    buckets: [],
    edges: [{ ...before, sign: 1 }],
    trustsLastStartedAt: false,
  });
  const justInto = range('2020-01-01', '2026-03-15T03:00Z');
  t.strictSame(planRange(justInto, kept).edges, [{ ...justInto, sign: 1 }], 'joined with the cut day');
});

test('an empty range is an empty plan', async (t) => {
  const none = { buckets: [], edges: [], trustsLastStartedAt: false };
  t.strictSame(planRange(range('2026-03-01', '2026-03-01'), LONG), none);
  t.strictSame(planRange(range('2026-03-02', '2026-03-01'), LONG), none);
});

test('the plan of ten thousand years is bounded by what is kept', async (t) => {
  const kept = available('2024-03-10', '2026-03-28T14:00:00Z');
  const plan = planRange(range('0001-01-01', '9999-12-31T23:59:59.999Z'), kept);
  t.equal(plan.buckets.length, 25);
  t.strictSame(plan.edges, [{ ...range('0001-01-01', '2024-03-10'), sign: 1 }]);
  t.equal(planRange(range('0001-01-01', '0900-01-01'), kept).buckets.length, 0);
});

/** Moments that lie close together, at day, month and year borders or anywhere, so that cuts of all kinds occur. */
const moments = fc.oneof(
  fc.integer({ min: at('2025-12-25'), max: at('2026-01-08') }),
  fc.integer({ min: at('2023-12-01'), max: at('2026-04-01') }),
  fc.integer({ min: dayOf(at('2023-12-01')), max: dayOf(at('2026-04-01')) }).map((day) => day * DAY_MS),
  fc.integer({ min: month('2024-01'), max: month('2026-03') }).map((n) => Date.UTC(1970, n, 1)),
  fc
    .integer({ min: at('1960-01-01') / HOUR_MS, max: at('1972-01-01') / HOUR_MS })
    .map((hour) => hour * HOUR_MS),
);
const cases = fc.record({
  a: moments,
  b: moments,
  fromDay: moments.map(dayOf),
  daysFrom: fc.option(
    moments.map((ms) => firstDayOfMonth(monthOf(dayOf(ms)))),
    { nil: -Infinity },
  ),
  lastStartedAt: fc.oneof(
    moments,
    fc.constant(Number.NEGATIVE_INFINITY),
    fc.constant(Number.POSITIVE_INFINITY),
  ),
});

for (const planOf of [planRange, planRangeByMonths]) {
  test(`${planOf.name} counts every call of the range exactly once, for any range and retention`, async () => {
    fc.assert(
      fc.property(cases, ({ a, b, ...kept }) => {
        const asked = { from: Math.min(a, b), until: Math.max(a, b) };
        const wrong = wronglyCounted(planOf(asked, kept), asked);
        return wrong.every(({ from }) => from > kept.lastStartedAt);
      }),
      { numRuns: 5000 },
    );
  });

  test(`${planOf.name} trusts the latest start exactly if a later call would be counted wrong`, async () => {
    fc.assert(
      fc.property(cases, ({ a, b, ...kept }) => {
        const asked = { from: Math.min(a, b), until: Math.max(a, b) };
        const plan = planOf(asked, kept);
        return plan.trustsLastStartedAt === wronglyCounted(plan, asked).length > 0;
      }),
      { numRuns: 5000 },
    );
  });
}

test('a month whose other days have no calls is read as a whole, if that is wanted', async (t) => {
  const kept = available('2024-01-01', '2026-03-28T14:00:00Z');
  const endsNow = range('2026-02-27', '2026-03-28T14:30Z');
  const days = { kind: 'days', month: month('2026-02'), first: 27, last: 28 };
  t.strictSame(planRangeByMonths(endsNow, kept), {
    buckets: [days, { kind: 'month', month: month('2026-03') }],
    edges: [],
    trustsLastStartedAt: true,
  });
  t.strictSame(planRange(endsNow, kept).buckets, [
    days,
    { kind: 'days', month: month('2026-03'), first: 1, last: 28 },
  ]);
  const oneMore = available('2024-01-01', '2026-03-29T00:00:00Z');
  t.strictSame(
    planRangeByMonths(range('2026-02-27', '2026-03-29'), oneMore).buckets,
    [days, { kind: 'days', month: month('2026-03'), first: 1, last: 28 }],
    'a call at the first instant behind the range does not count',
  );
  t.strictSame(planRangeByMonths(range('2026-03-02', '2026-03-28T14:30Z'), kept).buckets, [
    { kind: 'days', month: month('2026-03'), first: 2, last: 28 },
  ]);
});

test('the sums of a plan equal those of the single calls', async () => {
  const calls = fc.array(moments, { maxLength: 40 });
  fc.assert(
    fc.property(cases, calls, ({ a, b, ...kept }, starts) => {
      const asked = { from: Math.min(a, b), until: Math.max(a, b) };
      const counted = starts.filter((ms) => ms <= kept.lastStartedAt);
      const within = ({ from, until }: Range) => counted.filter((ms) => from <= ms && ms < until).length;
      const plan = planRange(asked, kept);
      const ofBuckets = plan.buckets.reduce((sum, bucket) => sum + within(bucketRange(bucket)), 0);
      return plan.edges.reduce((sum, edge) => sum + edge.sign * within(edge), ofBuckets) === within(asked);
    }),
    { numRuns: 1000 },
  );
});

test('days before the first with a sum of its own are read by whole months', async (t) => {
  const kept = { ...available('2025-06-15', '2027-01-01'), daysFrom: dayOf(at('2026-02-01')) };
  t.strictSame(planRange(range('2025-01-01', '2026-02-03'), kept), {
    buckets: [
      ...['2025-07', '2025-08', '2025-09', '2025-10', '2025-11', '2025-12', '2026-01'].map((text) => ({
        kind: 'month',
        month: month(text),
      })),
      { kind: 'days', month: month('2026-02'), first: 1, last: 2 },
    ],
    edges: [{ ...range('2025-01-01', '2025-07-01'), sign: 1 }],
    trustsLastStartedAt: false,
  });
  t.strictSame(planRange(range('2025-09-05', '2025-10-10'), kept), {
    buckets: [{ kind: 'month', month: month('2025-09') }],
    edges: [
      { ...range('2025-09-01', '2025-09-05'), sign: -1 },
      { ...range('2025-10-01', '2025-10-10'), sign: 1 },
    ],
    trustsLastStartedAt: false,
  });
  fc.assert(
    fc.property(cases, ({ a, b, ...one }) => {
      const plan = planRange({ from: Math.min(a, b), until: Math.max(a, b) }, one);
      return plan.buckets.every(
        (bucket) => bucket.kind === 'month' || firstDayOfMonth(bucket.month) >= one.daysFrom,
      );
    }),
    { numRuns: 2000 },
  );
});

test('a plan has two edges at most, and they read no more than half of each cut day', async () => {
  fc.assert(
    fc.property(cases, ({ a, b, fromDay, lastStartedAt }) => {
      const asked = { from: Math.min(a, b), until: Math.max(a, b) };
      const plan = planRange(asked, { fromDay, lastStartedAt });
      const rowsMs = plan.edges.map(({ from, until }) =>
        Math.max(0, Math.min(until, lastStartedAt + 1) - Math.max(from, fromDay * DAY_MS)),
      );
      return plan.edges.length <= 2 && rowsMs.reduce((sum, ms) => sum + ms, 0) <= DAY_MS;
    }),
    { numRuns: 5000 },
  );
});

test('a plan reads whole months as months', async () => {
  fc.assert(
    fc.property(cases, ({ a, b, fromDay, lastStartedAt }) => {
      const asked = { from: Math.min(a, b), until: Math.max(a, b) };
      const { buckets } = planRange(asked, { fromDay, lastStartedAt });
      return buckets.every((bucket, index) => {
        const whole = bucketRange({ kind: 'month', month: bucket.month });
        const { from, until } = bucketRange(bucket);
        const isWhole = from === whole.from && until === whole.until;
        const follows = index === 0 || bucketRange(buckets[index - 1]!).until === from;
        return from >= fromDay * DAY_MS && follows && isWhole === (bucket.kind === 'month');
      });
    }),
    { numRuns: 5000 },
  );
});
