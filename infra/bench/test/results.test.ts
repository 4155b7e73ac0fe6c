import { test } from 'tap';
import type { Line } from '../src/results.ts';
import { resultOf, spreads } from '../src/results.ts';
import { table } from '../src/table.ts';

const PAIRS = [
  { ours: 80, other: 100 },
  { ours: 60, other: 120, detail: 1 },
  { ours: 90, other: 90 },
];
const line = (bound: Partial<Line>): Line => ({
  name: 'one',
  unit: 'events/s',
  ...bound,
});

test('a result has both medians, their ratio, the bound, whether it holds, and every sample', (t) => {
  t.strictSame(resultOf(line({ atLeast: 0.75 }), PAIRS, true), {
    name: 'one',
    unit: 'events/s',
    ours: 80,
    other: 100,
    ratio: 0.8,
    atLeast: 0.75,
    holds: true,
    samples: PAIRS,
  });
  t.end();
});

test('a bound includes its own value', (t) => {
  const holds = (bound: Partial<Line>) => resultOf(line(bound), PAIRS, true).holds;
  t.equal(holds({ atLeast: 0.8 }), true);
  t.equal(holds({ atLeast: 0.81 }), false);
  t.equal(holds({ atMost: 0.8 }), true);
  t.equal(holds({ atMost: 0.79 }), false);
  t.end();
});

test('without a comparison, ours itself is checked against the bound', (t) => {
  const alone = resultOf(line({ atMost: 15 }), [{ ours: 12 }, { ours: 20 }, { ours: 14 }], true);
  t.equal(alone.ours, 14);
  t.equal(alone.holds, true);
  t.notOk('other' in alone || 'ratio' in alone);
  t.equal(resultOf(line({ atMost: 15 }), [{ ours: 16 }], true).holds, false);
  t.end();
});

test('no bound holds or fails in a run that proves nothing, or in a line without one', (t) => {
  t.notOk('holds' in resultOf(line({ atLeast: 0.1 }), PAIRS, false));
  t.notOk('holds' in resultOf(line({ atMost: 10 }), PAIRS, false));
  t.notOk('holds' in resultOf(line({}), PAIRS, true));
  t.end();
});

test('a figure without a sample is an error', (t) => {
  t.throws(() => resultOf(line({}), [], true), { message: 'nothing was measured' });
  t.end();
});

test('the spread of the ratio is that within rounds', (t) => {
  t.strictSame(spreads(resultOf(line({}), PAIRS, true)), {
    ours: { min: 60, max: 90 },
    other: { min: 90, max: 120 },
    ratio: { min: 0.5, max: 1 },
  });
  t.end();
});

test('the table has medians, spreads and bounds, and marks bounds that do not hold', (t) => {
  const results = [
    resultOf(line({ name: 'fast', atLeast: 0.75 }), PAIRS, true),
    resultOf(line({ name: 'slow', atLeast: 0.9 }), [{ ours: 12_345.6, other: 24_691.2 }], true),
    resultOf(line({ name: 'small', unit: 'ms', atMost: 15 }), [{ ours: 1.23456 }], true),
    resultOf(line({ name: 'shown' }), [{ ours: 1 }], true),
  ];
  const cells = table(results)
    .split('\n')
    .map((row) => row.split('|').map((cell) => cell.trim()))
    .map((row) => row.slice(1, -1).join(' | '));
  t.strictSame(
    [cells[0], ...cells.slice(2)],
    [
      'figure | ours | other | unit | ratio | bound | holds',
      '`fast` | 80 (60–90) | 100 (90–120) | events/s | 0.8 (0.5–1) | ≥ 0.75 | yes',
      '`slow` | 12 346 (12 346–12 346) | 24 691 (24 691–24 691) | events/s | 0.5 (0.5–0.5) | ≥ 0.9 | **no**',
      '`small` | 1.23 (1.23–1.23) | – | ms | – | ≤ 15 ms | yes',
      '`shown` | 1 (1–1) | – | events/s | – | – | –',
    ],
  );
  t.end();
});

test('the table has processor times of both sides if any were measured', (t) => {
  const timed = PAIRS.map((pair, i) => ({ ...pair, oursUs: 30 + i, otherUs: 10 }));
  const cells = table([resultOf(line({}), timed, true), resultOf(line({}), PAIRS, true)])
    .split('\n')
    .map((row) => row.split('|')[6]?.trim());
  t.strictSame([cells[0], ...cells.slice(2)], ['processor time, µs', '31 / 10', '–']);
  t.end();
});
