import {
  addEdge,
  DAY_MS,
  dashboardWindows,
  dayOf,
  dayOfHalfHour,
  type Edge,
  firstDayOfMonth,
  firstHalfHourOfMonth,
  halfHourOf,
  monthOf,
  planByHalfHours,
  planRange,
  type Range,
  startOfHalfHour,
} from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';

const at = (text: string) => Date.parse(text);
const HALF_HOUR_MS = 1_800_000;

/** Windows and other ranges of any zone, what counters may have of them, and when the last call started. */
const anywhere = fc
  .record({
    zone: fc.constantFrom(...Intl.supportedValuesOf('timeZone')),
    now: fc.integer({ min: at('2000-01-01'), max: at('2040-01-01') }),
    length: fc.oneof(fc.integer({ min: 1, max: 3 * DAY_MS }), fc.integer({ min: 1, max: 100 * DAY_MS })),
    isCut: fc.boolean(),
    fromDay: fc.integer({ min: -2, max: 110 }),
    halfHoursFrom: fc.oneof(fc.integer({ min: -2, max: 110 }), fc.constant(-Infinity)),
    last: fc.oneof(fc.integer({ min: -DAY_MS, max: DAY_MS }), fc.integer({ min: 0, max: 110 * DAY_MS })),
  })
  .map(({ zone, now, length, isCut, ...ago }) => {
    const { today, thisWeek, thisMonth } = dashboardWindows(now, zone);
    const range = {
      from: isCut ? now - length : today.from - Math.floor(length / DAY_MS) * DAY_MS,
      until: now,
    };
    const available = {
      fromDay: dayOf(now) - ago.fromDay,
      halfHoursFrom: dayOf(now) - ago.halfHoursFrom,
      lastStartedAt: now - ago.last,
    };
    return { ranges: [today, thisWeek, thisMonth, range], available };
  });

test('in any zone, at any time, the plan of a window covers it exactly once', async () => {
  fc.assert(
    fc.property(anywhere, ({ ranges, available }) =>
      ranges.every((range) => {
        const plan = planByHalfHours(planRange(range, available), available);
        const halfHours = plan.halfHours.map(({ first, last, sign }) => ({
          from: first * HALF_HOUR_MS,
          until: (last + 1) * HALF_HOUR_MS,
          sign,
        }));
        const days = plan.buckets.map((bucket) => {
          const first = firstDayOfMonth(bucket.month);
          const [from, until] =
            bucket.kind === 'month'
              ? [first, firstDayOfMonth(bucket.month + 1)]
              : [first + bucket.first - 1, first + bucket.last];
          return { from: from * DAY_MS, until: until * DAY_MS, sign: 1 };
        });
        const parts = [...days, ...halfHours, ...plan.edges];
        // A call at or around any end of what is read is counted as often as it is in the range.
        const isRight = [range, ...parts]
          .flatMap(({ from, until }) => [from, until].flatMap((end) => [end - 1, end, end + 1]))
          .filter((call) => !plan.trustsLastStartedAt || call <= available.lastStartedAt)
          .every((call) => {
            const holds = ({ from, until }: Range) => call >= from && call < until;
            const counted = parts.filter(holds).reduce((sum, { sign }) => sum + sign, 0);
            return counted === (holds(range) ? 1 : 0);
          });
        const kept = Math.max(available.fromDay, available.halfHoursFrom) * DAY_MS;
        const areOfMonths = plan.halfHours.every(({ month, first, last }) =>
          [first, last].every((one) => monthOf(dayOfHalfHour(one)) === month),
        );
        // Rows of a whole half-hour that counters have are asked of nobody.
        const isSpare = plan.edges.some(({ from, until }) => {
          const first = Math.ceil(Math.max(from, kept) / HALF_HOUR_MS);
          return (first + 1) * HALF_HOUR_MS <= Math.min(until, available.lastStartedAt + 1);
        });
        return isRight && areOfMonths && !isSpare && halfHours.every(({ from }) => from >= kept);
      }),
    ),
    { numRuns: 2_000 },
  );
});

