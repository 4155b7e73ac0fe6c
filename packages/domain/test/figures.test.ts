import { addTallies, dashboardData, type EffectiveRange, ZERO_TALLY } from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';

const range: EffectiveRange = {
  from: 0,
  until: 1,
  startDate: '2026-03-01T00:00:00Z',
  endDate: '2026-03-28T23:59:59Z',
};
const figures = (calls: number, durationMs: number) =>
  dashboardData({ range: { calls, durationMs }, today: 1, thisWeek: 2, thisMonth: 3 }, range);

/** Hundredths, half up, on unlimited integers. */
const hundredths = (dividend: bigint, divisor: bigint) => (2n * 100n * dividend + divisor) / (2n * divisor);

test('the example of the contract', async (t) => {
  t.strictSame(figures(342, 91_245_000), {
    total_calls: 342,
    total_duration_minutes: 1520.75,
    total_duration_hours: 25.35,
    avg_duration_minutes: 4.45,
    calls_today: 1,
    calls_this_week: 2,
    calls_this_month: 3,
    date_range: { start_date: '2026-03-01T00:00:00Z', end_date: '2026-03-28T23:59:59Z' },
  });
});

test('no calls give zeros, not NaN', async (t) => {
  t.match(figures(0, 0), { total_calls: 0, total_duration_minutes: 0, avg_duration_minutes: 0 });
});

test('halves round up', async (t) => {
  t.equal(figures(1, 299).total_duration_minutes, 0);
  t.equal(figures(1, 300).total_duration_minutes, 0.01);
  t.equal(figures(1, 899).total_duration_minutes, 0.01);
  t.equal(figures(1, 900).total_duration_minutes, 0.02);
  t.equal(figures(1, 17_999).total_duration_hours, 0);
  t.equal(figures(1, 18_000).total_duration_hours, 0.01);
  t.equal(figures(2, 600).avg_duration_minutes, 0.01);
  t.equal(figures(3, 600).avg_duration_minutes, 0);
});

test('the average is of the minutes shown', async (t) => {
  // 0.00 minutes shown: 2 calls of 149 ms are not 0.005 minutes each.
  t.equal(figures(2, 298).avg_duration_minutes, 0);
  // 900 ms are shown as 0.02 minutes; unrounded the average would be 0.0075, by the figures shown 0.01.
  t.equal(figures(4, 900).avg_duration_minutes, 0.01);
});

test('figures are exact for every sum of milliseconds a double can hold', async () => {
  const sums = fc.oneof(
    fc.maxSafeNat(),
    fc.nat(10_000_000),
    fc.nat(1000).map((n) => Number.MAX_SAFE_INTEGER - n),
    fc.nat(1_000_000_000).map((n) => n * 300),
  );
  fc.assert(
    fc.property(
      fc.oneof(fc.integer({ min: 1, max: 10_000 }), fc.integer({ min: 1, max: 2 ** 40 })),
      sums,
      (calls, ms) => {
        const data = figures(calls, ms);
        const minutes = hundredths(BigInt(ms), 60_000n);
        return (
          asHundredths(data.total_duration_minutes) === minutes &&
          asHundredths(data.total_duration_hours) === hundredths(BigInt(ms), 3_600_000n) &&
          asHundredths(data.avg_duration_minutes) === hundredths(minutes, BigInt(calls) * 100n)
        );
      },
    ),
    { numRuns: 2000 },
  );
});

test('figures do not depend on the order in which calls were added up', async (t) => {
  const calls = fc.array(fc.nat(604_800_000), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(calls, (durations) => {
      const tallies = durations.map((durationMs) => ({ calls: 1, durationMs }));
      const forward = addTallies(ZERO_TALLY, ...tallies);
      const backward = addTallies(...tallies.reverse());
      return (
        JSON.stringify(figures(forward.calls, forward.durationMs)) ===
        JSON.stringify(figures(backward.calls, backward.durationMs))
      );
    }),
  );
  t.pass();
});

/** From the text a JSON body shows, which must have two decimals at most. */
function asHundredths(shown: number): bigint {
  const match = /^(\d+)(?:\.(\d{1,2}))?$/.exec(JSON.stringify(shown));
  if (match === null) throw new Error(`${shown} has more than two decimals`);
  return BigInt(match[1]!) * 100n + BigInt((match[2] ?? '').padEnd(2, '0'));
}
