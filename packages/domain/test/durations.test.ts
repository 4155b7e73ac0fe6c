import { millisecondsOf } from '@calltally/domain';
import fc from 'fast-check';
import { test } from 'tap';

test('half milliseconds round up by their decimal digits, not by their binary value', async (t) => {
  const known: [seconds: number, ms: number][] = [
    [0, 0],
    [1, 1000],
    [604_800, 604_800_000],
    [12.5, 12_500],
    [266.798, 266_798],
    [1.0005, 1001],
    [0.0015, 2],
    [0.0005, 1],
    [0.00049, 0],
    [0.0004999999999999999, 0],
    [1.0014999999999998, 1001],
    [8.5755, 8576],
    [604_799.9995, 604_800_000],
    [604_799.9994999999, 604_799_999],
    [5e-7, 0],
    [5e-324, 0],
    [-0, 0],
  ];
  for (const [seconds, ms] of known) t.equal(millisecondsOf(seconds) + 0, ms, String(seconds));
});

test('every decimal of up to 7 places gives what integer arithmetic gives', async () => {
  const decimals = fc.record({ units: fc.bigInt({ min: 0n, max: 604_800n * 10n ** 7n }), places: fc.nat(7) });
  fc.assert(
    fc.property(decimals, ({ units, places }) => {
      const scale = 10n ** BigInt(places);
      const digits = String(units % scale).padStart(places, '0');
      const seconds = Number(`${units / scale}.${places === 0 ? '0' : digits}`);
      if (seconds > 604_800) return true;
      return BigInt(millisecondsOf(seconds)) === (units * 1000n * 2n + scale) / (2n * scale);
    }),
    { numRuns: 2000 },
  );
});

test('an invalid duration is refused', async (t) => {
  for (const seconds of [-1, -0.001, Number.NaN, Number.POSITIVE_INFINITY, 1e15]) {
    t.throws(() => millisecondsOf(seconds), RangeError, String(seconds));
  }
});