test('half-hours have numbers from 1970, by UTC', async (t) => {
  t.equal(halfHourOf(0), 0);
  t.equal(halfHourOf(-1), -1);
  t.equal(halfHourOf(at('2026-03-01T09:59:59.999Z')), halfHourOf(at('2026-03-01T09:30Z')));
  t.equal(startOfHalfHour(halfHourOf(at('2026-03-01T09:59Z'))), at('2026-03-01T09:30Z'));
  const month = monthOf(dayOf(at('2026-03-01')));
  t.equal(startOfHalfHour(firstHalfHourOfMonth(month)), at('2026-03-01'));
  t.equal(dayOfHalfHour(firstHalfHourOfMonth(month) - 1), firstDayOfMonth(month) - 1);
  t.equal(dayOfHalfHour(-1), -1);
});

test('today of Kolkata is a UTC day, and half-hours of the one before', async (t) => {
  const range = { from: at('2026-03-09T18:30Z'), until: at('2026-03-10T18:30Z') };
  const available = { fromDay: 0, halfHoursFrom: 0, lastStartedAt: at('2026-03-10T12:10Z') };
  const plan = planByHalfHours(planRange(range, available), available);
  const month = monthOf(dayOf(range.from));
  const first = range.from / HALF_HOUR_MS;
  t.strictSame(plan, {
    buckets: [{ kind: 'days', month, first: 10, last: 10 }],
    edges: [],
    halfHours: [{ kind: 'half-hours', month, first, last: first + 10, sign: 1 }],
    trustsLastStartedAt: true,
  });
});

test('half-hours are split at the turn of a month, and rows of quarters stay rows', async (t) => {
  const from = at('2026-02-28T22:15Z');
  const until = at('2026-03-01T01:45Z');
  const available = { fromDay: 0, halfHoursFrom: 0, lastStartedAt: Infinity };
  const edge: Edge = { from, until, sign: -1 };
  const plan = planByHalfHours({ buckets: [], edges: [edge], trustsLastStartedAt: false }, available);
  const march = monthOf(dayOf(until));
  const turn = firstHalfHourOfMonth(march);
  t.strictSame(plan.halfHours, [
    { kind: 'half-hours', month: march - 1, first: turn - 3, last: turn - 1, sign: -1 },
    { kind: 'half-hours', month: march, first: turn, last: turn + 2, sign: -1 },
  ]);
  t.strictSame(plan.edges, [
    { from, until: at('2026-02-28T22:30Z'), sign: -1 },
    { from: at('2026-03-01T01:30Z'), until, sign: -1 },
  ]);
  t.strictSame(
    planByHalfHours(
      { buckets: [], edges: [edge], trustsLastStartedAt: false },
      { fromDay: 0, lastStartedAt: Infinity },
    ).edges,
    [edge],
    'without sums by half-hour, everything does',
  );
});

test('half-hours go on those before them only if they are next to them and have the same sign', async (t) => {
  const hour = (from: number, sign: 1 | -1): Edge => ({
    from: from * 2 * HALF_HOUR_MS,
    until: (from + 1) * 2 * HALF_HOUR_MS,
    sign,
  });
  const edges = [hour(0, 1), hour(1, 1), hour(2, -1), hour(4, -1)];
  const available = { fromDay: 0, halfHoursFrom: 0, lastStartedAt: Infinity };
  const plan = planByHalfHours({ buckets: [], edges, trustsLastStartedAt: false }, available);
  t.match(plan.halfHours, [
    { first: 0, last: 3, sign: 1 },
    { first: 4, last: 5, sign: -1 },
    { first: 8, last: 9, sign: -1 },
  ]);
  t.equal(plan.halfHours.length, 3);
});

test('an edge goes on the one before only if it is next to it and has the same sign', async (t) => {
  const edges: Edge[] = [];
  addEdge(edges, { from: 5, until: 5, sign: 1 });
  addEdge(edges, { from: 5, until: 7, sign: 1 });
  addEdge(edges, { from: 7, until: 9, sign: 1 });
  addEdge(edges, { from: 9, until: 10, sign: -1 });
  addEdge(edges, { from: 11, until: 12, sign: -1 });
  t.strictSame(edges, [
    { from: 5, until: 9, sign: 1 },
    { from: 9, until: 10, sign: -1 },
    { from: 11, until: 12, sign: -1 },
  ]);
});
