import { strict as assert } from 'node:assert';
import {
  binsOfQuantiles,
  type DurationBin,
  durationBinOf,
  durationDistribution,
  durationsData,
  HISTOGRAM_SECONDS,
  NARROW_BIN_MS,
  TooManyCallsError,
  WIDE_BIN_MS,
  WIDE_BINS_FROM_MS,
} from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';

const DURATION_MAX_MS = 604_800_000;
const range = { from: 0, until: 1, startDate: '2026-03-01T00:00:00Z', endDate: '2026-03-28T23:59:59Z' };

/** Near each end of an interval or bin, within an hour, up to a week, and often the same. */
const someDuration = fc.oneof(
  fc.nat(20),
  fc.nat(WIDE_BINS_FROM_MS),
  fc.nat(DURATION_MAX_MS),
  fc.constantFrom(WIDE_BINS_FROM_MS - 1, WIDE_BINS_FROM_MS, DURATION_MAX_MS),
  fc
    .tuple(fc.constantFrom(...HISTOGRAM_SECONDS), fc.constantFrom(-1, 0, 1))
    .map(([seconds, off]) => Math.max(0, seconds * 1_000 + off)),
);

/** What counts of each duration: 1, or −1 where a correction takes a call away. */
type Signed = readonly [durationMs: number, sign: 1 | -1];

function binsOf(calls: readonly Signed[]): DurationBin[] {
  return calls.map(([durationMs, sign]) => ({
    bin: durationBinOf(durationMs),
    calls: sign,
    durationMs: sign * durationMs,
  }));
}

function distributionOf(calls: readonly Signed[]) {
  const bins = binsOf(calls);
  const wanted = binsOfQuantiles(bins);
  const values = calls
    .filter(([durationMs]) => wanted.includes(durationBinOf(durationMs)))
    .map(([durationMs, sign]) => ({ durationMs, calls: sign }));
  return durationDistribution(bins, values);
}

test('the distribution is that of the sorted durations, with what corrections add and take away', async (t) => {
  let corrected = 0;
  fc.assert(
    fc.property(fc.array(someDuration, { maxLength: 250 }), fc.array(someDuration), (kept, removed) => {
      corrected += removed.length;
      const sorted = kept.toSorted((a, b) => a - b);
      /** The least that so many of a hundred are at most as long as. */
      const nearestRank = (percent: number) =>
        sorted.find((one) => sorted.filter((other) => other <= one).length * 100 >= percent * sorted.length)!;
      const calls: Signed[] = [
        ...removed.map((one) => [one, -1] as const),
        ...kept.map((one) => [one, 1] as const),
        ...removed.map((one) => [one, 1] as const),
      ];
      assert.deepEqual(distributionOf(calls), {
        calls: kept.length,
        durationMs: kept.reduce((sum, one) => sum + one, 0),
        quantiles:
          kept.length === 0
            ? undefined
            : {
                min: sorted[0],
                p50: nearestRank(50),
                p90: nearestRank(90),
                p95: nearestRank(95),
                p99: nearestRank(99),
                max: sorted.at(-1),
              },
        histogram: HISTOGRAM_SECONDS.map(
          (from, i) =>
            kept.filter(
              (ms) =>
                ms >= from * 1_000 && ms < (HISTOGRAM_SECONDS[i + 1] ?? Number.POSITIVE_INFINITY) * 1_000,
            ).length,
        ),
      });
    }),
    { numRuns: 500 },
  );
  t.ok(corrected > 0);
});

test('nearest rank: of 1 to 1000 the 500th, 900th, 950th and 990th, of two the first and the last', async (t) => {
  const upTo = (n: number) => Array.from({ length: n }, (_, i): Signed => [i + 1, 1]);
  t.strictSame(distributionOf(upTo(1_000)).quantiles, {
    ...{ min: 1, p50: 500, p90: 900, p95: 950, p99: 990, max: 1_000 },
  });
  t.strictSame(distributionOf(upTo(2)).quantiles, { min: 1, p50: 1, p90: 2, p95: 2, p99: 2, max: 2 });
});

test('bins hold at most 10 000 durations, lie in one interval of the histogram, and are few', async (t) => {
  fc.assert(
    fc.property(someDuration, (durationMs) => {
      const bin = durationBinOf(durationMs);
      const width = bin < WIDE_BINS_FROM_MS ? NARROW_BIN_MS : WIDE_BIN_MS;
      assert.ok(bin <= durationMs && durationMs < bin + width && width <= 10_000);
      assert.equal(durationBinOf(bin), bin);
      assert.equal(durationBinOf(bin + width), bin + width, 'the next one begins where it ends');
    }),
  );
  for (const seconds of HISTOGRAM_SECONDS) t.equal(durationBinOf(seconds * 1_000), seconds * 1_000);
  const bins = WIDE_BINS_FROM_MS / NARROW_BIN_MS + (DURATION_MAX_MS - WIDE_BINS_FROM_MS) / WIDE_BIN_MS + 1;
  t.ok(bins < 70_000, `${bins}`);
});

test('seconds are exact to the millisecond, and null without calls', async (t) => {
  const calls: Signed[] = [
    [84_250, 1],
    [9_999, 1],
    [604_799_999, 1],
  ];
  t.strictSame(JSON.parse(JSON.stringify(durationsData(distributionOf(calls), range))), {
    calls: 3,
    duration_ms: 604_894_248,
    percentiles: { p50: 84.25, p90: 604_799.999, p95: 604_799.999, p99: 604_799.999 },
    min_seconds: 9.999,
    max_seconds: 604_799.999,
    histogram: [
      { from_seconds: 0, to_seconds: 10, calls: 1 },
      { from_seconds: 10, to_seconds: 30, calls: 0 },
      { from_seconds: 30, to_seconds: 60, calls: 0 },
      { from_seconds: 60, to_seconds: 120, calls: 1 },
      { from_seconds: 120, to_seconds: 300, calls: 0 },
      { from_seconds: 300, to_seconds: 600, calls: 0 },
      { from_seconds: 600, to_seconds: 1_200, calls: 0 },
      { from_seconds: 1_200, to_seconds: 1_800, calls: 0 },
      { from_seconds: 1_800, to_seconds: 3_600, calls: 0 },
      { from_seconds: 3_600, to_seconds: null, calls: 1 },
    ],
    date_range: { start_date: '2026-03-01T00:00:00Z', end_date: '2026-03-28T23:59:59Z' },
  });
  const none = durationsData(distributionOf([]), range);
  t.strictSame(none.percentiles, { p50: null, p90: null, p95: null, p99: null });
  t.match(none, { calls: 0, duration_ms: 0, min_seconds: null, max_seconds: null });
  t.ok(none.histogram.every(({ calls }) => calls === 0));
  const millisecond = fc.nat(DURATION_MAX_MS);
  fc.assert(
    fc.property(millisecond, (durationMs) => {
      const { max_seconds } = durationsData(distributionOf([[durationMs, 1]]), range);
      const [whole, fraction = ''] = JSON.stringify(max_seconds).split('.');
      assert.equal(BigInt(`${whole}${fraction.padEnd(3, '0')}`), BigInt(durationMs));
    }),
  );
});

test('too many calls: the message tells how many, and the remedy', async (t) => {
  t.equal(
    new TooManyCallsError(7_000_000, 500_000).message,
    'The range has 7000000 calls; at most 500000 are read for durations. Shorten the range.',
  );
});
