import fc from 'fast-check';
import { test } from 'tap';
import { edge, exactDuration, shortDuration, spanName } from '../src/durations.ts';

test('a duration is said to the second, or to the minute from an hour on', async (t) => {
  for (const [seconds, text] of [
    [0, '0 s'],
    [42.356, '42.356 s'],
    [59.999, '59.999 s'],
    [60, '1 min 0 s'],
    [192.345, '3 min 12 s'],
    [119.5, '2 min 0 s'],
    [3_599.499, '59 min 59 s'],
    [3_599.5, '1 h 0 min'],
    [3_929, '1 h 5 min'],
    [7_170, '2 h 0 min'],
    [86_400, '24 h 0 min'],
  ] as const) {
    t.equal(shortDuration(seconds), text, String(seconds));
  }
  t.equal(exactDuration(4_012.5), '4,012.5 s');
});

test('no duration is more than half a second or half a minute off', async () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 200_000_000 }), (ms) => {
      const units = { h: 3_600_000, min: 60_000, s: 1_000 };
      const parts = [...shortDuration(ms / 1000).matchAll(/([\d.]+) (h|min|s)/g)];
      const said = parts.reduce((sum, [, count, unit]) => sum + Number(count) * units[unit as 'h'], 0);
      return Math.abs(said - ms) <= (ms < 60_000 ? 1e-6 : ms < 3_599_500 ? 500 : 30_000);
    }),
  );
});

test('spans and their edges are short', async (t) => {
  t.same([10, 30, 60, 1800, 3600].map(edge), ['10s', '30s', '1m', '30m', '1h']);
  t.equal(spanName(0, 10), 'under 10 s');
  t.equal(spanName(10, 30), '10 to 30 s');
  t.equal(spanName(30, 60), '30 s to 1 min');
  t.equal(spanName(120, 300), '2 to 5 min');
  t.equal(spanName(1800, 3600), '30 min to 1 h');
  t.equal(spanName(3600, null), '1 h or more');
});
