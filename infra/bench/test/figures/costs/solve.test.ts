import fc from 'fast-check';
import { test } from 'tap';
import { solve } from '../../../src/figures/costs/solve.ts';

test('costs are found from loads that differ', (t) => {
  const cost = fc.double({ min: 0, max: 1e4, noNaN: true });
  fc.assert(
    fc.property(fc.tuple(cost, cost, cost), (costs) => {
      const loads = [
        [180_000, 8_000, 700],
        [180_000, 180_000, 750],
        [4_500, 4_500, 4_500],
      ];
      const found = solve(
        loads.map((load) => [...load, load.reduce((sum, count, i) => sum + count * costs[i]!, 0)]),
      );
      return found.every((one, i) => Math.abs(one - costs[i]!) < 0.001);
    }),
  );
  t.end();
});

test('what noise makes negative is 0, and loads that do not differ are refused', (t) => {
  t.strictSame(
    solve([
      [1, 1, 1],
      [1, 2, 3],
    ]),
    [0, 2],
  );
  t.strictSame(
    solve([
      [1, 1, 1],
      [1, 2, 0.5],
    ]),
    [1.5, 0],
  );
  t.throws(
    () =>
      solve([
        [1, 1, 1],
        [2, 2, 2],
      ]),
    /no single solution/,
  );
  t.end();
});
